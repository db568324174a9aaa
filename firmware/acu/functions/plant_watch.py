"""What a dispatching ACU watches and counts: does the diesel set start, what was spent.

Slow tier of role microgrid. DieselWatch takes its feedback and says what happened; Accounts sums
energies and costs, exactly, over every window that was measured. Both only look: the role drives,
logs and stores with the answers.
"""
import struct

from micropython import const

# States.
AT_REST = const(0)
STARTING = const(1)
RUNNING = const(2)
FAILED = const(3)

# Answers of step(); numbers of the event MG_DIESEL: never re-used.
NOTHING = const(-1)
STOPPED = const(0)
STARTED = const(1)
NO_START = const(2)      # ordered, and not running in time, or its controller reports a fault
LOST = const(3)          # stopped by itself
AGAIN = const(4)         # may be tried again


class DieselWatch:
    """start_ms: it must run by then; retry_ms: so long it counts as unavailable afterwards."""

    def __init__(self, start_ms, retry_ms):
        self.state = AT_REST
        self.available = True
        self.since_ms = 0        # of the present state
        self._start_ms = start_ms
        self._retry_ms = retry_ms

    def step(self, now_ms, ordered, runs, fault):
        """ordered: its contact is wanted closed; runs, fault: its inputs."""
        state = self.state
        if state == FAILED:
            if now_ms - self.since_ms < self._retry_ms or fault:
                return NOTHING
            self.available = True
            return self._to(now_ms, AT_REST, AGAIN)
        if fault and (ordered or state != AT_REST):
            return self._fail(now_ms, LOST if state == RUNNING else NO_START)
        if state == AT_REST:
            if ordered:
                return self._to(now_ms, STARTING, NOTHING)
        elif not ordered:
            return self._to(now_ms, AT_REST, STOPPED if state == RUNNING else NOTHING)
        elif state == STARTING:
            if runs:
                return self._to(now_ms, RUNNING, STARTED)
            if now_ms - self.since_ms >= self._start_ms:
                return self._fail(now_ms, NO_START)
        elif not runs:
            return self._fail(now_ms, LOST)
        return NOTHING

    def rest_ms(self, now_ms):
        """Until step() has something to do while nothing changes; -1: nothing."""
        if self.state == STARTING:
            return self.since_ms + self._start_ms - now_ms
        if self.state == FAILED and now_ms - self.since_ms < self._retry_ms:
            return self.since_ms + self._retry_ms - now_ms
        return -1

    def _fail(self, now_ms, answer):
        self.available = False
        return self._to(now_ms, FAILED, answer)

    def _to(self, now_ms, state, answer):
        self.state = state
        self.since_ms = now_ms
        return answer


# Places of the sums.
A_PV = const(0)
A_LOAD = const(1)
A_DIESEL = const(2)
A_PNS = const(3)
_N = const(4)

_VERSION = const(1)
_FORM = "<BQQQQQ"        # version, mWh of each, micro-EUR


class Accounts:
    """Since the board was commissioned. rate_hz: frames in which time is counted."""

    def __init__(self, plant, rate_hz):
        self.mwh = [0] * _N
        self.ueur = 0
        self._plant = plant
        self._per_mwh = rate_hz * 3600
        self._rest = [0] * _N        # mW frames
        self._neur = 0               # nano-EUR an hour, times frames

    def add(self, n_frames, pv_mw, load_mw, diesel_mw, pns_mw, runs):
        """One window. What was not seen is 0."""
        rest, mwh, per = self._rest, self.mwh, self._per_mwh
        k = 0
        for p_mw in (pv_mw, load_mw, diesel_mw, pns_mw):
            if p_mw > 0:
                x = rest[k] + p_mw * n_frames
                mwh[k] += x // per
                rest[k] = x % per
            k += 1
        plant = self._plant
        neur_h = pns_mw * plant.c_pns_ueur_kwh // 1000
        if runs:
            p = max(diesel_mw, 0)
            neur_h += ((plant.d2_ueur_kw2h * p * p + 500_000_000) // 1_000_000_000
                       + plant.d1_ueur_kwh * p // 1000 + 1000 * plant.d0_ueur_h)
        if neur_h:
            x = self._neur + neur_h * n_frames
            per *= 1000
            self.ueur += x // per
            self._neur = x % per

    def total(self):
        """Grows with each of the sums."""
        return sum(self.mwh) + self.ueur // 100

    def pack(self):
        """For a Record, which adds sequence and CRC."""
        return struct.pack(_FORM, _VERSION, *self.mwh, self.ueur)

    def unpack(self, raw):
        """Takes the sums up again; False, and nothing is changed, if they are none."""
        if len(raw) != struct.calcsize(_FORM) or raw[0] != _VERSION:
            return False
        sums = struct.unpack(_FORM, raw)
        self.mwh = list(sums[1:1 + _N])
        self.ueur = sums[1 + _N]
        return True
