"""A controller with one switch, whoever it serves: orders by message, their way to the gate, their
proof.

Orders cross from the slow tier to the fast one through one word, so that only the fast tier ever
touches the gate: arguments are written before the order, its result is read after the order is
gone. The slow tier answers a request when the mirror contacts, and what else the switch offers,
have proved it. Used by a customer's panel (panel.py, operator.py) and by a branch (branch.py).
"""
from micropython import const

from acu import events as ev
from acu import messages
from acu.ports import FOREVER_MS
from acu.primitives.switching import TO_E, Gate
from acu.roles.base import REMOTE, Acu

O_NONE = const(0)
O_OPEN = const(1)
O_CLOSE = const(2)
O_PHASE = const(3)
O_CHECK = const(4)       # select: ask the gate, drive nothing

HAND = {"s": "=console", "c": 0}    # the request of somebody at the console; no identity

VERIFY_MS = const(300)        # contact moved and what is behind it settled by then
_SELECT_MS = const(2_000)     # from the answer to a select until the closing must be here
_LEASE_AGAIN_MS = const(60_000)


class Switched(Acu):
    """A role fits the switch and says where up is."""

    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        self.why = ev.WHY_NONE     # reason of the last opening
        self.phase = 0             # as told in events and messages
        # fast tier's words
        self._order = O_NONE
        self._order_k = 0
        self._order_r = -1         # result; -1: not yet
        self._tripped = 0          # reason of the local opening in force
        self._trip_seen = 0
        # slow tier's
        self._lease_ms = 0         # end of the lease, monotonic; 0: none, or not known yet
        self._lease_utc = 0
        self._busy = None          # [what, until_ms, request, why] of the operation verified
        self._selected = ("", 0)   # who may close, until when
        self._good_ms = 0          # since when the supply is good without a break; 0: it is not
        self._turn_ms = cfg["t_res_ms"]     # of good supply before a lease may end

    def _fit(self, look, contacts):
        """The switch. look: what its gate has to know, switching.Look or BranchLook."""
        self.look = look
        self.gate = Gate(self.gear, contacts, look)

    def _booted(self, mask):
        """A reason of opening belongs to an open contact, whatever memory says. mask: the closed
        ones, by the mirrors. Returns now_ms."""
        if mask and self.why not in (ev.WHY_STUCK, ev.WHY_VERIFY):
            self.why = ev.WHY_NONE
        elif not mask and self.why == ev.WHY_NONE:
            self.why = ev.WHY_RESET
        now_ms = self.clock.now_ms()
        self.log.add(now_ms, ev.BOOT, self.boots, self.cause, mask)
        return now_ms

    # -- what the switch is like

    def _contact(self):
        """The contact that an order means."""
        return 0

    def _on(self):
        """Position told in answers."""
        return int(self.gate.mask() != 0)

    def _own_dv(self):
        """Supply voltage told in answers and events."""
        return self.measuring.half_u(0)

    def _load_dv(self):
        return 0

    def _flows(self, mask):
        """Not proven open. mask: closed contacts by the mirrors."""
        return mask != 0

    def _made(self, mask):
        """Proven closed."""
        return mask == 1

    def _give_up(self, now_ms):
        """An opening was asked for: what it must not wait for ends here."""

    def _save(self):
        """What must survive a power cut, into the store."""

    def _phs_ack(self, now_ms, msg, e):
        """The answer to a phase change that something else ended."""

    def stirred(self):
        """An order of the console comes between two passes."""
        return self._busy is not None or super().stirred()

    def _engaged(self):
        """An operation waits, runs, or is being verified. The order's word too: it must not be
        overwritten before the fast tier has taken it."""
        return self._busy or self._order

    def passed(self, now_ms):
        self.gate.armed = True

    # -- fast tier

    def _carry_out(self, now_us):
        """The order of the slow tier, but for those of one kind of switch."""
        order = self._order
        if order == O_OPEN:
            self.gate.open_all()
            self._order_r = 0
        elif order == O_CLOSE:
            self._order_r = self.gate.close(self._order_k)
        else:
            self._order_r = self.gate.may_close(self._order_k)
        self._order = O_NONE

    # -- requests

    def at_console(self, now_ms, order):
        """An opening, a select (O_CHECK) or a closing of somebody at the console: the same way to
        the gate and the same proof as by message. 0 if it has begun, else an error E_*. It is over
        when hand_over() says so."""
        if not self.ready or self._trip_seen:
            return ev.E_BUSY
        if order == O_OPEN:
            self._give_up(now_ms)
        if self._engaged():
            return ev.E_BUSY
        if order == O_CLOSE and not self._take_select(now_ms, HAND["s"]):
            return ev.E_INTERLOCK
        self._begin(now_ms, order, HAND, ev.WHY_LOCAL)
        return ev.E_OK

    def hand_over(self):
        """None while it runs, else the gate's reason R_*, 0 where it did not refuse. What became
        of the contact its mirror says."""
        return None if self._engaged() else max(self._order_r, 0)

    def _take_select(self, now_ms, who):
        """A closing needs a select of the same one, not long ago; it serves once."""
        whose, until_ms = self._selected
        self._selected = ("", 0)
        return whose == who and now_ms <= until_ms

    def tag(self, now_ms, on):
        """1: a close-block tag, nothing closes or moves it, also after a power loss; 0: the end of
        tag or lock-out, after somebody looked at the switch. An error E_*, 0 if it is stored."""
        # a trip not yet looked at; what is acknowledged must be stored
        if self._engaged() or self._trip_seen or not self.may_write():
            return ev.E_BUSY
        if on:
            self.gate.locked = self.gate.locked or ev.WHY_LOCAL
        else:
            # a lock-out's end makes it F3's again, a tag's does not
            if self.gate.locked not in (0, ev.WHY_LOCAL):
                self.why = ev.WHY_NONE if self.gate.mask() else ev.WHY_OUT
            self.gate.locked = 0
        self._save()
        return ev.E_OK

    def _say(self, now_ms, t, request, body):
        if request is HAND:
            return
        self.net.send(now_ms, self._up + t, t, request["s"], body, request["c"])

    def _sw_ack(self, now_ms, request, e, sel=0):
        self._say(now_ms, "sw.ack", request, {
            "on": self._on(), "sel": sel, "ok": int(e == 0), "e": e,
            "u_dV": self._own_dv()})

    def _refuse(self, now_ms, request, what, r, e, sel=0):
        self.log.add(now_ms, ev.REFUSED, what, e, r)
        self._sw_ack(now_ms, request, e, sel)

    def _on_sw(self, now_ms, msg, body):
        """A sw.req that is for us alone."""
        if (not 0 <= body["why"] < ev.WHY_OC        # what follows is no reason of an order
                or not 0 <= body["lease_s"] <= messages.LEASE_MAX_S
                or body["t_ms"]):           # switching at another time than now is not offered
            return self._refuse(now_ms, msg, int(body["on"] != 0), 0, ev.E_LIMIT, body["sel"])
        if not body["on"]:
            self._give_up(now_ms)
        if not self.ready or self._engaged():
            return self._sw_ack(now_ms, msg, ev.E_BUSY, body["sel"])
        if not body["on"]:
            why = body["why"]
            if why == ev.WHY_SCC:
                self._lease_utc = self._lease_ms = 0
                if body["lease_s"]:
                    self._lease_ms = now_ms + body["lease_s"] * 1000
                    self._lease_utc = self.sync.utc_ms(self._lease_ms)
            if self._flows(self.gate.mask()):
                return self._begin(now_ms, O_OPEN, msg, why)
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
            return self._begin(now_ms, O_CHECK, msg, body["why"])
        if not self._take_select(now_ms, msg["s"]):
            return self._refuse(now_ms, msg, 1, 0, ev.E_INTERLOCK)
        self._begin(now_ms, O_CLOSE, msg, body["why"])

    def _not_from_afar(self, now_ms, msg):
        """Local: refused like what its own limits forbid."""
        t, body = msg["t"], msg["b"]
        if t == "sw.req":
            return self._refuse(now_ms, msg, REMOTE, 0, ev.E_LIMIT, body["sel"])
        super()._not_from_afar(now_ms, msg)
        if t == "phs.req":
            self._phs_ack(now_ms, msg, ev.E_LIMIT)
        elif t == "cfg":
            self._say(now_ms, "cfg.ack", msg, {"k": body["k"], "ok": 0, "e": ev.E_LIMIT})

    def _begin(self, now_ms, order, msg, why):
        self._order_k = self._contact()
        self._order_r = -1
        self._busy = [order, now_ms + VERIFY_MS, msg, why]
        self._order = order

    def _on_cfg(self, now_ms, msg, body):
        """One setting is remote: lockout, see tag()."""
        e = ev.E_UNKNOWN
        if self._engaged() or self._trip_seen or not self.may_write():
            e = ev.E_BUSY
        elif body["k"] == "lockout" and body["val"] in (0, 1):
            e = self.tag(now_ms, body["val"])
        self.log.add(now_ms, ev.CFG, 0, body["val"], e)
        self._say(now_ms, "cfg.ack", msg, {"k": body["k"], "ok": int(e == 0), "e": e})

    # -- proof

    def _local(self, now_ms):
        """The fast tier has opened by itself: whatever else was under way is over."""
        self.why = self._trip_seen
        self._trip_seen = 0
        if self._busy is None or self._busy[0] != O_OPEN:
            if self._busy and self._busy[2]:
                ack = self._phs_ack if self._busy[0] == O_PHASE else self._sw_ack
                ack(now_ms, self._busy[2], ev.E_NO_VOLTAGE)
            self._busy = [O_OPEN, now_ms + VERIFY_MS, None, self.why]
        else:
            self._busy[3] = self.why

    def _verify(self, now_ms):
        """Answers the request in work when its effect is proven, or too late."""
        order, until_ms, msg, why = self._busy
        mask = self.gate.mask()
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
            if self._made(mask):
                self.why = ev.WHY_NONE
                self._done(now_ms, ev.CLOSED, msg, why, ev.E_OK)
            elif now_ms < until_ms:
                return
            elif not self.look.supply_ok(self._contact()):   # went away: no fault of the switch
                self._order = O_OPEN
                self.log.add(now_ms, ev.OPENED, ev.WHY_OUT, self.phase, self._own_dv())
                if msg:
                    self._sw_ack(now_ms, msg, ev.E_NO_VOLTAGE)
                # who closed by himself tries again: nobody else would, after a lease
                self._busy = [O_OPEN, now_ms + VERIFY_MS, None, ev.WHY_OUT if msg else self.why]
            else:                       # contact or load voltage did not come
                self._stuck(now_ms, mask)
                self._order = O_OPEN
                self.why = ev.WHY_VERIFY
                self._done(now_ms, ev.LOCKOUT, msg, ev.WHY_VERIFY, ev.E_NOT_VERIFIED)
        elif not self._flows(mask):
            self.why = why
            self._done(now_ms, ev.OPENED, msg, why, ev.E_OK)
        elif now_ms >= until_ms:
            self._stuck(now_ms, mask)
            self.why = ev.WHY_STUCK
            self._done(now_ms, ev.LOCKOUT, msg, ev.WHY_STUCK, ev.E_NOT_VERIFIED)

    def _stuck(self, now_ms, mask):
        self.gate.locked = ev.WHY_STUCK
        self.log.add(now_ms, ev.STUCK, mask, self._load_dv(), max(self.measuring.half_ma), True)

    def _done(self, now_ms, number, msg, why, e):
        self._busy = None
        if number == ev.LOCKOUT:
            self.log.add(now_ms, number, why, self.gate.mask(), 0, True)
        elif msg or number == ev.CLOSED:    # a local opening was recorded by the fast tier
            self.log.add(now_ms, number, why, self.phase, self._own_dv())
        self._save()
        if msg:
            self._sw_ack(now_ms, msg, e)

    def _good(self, now_ms):
        """Is a closing by itself thinkable? Keeps since when the supply is good. Each slow
        pass."""
        k = self._contact()
        if not (self.look.supply_ok(k) and self.look.healthy(k)):
            self._good_ms = 0
            self._selected = ("", 0)    # a select does not outlive the voltage it was given for
            return False
        if self._good_ms == 0:
            self._good_ms = now_ms
        if self.gate.mask() or self._engaged() or self.gate.locked or not self.ready:
            return False
        if self._lease_utc and not self._lease_ms and self.sync.synchronised(now_ms):
            # after a restart only UTC knows; from here on a clock step moves it no more
            self._lease_ms = now_ms + max(self._lease_utc - self.sync.utc_ms(now_ms), 1)
        return True

    def _alone_ms(self, now_ms):
        """How long until it closes by itself while the supply stays good: the end of a lease. One
        that ended in an outage: not all at once, nor before t_res."""
        if self.why == ev.WHY_SCC and self._lease_ms:
            return max(self._lease_ms, self._good_ms + self._turn_ms) - now_ms
        return FOREVER_MS

    def _end_lease(self, now_ms):
        self._lease_ms = now_ms + _LEASE_AGAIN_MS      # if the gate refuses
        self._begin(now_ms, O_CLOSE, None, ev.WHY_LEASE)

    def rest_ms(self, now_ms):
        if self._engaged() or self._trip_seen or self.gate.busy():
            return 0
        rest_ms = super().rest_ms(now_ms)
        if self.gate.mask() or self.gate.locked:
            return rest_ms
        return min(rest_ms, self._alone_ms(now_ms)) if self._good_ms else 0
