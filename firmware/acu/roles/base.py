"""What every controller has, whatever its role: measuring, log, time, messages, scheduler,
self-test.

A role adds its functions and its nets. Three entries: fast() from the 5 ms timer, slow() from the
main loop, on_message() from the link. The fast tier is started last, when everything it touches is
complete.
"""
import struct
import sys

from micropython import const

from acu import events as ev
from acu import forget, messages
from acu.primitives.messaging import STALE, Messenger
from acu.primitives.processing import Scheduler
from acu.primitives.recording import Record, Recorder
from acu.primitives.synchronising import Synchroniser

FW = "0.1.0"
_SELFTEST_MS = const(300)     # so long must the converter deliver before the self-test judges
_ENERGY_MS = const(60_000)    # the energy registers are stored this often at most
_ENERGY_MWH = const(100)      # and when one of them has grown by that
_BAND_MS = const(10_000)      # at once when a voltage leaves its band, so often at most
_HALVES = const(10)           # and this many half cycles must be whole
# Questions for the time: the next one after an answer, after none (doubled each time), and after
# one that was so long under way that the next may well be better, a few times.
_ASK_MS = const(600_000)
_ASK_AGAIN_MS = const(10_000)
_ASK_SOON_MS = const(2_000)
_LONG_MS = const(125)
_FEW = const(20)

# Quality bits `fl` of a measurement and `q` of a heart beat.
Q_UNSYNC = const(1)
Q_ADC = const(2)
Q_OVERRUN = const(4)
Q_STARTING = const(8)
Q_REDUCED = const(32)        # from bursts, not from every cycle

# Self-test bits: what failed.
T_ADC = const(1)
T_RELAY = const(2)
T_STORE = const(4)
T_CLOCK = const(8)
T_MEMORY = const(16)
T_PORTS = const(32)     # something that is no driver stands behind a door

REMOTE = const(9)       # `what` of REFUSED: any command, since the switch says local

# The four domain-related functions of a point of interface, as bits (spec smartlvgrid, Table 1).
DRF_1 = const(1)    # sensing
DRF_2 = const(2)    # measuring
DRF_3 = const(4)    # on/off switching
DRF_4 = const(8)    # phase switching


def slot_of(name, n):
    """A stable number 0..n-1 from an identity: spreads Operators that act alone."""
    h = 5381
    for ch in name:
        h = (h * 33 + ord(ch)) & 0xFFFF
    return h % n


