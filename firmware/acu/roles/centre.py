"""The Coordinator's side of the MAN: telemetry pages, events, and what the centre (SCC) may order.

Only the Coordinator talks outside the circuit. An order to connect or to move a customer goes the
same way as F3 and F4: select before operate, refused by the Operator's own gate where it would be
unsafe.
"""
from micropython import const

from acu import events as ev
from acu import messages
from acu.ports import FOREVER_MS

_WAIT_MS = const(3_000)      # for each answer of an Operator

# order of the centre: (its number in SCC_CMD events, how many arguments)
ORDERS = {
    "sw": (1, 3),        # [id, on, lease_s]; id: of an Operator or of a branch
    "phs": (2, 2),       # [id, phase]
    "unlock": (3, 1),    # [id]: end of a lock-out or tag
    "lock": (4, 1),      # [id]: close-block tag
}


class Centre:
    def __init__(self, cd):
        self._cd = cd
        self._up = "slvg/1/man/%s/up/" % cd.cfg["sc"]
        self._ops_ms = -1    # when single customers' powers were last told; -1: never
        self._job = None     # [op, what, correlation id below, request, until_ms]

    def say(self, now_ms, t, body, c=0):
        self._cd.net.send(now_ms, self._up + t, t, "scc", body, c)

    def event(self, now_ms, code, ph, val, lim, t0_ms):
        self.say(now_ms, "evt", {"code": code, "ph": ph, "val": val, "lim": lim,
                                 "t0_ms": self._cd.sync.utc_ms(t0_ms)})

    def forward(self, msg):
        """An Operator's own event, in its name: it has seen what the post cannot."""
        raw = messages.encode("evt", msg["s"], "scc", msg["n"], msg["c"], msg["ts"], msg["b"])
        cd = self._cd
        cd.net.pass_on(cd.clock.now_ms(), self._up + "evt", raw, 1, 0)

    def telemetry(self, now_ms):
        """One cycle's `tele`: the post, and who answered in this cycle; as many pages as it
        takes."""
        cd = self._cd
        m = cd.measuring
        gear = cd.gear
        rows = cd.branches.rows()
        # a household's load minute by minute is personal data: its phase and position always, its
        # power every t_ops_ms only (spec, section 7)
        told = self._ops_ms < 0 or now_ms - self._ops_ms >= cd.cfg["t_ops_ms"] - 500
        if told:
            self._ops_ms = now_ms
        n_ok = 0
        for op in range(len(cd.members)):
            if cd.meas[op]:
                ph, on, s_va, _, _ = cd.meas[op]
                rows.append(("ops", [cd.members[op], ph, on, s_va if told else None]))
                n_ok += 1
        tp = {"u_dV": list(m.u_dv), "i_mA": list(m.i_ma), "p_W": list(m.p_w),
              "q_var": list(m.q_var), "s_VA": list(m.s_va), "f_mHz": m.f_mhz,
              "e_Wh": cd.e_wh, "t_dC": gear.feedback(2), "gnd": gear.feedback(0),
              "dofc": gear.feedback(1), "ph": None, "on": None, "fl": cd.quality(now_ms)}
        cd.net.send_pages(now_ms, self._up + "tele", "tele", "scc", {
            "t0": cd.sync.utc_ms(now_ms), "tp": tp, "st": cd.lamp(), "n_ok": n_ok,
            "n_all": len(cd.members)}, rows, ("br", "ops"))

    # -- orders

    def handle(self, now_ms, msg, body):
        cd = self._cd
        t = msg["t"]
        if t == "cfg":
            e = cd.set_live(now_ms, body["k"], body["val"])
            self.say(now_ms, "cfg.ack", {"k": body["k"], "ok": int(e == 0), "e": e}, msg["c"])
        elif t == "sc.cmd":
            cmd, args = body["cmd"], body["args"]
            e = ev.E_UNKNOWN
            if cmd == "tele":
                cd.telemetry.trigger()
                e = ev.E_OK
            elif cmd in ORDERS:
                e = self._order(now_ms, cmd, args, msg)
            number = 0 if cmd == "tele" else ORDERS[cmd][0] if cmd in ORDERS else -1
            cd.log.add(now_ms, ev.SCC_CMD, number, max(e, 0))
            if e >= 0:
                self._answer(now_ms, msg, e)

    def _answer(self, now_ms, request, e):
        self.say(now_ms, "sc.ack", {"ok": int(e == 0), "e": e}, request["c"])

    def _order(self, now_ms, cmd, args, msg):
        """One of ORDERS. -1: under way, answered later; else the error."""
        cd = self._cd
        op = cd.target(args[0]) if len(args) == ORDERS[cmd][1] else -1
        branch = op >= len(cd.members)
        if op < 0 or branch and cmd == "phs":
            return ev.E_UNKNOWN
        for value in args[1:]:
            if not isinstance(value, int):
                return ev.E_UNKNOWN
        # to open a branch never waits for a reconnection
        if self._job or not (cd.loading.idle() or branch and (cmd != "sw" or not args[1])):
            return ev.E_BUSY
        c = cd.net.corr()
        what = cmd
        if cmd == "sw" and args[1]:
            what = "select"
            if not branch:
                cd.loading.on_scc(op, False)
            cd._switch(now_ms, op, 1, 1, ev.WHY_SCC, 0, c)
        elif cmd == "sw":
            if not 0 <= args[2] <= messages.LEASE_MAX_S:
                return ev.E_LIMIT
            if not branch:
                cd.loading.on_scc(op, True)
            cd._switch(now_ms, op, 0, 0, ev.WHY_SCC, args[2], c)
        elif cmd == "phs":
            cd.to_op(now_ms, op, "phs.req",
                     {"ph": args[1], "t_ms": 0, "dead_ms": cd.cfg["dead_ms"]}, c)
        else:
            if cmd == "unlock" and not branch:
                cd.loading.on_scc(op, False)
            cd.to_op(now_ms, op, "cfg", {"k": "lockout", "val": int(cmd == "lock")}, c)
        self._job = [op, what, c, msg, now_ms + _WAIT_MS]
        return -1

    def on_ack(self, now_ms, op, msg, body):
        """True if this answer belongs to an order of the centre."""
        job = self._job
        if job is None or msg["c"] != job[2] or op != job[0]:
            return False
        if job[1] == "select" and body["e"] == 0:
            job[1] = "sw"
            job[4] = now_ms + _WAIT_MS
            self._cd._switch(now_ms, op, 1, 0, ev.WHY_SCC, 0, job[2])
            return True
        self._job = None
        self._answer(now_ms, job[3], body["e"])
        return True

    def rest_ms(self, now_ms):
        return self._job[4] + 1 - now_ms if self._job else FOREVER_MS

    def step(self, now_ms):
        if self._job and now_ms > self._job[4]:
            request = self._job[3]
            self._job = None
            self._answer(now_ms, request, ev.E_NOT_VERIFIED)

