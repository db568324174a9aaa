"""Role Coordinator (ACU-TP): the whole circuit (spec smartlvgrid, section 4).

Joins the functions F1 to F4: feeds them measurements and messages, turns their actions into
messages and records. What the post has besides is in post.py, its talk with the centre in
centre.py.
"""
from micropython import const

from acu import events as ev
from acu.functions import balancing as f4
from acu.functions import loading as f3
from acu.functions import outage as f2
from acu.functions import telemetry as f1
from acu.functions.averaging import Average
from acu.primitives.measuring import HISTORY
from acu.primitives.sensing import IMPLAUSIBLE
from acu.roles.base import slot_of
from acu.roles.post import Post

OK, RED, AMBER, PARTIAL = 0, 1, 2, 3      # lamp of the panel, `st` of tele
_LEAD_MS = const(2_000)        # phase changes start together this much later
_GAP_MS = const(5_000)         # or one after the other, where clocks are not synchronised
_WORD_MS = const(2_000)        # life of an F3 order: what was asked again must not be done late
_VA_MAX = const(1 << 30)
_MOVES_SAID = const(12)        # in one ub.res; the log has them all


class Coordinator(Post):
    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        un_dv = cfg["un_dv"]
        members = self.members
        n = len(members)
        prio = cfg["prio"] or [0] * n
        self.supply = f2.OutageDetector(
            un_dv * cfg["u_out_pm"] // 1000, un_dv * cfg["u_part_pm"] // 1000,
            un_dv * cfg["u_lo_pm"] // 1000, un_dv * cfg["u_hi_pm"] // 1000,
            cfg["t_out_ms"], cfg["t_part_ms"], cfg["t_res_ms"])
        self.loading = f3.LoadingControl(cfg["t_base_ms"], cfg["t_slot_ms"])
        self.loading.configure([(prio[k], members[k], slot_of(members[k], cfg["jitter_ms"] + 1))
                                for k in range(n)])
        self.telemetry = f1.Telemetry(n, cfg["t_tele_ms"], cfg["tele_win_ms"], cfg["tele_retries"])
        self.sums = f1.SumCheck(sr_va=cfg["sr_va"])
        self.balancing = f4.Balancing(
            n, cfg["ui_max_pm"], cfg["ui_hyst_pm"], cfg["ub_hold_ms"], cfg["ub_win_ms"],
            cfg["ub_retries"], cfg["ub_avg_ms"], cfg["cooldown_ms"], cfg["sr_va"],
            cfg["moves_per_day"])
        self.average = Average(cfg["ub_avg_ms"], 9)
        self._mean = ((0, 0, 0),) * 3   # of the last window: VA, W, var by phase
        self._fresh = True              # not yet looked at
        # (ph, on, s_va, p_w, q_var) in the running telemetry cycle; never carried over
        self.meas = [None] * n
        self.cycle = 0                  # its correlation id
        self.unsync = [True] * n        # Operators whose clock is not ours
        self._moves = []                # (at_ms, op, to, t_utc_ms) phase requests still to be sent
        self._seq = 0                   # half cycles seen
        self._dead = 0                  # phases whose voltage channel is dead: their current flows
        self._u3 = [0, 0, 0]
        self._lo_dv = un_dv * cfg["u_close_pm"] // 1000
        self._hi_dv = un_dv * cfg["u_hi_pm"] // 1000
        self._out_dv = un_dv * cfg["u_out_pm"] // 1000
        self._in_ma = cfg["sr_va"] * 10_000 // (3 * un_dv)       # rated
        self._hold_ma = self._in_ma * cfg["i_hold_pm"] // 1000
        self.scheduler.add("watch", self._watch, 10, 500, True)
        self.scheduler.add("steer", self._steer, 10, 500, True)

    def may_write(self):
        return self.supply.state == f2.NORMAL or self.supply.state == f2.OUTAGE

    def rest_ms(self, now_ms):
        if self.supply.state != f2.NORMAL or self._dead:
            return 0
        rest_ms = min(super().rest_ms(now_ms), self.telemetry.rest_ms(now_ms),
                      self.loading.rest_ms(now_ms), self.balancing.rest_ms(now_ms))
        return min(rest_ms, self._moves[0][0] - now_ms) if self._moves else rest_ms

    def passed(self, now_ms):
        self._seq = self.measuring.half_seq
        self.loading.start(now_ms)
        self.branches.start(now_ms)
        if self._out_utc:
            self.supply.resume(now_ms - (self.sync.utc_ms(now_ms) - self._out_utc))
            self.loading.resume()
        self._time(now_ms)

    def handle(self, now_ms, topic, msg):
        src = msg["s"]
        t = msg["t"]
        body = msg["b"]
        if src == "scc":
            return self.centre.handle(now_ms, msg, body)
        op = self.index.get(src)
        if op is None:
            br = self.branches.find(src)
            if br >= 0:
                self.branches.handle(now_ms, br, msg, body)
            return
        if self.slaves.heard(now_ms, src):
            self.log.add(now_ms, ev.BACK_AGAIN, op)
        if t == "hb":
            self.unsync[op] = body["q"] & 1 != 0
            self.loading.on_hb(now_ms, op, body["on"], body["why"], body["ph"])
        elif t == "hello" or t == "time.req":
            self._give_time(now_ms, op, t, body if t != "hello" else None)
        elif t == "meas" and msg["c"] == self.cycle:
            sums = [sum([x or 0 for x in body[key]]) for key in ("s_VA", "p_W", "q_var")]
            self.take_meas(op, body["ph"], body["on"], sums[0], sums[1], sums[2])
        elif t == "sw.ack":
            if not self.centre.on_ack(now_ms, op, msg, body):
                self.loading.on_ack(now_ms, op, body["on"], body["sel"], body["e"])
        elif t == "ub.rep":
            self.balancing.on_rep(op, body["ph"], body["sav_VA"], body["p_W"], body["q_var"],
                                  body["sw"], body["nops"])
        elif t == "evt":
            self.centre.forward(msg)
        elif t == "cfg.ack":
            self.centre.on_ack(now_ms, op, msg, body)
        elif t == "phs.ack":
            if not self.centre.on_ack(now_ms, op, msg, body):
                self.balancing.on_phs_ack(op, body["ph"], body["e"])

    def take_meas(self, op, ph, on, s_va, p_w, q_var):
        """An answer to the present request, its own or its branch's. What nobody has would make
        the centre's readers refuse the whole page."""
        # phase and position go into a page of `tele`, which must not become too long
        if (0 <= (ph or 0) <= 127 and 0 <= (on or 0) <= 1
                and self.whole((s_va, p_w, q_var))):
            self.meas[op] = (ph, on, s_va, p_w, q_var)
            self.telemetry.on_meas(op)

    # -- F2: the supply, every half cycle

    def _watch(self, now_ms):
        if not self.ready:
            return
        m = self.measuring
        newest = m.half_seq
        if (newest - self._seq) & 0x3FFFFFFF >= HISTORY:
            self._seq = (newest - HISTORY + 1) & 0x3FFFFFFF
        now_us = self.clock.ticks_us()
        while self._seq != newest:
            self._seq = (self._seq + 1) & 0x3FFFFFFF
            m.half(self._seq, self._u3)
            age_ms = self.clock.ticks_diff(now_us, m.half_t_us(self._seq)) // 1000
            answer = self.supply.step(now_ms - age_ms, self._u3, self._doubtful(now_ms))
            if answer:
                self._on_supply(now_ms, answer)

    def _doubtful(self, now_ms):
        """Phases whose voltage proves nothing: of a bad channel, or none where the current of a
        load flows. That is a dead channel, not a dead street; in a short circuit the current is
        far above rated."""
        bad = self.sensing.bad & 7
        dead = out = 0
        for k in range(3):
            bit = 1 << k
            if self._u3[k] >= self._out_dv:
                if self._dead & bit:
                    self._dead &= ~bit
                    self.log.add(now_ms, ev.ADC_OK, k)
                continue
            out |= bit
            if (not self.sensing.bad & (bit | 8 << k)
                    and self._in_ma < self.measuring.half_ma[k] * 10 < self._in_ma * 100):
                dead |= bit
                if not self._dead & bit:
                    self._dead |= bit
                    self.log.add(now_ms, ev.ADC_BAD, k, IMPLAUSIBLE, 0, True)
        if dead and 7 & ~(bad | out) == 0:
            return 7                    # nothing but doubt: no outage
        return bad | dead

    def _on_supply(self, now_ms, answer):
        s = self.supply
        u_min, u_max = min(self._u3), max(self._u3)
        if answer == f2.LOST:
            self.log.add(now_ms, ev.OUT, s.mask, u_max, now_ms - s.t0_ms, True)
            self.log.flush()
            self._save_live(self.sync.utc_ms(s.t0_ms))
            self.centre.event(now_ms, "OUT", s.mask, u_max, 0, s.t0_ms)
            self.centre.say(now_ms, "outage", {"ph": s.mask, "t0_ms": self.sync.utc_ms(s.t0_ms),
                                               "dur_s": 0})
        elif answer == f2.RESTORED:
            self.log.add(now_ms, ev.RES, s.dur_ms, u_min, 0, True)
            self._save_live(0)
            self.centre.say(now_ms, "restore", {"ph": 7, "t0_ms": self.sync.utc_ms(s.t0_ms),
                                                "dur_s": (s.dur_ms + 500) // 1000})
        elif answer == f2.PART:
            self.log.add(now_ms, ev.UV, s.mask, u_min, now_ms - s.part_ms, True)
            self.centre.event(now_ms, "UV", s.mask, u_min, 0, s.part_ms)
        elif answer == f2.PART_END:
            self.log.add(now_ms, ev.UV_END, s.dur_ms)
        self.loading.on_outage(now_ms, answer)
        if answer != f2.LOST:
            self.telemetry.trigger()      # the lamp changes; LOST has its own message

    def lamp(self):
        state = self.supply.state
        if state == f2.OUTAGE:
            return RED
        if state == f2.PARTIAL:
            return PARTIAL
        return OK if state == f2.NORMAL and self.loading.state == f3.CONNECTED else AMBER

    # -- F1, F3, F4: actions

    def _steer(self, now_ms):
        if not self.ready:
            return
        for action in self.telemetry.step(now_ms):
            self._do_telemetry(now_ms, action)
        for action in self.loading.step(now_ms, *self._post_ok()):
            self._do_loading(now_ms, action)
        # a breaker that has just moved ends the present plan
        idle = (self.loading.idle() and self.supply.state == f2.NORMAL
                and not self.branches.changed)
        self.branches.changed = False
        s_va, p_w, q_var = self._mean
        for action in self.balancing.step(now_ms, s_va, self.cfg["ub_en"], idle, p_w, q_var,
                                          self._fresh):
            self._do_balancing(now_ms, action)
        self._fresh = False
        while self._moves and self._moves[0][0] <= now_ms:
            _, op, to, t_utc = self._moves.pop(0)
            self.to_op(now_ms, op, "phs.req",
                       {"ph": to, "t_ms": t_utc, "dead_ms": self.cfg["dead_ms"]})
        self.centre.step(now_ms)

    def _post_ok(self):
        """(room for one more customer, mask of phases in band)."""
        m = self.measuring
        mask = 0
        room = True
        for k in range(3):
            if self._lo_dv <= m.half_u(k) <= self._hi_dv and not self.sensing.bad & 1 << k:
                mask |= 1 << k
            if m.half_ma[k] >= self._hold_ma or self.sensing.bad & 8 << k:
                room = False
        s = self.supply
        if s.state == f2.PARTIAL and not s.after_outage:
            mask &= ~s.mask             # back, but not yet for t_res
        return room and mask != 0, mask

    def _do_telemetry(self, now_ms, action):
        win_ms = self.cfg["tele_win_ms"]
        if action[0] == f1.T_REQ_ALL:
            self.meas = [None] * len(self.members)
            self.branches.begin()
            self.cycle = self.net.corr()
            if self.branches.ids:
                # slots fill three fifths of our window, a Sub-Coordinator has sent after four
                win_ms = win_ms * 3 // 5
            self.to_all(now_ms, "meas.req", {"what": 0, "win_ms": win_ms}, self.cycle)
        elif action[0] == f1.T_REQ:
            if not self.branches.is_silent(action[1]):
                self.to_op(now_ms, action[1], "meas.req", {"what": 0, "win_ms": win_ms},
                           self.cycle)
        else:
            self.centre.telemetry(now_ms)
            self._sum_check(now_ms)

    def _sum_check(self, now_ms):
        if not self.loading.idle():
            return
        self.branches.check(now_ms)
        m = self.measuring
        sums = [0, 0]
        for op in range(len(self.meas)):
            row = self.meas[op]
            if row:
                sums[0] += row[3]
                sums[1] += row[4]
            elif not self.branches.is_open(op):     # that one's power is known: none
                return
        p_w, q_var, s_va = sum(m.p_w), sum(m.q_var), sum(m.s_va)
        if self.sums.step(p_w, q_var, sums[0], sums[1], s_va):
            self.log.add(now_ms, ev.TAMP, p_w - sums[0], q_var - sums[1], s_va, True)
            self.centre.event(now_ms, "TAMP", 0, p_w - sums[0], 15, now_ms)

    def _switch(self, now_ms, op, on, sel, why, lease_s=0, c=0):
        self.to_op(now_ms, op, "sw.req", {"on": on, "sel": sel, "why": why, "t_ms": 0,
                                          "lease_s": lease_s}, c, _WORD_MS)

    def _do_loading(self, now_ms, action):
        what = action[0]
        if what == f3.A_SHED:
            self.log.add(now_ms, ev.SHED, ev.WHY_OUT, self.loading.counts()[0])
            self.to_all(now_ms, "sw.req", {"on": 0, "sel": 0, "why": ev.WHY_OUT, "t_ms": 0,
                                           "lease_s": 0})
        elif what == f3.A_ASK_OPEN:
            self._switch(now_ms, action[1], 0, 0, ev.WHY_OUT)
        elif what == f3.A_SHED_END:
            self.log.add(now_ms, ev.SHED_END, action[1], action[2])
            self.telemetry.trigger()
        elif what == f3.A_DELAY:
            self.log.add(now_ms, ev.RECON, action[1], self.cfg["t_base_ms"], self.cfg["t_slot_ms"])
        elif what == f3.A_SELECT:
            self._switch(now_ms, action[1], 1, 1, ev.WHY_RECON)
        elif what == f3.A_CLOSE:
            self._switch(now_ms, action[1], 1, 0, ev.WHY_RECON)
        elif what == f3.A_CLOSED:
            self.log.add(now_ms, ev.RECON_OP, action[1], min(self._u3))
            self.telemetry.trigger()
        elif what == f3.A_HOLD:
            m = self.measuring
            self.log.add(now_ms, ev.RECON_HOLD, action[1], max(m.half_ma), min(self._u3))
        elif what == f3.A_FAIL:
            self.log.add(now_ms, ev.RECON_FAIL, action[1], action[2], 0, True)
            self.centre.event(now_ms, "OPN", 0, action[1], action[2], now_ms)
        elif what == f3.A_END:
            self.log.add(now_ms, ev.RECON_END, action[1], action[2])
            self.telemetry.trigger()

    def _do_balancing(self, now_ms, action):
        what = action[0]
        if what == f4.B_QUERY:
            self.log.add(now_ms, ev.UB_QUERY, self.balancing.ui_m, len(self.members))
            self.to_all(now_ms, "ub.req",
                        {"avg_s": self.cfg["ub_avg_ms"] // 1000, "win_ms": self.cfg["ub_win_ms"]})
            for op in range(len(self.members)):
                if self.branches.is_open(op):       # known: no load, not to be moved
                    self.balancing.on_rep(op, self.loading.ph[op], 0, 0, 0, 0, 0)
        elif what == f4.B_ASK:
            if self.branches.is_silent(action[1]):
                return
            self.to_op(now_ms, action[1], "ub.req", {"avg_s": self.cfg["ub_avg_ms"] // 1000,
                                                     "win_ms": self.cfg["ub_win_ms"]})
        elif what == f4.B_PLAN:
            self.log.add(now_ms, ev.UB_PLAN, action[1], action[2], action[3])
        elif what == f4.B_MOVE or what == f4.B_BACK:
            op = action[1]
            self.log.add(now_ms, ev.UB_MOVE, op, action[2], action[3])
            if self.unsync[op]:
                at_ms = now_ms + _LEAD_MS + _GAP_MS * len(self._moves)
                self._moves.append((at_ms, op, action[3], 0))
            else:
                self._moves.append((now_ms, op, action[3], self.sync.utc_ms(now_ms) + _LEAD_MS))
            self._moves.sort()
        elif what == f4.B_RESULT:
            _, ui0_m, ui1_m, moves, ok, e = action
            self.log.add(now_ms, ev.UB_DONE, ui0_m, ui1_m, len(moves))
            said = [[self.members[op], a, b] for op, a, b in moves[:_MOVES_SAID]]
            self.centre.say(now_ms, "ub.res", {"ui0_m": ui0_m, "ui1_m": ui1_m, "moves": said,
                                               "ok": ok, "e": e})
        elif what == f4.B_ABORT:
            self._moves = []
            self.log.add(now_ms, ev.UB_ABORT, action[1], self.balancing.ui_m)

    def whole(self, values):
        """All of them integers, and no larger than powers are?"""
        for value in values:
            if not isinstance(value, int) or not -_VA_MAX <= value <= _VA_MAX:
                return False
        return True

    # -- averages

    def window(self, now_ms):
        m = self.measuring
        self.average.add(now_ms, list(m.s_va) + list(m.p_w) + list(m.q_var), m.window_ms)
        mean = self.average.mean()
        self._mean = (mean[:3], mean[3:6], mean[6:])
        self._fresh = True