class Acu:
    """Common part. board: what board.json says; cfg: complete settings; ports: the doors."""

    def __init__(self, board, cfg, ports):
        self.cfg = cfg
        self._up = ""                   # a role's: topic of what it says
        self.id = cfg["id"]
        self.clock = ports.clock
        self.gear = ports.switchgear
        self.store = ports.store
        self.link = ports.link
        self.sync = Synchroniser(ports.clock)
        self.log = Recorder(ports.store, ports.clock, self.sync, self.id)
        self._boot_record = Record(ports.store, "boot")
        self.boots = self._booted_before() + 1
        self._boot_record.save(struct.pack("<I", self.boots))
        self.log.boots = self.boots
        self._local_record = Record(ports.store, "local")
        raw = self._local_record.load()
        # 1: no command from afar counts; so it is when nobody knows any more
        self.local = int(raw[0] if raw else self._local_record.damaged)
        from acu.primitives import key_record
        auth, broken = key_record.load(ports.store, ports.link.trusted)
        forget("acu.primitives.key_record")
        self.net = Messenger(ports.link, self.sync, self.id, self.boots, ports.store, auth,
                             self.may_write)
        if auth.strict:
            from acu.primitives.audit import Audit
            self.net.audit = Audit(ports.store)
        elif broken:
            self.log.add(ports.clock.now_ms(), ev.LOST_REC, 4, 0, 0, True)
        self._sampler = ports.sampler
        self.cause = getattr(ports, "cause", 0)     # of this start, for the BOOT event
        self._test_ports = getattr(ports, "self_test", None)
        self._fit_measuring(board, cfg, ports)
        self._energy_record = Record(ports.store, "energy")
        raw = self._energy_record.load()
        m = self.measuring
        if raw and len(raw) >= 16:
            m.e_import_mwh, m.e_export_mwh = struct.unpack("<QQ", raw[:16])
        elif self._energy_record.damaged:
            self.log.add(ports.clock.now_ms(), ev.LOST_REC, 2, 0, 0, True)
        self._kept_mwh = m.e_import_mwh + m.e_export_mwh
        self.e_wh = m.e_import_mwh // 1000      # what is stored; nothing above it is told
        self._exported_wh = m.e_export_mwh // 1000
        self._energy_ms = ports.clock.now_ms()  # of the last time that it was stored
        self._uv = 0                            # phases below their band, as seen last
        self._falling = False                   # one went below: the supply may be going
        self.scheduler = Scheduler(ports.watchdog)
        self.ready = False              # self-test passed
        self.failed = -1                # what failed in it, T_*; -1: not judged yet
        self.ticks = -1                 # ticks_us() of the last fast tick; -1: none yet
        self._started_ms = ports.clock.now_ms()
        self._hello_due = True
        self._overruns = 0
        self._dropped = [0] * len(self.net.dropped)
        self._discarded = 0
        self._ask_ms = 0                # when to ask for the time
        self._asked = 0                 # questions without an answer
        self._poor = 0                  # answers that were long under way
        self.half_us = 500_000_000 // cfg["fn_mhz"]
        self.scheduler.add("measure", self._measure, 10, 500, True)
        self.scheduler.add("talk", self._talk, 10, 500, True)
        self.scheduler.add("beat", self._beat, cfg["t_hb_ms"], cfg["t_hb_ms"] * 2 + 500)

    # -- the three entries

    def fast(self, now_us):
        """5 ms tick. Allocates nothing, raises nothing."""
        self.ticks = now_us
        m = self.measuring
        n = m.fast(now_us)
        if n or m.idle_ticks:
            self.sensing.fast(n)
        self.protect(n, now_us)

    def slow(self, now_ms):
        """10 ms pass of the main loop."""
        if not self.ready:
            self._selftest(now_ms)
        healthy = self.scheduler.run(now_ms, self.ticks)
        self.log.slow(now_ms, self.may_write())
        return healthy

    # -- rest: between two calls of slow(), and of fast() where no frames have to be measured

    def rest_ms(self, now_ms):
        """For how long it may stay uncalled while no message comes and no reading, input or link
        state changes; 0: not at all. Asked after slow()."""
        if not self.ready or self._hello_due or self.net.waiting() or not self.sensing.calm():
            return 0
        return min(self.scheduler.rest_ms(now_ms), self.log.rest_ms(now_ms),
                   self.net.rest_ms(now_ms), max(self._ask_ms - now_ms, 0))

    def stirred(self):
        """Does something of the fast tier end the rest?"""
        s = self.sensing
        return self.measuring.waiting() or s.bad or s.ov or s.uv or self.log.queued()

    def rested(self, now_ms):
        """After a rest, before on_message() and slow(): no task is late."""
        self.scheduler.rested(now_ms, self.ticks)

    def on_message(self, topic, raw):
        now_ms = self.clock.now_ms()
        msg = self.accept(now_ms, topic, raw)
        if msg is None:
            self._count_drops(now_ms)
        else:
            self._take(now_ms, topic, msg)

    def _take(self, now_ms, topic, msg):
        """An accepted message that is for us."""
        if msg["t"] == "time":
            self._on_time(now_ms, msg)
        elif self.local and messages.command(msg["t"]):
            self._not_from_afar(now_ms, msg)
        else:
            self.handle(now_ms, topic, msg)

    def _booted_before(self):
        """Starts so far. The log has them too: they are the session number of its messages, which
        must not begin anew."""
        raw = self._boot_record.load()
        if self._boot_record.damaged:
            self.log.add(self.clock.now_ms(), ev.LOST_REC, 1, 0, 0, True)
        return max(struct.unpack("<I", raw[:4])[0] if raw else 0, self.log.boots)

    # -- what a role overrides

    def _fit_measuring(self, board, cfg, ports):
        """DRF-2 and DRF-1: self.measuring, self.sensing."""
        from acu.primitives.measuring import Measuring
        from acu.primitives.sensing import Sensing
        # the simulator has a class of its own, which can also be told its readings
        self.measuring = getattr(ports, "measuring", Measuring)(
            ports.sampler, board["kind"], board["cal"], cfg["un_dv"], cfg["fn_mhz"])
        self.sensing = Sensing(self.measuring, cfg["un_dv"] * cfg["u_hi_pm"] // 1000,
                               cfg["un_dv"] * cfg["u_lo_pm"] // 1000)

    POIS = ()       # its rows of Table 2: (point of interface, its DRFs)

    def drf(self):
        """Bit mask of the functions that this board can serve, for `hello`."""
        mask = 0
        for poi in self.POIS:
            mask |= poi[1]
        return mask if self.gear.outputs else mask & ~(DRF_3 | DRF_4)

    def protect(self, halves, now_us):
        """Fast tier, after measuring: local rules, gate, sequences. halves: half cycles just
        closed."""

    def accept(self, now_ms, topic, raw):
        return self.net.receive(now_ms, raw)

    def handle(self, now_ms, topic, msg):
        """An accepted message."""

    def may_write(self):
        """False while a flash erase would disturb: something is picked up, or a sequence runs."""
        return True

    def window(self, now_ms):
        """A 10/12-cycle window was evaluated."""

    def blind(self):
        """Self-test: channels that show nothing to be believed."""
        return self.sensing.bad

    def relays_ok(self):
        """Self-test: do the contacts report a possible position?"""
        return True

    def passed(self, now_ms):
        """The self-test passed: outputs may be driven from now on."""

    def say_hello(self, now_ms):
        pass

    def beat(self, now_ms):
        pass

    # -- common work

    def quality(self, now_ms):
        q = 0 if self.sync.synchronised(now_ms) else Q_UNSYNC
        if self.sensing.bad:
            q |= Q_ADC
        if self._overruns != self._sampler.overruns:
            q |= Q_OVERRUN
        if getattr(self._sampler, "reduced", False):
            q |= Q_REDUCED
        return q if self.ready else q | Q_STARTING

    def _selftest(self, now_ms):
        if now_ms - self._started_ms < _SELFTEST_MS:
            return
        failed = 0
        if self.measuring.half_seq < _HALVES or self.blind():
            failed |= T_ADC
        if not self.relays_ok():
            failed |= T_RELAY
        raw = self._boot_record.load()
        if raw is None or raw[:4] != struct.pack("<I", self.boots):
            failed |= T_STORE
        if self.ticks < 0 or self.clock.ticks_diff(self.clock.ticks_us(), self.ticks) > 100_000:
            failed |= T_CLOCK
        if self._test_ports:
            failed |= self._test_ports(now_ms)
        elif sys.platform == "rp2" or sys.platform == "esp32":
            failed |= T_PORTS           # on a chip, doors that cannot test themselves are none
        self.failed = failed
        if failed:
            if now_ms - self._started_ms >= 10 * _SELFTEST_MS:
                self.log.add(now_ms, ev.SELFTEST, 0, failed, 0, True)
                self._started_ms = now_ms      # says so, and tries again
            return
        self.ready = True
        self.log.add(now_ms, ev.SELFTEST, 1, 0)
        self.passed(now_ms)

    def _measure(self, now_ms):
        while self.measuring.slow():
            self.window(now_ms)
            self._keep_energy(now_ms)
        uv = self.sensing.uv
        if uv & ~self._uv:
            self._falling = True
        self._uv = uv
        if self._falling:
            self._keep_energy(now_ms)
        change = self.sensing.changed()
        while change is not None:
            channel, why = change
            if why:
                self.log.add(now_ms, ev.ADC_BAD, channel, why, 0, True)
            else:
                self.log.add(now_ms, ev.ADC_OK, channel)
            change = self.sensing.changed()
        lost = self._sampler.overruns
        if lost != self._overruns:
            self.log.add(now_ms, ev.OVERRUN, lost - self._overruns, lost)
            self._overruns = lost

    def _keep_energy(self, now_ms):
        """Into the store when a minute has passed and a register has grown by 0.1 Wh since the
        last time, so no cut costs more than the one or the other; and as soon as writing is
        allowed when a supply voltage has left its band. It never goes back."""
        hurry = self._falling
        if (now_ms - self._energy_ms >= (_BAND_MS if hurry else _ENERGY_MS)
                and self._grown_mwh() >= (1 if hurry else _ENERGY_MWH) and self.may_write()):
            self._energy_ms = now_ms
            self._falling = False
            self._store_energy()

    def _grown_mwh(self):
        """Since the registers were stored."""
        return self.measuring.e_import_mwh + self.measuring.e_export_mwh - self._kept_mwh

    def _store_energy(self):
        """What is told is what is stored."""
        m = self.measuring
        imported, exported = m.e_import_mwh, m.e_export_mwh
        if self._energy_record.save(struct.pack("<QQ", imported, exported)):
            self._kept_mwh = imported + exported
            self.e_wh = imported // 1000
            self._exported_wh = exported // 1000

    def _talk(self, now_ms):
        self.net.slow(now_ms)
        if self._hello_due and self.link.up and self.ready:
            self._hello_due = False
            self._question(now_ms)          # whom we tell who we are tells us the time
            self.say_hello(now_ms)
            self.beat(now_ms)       # whom an outage left open must not wait for t_hb to say so
            if self.net.auth.strict:
                self._ask_ms = now_ms
        if now_ms >= self._ask_ms and not self._hello_due:
            self._ask_time(now_ms)
        lost = self.net.outbox.discarded
        if lost != self._discarded:
            if lost == 1 or lost // 10 != self._discarded // 10:
                self.log.add(now_ms, ev.DISCARDED, lost - self._discarded, lost)
            self._discarded = lost

    def _question(self, now_ms):
        self._ask_ms = now_ms + min(_ASK_AGAIN_MS << min(self._asked, 6), _ASK_MS)
        self._asked += 1
        self.sync.questioned(now_ms)
        return self.net.question()

    def _ask_time(self, now_ms):
        """Where there are keys only who has ours can answer, and not before it was asked: until
        then no command counts, whatever was recorded of the network."""
        nonce = self._question(now_ms)
        if self.link.up and self._up:
            self.net.send(now_ms, self._up + "time.req", "time.req", "*", {"nonce": nonce})

    def _evt(self, now_ms, code, ph, val, lim, t0_ms=None):
        """An event up its role's net. t0_ms: when it began, if not now."""
        self.net.send(now_ms, self._up + "evt", "evt", "*", {
            "code": code, "ph": ph, "val": val, "lim": lim,
            "t0_ms": self.sync.utc_ms(now_ms if t0_ms is None else t0_ms)})

    def rssi(self):
        """dBm of the radio below the link; 0: none, or not known."""
        wifi = getattr(self.link, "wifi", None)
        return wifi.rssi() if wifi else 0

    def _beat(self, now_ms):
        if self.scheduler.fast_dead_ms > 500:
            self.log.add(now_ms, ev.FAST_DEAD, self.scheduler.fast_dead_ms, 0, 0, True)
        if self.ready:
            self.beat(now_ms)

    def _on_time(self, now_ms, msg):
        utc_ms = msg["b"]["utc_ms"]
        answer = self.net.answers(msg)
        if self.net.auth.strict and not answer and not self.sync.trims(now_ms, utc_ms):
            # the group's key, or an old recording: not enough to move the clock
            if self.sync.synchronised(now_ms):      # before that its own question is under way
                self.net.count(STALE)
                self._ask_ms = min(self._ask_ms, now_ms + _ASK_AGAIN_MS)
                self._count_drops(now_ms)
            return
        # an answer needs no counter, which the group's key could have raised
        step_ms = self.sync.set(now_ms, utc_ms, -1 if answer and self.net.auth.strict else
                                msg["k"], answer)
        if answer:
            self._asked = 0
            self._poor += self.sync.round_ms > _LONG_MS
            self._ask_ms = now_ms + (_ASK_SOON_MS if 0 < self._poor < _FEW else _ASK_MS)
        if step_ms is not None and abs(step_ms) > 500:
            self.log.add(now_ms, ev.TIME_SET, step_ms)

    def set_local(self, on):
        """The local/remote switch, kept over a restart. False: the store did not take it."""
        if self._local_record.save(bytes([on])) is False:
            return False
        self.local = on
        return True

    def _not_from_afar(self, now_ms, msg):
        """A command while the switch says local: who sent it gets an answer if its role has one
        for that."""
        self.log.add(now_ms, ev.REFUSED, REMOTE, ev.E_LIMIT)

    def _count_drops(self, now_ms):
        """Dropped messages enter the log at the 1st, 10th, 100th of each reason, not each."""
        for reason in range(len(self._dropped)):
            n = self.net.dropped[reason]
            if n != self._dropped[reason]:
                self._dropped[reason] = n
                if n in (1, 10, 100, 1000):
                    self.log.add(now_ms, ev.DROPPED, reason, n)
