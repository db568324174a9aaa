"""Level 'phasor': time leaps from one thing to the next, and whoever is busy is looked at closely.

A controller is at phasor level while its firmware says that it may rest (Acu.rest_ms), its
voltages are in band and nothing is about to happen to it: then it is called only when its rest is
over, a message has come or its window of the averages is full, and is told what it has measured
meanwhile (world/leap.py). Else it is fine: called every 5 ms with the frames or sums of its own
front end. An event on supply, phases, faults, reboots and links makes those that it concerns fine
from before_s on, for after_s at least and until they rest again.
"""
import heapq

from host_sim.world.leap import LeapStreet

STEP_US = 5_000
SLOW_US = 10_000
_NOTHING = ("scc", "clock")       # these come as messages or change nothing at once
_BUCKETS = 16                     # of an average (functions/averaging.py)
_DEFAULT = ("quantity", 2.0, 5.0, ())


def _up(t_us: int, grid_us: int) -> int:
    return -(-t_us // grid_us) * grid_us


def _after(t_us: int) -> int:
    """End of the block in which t_us lies."""
    return (t_us // STEP_US + 1) * STEP_US


def zoom_of(scenario) -> tuple:
    """(level, before_s, after_s, ids that are always fine)"""
    zoom = getattr(scenario, "zoom", None)
    return (zoom.level, zoom.before_s, zoom.after_s, zoom.acus) if zoom else _DEFAULT


class Leaping:
    """Drives a Run (runner.py), whose parts it uses; one call of step() is one instant."""

    def __init__(self, run, street: LeapStreet):
        self._run = run
        self._street = street
        _, before_s, after_s, named = zoom_of(run.scenario)
        self._before_us, self._after_us = round(before_s * 1e6), round(after_s * 1e6)
        self._named = frozenset(named)
        self.longest_us = 3_600_000_000   # of a leap
        self.fine: set[str] = set()
        self._focused: set[str] = set()
        self.instants = 0
        self.calls = 0                    # of controllers at phasor level
        self.fine_calls = 0
        self._off: set[str] = set(run.specs)
        self._mail: set[str] = set()      # with something in the inbox
        self._wake: dict[str, int] = {}   # of those at phasor level
        self._heap: list = []             # (wake, id); only the one that _wake says counts
        self._hold = dict.fromkeys(run.specs, 0)   # fine until then
        self._windows: list = []          # heap of (from, to, ids)
        self._epoch = -1
        self._all = sorted(run.specs)
        self._eager = [name for name in self._all      # few, and their readings are looked at
                       if run.specs[name]["config"]["role"] != "operator"]
        self._bucket_us, self._band_v = {}, {}
        for name in self._all:
            cfg = run.settings(name)
            self._bucket_us[name] = max(cfg["ub_avg_ms"] * 1000 // _BUCKETS, SLOW_US)
            self._band_v[name] = (cfg["un_dv"] * cfg["u_lo_pm"] / 10_000,
                                  cfg["un_dv"] * cfg["u_hi_pm"] / 10_000)
        for event in run.scenario.events:
            self.expect(event)

    def expect(self, event):
        """Plans to look closely at what this event concerns."""
        if event.kind in _NOTHING or event.args.get("name") == "load_pct":
            return
        acu = event.args.get("acu", "")
        ids = [acu] if acu in self._hold else self._all
        for_us = round(event.args.get("for_ms", event.args.get("off_ms", 0)) * 1000)
        ends = [event.t_us] if event.kind == "hang" else [event.t_us, event.t_us + for_us]
        stay_us = self._after_us + (for_us if event.kind == "hang" else 0)
        for t_us in sorted(set(ends)):
            heapq.heappush(self._windows, (t_us - self._before_us, t_us + stay_us, tuple(ids)))

    # -- one instant

    def step(self):
        run, street = self._run, self._street
        t_us = self._next_us()
        run.t_us = t_us
        self.instants += 1
        run.apply_events(t_us)
        street.step(t_us)
        run.new_block()
        slow = t_us % SLOW_US == 0
        self._mail.update(run.collect(t_us))
        due: set[str] = set()
        if slow:
            due.update(self._mail)
            self._mail.clear()
            while self._heap and self._heap[0][0] <= t_us:
                wake_us, name = heapq.heappop(self._heap)
                if self._wake.get(name) == wake_us:
                    due.add(name)
        turning = self._turning(t_us)
        booted = self._power(t_us, turning)
        called = sorted((due - self._off) | turning | self.fine)
        work = []
        for name in called:
            if name in booted:
                seen = None
            elif name in self.fine:
                seen = run.frames(name)
                self.fine_calls += 1
            else:
                seen = street.reading(name, name in turning)
                self.calls += 1
            work.append(run.entry(name, seen, slow))
        wakes = run.exchange(t_us, slow, work)
        for name, wake_us in zip(called, wakes, strict=True):
            if name in self.fine:
                if slow and wake_us > t_us and self._quiet(name, t_us):
                    self.fine.remove(name)
                    street.leave(name)
                    self._sleep(name, t_us, wake_us)
            elif name in turning or (slow and wake_us <= t_us):
                self.fine.add(name)
                self._wake.pop(name, None)
            else:
                self._sleep(name, t_us, wake_us)
        if self.fine != self._focused:
            self._focused = set(self.fine)
            street.focus(self.fine)

    def _next_us(self) -> int:
        run = self._run
        soonest = run.t_us + STEP_US
        if self.fine or self._off - self._unpowered():
            return soonest
        heap = self._heap
        while heap and self._wake.get(heap[0][1]) != heap[0][0]:
            heapq.heappop(heap)
        t_us = min(run.t_us + self.longest_us, _up(run.scenario.run_us, STEP_US))
        if heap:
            t_us = min(t_us, heap[0][0])
        if self._windows:
            t_us = min(t_us, _up(self._windows[0][0], STEP_US))
        if self._mail:
            t_us = min(t_us, _up(soonest, SLOW_US))
        for due_us, grid_us in ((run.bus.next_us(), SLOW_US), (run.next_event_us(), 0),
                                (self._street.next_us(), 0)):
            if due_us is not None:
                t_us = min(t_us, _up(due_us, grid_us) if grid_us else _after(due_us))
        for name in self._off:
            if run.off_until(name) > run.t_us:
                t_us = min(t_us, _up(run.off_until(name), STEP_US))
        return max(t_us, soonest)

    def _unpowered(self) -> set:
        """Those that are off and stay so until something happens to the street, or its time."""
        run = self._run
        return {name for name in self._off
                if not self._street.powered(name) or run.off_until(name) > run.t_us}

    def _turning(self, t_us: int) -> set:
        """Those at phasor level that must be looked at closely from now on."""
        turning: set[str] = set()
        while self._windows and self._windows[0][0] <= t_us:
            _, until_us, ids = heapq.heappop(self._windows)
            for name in ids:
                self._hold[name] = max(self._hold[name], until_us)
            turning.update(ids)
        epoch = self._street.epoch()
        if epoch != self._epoch:
            self._epoch = epoch
            turning.update(name for name in self._all if not self._in_band(name))
            for name in self._eager:
                if name in self._wake:
                    self._sleep(name, t_us, _up(t_us + 1, SLOW_US))
        return turning - self.fine - self._off

    def _power(self, t_us: int, turning: set) -> set:
        """Switches off who has no power any more; returns who has just been started."""
        run = self._run
        for name in [*self.fine, *turning]:
            if not run.powered(name, t_us):
                self.fine.discard(name)
                turning.discard(name)
                self._wake.pop(name, None)
                self._off.add(name)
                self._street.off(name)
        booted = {name for name in self._off if run.powered(name, t_us)}
        for name in sorted(booted):
            run.boot(name, t_us)
            self._street.leave(name)
        self._off -= booted
        turning |= booted
        return booted

    def _quiet(self, name: str, t_us: int) -> bool:
        return (self._hold[name] <= t_us and name not in self._named
                and not self._street.faulty(name) and self._in_band(name))

    def _in_band(self, name: str) -> bool:
        low, high, inside = self._street.extremes(name)
        least, most = self._band_v[name]
        return inside and least < low and high < most

    def _sleep(self, name: str, t_us: int, wake_us: int):
        """Until wake_us, but no longer than a step of its averages."""
        wake_us = _up(min(wake_us, t_us + self._bucket_us[name]), SLOW_US)
        if self._wake.get(name) != wake_us:
            self._wake[name] = wake_us
            heapq.heappush(self._heap, (wake_us, name))
