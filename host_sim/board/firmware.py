"""The controllers of a run, all in this CPython process. host_sim/vm/client.py offers the same
calls."""
from acu.dsp.ring import RingSampler
from host_sim.board.unit import Unit
from host_sim.waveform.twin import TwinSampler


class Firmware:
    """ask(acu id, k0, n, phase, step, out): quantity-level sums. twin: kernels by their numpy
    twin. rests: see Unit."""

    python = "cpython"
    pulls = False       # True: fetches the codes itself, see twinned.py

    def __init__(self, specs, ask, twin=True, rests=True):
        ring = TwinSampler if twin else RingSampler
        self.units = {}
        for spec in specs:
            def asking(*args, name=spec["id"]):
                ask(name, *args)

            self.units[spec["id"]] = Unit(spec, ring, asking, rests=rests)

    def boot(self, acu_id, t_us, levels, up):
        """The topic filters that it subscribes."""
        return self.units[acu_id].boot(t_us, levels, up)

    def off(self, acu_id):
        self.units[acu_id].off()

    def set_clock_error(self, acu_id, error_ms):
        self.units[acu_id].clock.error_ms += error_ms

    def hang(self, acu_id, until_us):
        """Fault: the slow tier hangs; the fast one and the watchdog go on."""
        self.units[acu_id].hang_until_us = until_us

    def stored(self, acu_id):
        """Its records of samples around events."""
        return self.units[acu_id].stored()

    def keys(self, acu_id, data):
        """Typed at its console; what it has said since the last call."""
        return self.units[acu_id].keys(data)

    def instant(self, t_us, slow, work):
        """work: [(acu id, frames, levels, messages, up)] in the order of ids.
        Returns [(drives, published, lines, wake_us)] likewise (Unit.instant)."""
        return [self.units[name].instant(t_us, frames, levels, messages, slow, up)
                for name, frames, levels, messages, up in work]

    def close(self):
        pass
