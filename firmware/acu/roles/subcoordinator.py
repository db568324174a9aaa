"""Role Sub-Coordinator (ACU-SP): one branch. Relays between Master and Slave Net, watches its
members.

Bytes are passed on unchanged, so that a command's code stays valid end to end; it keeps who was
heard when. A Coordinator on a circuit without ACU-SP keeps a SlaveNet of its own, the virtual uc0
(spec smartlvgrid, 5).
"""
from acu import events as ev
from acu import messages
from acu.roles.base import DRF_1, DRF_2, DRF_3, FW, Acu


class SlaveNet:
    """Topics of one micro-circuit and when each member was last heard."""

    def __init__(self, sc, uc, members, dead_ms):
        self.base = "slvg/1/slv/%s/%s/" % (sc, uc)
        self.members = members
        self._dead_ms = dead_ms
        self._heard_ms = {}
        self._missing = set()

    def topic(self, dst, t):
        return self.base + ("all" if dst == "*" else dst) + "/dn/" + t

    def heard(self, now_ms, member):
        """Notes a word of a member; True if it was flagged missing before."""
        self._heard_ms[member] = now_ms
        if member in self._missing:
            self._missing.remove(member)
            return True
        return False

    def newly_missing(self, now_ms):
        """[(member, silent for ms)] of those that have just been silent for too long, in members'
        order."""
        out = []
        for member in self.members:
            silent_ms = now_ms - self._heard_ms.setdefault(member, now_ms)
            if silent_ms > self._dead_ms and member not in self._missing:
                self._missing.add(member)
                out.append((member, silent_ms))
        return out


class SubCoordinator(Acu):
    POIS = (("PSB", DRF_1 | DRF_2 | DRF_3),)

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        self.slaves = SlaveNet(cfg["sc"], cfg["uc"], cfg["members"],
                               cfg["t_hb_ms"] * cfg["hb_missed"])
        self._up = "slvg/1/mst/%s/%s/up/" % (cfg["sc"], self.id)
        self.link.subscribe("slvg/1/mst/%s/%s/dn/+" % (cfg["sc"], self.id))
        self.link.subscribe("slvg/1/mst/%s/all/dn/+" % cfg["sc"])
        self.link.subscribe(self.slaves.base + "+/up/+")
        self.log.add(self.clock.now_ms(), ev.BOOT, self.boots)

    def accept(self, now_ms, topic, raw):
        return self.net.receive(now_ms, raw, True)

    def on_message(self, topic, raw):
        """As every controller, and passes on what is not (only) for itself."""
        now_ms = self.clock.now_ms()
        msg = self.accept(now_ms, topic, raw)
        if msg is None:
            return self._count_drops(now_ms)
        t = msg["t"]
        spec = messages.TABLE[t]
        if topic.startswith(self.slaves.base):
            member = topic[len(self.slaves.base):].split("/")[0]
            if member not in self.slaves.members or msg["s"] != member:
                self.net.count_foreign()
                return self._count_drops(now_ms)
            if self.slaves.heard(now_ms, member):
                self.log.add(now_ms, ev.BACK_AGAIN, self.slaves.members.index(member))
            self.net.pass_on(self._up + t, raw, spec[0], spec[1])
            return
        if t == "time" and msg["d"] in (self.id, "*"):
            self._on_time(now_ms, msg)
        if msg["d"] == "*" or msg["d"] in self.slaves.members:
            self.net.pass_on(self.slaves.topic(msg["d"], t), raw, spec[0], spec[1])

    def say_hello(self, now_ms):
        self.net.send(now_ms, self._up + "hello", "hello", "*", {
            "role": "scd", "dom": "sp", "fw": FW, "drf": self.drf(), "ph": 0,
            "un_dV": self.cfg["un_dv"], "sw": 0, "boot": self.boots})

    def beat(self, now_ms):
        for member, silent_ms in self.slaves.newly_missing(now_ms):
            self.log.add(now_ms, ev.MISSING, self.slaves.members.index(member), silent_ms)
        self.net.send(now_ms, self._up + "hb", "hb", "*", {
            "up_s": now_ms // 1000, "rssi": 0, "q": self.quality(now_ms), "err": 0, "ph": 0,
            "on": 1, "why": 0})
