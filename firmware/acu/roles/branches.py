"""What a Coordinator knows of its Sub-Coordinators: who is heard, which breaker is open, whose
sums do not agree.

Beside the Operators 0..n-1 a branch is number n + br wherever one of both may be meant. Customers
of a branch that is open or silent are not selected by F3, and count as not movable in F4. Sends
nothing down by itself but the time (spec smartlvgrid, 4, 8).
"""
from micropython import const

from acu import events as ev
from acu.functions.telemetry import SumCheck
from acu.roles.slavenet import Roll

_UNKNOWN = const(2)     # nothing heard since our start


class Branches:
    def __init__(self, cd, via):
        self._cd = cd
        self.ids = []
        for name in via:
            if name != "-" and name not in self.ids:
                self.ids.append(name)
        n = len(self.ids)
        self._of = [self.ids.index(name) if name != "-" else -1 for name in via]
        self._roll = Roll(self.ids, cd.cfg["t_hb_ms"] * cd.cfg["hb_missed"])
        self.on = bytearray([_UNKNOWN] * n)     # position as last told
        self.silent = bytearray(n)
        self.changed = False                # a breaker moved: plans made before are void
        self._boot = [-1] * n
        self._got = [None] * n              # (s_va, p_w, q_var, n of the message) of this cycle
        self._sums = [SumCheck(cd.cfg["sr_va"] // n) for _ in self.ids]

    def find(self, name):
        return self.ids.index(name) if name in self.ids else -1

    def is_open(self, op):
        """The customer is behind an open breaker, so without any load."""
        br = self._of[op]
        return br >= 0 and self.on[br] == 0

    def is_silent(self, op):
        br = self._of[op]
        return br >= 0 and self.silent[br] != 0

    # -- messages

    def handle(self, now_ms, br, msg, body):
        cd = self._cd
        t = msg["t"]
        if self._roll.heard(now_ms, self.ids[br]):
            self.silent[br] = 0
            self._bar(now_ms, br)
            cd.log.add(now_ms, ev.BRN_BACK, br, self._boot[br], 0, True)
            cd.centre.event(now_ms, "BRN", 0, br, 0, now_ms)
        if t == "hello":
            boot = body["boot"]
            if self._boot[br] not in (-1, boot):
                cd.log.add(now_ms, ev.BRN_BACK, br, boot)
            self._boot[br] = boot
            cd._give_time(now_ms, len(self._of) + br)
        elif t == "time.req":
            cd._give_time(now_ms, len(self._of) + br, t, body)
        elif t == "hb":
            self._position(now_ms, br, body["on"], body["why"])
        elif t == "agg":
            self._on_agg(now_ms, br, msg, body)
        elif t == "evt":
            cd.centre.forward(msg)
        elif t == "sw.ack" or t == "cfg.ack":
            if t == "sw.ack":
                self._position(now_ms, br, body["on"], ev.WHY_SCC)
            cd.centre.on_ack(now_ms, len(self._of) + br, msg, body)

    def _position(self, now_ms, br, on, why):
        was = self.on[br]
        if on == was:
            return
        self.on[br] = on
        self._bar(now_ms, br)
        if was != _UNKNOWN or not on:
            self.changed = True
            cd = self._cd
            cd.log.add(now_ms, ev.BRN_ON, br, on, why, True)
            cd.telemetry.trigger()

    def _bar(self, now_ms, br):
        """Its customers are for F3 again, or no more."""
        barred = self.silent[br] or self.on[br] != 1
        for op in range(len(self._of)):
            if self._of[op] == br:
                self._cd.loading.bar(now_ms, op, barred)

    def _on_agg(self, now_ms, br, msg, body):
        cd = self._cd
        if msg["c"] != cd.cycle:
            return
        self._position(now_ms, br, body["on"], ev.WHY_NONE)
        s = [sum([x or 0 for x in body[key]]) for key in ("s_VA", "p_W", "q_var")]
        if cd.whole(s):
            self._got[br] = (s[0], s[1], s[2], msg["n"])
        for row in body["ops"]:
            if not isinstance(row, list) or len(row) != 7 or not isinstance(row[0], str):
                continue
            op = cd.index.get(row[0], -1)
            if op >= 0 and self._of[op] == br and cd.whole(row[1:]):
                cd.take_meas(op, row[1], row[2], row[3], row[4], row[5])

    # -- watch

    def start(self, now_ms):
        """Nobody behind a branch is selected before it has told its position."""
        for br in range(len(self.ids)):
            self._bar(now_ms, br)

    def beat(self, now_ms):
        """Which branch has fallen silent? Customers of one that is silent, or open for longer than
        they hold out, are not missed one by one."""
        cd = self._cd
        for name, silent_ms in self._roll.newly_missing(now_ms):
            br = self.ids.index(name)
            self.silent[br] = 1
            self._bar(now_ms, br)
            cd.log.add(now_ms, ev.BRN_LOST, br, silent_ms, 0, True)
            cd.centre.event(now_ms, "BRN", 0, br, silent_ms, now_ms)
            cd.telemetry.trigger()
        for op in range(len(self._of)):
            if self.is_silent(op) or self.is_open(op):
                cd.slaves.heard(now_ms, cd.members[op])

    # -- telemetry

    def begin(self):
        """A cycle: nothing of the last one is left."""
        for br in range(len(self.ids)):
            self._got[br] = None

    def rows(self):
        """[("br", [id, on, silent, s_VA])], s_VA of this cycle or null."""
        return [("br", [self.ids[br], None if self.on[br] == _UNKNOWN else self.on[br],
                        self.silent[br],
                        self._got[br] and self._got[br][0]]) for br in range(len(self.ids))]

    def check(self, now_ms):
        """Each branch against its customers: theft or unmetered load has a place."""
        cd = self._cd
        for br in range(len(self.ids)):
            got = self._got[br]
            rows = [cd.meas[op] for op in range(len(self._of)) if self._of[op] == br]
            if got is None or None in rows:
                continue
            dp_w = got[1] - sum([row[3] for row in rows])
            dq_var = got[2] - sum([row[4] for row in rows])
            if self._sums[br].step(dp_w, dq_var, 0, 0, got[0]):
                cd.log.add(now_ms, ev.BRN_TAMP, br, dp_w, dq_var, True)
                # in the branch's name, so that it is known where
                cd.centre.forward({"s": self.ids[br], "n": got[3], "c": 0,
                                   "ts": cd.sync.utc_ms(now_ms),
                                   "b": {"code": "TAMP", "ph": 0, "val": dp_w, "lim": 15,
                                         "t0_ms": cd.sync.utc_ms(now_ms)}})
