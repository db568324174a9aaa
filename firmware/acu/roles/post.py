"""The transformer post of a Coordinator: its nets, its time, its inputs, its lasting settings.

Reaches the Operators through their Sub-Coordinators, or directly: on a circuit without ACU-SP it
is also the Sub-Coordinator of its own Slave Net, `uc0` (spec smartlvgrid, sections 4 and 5).
Decides nothing about supply, customers or phases.
"""
import struct

from micropython import const

from acu import events as ev
from acu.ports import FOREVER_MS
from acu.primitives.messaging import FOREIGN, TTL_MS
from acu.primitives.recording import Record
from acu.roles.base import DRF_1, DRF_2, DRF_3, FW, Acu
from acu.roles.branches import Branches
from acu.roles.centre import Centre
from acu.roles.slavenet import SlaveNet

_NTP_MS = const(7_200_000)     # after an answer of NTP nobody else is asked for so long
_COOLER_DC = const(50)         # hysteresis of the over-temperature
_LIVE = "<BQ"                  # ub_en, begin of the outage that is not over (utc ms, 0: none)


class Post(Acu):
    # no DRF-3 at the transformer's output on purpose; at the cut-out only where it can be driven
    POIS = (("TOC", DRF_1 | DRF_2), ("BODY", DRF_1 | DRF_2), ("GND", DRF_1),
            ("DOFC", DRF_1 | DRF_3))

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        self.members = members = cfg["members"]
        self.index = {}
        for k in range(len(members)):
            self.index[members[k]] = k
        self.via = cfg["via"] or ["-"] * len(members)
        self.slaves = SlaveNet(cfg["sc"], cfg["uc"], members, cfg["t_hb_ms"] * cfg["hb_missed"])
        self.branches = Branches(self, self.via)
        self.centre = Centre(self)
        self._inputs = [1, 1, 0]        # ground present, cut-out active, over-temperature
        self._seen = []                 # the same as read
        self._live = Record(self.store, "live")
        raw = self._live.load()
        self._out_utc = 0               # the centre was told of an outage that is not over
        if raw and len(raw) >= struct.calcsize(_LIVE):
            cfg["ub_en"], self._out_utc = struct.unpack(_LIVE, raw[:struct.calcsize(_LIVE)])
        self._src = "rtc"               # of the time that we give
        self._up = "slvg/1/man/%s/up/" % cfg["sc"]
        if not self.net.auth.strict:    # else the centre, or NTP, has to say so first
            self.sync.set(self.clock.now_ms(), self.clock.utc_ms(), -1, True)
        for filt in ("slv/%s/%s/+/up/+" % (cfg["sc"], cfg["uc"]), "mst/%s/+/up/+" % cfg["sc"],
                     "man/%s/dn/+" % cfg["sc"]):
            self.link.subscribe("slvg/1/" + filt)
        self.log.add(self.clock.now_ms(), ev.BOOT, self.boots, self.cause)
        self.scheduler.add("time", self._time, cfg["t_time_ms"], cfg["t_time_ms"] + 1000)
        self.scheduler.add("inputs", self._read_inputs, 1000, 3000, True)

    def blind(self):
        """It drives nothing, and whoever judges looks at `bad`: one dead channel must not leave
        the whole circuit without a Coordinator."""
        return self.sensing.bad & 7 == 7

    # -- nets

    def accept(self, now_ms, topic, raw):
        """Each speaks on his own topic only: nobody passes for another, nor for the centre."""
        net = topic.split("/")          # slvg 1 man sc .. | mst sc scd .. | slv sc uc op ..
        if net[2] == "man":
            senders = ("scc",)
        elif net[2] == "slv":
            op = self.index.get(net[5], -1)
            senders = (net[5],) if op >= 0 and self.via[op] == "-" else ()
        else:
            via = net[4]
            senders = [m for m in self.members if self.via[self.index[m]] == via]
            senders = senders + [via] if senders else ()     # none: it is no branch of ours
        return self.net.receive(now_ms, raw, False, senders)

    def target(self, name):
        """Number of an Operator, or of a branch after them; -1: neither."""
        if not isinstance(name, str):
            return -1
        br = self.branches.find(name)
        return self.index.get(name, -1) if br < 0 else len(self.members) + br

    def to_op(self, now_ms, op, t, body, c=0, ttl_ms=TTL_MS, nonce=0):
        """To one Operator, through its Sub-Coordinator or on our own Slave Net, or to that one."""
        n = len(self.members)
        member = self.members[op] if op < n else self.branches.ids[op - n]
        if op < n and self.via[op] == "-":
            topic = self.slaves.topic(member, t)
        else:
            via = self.via[op] if op < n else member
            topic = "slvg/1/mst/%s/%s/dn/%s" % (self.cfg["sc"], via, t)
        self.net.send(now_ms, topic, t, member, body, c, ttl_ms, nonce)

    def to_all(self, now_ms, t, body, c=0):
        """Broadcast on our own Slave Net and to the Sub-Coordinators, who pass it on."""
        if "-" in self.via:
            self.net.send(now_ms, self.slaves.topic("*", t), t, "*", body, c)
        if self.branches.ids:
            self.net.send(now_ms, "slvg/1/mst/%s/all/dn/%s" % (self.cfg["sc"], t), t, "*", body, c)

    # -- time, beats, inputs

    def _give_time(self, now_ms, op, t="hello", body=None):
        """To one who says hello, or asks."""
        nonce = body["nonce"] if body else 0
        # with keys he asks, and only an answer counts; what is no nonce would be an expiry
        if self.net.auth.strict if t == "hello" else nonce <= 0 or nonce >> 46:
            return
        self.to_op(now_ms, op, "time", {"utc_ms": self.sync.utc_ms(now_ms), "src": self._src},
                   0, TTL_MS, nonce)

    def _ask_time(self, now_ms):
        """Of the centre, where it has our key."""
        if self.net.auth.strict:
            return super()._ask_time(now_ms)
        self._ask_ms = now_ms + FOREVER_MS

    def _on_time(self, now_ms, msg):
        """We give the time; nobody gives it to us, but the centre where it has our key."""
        if self.net.auth.strict and msg["s"] == "scc":
            return super()._on_time(now_ms, msg)
        self.net.count(FOREIGN)
        self._count_drops(now_ms)

    def told_utc(self, now_ms, utc_ms):
        """By NTP."""
        self._src = "ntp"
        self._ask_ms = now_ms + _NTP_MS
        self.sync.questioned(-1)             # it answers no question of ours
        step_ms = self.sync.set(now_ms, utc_ms, -1, True)
        if step_ms is not None and abs(step_ms) > 500:
            self.log.add(now_ms, ev.TIME_SET, step_ms)

    def _time(self, now_ms):
        if not self.net.auth.strict:
            self.sync.set(now_ms, self.clock.utc_ms(), -1, True)
        if self.ready:
            self.to_all(now_ms, "time", {"utc_ms": self.sync.utc_ms(now_ms), "src": self._src})

    def say_hello(self, now_ms):
        self.centre.say(now_ms, "hello", {
            "role": "cd", "dom": "tp", "fw": FW, "drf": self.drf(), "ph": 0,
            "un_dV": self.cfg["un_dv"], "sw": 0, "boot": self.boots})

    def beat(self, now_ms):
        self.branches.beat(now_ms)
        for member, silent_ms in self.slaves.newly_missing(now_ms):
            self.log.add(now_ms, ev.MISSING, self.index[member], silent_ms, 0, True)
        self.centre.say(now_ms, "hb", {
            "up_s": now_ms // 1000, "rssi": self.rssi(),
            "q": self.quality(now_ms), "err": 0, "ph": 0,
            "on": 1, "why": 0})

    def _read_inputs(self, now_ms):
        """G2 to G4 of the post: temperature, ground conductor, cut-out (spec, section 3.2)."""
        self._seen = [self.gear.feedback(k) for k in range(3)]
        t_dc = self._seen[2]
        hot = t_dc > self.cfg["t_otemp_dc"] - (_COOLER_DC if self._inputs[2] else 0)
        now = [self.gear.feedback(0), self.gear.feedback(1), int(hot)]
        for k, number, code, val in ((0, ev.GND, "GND", now[0]), (1, ev.DOFC, "DOFC", now[1]),
                                     (2, ev.OT, "OT", t_dc)):
            if now[k] != self._inputs[k]:
                self.log.add(now_ms, number, val, self.cfg["t_otemp_dc"] if k == 2 else 0)
                self.centre.event(now_ms, code, 0, val, 0, now_ms)
        self._inputs = now

    def rest_ms(self, now_ms):
        for k in range(3):
            if self.gear.feedback(k) != self._seen[k]:
                return 0
        return min(super().rest_ms(now_ms), self.centre.rest_ms(now_ms))

    def _save_live(self, out_utc):
        self._out_utc = out_utc
        self._live.save(struct.pack(_LIVE, self.cfg["ub_en"], out_utc))

    def set_live(self, now_ms, key, val):
        """A setting from the centre, while running. Error number of the answer."""
        e = ev.E_UNKNOWN
        if key == "ub_en":                # the only one so far
            e = ev.E_OK if 0 <= val <= 1 else ev.E_LIMIT
        if e == ev.E_OK:
            self.cfg[key] = val
            self._save_live(self._out_utc)
        self.log.add(now_ms, ev.CFG, int(key == "ub_en"), val, e)
        return e
