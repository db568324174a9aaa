"""Role Operator (ACU-EU): one customer; meters, opens by itself, closes only when told and safe.

The slow tier: requests, verification, reports. What acts without a message, and the only hand on
the gate, is the fast tier in panel.py (spec smartlvgrid, 10, 11).
"""
from micropython import const

from acu import config, messages
from acu import events as ev
from acu.functions.averaging import Average
from acu.primitives import phase_switching as ps
from acu.primitives.switching import TO_E
from acu.roles.base import DRF_1, DRF_2, DRF_3, DRF_4, FW, slot_of
from acu.roles.panel import O_CHECK, O_CLOSE, O_OPEN, O_PHASE, Panel

_VERIFY_MS = const(300)   # contact moved and load voltage settled by then
_SELECT_MS = const(2_000)     # from the answer to a select until the closing must be here
_DAY_MS = const(86_400_000)
_WIN_MAX_MS = const(60_000)
_REPLIES = const(8)
_LEASE_AGAIN_MS = const(60_000)


class Operator(Panel):
    POIS = (("SEP", DRF_1 | DRF_2 | DRF_3 | DRF_4),)

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        self.average = Average(cfg["ub_avg_ms"], 3)
        self.s_max_va = 0
        self._selected = ("", 0)   # who may close, until when
        self._replies = []         # (at_ms, what, request)
        self._good_ms = 0          # since when the supply is good without a break; 0: it is not
        self._heard_ms = 0         # last word from the Coordinator
        self._up = "slvg/1/slv/%s/%s/%s/up/" % (cfg["sc"], cfg["uc"], self.id)
        down = "slvg/1/slv/%s/%s/" % (cfg["sc"], cfg["uc"])
        self.link.subscribe(down + self.id + "/dn/+")
        self.link.subscribe(down + "all/dn/+")
        self.scheduler.add("operate", self._operate, 10, 500)

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

    def _on_cfg(self, now_ms, msg, body):
        """An Operator takes one remote setting. lockout 1: a close-block tag, nothing closes or
        moves it, also after a power loss; 0: the end of tag or lock-out, after somebody looked at
        the switch."""
        e = ev.E_UNKNOWN
        if self._engaged():
            e = ev.E_BUSY
        elif body["k"] == "lockout" and body["val"] in (0, 1):
            e = ev.E_OK
            if body["val"]:
                self.gate.locked = self.gate.locked or ev.WHY_LOCAL
            else:
                # a lock-out's end makes it F3's again, a tag's does not
                if self.gate.locked not in (0, ev.WHY_LOCAL):
                    self.why = ev.WHY_NONE if self.gate.mask() else ev.WHY_OUT
                self.gate.locked = 0
            self._save()
        self.log.add(now_ms, ev.CFG, 0, body["val"], e)
        self._say(now_ms, "cfg.ack", msg, {"k": body["k"], "ok": int(e == 0), "e": e})

    def _say(self, now_ms, t, request, body):
        self.net.send(now_ms, self._up + t, t, request["s"], body, request["c"])

    def _sw_ack(self, now_ms, request, e, sel=0):
        self._say(now_ms, "sw.ack", request, {
            "on": int(self.gate.mask() != 0), "sel": sel, "ok": int(e == 0), "e": e,
            "u_dV": self.measuring.half_u(self.phase)})

    def _refuse(self, now_ms, request, what, r, e, sel=0):
        self.log.add(now_ms, ev.REFUSED, what, e, r)
        self._sw_ack(now_ms, request, e, sel)

    def _on_sw(self, now_ms, msg, body):
        if msg["d"] == "*":
            # a broadcast may only open, and only where the receiver itself sees no voltage
            if body["on"] or self.measuring.half_u(self.phase) >= self._u_out_dv:
                e = ev.E_AUTH if body["on"] else ev.E_LIMIT
                return self._refuse(now_ms, msg, body["on"], 0, e)
        if (not 0 <= body["why"] < len(ev.WHYS)
                or not 0 <= body["lease_s"] <= messages.LEASE_MAX_S
                or body["t_ms"]):           # switching at another time than now is not offered
            return self._refuse(now_ms, msg, int(body["on"] != 0), 0, ev.E_LIMIT, body["sel"])
        if not body["on"]:
            self._give_up_move(now_ms)      # an opening does not wait for a phase change
        if not self.ready or self._engaged():
            return self._sw_ack(now_ms, msg, ev.E_BUSY, body["sel"])
        if not body["on"]:
            why = body["why"]
            if why == ev.WHY_SCC:
                self._lease_utc = self._lease_ms = 0
                if body["lease_s"]:
                    self._lease_ms = now_ms + body["lease_s"] * 1000
                    self._lease_utc = self.sync.utc_ms(self._lease_ms)
            if self.gate.mask():
                return self._begin(now_ms, O_OPEN, self.phase, msg, why)
            if why != ev.WHY_OUT and not self.gate.locked and (
                    self.why != why or why == ev.WHY_SCC):
                self.why = why
                self._save()
            self._order = O_OPEN    # the mirror contact may be wrong; another opening does no harm
            return self._sw_ack(now_ms, msg, ev.E_OK)
        if self.gate.mask():
            return self._sw_ack(now_ms, msg, ev.E_OK, body["sel"])       # already on
        if self.why in (ev.WHY_SCC, ev.WHY_LOCAL) and body["why"] != ev.WHY_SCC:
            # opened on purpose: stays open
            return self._refuse(now_ms, msg, 1, 0, ev.E_LIMIT, body["sel"])
        if body["sel"]:
            return self._begin(now_ms, O_CHECK, self.phase, msg, body["why"])
        who, until_ms = self._selected
        self._selected = ("", 0)
        if who != msg["s"] or now_ms > until_ms:
            return self._refuse(now_ms, msg, 1, 0, ev.E_INTERLOCK)
        self._begin(now_ms, O_CLOSE, self.phase, msg, body["why"])

    def _begin(self, now_ms, order, k, msg, why):
        self._order_k = k
        self._order_r = -1
        self._busy = [order, now_ms + _VERIFY_MS, msg, why]
        self._order = order

    def _on_phs(self, now_ms, msg, body):
        target = body["ph"]
        e = ev.E_OK
        start_ms = self.sync.start_ms(now_ms, body["t_ms"])
        if not self.ready or self._engaged():
            e = ev.E_BUSY
        elif target > 2 or config.wrong("dead_ms", body["dead_ms"]) or (
                self.moves_left(now_ms) <= 0):
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
        """An operation waits, runs, or is being verified. The order's word too: it must not be
        overwritten before the fast tier has taken it."""
        return self._busy or self._order or self._phs or self.sequence.state

    def _give_up_move(self, now_ms):
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
            self.why = self._trip_seen
            self._trip_seen = 0
            if self.why == ev.WHY_OV:
                self._tell_ov(now_ms)
            if self._busy is None or self._busy[0] != O_OPEN:
                if self._busy and self._busy[2]:
                    ack = self._phs_ack if self._busy[0] == O_PHASE else self._sw_ack
                    ack(now_ms, self._busy[2], ev.E_NO_VOLTAGE)
                self._busy = [O_OPEN, now_ms + _VERIFY_MS, None, self.why]
            else:
                self._busy[3] = self.why
        if self._busy:
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

    def _verify(self, now_ms):
        order, until_ms, msg, why = self._busy
        if self._order:
            return                      # the fast tier has not taken it yet
        mask = self.gate.mask()
        if order == O_PHASE:
            return self._verify_phase(now_ms, msg)
        if order == O_CHECK:
            self._busy = None
            if self._order_r:
                return self._refuse(now_ms, msg, 1, self._order_r, TO_E[self._order_r], 1)
            self._selected = (msg["s"], now_ms + _SELECT_MS)
            return self._sw_ack(now_ms, msg, ev.E_OK, 1)
        if order == O_CLOSE:
            if self._order_r:
                self._busy = None
                if msg:
                    self._refuse(now_ms, msg, 1, self._order_r, TO_E[self._order_r])
                return
            if mask == 1 << self.phase and self.look.load_live():
                self.why = ev.WHY_NONE
                self._done(now_ms, ev.CLOSED, msg, why, ev.E_OK)
            elif now_ms < until_ms:
                return
            elif not self.look.supply_ok(self.phase):   # went away: no fault of the switch
                self._order = O_OPEN
                self.log.add(now_ms, ev.OPENED, ev.WHY_OUT, self.phase,
                             self.measuring.half_u(self.phase))
                if msg:
                    self._sw_ack(now_ms, msg, ev.E_NO_VOLTAGE)
                self._busy = [O_OPEN, now_ms + _VERIFY_MS, None, ev.WHY_OUT]
            else:                       # contact or load voltage did not come
                self._stuck(now_ms, mask)
                self._order = O_OPEN
                self.why = ev.WHY_VERIFY
                self._done(now_ms, ev.LOCKOUT, msg, ev.WHY_VERIFY, ev.E_NOT_VERIFIED)
        elif mask == 0:
            self.why = why
            self._done(now_ms, ev.OPENED, msg, why, ev.E_OK)
        elif now_ms >= until_ms:
            self._stuck(now_ms, mask)
            self.why = ev.WHY_STUCK
            self._done(now_ms, ev.LOCKOUT, msg, ev.WHY_STUCK, ev.E_NOT_VERIFIED)

    def _stuck(self, now_ms, mask):
        m = self.measuring
        self.gate.locked = ev.WHY_STUCK
        self.log.add(now_ms, ev.STUCK, mask, m.half_load_dv(), m.half_ma[0], True)

    def _done(self, now_ms, number, msg, why, e):
        self._busy = None
        if number == ev.LOCKOUT:
            self.log.add(now_ms, number, why, self.gate.mask(), 0, True)
        elif msg or number == ev.CLOSED:    # a local opening was recorded by the fast tier
            self.log.add(now_ms, number, why, self.phase, self.measuring.half_u(self.phase))
        self._save()
        if msg:
            self._sw_ack(now_ms, msg, e)

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
                self._busy = [O_OPEN, now_ms + _VERIFY_MS, None, self.why]
        self._save()
        self._phs_ack(now_ms, msg, e)

    def _alone(self, now_ms):
        """T_iso and the end of a lease: the two closings without a message (spec, section 10)."""
        good = self.look.supply_ok(self.phase) and self.look.healthy(self.phase)
        if not good:
            self._good_ms = 0
            self._selected = ("", 0)    # a select does not outlive the voltage it was given for
            return
        if self._good_ms == 0:
            self._good_ms = now_ms
        if self.gate.mask() or self._engaged() or self.gate.locked or not self.ready:
            return
        cfg = self.cfg
        if self._lease_utc and not self._lease_ms and self.sync.synchronised(now_ms):
            # after a restart only UTC knows; from here on a clock step moves it no more
            self._lease_ms = now_ms + max(self._lease_utc - self.sync.utc_ms(now_ms), 1)
        if self.why == ev.WHY_SCC and self._lease_ms and now_ms >= self._lease_ms:
            turn_ms = cfg["t_res_ms"] + cfg["t_base_ms"] + cfg["slot_i"] * cfg["t_slot_ms"]
            if now_ms - self._good_ms < turn_ms:
                return                  # it ended in an outage: not all at once, nor before t_res
            self._lease_ms = now_ms + _LEASE_AGAIN_MS      # if the gate refuses
            self._begin(now_ms, O_CLOSE, self.phase, None, ev.WHY_LEASE)
        elif self.why in (ev.WHY_OUT, ev.WHY_OV):
            wait_ms = cfg["t_iso_ms"] + cfg["t_base_ms"] + slot_of(self.id, 32) * cfg["t_slot_ms"]
            if now_ms - max(self._good_ms, self._heard_ms) >= wait_ms:
                self.log.add(now_ms, ev.TISO, now_ms - self._good_ms)
                self._heard_ms = now_ms
                self._begin(now_ms, O_CLOSE, self.phase, None, ev.WHY_TISO)

    # -- reports

    def window(self, now_ms):
        m = self.measuring
        self.average.add(now_ms, (m.s_va, m.p_w, m.q_var))
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
        self.net.send(now_ms, self._up + "evt", "evt", "*", {
            "code": "NEU" if self.rule.neutral else "OV", "ph": mask, "val": max(u), "lim": lim,
            "t0_ms": self.sync.utc_ms(now_ms)})

    def say_hello(self, now_ms):
        cfg = self.cfg
        self.net.send(now_ms, self._up + "hello", "hello", "*", {
            "role": "op", "dom": "eu", "fw": FW, "drf": self.drf(), "ph": self.phase,
            "un_dV": cfg["un_dv"], "sw": 1, "boot": self.boots})

    def beat(self, now_ms):
        self.net.send(now_ms, self._up + "hb", "hb", "*", {
            "up_s": now_ms // 1000, "rssi": 0, "q": self.quality(now_ms), "err": self.gate.locked,
            "ph": self.phase, "on": int(self.gate.mask() != 0), "why": self.why})
