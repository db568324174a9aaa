"""Role Sub-Coordinator (ACU-SP): one branch. Relays between Master and Slave Net, watches its
members, answers for them in one message, and leads the branch breaker (branch.py).

Bytes are passed on unchanged, so that a command's code stays valid end to end. What it says itself
goes up; nothing that a member says is ever an order to it.
"""
from micropython import const

from acu import events as ev
from acu import messages
from acu.functions.aggregation import Aggregation
from acu.ports import FOREVER_MS
from acu.primitives.messaging import FOREIGN, TTL_MS
from acu.roles.base import DRF_1, DRF_2, DRF_3, FW
from acu.roles.branch import Branch
from acu.roles.slavenet import SlaveNet

_WIN_MAX_MS = const(60_000)
_VA_MAX = const(1 << 29)        # more than any customer has; a page has room for that


class SubCoordinator(Branch):
    POIS = (("PSB", DRF_1 | DRF_2 | DRF_3),)

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        self._up = "slvg/1/mst/%s/%s/up/" % (cfg["sc"], self.id)
        self.slaves = SlaveNet(cfg["sc"], cfg["uc"], cfg["members"],
                               cfg["t_hb_ms"] * cfg["hb_missed"])
        self.collected = Aggregation(len(cfg["members"]))
        self.link.subscribe("slvg/1/mst/%s/%s/dn/+" % (cfg["sc"], self.id))
        self.link.subscribe("slvg/1/mst/%s/all/dn/+" % cfg["sc"])
        self.link.subscribe(self.slaves.base + "+/up/+")
        self.scheduler.add("collect", self._collect, 10, 500, True)

    # -- relay

    def accept(self, now_ms, topic, raw):
        """A member speaks on its own topic only; who is none takes no room among the senders."""
        senders = None
        if topic.startswith(self.slaves.base):
            member = topic[len(self.slaves.base):].split("/")[0]
            senders = (member,) if member in self.slaves.members else ()
        return self.net.receive(now_ms, raw, True, senders)

    def on_message(self, topic, raw):
        """As every controller, and passes on what is not (only) for itself."""
        now_ms = self.clock.now_ms()
        msg = self.accept(now_ms, topic, raw)
        if msg is None:
            return self._count_drops(now_ms)
        members = self.slaves.members
        if topic.startswith(self.slaves.base):
            return self._from_below(now_ms, members.index(msg["s"]), msg, raw)
        if msg["s"] in members:                 # has no say on the Master Net
            self.net.count(FOREIGN)
            return self._count_drops(now_ms)
        t = msg["t"]
        dst = msg["d"]
        if dst == self.id or t == "time" and dst == "*":
            self._take(now_ms, topic, msg)
        if t == "meas.req" and dst == "*":
            self.collected.start(now_ms, msg["c"], min(max(msg["b"]["win_ms"], 0), _WIN_MAX_MS))
        if dst == "*" or dst in members:
            self.net.pass_on(now_ms, self.slaves.topic(dst, t), raw, messages.qos(t),
                             messages.retained(t),
                             now_ms + TTL_MS if messages.command(t) else 0)

    def _from_below(self, now_ms, k, msg, raw):
        if self.slaves.heard(now_ms, msg["s"]):
            self.log.add(now_ms, ev.BACK_AGAIN, k)
        t = msg["t"]
        if t == "meas" and self.collected.take(k, msg["c"], self._row(msg)):
            return
        self.net.pass_on(now_ms, self._up + t, raw, messages.qos(t), messages.retained(t))

    # -- its own

    def handle(self, now_ms, topic, msg):
        t = msg["t"]
        if not self.breaker:
            if t == "sw.req":
                self._refuse(now_ms, msg, msg["b"]["on"], 0, ev.E_UNKNOWN, msg["b"]["sel"])
        elif t == "sw.req":
            self._on_sw(now_ms, msg, msg["b"])
        elif t == "cfg":
            self._on_cfg(now_ms, msg, msg["b"])

    def _row(self, msg):
        """[id, ph, on, s_VA, p_W, q_var, fl] of a member's `meas`; what no customer can have is
        cut."""
        body = msg["b"]
        row = [msg["s"], body["ph"] or 0, body["on"] or 0, 0, 0, 0, body["fl"] & 0xFF]
        for k in range(3):
            row[3] += body["s_VA"][k] or 0
            row[4] += body["p_W"][k] or 0
            row[5] += body["q_var"][k] or 0
        row[1] = max(0, min(127, row[1]))
        row[2] = max(0, min(1, row[2]))
        for k in range(3, 6):
            row[k] = max(-_VA_MAX, min(_VA_MAX, row[k]))
        return row

    def _collect(self, now_ms):
        """Our own readings and those of all members who have answered (spec, section 8)."""
        if not self.collected.due(now_ms):
            return
        m = self.measuring
        rows = [row for row in self.collected.rows if row]
        self.net.send_pages(now_ms, self._up + "agg", "agg", "*", {
            "u_dV": list(m.u_dv), "i_mA": list(m.i_ma), "p_W": list(m.p_w),
            "q_var": list(m.q_var), "s_VA": list(m.s_va), "on": self._on(),
            "fl": self.quality(now_ms), "n_ok": len(rows), "n_all": len(self.slaves.members)},
            [("ops", row) for row in rows], ("ops",), self.collected.c)

    def _on(self):
        return int(not self.breaker or self.gate.mask() != 0)

    def say_hello(self, now_ms):
        self.net.send(now_ms, self._up + "hello", "hello", "*", {
            "role": "scd", "dom": "sp", "fw": FW, "drf": self.drf(), "ph": 0,
            "un_dV": self.cfg["un_dv"], "sw": int(self.breaker), "boot": self.boots})

    def beat(self, now_ms):
        for member, silent_ms in self.slaves.newly_missing(now_ms):
            self.log.add(now_ms, ev.MISSING, self.slaves.members.index(member), silent_ms)
        self._told = self.gate.mask() << 8 | self.why
        self.net.send(now_ms, self._up + "hb", "hb", "*", {
            "up_s": now_ms // 1000, "rssi": self.rssi(),
            "q": self.quality(now_ms), "err": self.gate.locked,
            "ph": 0, "on": self._on(), "why": self.why})

    def rest_ms(self, now_ms):
        return min(super().rest_ms(now_ms), self.collected.rest_ms(now_ms, FOREVER_MS))
