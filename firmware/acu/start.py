"""The supervisor: makes a controller of a slot's files, runs it, and watches over it.

run() is called by main.py and does not return but by Ctrl-C, which works only where no controller
runs. What is done once is in begin.py. Each pass of 10 ms: messages, the slow tier or its rest,
the console, and the watchdog by the scheduler's rule. What is wrong with settings or drivers
leaves the console and no controller; what is wrong in a controller is fatal and goes up to
main.py. Times in ms. docs/starting.md tells it.
"""
from micropython import const

from acu import events as ev
from acu import forget

_PASS_MS = const(10)
_GOOD_MS = const(10_000)        # after the self-test, until a start counts as good
_TRIAL_MS = const(60_000)       # within which a new firmware has to become good
_AGAIN_MS = const(900_000)      # safe mode tries again
_LEAVE_MS = const(5_000)        # an ordered reset waits no longer for what moves
_GAP_US = const(15_000)         # between two fast ticks: two were missed
_EACH_MS = const(1_000)
_SHOWN_MS = const(3_000)
_CONSOLE_MS = const(2_000)      # after its failure, until a new console


class Unit:
    """What a console sees of the board. acu: None where none runs, and complaint says why. pins:
    None where one runs."""

    def __init__(self, slot, mode, trial=False, why="", root=""):
        self.slot = slot
        self.mode = mode
        self.trial = trial
        self.complaint = why if mode == "safe" else ""
        self.acu = None
        self.cfg = {}
        self.board = self.pins = self.ports = self.clock = self.store = self.terminal = None
        self.started = False        # this start is good
        self.gaps = self.gap_ms = 0     # fast ticks that came late, the longest gap
        self.nets = None            # drivers.netwatch: there is a network
        self.console_faults = 0
        self.root = root
        self.once = not root        # a test may start more than one
        self.why = why
        self._order = ""            # of a reset
        self._order_ms = 0
        self._good_ms = -1          # since when all is well
        self._wake_ms = 0           # the controller rests until then
        self._each_ms = 0
        self._seen = self._told = (0, 0)    # inputs; sensors that are missing, gaps
        self._ticks = -1
        self._console = None
        self._console_ms = 0
        self._timer = None

    def begin(self):
        from acu import begin
        begin.begin(self)
        forget("acu.begin", "acu.app")

    def stop(self):
        """Nothing calls back or writes to memory any more."""
        if self._timer:
            self._timer.deinit()
        if self.ports.sampler:
            self.ports.sampler.stop()
        self.terminal.leave()

    def tick(self, every_5_ms):
        """Frames, then the fast tier. Everything it touches is complete."""
        hard = self.board["mcu"] == "rp2040"
        self._fast = self.acu.fast
        self._us = self.clock.ticks_us
        self._last_us = self._us()
        self.ports.sampler.start()
        self._timer = every_5_ms(self._hard if hard else self._soft, hard)

    # -- fast tier

    def _hard(self, timer):
        nets = self.nets
        if nets and nets.left > 0:
            nets.fast()
        self._fast(self._us())

    def _soft(self, timer):
        now_us = self._us()
        gap_us = self.clock.ticks_diff(now_us, self._last_us)
        self._last_us = now_us
        if gap_us > _GAP_US:
            self.gaps += 1
            self.gap_ms = max(self.gap_ms, gap_us // 1000)
        self._fast(now_us)

    # -- main loop

    def step(self):
        """One pass."""
        now_ms = self.clock.now_ms()
        if self.acu:
            self._pass(now_ms)
        elif (self.mode == "safe" and now_ms >= _AGAIN_MS
                and getattr(self._console, "session", None) is None):
            self._slots().once_more(self.root)
            self.request_reset("again")
        if now_ms >= self._console_ms:
            self._talk(now_ms)
        self._settle(now_ms)
        if self._order:
            self._leave(now_ms)

    def _pass(self, now_ms):
        acu = self.acu
        self.ports.poll(now_ms)
        self.ports.link.poll(self._hear)
        if self.nets:
            now_ms = self.nets.look(acu, now_ms, self.gaps)
        gear = self.ports.switchgear
        seen = [gear.feedback(k) for k in range(gear.inputs)]
        if now_ms >= self._wake_ms or seen != self._seen or acu.stirred():
            if self._wake_ms:
                acu.rested(now_ms)
            self._seen = seen
            if not acu.slow(now_ms):
                self._good_ms = -1
            rest_ms = acu.rest_ms(now_ms)
            self._wake_ms = now_ms + rest_ms if rest_ms > 0 else 0
        elif acu.ticks != self._ticks:
            self.ports.watchdog.feed()      # it sleeps in pieces, and the fast tier does not
        self._ticks = acu.ticks
        if now_ms >= self._each_ms:
            self._each_ms = now_ms + _EACH_MS
            # a thermometer needs a second to show itself
            told = (gear.missing() if now_ms >= _SHOWN_MS else 0, self.gaps)
            if told[0] != self._told[0]:
                acu.log.add(now_ms, ev.SENSOR, told[0])
            if told[1] != self._told[1]:
                acu.log.add(now_ms, ev.FAST_GAP, told[1] - self._told[1], self.gap_ms)
                self._each_ms += 60 * _EACH_MS
            self._told = told

    def _hear(self, topic, payload):
        if self._wake_ms:
            self.acu.rested(self.clock.now_ms())
            self._wake_ms = 0
        self.acu.on_message(topic, payload)

    def _talk(self, now_ms):
        try:
            if self._console is None:
                from acu.console import Console
                self._console = Console(self.terminal, self)
            self._console.poll(now_ms)
        except Exception:       # never at the cost of the controller
            self._console = None
            self._console_ms = now_ms + _CONSOLE_MS
            self.console_faults += 1

    def _settle(self, now_ms):
        """Is this start good? A new firmware that does not become good gives its slot up."""
        well = self.acu.ready if self.acu else self.mode == "run" and not self.cfg
        if self.started:
            return
        if not well:
            self._good_ms = -1
            if self.trial and now_ms >= _TRIAL_MS:
                self.request_reset("trial")
        elif self._good_ms < 0:
            self._good_ms = now_ms
        elif now_ms - self._good_ms >= _GOOD_MS and (not self.acu or self.acu.may_write()):
            self.started = self._slots().confirm(self.root, self.slot, self.trial)
            forget("acu.drivers.slots")
            self._good_ms = -1
            if self.started and self.trial:
                self.trial = False
                if self.acu:
                    self.acu.log.add(now_ms, ev.CONFIRMED, int(self.slot == "b"), 0, 0, True)

    def _leave(self, now_ms):
        acu = self.acu
        if acu and not acu.may_write() and now_ms < self._order_ms:
            return
        utc_ms = self.clock.utc_ms()
        if acu:
            acu.log.flush()
            utc_ms = acu.sync.utc_ms(now_ms)
        self.store.write("utc", str(utc_ms).encode())
        self.store.write("reset", self._order.encode())
        self.stop()
        self._slots().reset()

    # -- for the console

    def save_settings(self, cfg):
        """'' or what is wrong with them, then nothing is stored. In force after a reset."""
        from acu import app
        wrong = app.judge(self.board, cfg)
        if not wrong:
            from acu.primitives import provisioned
            wrong = provisioned.save(self.store, cfg)
            forget("acu.primitives.provisioned")
        forget("acu.app")
        return wrong

    def request_reset(self, why):
        """When nothing moves, at the latest in 5 s."""
        if not self._order:
            self._order = why
            self._order_ms = self.clock.now_ms() + _LEAVE_MS

    def request_maintenance(self):
        self._slots().maintain(self.root)
        self.request_reset("maint")

    def forget_fatal(self):
        self.store.remove("fatal")
        self.fatal = ""

    def _slots(self):
        from acu.drivers import slots
        return slots


def run(slot, mode, trial=False, why="", root=""):
    unit = Unit(slot, mode, trial, why, root)
    unit.begin()
    try:
        while True:
            unit.step()
            unit.clock.sleep_ms(_PASS_MS - unit.clock.now_ms() % _PASS_MS)
    finally:
        unit.stop()
