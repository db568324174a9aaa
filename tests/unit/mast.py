"""A Coordinator at the transformer with branches below it, for the tests: its mailbox, and a
street of Sub-Coordinators and Operators played by hand.

On the same doors as spot.py, without a breaker. Operators eu0.. answer what the test lets them.
"""
from acu import messages
from tests.unit.spot import BOARD, MEAS, Spot

POST = dict(BOARD)
POST.update({"kind": "post", "roles": ("coordinator",), "outputs": [], "i_peak_ma": 100_000})
MASTER = "slvg/1/mst/sc1/"
NOTHING = {"up_s": 1, "rssi": 0, "q": 0, "err": 0, "ph": 0, "on": 1, "why": 0}


class Mast(Spot):
    """via: the branch of each Operator. sent: (topic, message) of everything said."""

    ME = "cd"

    def __init__(self, via=("s1", "s1", "s2", "s2"), **config):
        self.sent = []
        cfg = {"role": "coordinator", "uc": "uc0", "via": list(via),
               "members": ["eu%d" % k for k in range(len(via))],
               "t_base_ms": 3000, "t_slot_ms": 1000, "jitter_ms": 0,
               "t_tele_ms": 5000, "tele_win_ms": 500, "tele_retries": 1, "t_hb_ms": 1000,
               "ub_en": 0}
        cfg.update(config)
        self.via = via
        self.closed_ops = [1] * len(via)
        self.answer = False         # Operators carry out what they are asked, and say so
        self.ops_beat = False
        self.alive = []             # Sub-Coordinators that beat, as they stand in `beat`
        self.beat = {}              # their heart beats: {id: body}
        super().__init__(board=POST, **cfg)
        self.i_ma = [5_000] * 3

    def mirrors(self):
        return [1, 1, 300]

    def feel(self):
        for k in range(3):
            self._amp[k] = self.supply_dv[k] * 6436 // 10_000
            self._amp[k + 3] = self.i_ma[k] * 2896 // 100_000 if self.supply_dv[k] else 0

    def _sent(self, topic, raw):
        msg = messages.decode(raw)
        self.sent.append((topic, msg))
        if not self.answer or msg["t"] != "sw.req" or not msg["d"].startswith("eu"):
            return
        op = int(msg["d"][2:])
        if not msg["b"]["sel"]:
            self.closed_ops[op] = msg["b"]["on"]
        self.from_op(op, "sw.ack", {"on": self.closed_ops[op], "sel": msg["b"]["sel"], "ok": 1,
                                    "e": 0, "u_dV": 2300}, c=msg["c"])

    def run(self, ms):
        """Those alive beat once a second."""
        for _ in range(ms // 5):
            if self.ms() % 1000 == 0:
                for name in self.alive:
                    self.from_scd(name, "hb", self.beat[name])
                for op in range(len(self.via) if self.ops_beat else 0):
                    if self.via[op] in self.alive:
                        self.from_op(op, "hb", dict(NOTHING, on=self.closed_ops[op]))
            Spot.run(self, 5)
        return self

    def started(self, *alive):
        for name in alive or sorted(set(self.via)):
            self.alive.append(name)
            self.beat[name] = dict(NOTHING)
            self.from_scd(name, "hb", NOTHING)
        return super().started()

    def from_scd(self, name, t, body, dst="cd", **envelope):
        self._post.append((MASTER + name + "/up/" + t, self.frame(t, body, dst, name, **envelope)))

    def from_op(self, op, t, body, **envelope):
        name = "eu%d" % op
        self._post.append((MASTER + self.via[op] + "/up/" + t,
                           self.frame(t, body, "cd", name, **envelope)))

    def dark(self, name, on=0, why=13):
        """The branch opens or closes, and its Sub-Coordinator says so."""
        self.beat[name] = dict(NOTHING, on=on, why=why)
        self.from_scd(name, "hb", self.beat[name])
        if not on:
            for op in range(len(self.via)):
                if self.via[op] == name:
                    self.closed_ops[op] = 0
                    self.from_op(op, "hb", dict(NOTHING, on=0, why=1))
        return self.run(50)

    def agg(self, name, c, ops, p_w=(440, 0, 0), pg=0, pgs=1, on=1):
        """ops: (number, p_w) of those who answered."""
        rows = [["eu%d" % op, 0, 1, p, p, 0, 0] for op, p in ops]
        self.from_scd(name, "agg", {
            "u_dV": MEAS["u_dV"], "i_mA": [0, 0, 0], "p_W": list(p_w), "q_var": [0, 0, 0],
            "s_VA": list(p_w), "on": on, "fl": 0, "n_ok": len(rows), "n_all": 2, "ops": rows,
            "pg": pg, "pgs": pgs}, c=c)

    def order(self, cmd, *args):
        """From the centre; the error number of the answer, -1 without one in 4 s."""
        n = len(self.sent)
        self._post.append(("slvg/1/man/sc1/dn/sc.cmd",
                           self.frame("sc.cmd", {"cmd": cmd, "args": list(args)}, "cd", "scc")))
        for _ in range(400):
            self.run(10)
            for _, msg in self.sent[n:]:
                if msg["t"] == "sc.ack":
                    return msg["b"]["e"]
        return -1

    def asked(self, t, since=0):
        """(destination, body) of what it has sent of this type."""
        return [(msg["d"], msg["b"]) for _, msg in self.sent[since:] if msg["t"] == t]

    def teles(self, since=0):
        return [body for _, body in self.asked("tele", since)]

    def evts(self):
        return [(msg["s"], msg["b"]["code"], msg["b"]["val"], msg["b"]["lim"])
                for topic, msg in self.sent if topic.endswith("man/sc1/up/evt")]
