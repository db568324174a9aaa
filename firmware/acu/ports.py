"""The doors between the logic and the world. Documentation and constants only: nothing inherits.

A board's drivers and the simulator's `host_sim/board` both offer these calls; app.build() gets one
of each. Every call returns at once. docs/architecture.md has the contract of each in a page.

Clock       now_ms()    monotonic ms since start, never wraps (slow tier only)
            ticks_us()  wrapping microseconds, period 2^30, for the fast tier
            ticks_diff(a, b)  their difference
            utc_ms()    Unix time of the device's own clock (may be wrong until ISF-2 corrected it)
Sampler     channels, rate_hz, pairs, overruns, ready(), take(n, ref, out): see architecture
Switchgear  drive(output, level): level CLOSE or OPEN energises the coil that way, RELEASE none
            feedback(input) -> 1 contact closed / input active, 0 not; an analog input its value
            outputs, inputs: how many there are
Link        up: connected. publish(topic, payload, qos, retain) -> 0 not taken (down, full); 1
            taken, nothing more is heard of it; n >= 2 taken, and n stands in `acks` once the
            broker has it, unless the connection breaks (`session`, a count, changes): send again.
            subscribe(topic_filter), for this and all later connections; poll(on_message): what
            came, never waits. trusted: True only in a simulation, which needs no keys
Store       read(name, at=0, n=-1) -> bytes or None; write(name, data), append(name, data),
            remove(name) -> False if it failed; size(name) -> -1: none; names(). A cut leaves a
            written file as it was or as it is to be. Raises nothing: failed, code, shed count
"""
from micropython import const

CLOSE = const(1)
OPEN = const(0)
RELEASE = const(-1)

FOREVER_MS = const(86_400_000)      # of a rest: nothing is due
