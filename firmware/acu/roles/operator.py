"""Role Operator (ACU-EU): one customer; meters, opens by itself, closes only when told and safe.

The slow tier: requests, verification, reports. What acts without a message, and the only hand on
the gate, is the fast tier in panel.py (spec smartlvgrid, 10, 11).
"""
from micropython import const

from acu import events as ev
from acu.functions.averaging import Average
from acu.primitives import phase_switching as ps
from acu.roles.base import DRF_1, DRF_2, DRF_3, DRF_4, FW, slot_of
from acu.roles.panel import Panel
from acu.roles.switched import O_CLOSE, O_OPEN, O_PHASE, VERIFY_MS

_DAY_MS = const(86_400_000)
_WIN_MAX_MS = const(60_000)
_REPLIES = const(8)


class Operator(Panel):
    POIS = (("SEP", DRF_1 | DRF_2 | DRF_3 | DRF_4),)

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        self.average = Average(cfg["ub_avg_ms"], 3)
        self.s_max_va = 0
        self._replies = []         # (at_ms, what, request)
        self._turn_ms += cfg["t_base_ms"] + cfg["slot_i"] * cfg["t_slot_ms"]
        self._heard_ms = 0         # last word from the Coordinator
        self._up = "slvg/1/slv/%s/%s/%s/up/" % (cfg["sc"], cfg["uc"], self.id)
        down = "slvg/1/slv/%s/%s/" % (cfg["sc"], cfg["uc"])
        self.link.subscribe(down + self.id + "/dn/+")
        self.link.subscribe(down + "all/dn/+")
        self.scheduler.add("operate", self._operate, 10, 500, True)

    # -- requests

    def accept(self, now_ms, topic, raw):
        msg = self.net.receive(now_ms, raw)
        if msg is not None:
            self._heard_ms = now_ms
        return msg

    def handle(self, now_ms, topic, msg):
        t = msg["t"]
        body = msg["b"]
        if t == "meas.req" or t == "ub.req":
            wait = 0
            if msg["d"] == "*" and 0 < body["win_ms"] <= _WIN_MAX_MS:
                wait = body["win_ms"] * self.cfg["slot_i"] // self.cfg["slot_n"]
            if len(self._replies) < _REPLIES:
                self._replies.append((now_ms + wait, t, msg))
        elif t == "sw.req":
            self._on_sw(now_ms, msg, body)
        elif t == "phs.req":
            self._on_phs(now_ms, msg, body)
        elif t == "cfg":
            self._on_cfg(now_ms, msg, body)

    def _on_sw(self, now_ms, msg, body):
        if msg["d"] == "*":
            # what goes to all opens (messaging), and only where the receiver sees no voltage
            if self.measuring.half_u(self.phase) >= self._u_out_dv:
                return self._refuse(now_ms, msg, 0, 0, ev.E_LIMIT)
        super()._on_sw(now_ms, msg, body)

    def _on_phs(self, now_ms, msg, body):
        target = body["ph"]
        e = ev.E_OK
        start_ms = self.sync.start_ms(now_ms, body["t_ms"])
        if not self.ready or self._engaged():
            e = ev.E_BUSY
        elif target > 2 or self.moves_left(now_ms) <= 0 or (
                not ps.DEAD_MIN_MS <= body["dead_ms"] <= ps.DEAD_MAX_MS):
            e = ev.E_LIMIT
        elif self.gate.locked or self.gate.mask() != 1 << self.phase:
            e = ev.E_INTERLOCK
        elif not self.look.supply_ok(target) or not self.look.supply_ok(self.phase):
            e = ev.E_NO_VOLTAGE
        elif not self.look.healthy(target):
            e = ev.E_LIMIT
        elif start_ms is None:
            e = ev.E_STALE
        if e or target == self.phase:
            if e:
                self.log.add(now_ms, ev.REFUSED, 2, e, self.gate.locked and 2)
            return self._phs_ack(now_ms, msg, e)
        self.sequence.set_dead(body["dead_ms"])
        self._phs = (start_ms, target, msg)
        self._save()

    def _engaged(self):
        return self._busy or self._order or self._phs or self.sequence.state

    def _give_up(self, now_ms):
        """An opening does not wait for a phase change."""
        if self._phs:
            self._phs_ack(now_ms, self._phs[2], ev.E_BUSY)
            self._phs = None

    def _phs_ack(self, now_ms, msg, e):
        self._say(now_ms, "phs.ack", msg, {"ph": self.phase, "ok": int(e == 0), "e": e,
                                           "u_dV": self.measuring.half_u(self.phase)})

    def moves_left(self, now_ms):
        day = self.sync.utc_ms(now_ms) // _DAY_MS
        if day != self.day:
            self.day = day
            self.moves = 0
        return self.cfg["moves_per_day"] - self.moves

    # -- slow tier

    def _operate(self, now_ms):
        """Verification of what was ordered, due starts, replies, lease, isolation."""
        if self._trip_seen:
            self._local(now_ms)
            if self.why == ev.WHY_OV:
                self._tell_ov(now_ms)
        if self._busy and not self._order:      # else the fast tier has not taken it yet
            if self._busy[0] == O_PHASE:
                self._verify_phase(now_ms, self._busy[2])
            else:
                self._verify(now_ms)
        if self._phs and self._phs[0] <= now_ms and not self._busy:
            self._order_k = self._phs[1]
            self._order_r = -1
            self._order = O_PHASE
            self.log.add(now_ms, ev.PHS_START, self.phase, self._phs[1])
            self._busy = [O_PHASE, now_ms + 12_000, self._phs[2], ev.WHY_PHS]
            self._phs = None
        for reply in list(self._replies):
            if reply[0] <= now_ms:
                self._replies.remove(reply)
                if reply[1] == "meas.req":
                    self._reply_meas(now_ms, reply[2])
                else:
                    self._reply_ub(now_ms, reply[2])
        self._alone(now_ms)

    def _verify_phase(self, now_ms, msg):
        if self._order_r:               # contact no longer where the change should begin
            self._busy = None
            self._save()
            self.log.add(now_ms, ev.PHS_FAIL, self.phase, ev.E_INTERLOCK, 0)
            return self._phs_ack(now_ms, msg, ev.E_INTERLOCK)
        seq = self.sequence
        result = seq.take()
        if result == ps.NONE:
            return
        self._busy = None
        e = ev.E_OK
        if result == ps.DONE:
            self.phase = seq.phase
            self.moves += 1
            self.log.add(now_ms, ev.PHS_DONE, self.phase, seq.break_ms,
                         self.measuring.half_u(self.phase))
        else:
            e = seq.e or ev.E_NOT_VERIFIED
            self.log.add(now_ms, ev.PHS_FAIL, self.phase, e, seq.step, True)
            if result == ps.WELDED:
                self._stuck(now_ms, self.gate.mask())
            if self.gate.locked:
                self.log.add(now_ms, ev.LOCKOUT, self.gate.locked, self.gate.mask(), 0, True)
            if result == ps.FAILED:     # why it is dark: the switch, or what befell the supply
                self.why = self.gate.locked or self._tripped or ev.WHY_OUT
                self.log.add(now_ms, ev.OPENED, self.why, self.phase,
                             self.measuring.half_u(self.phase))
                # proven, like any opening
                self._busy = [O_OPEN, now_ms + VERIFY_MS, None, self.why]
        self._save()
        self._phs_ack(now_ms, msg, e)

    def _alone(self, now_ms):
        """T_iso and the end of a lease: the two closings without a message (spec, section 10)."""
        if not self._good(now_ms) or self._alone_ms(now_ms) > 0:
            return
        if self.why == ev.WHY_SCC:
            self._end_lease(now_ms)
        else:
            self.log.add(now_ms, ev.TISO, now_ms - self._good_ms)
            self._heard_ms = now_ms
            self._begin(now_ms, O_CLOSE, None, ev.WHY_TISO)

    def _alone_ms(self, now_ms):
        """How long until then, while the supply stays good."""
        if self.why in (ev.WHY_OUT, ev.WHY_OV):
            cfg = self.cfg
            return (max(self._good_ms, self._heard_ms) + cfg["t_iso_ms"] + cfg["t_base_ms"]
                    + slot_of(self.id, 32) * cfg["t_slot_ms"] - now_ms)
        return super()._alone_ms(now_ms)

    def rest_ms(self, now_ms):
        rest_ms = super().rest_ms(now_ms)
        for reply in self._replies:
            rest_ms = min(rest_ms, reply[0] - now_ms)
        return rest_ms

    # -- reports

    def window(self, now_ms):
        m = self.measuring
        self.average.add(now_ms, (m.s_va, m.p_w, m.q_var), m.window_ms)
        self.s_max_va = max(self.s_max_va, m.s_va)

    def _on_phase(self, value):
        row = [None, None, None]
        row[self.phase] = value
        return row

    def _reply_meas(self, now_ms, msg):
        m = self.measuring
        self._say(now_ms, "meas", msg, {
            "u_dV": list(m.u_dv), "i_mA": self._on_phase(m.i_ma), "p_W": self._on_phase(m.p_w),
            "q_var": self._on_phase(m.q_var), "s_VA": self._on_phase(m.s_va), "f_mHz": m.f_mhz,
            "e_Wh": self.e_wh, "t_dC": None, "gnd": None, "dofc": None,
            "ph": self.phase, "on": int(self.gate.mask() != 0), "fl": self.quality(now_ms)})

    def _reply_ub(self, now_ms, msg):
        s_va, p_w, q_var = self.average.mean()
        movable = self.gate.mask() and not self.gate.locked and self.moves_left(now_ms) > 0
        self._say(now_ms, "ub.rep", msg, {
            "ph": self.phase, "sav_VA": s_va, "smax_VA": self.s_max_va, "p_W": p_w, "q_var": q_var,
            "sw": int(bool(movable)), "nops": self.moves})

    def _tell_ov(self, now_ms):
        """Over-voltage, or the lost neutral behind it: that one needs a crew at once."""
        u = [self.measuring.half_u(k) for k in range(3)]
        lim = self.cfg["un_dv"] * self.cfg["u_ov_pm"] // 1000
        mask = sum([1 << k for k in range(3) if u[k] > lim])
        self.log.add(now_ms, ev.OV, mask, max(u), lim, True)
        if self.rule.neutral:
            self.log.add(now_ms, ev.NEUTRAL, max(u), min(u), 0, True)
        self._evt(now_ms, "NEU" if self.rule.neutral else "OV", mask, max(u), lim)

    def say_hello(self, now_ms):
        cfg = self.cfg
        self.net.send(now_ms, self._up + "hello", "hello", "*", {
            "role": "op", "dom": "eu", "fw": FW, "drf": self.drf(), "ph": self.phase,
            "un_dV": cfg["un_dv"], "sw": 1, "boot": self.boots})

    def beat(self, now_ms):
        self.net.send(now_ms, self._up + "hb", "hb", "*", {
            "up_s": now_ms // 1000, "rssi": self.rssi(),
            "q": self.quality(now_ms), "err": self.gate.locked,
            "ph": self.phase, "on": int(self.gate.mask() != 0), "why": self.why})
