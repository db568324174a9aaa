"""A recloser in the four-recloser scheme: proactive islanding, the tie, load shedding, the way
back to the grid (spec recloser, 4). il_duty says which of it; settings: islanding_settings.py.

Everything of a Recloser, and: the slow tier tells the other three what it is (rc.st), steps its
duty's state machine, and lets a closing through to the synchronism check only while the interlock
of the loop allows it. Nothing here drives an output but through the gate and the check. What is
one duty's own is in separator.py, separator_lead.py, tie_recloser.py and shed_recloser.py, of
which a board loads its own.
"""
from micropython import const

from acu import events as ev
from acu.dsp.bay import P
from acu.functions import armed_check as ac
from acu.functions import grants as gr
from acu.functions import synccheck as sc
from acu.functions.peers import B_READY, B_SIDE1, B_SIDE2, GRID, LEAD, SECOND, SHED, TIE, Peers
from acu.functions.separating import ASK, FREE
from acu.primitives.switching import R_OK
from acu.roles.recloser import Recloser
from acu.roles.switched import O_CLOSE, O_OPEN

HOLD = const(1 << 28)        # of what holds closings off: the loop's interlock; a small integer
_FREE_TICKS = const(20)      # one word of the slow tier is good for
_DWELL_TICKS = const(20)
_CALM_MS = const(50)         # between two steps while nothing happens
_QUIET_MS = const(1_000)     # how often it tells: with the grid, in an island
_ISLAND_MS = const(250)
_REPEAT_MS = const(50)       # and twice after a change, since a word may be lost
_LATE_MS = const(500)        # of a word: older or newer ones are not believed
_STIR_MS = const(2_000)      # no flash erase so soon after a separation
# Opened by the scheme or the protection, not on purpose; WHY_OUT: a lock-out that was ended.
_OWN = (ev.WHY_PAI, ev.WHY_OC, ev.WHY_PROT, ev.WHY_OUT)


class Islander(Recloser):
    START = ("_scheme_of",)

    def __init__(self, board, cfg, ports):
        self.duty = board["more"]        # LEAD, SECOND, TIE, SHED
        self._free = 0                   # ticks for which a closing is let through
        self._parted_ms = -_STIR_MS
        self.grants = gr.Grants(0)       # may_write() is asked before boots are known
        super().__init__(dict(board, check=ac.ArmedCheck), cfg, ports)
        self.hold = 0 if self.duty == SHED else HOLD
        self._held = self.hold
        closed = self.gate.mask() != 0
        if not closed and self.why in _OWN and not self.gate.locked:
            # in the middle of it: somebody has to look first
            self.gate.locked = ev.WHY_RESET
            self.log.add(self.clock.now_ms(), ev.LOCKOUT, ev.WHY_RESET, 0, 0, True)
            self._save()
        self.scheme = self._scheme_of(cfg, closed)
        self.peers = Peers(cfg["il_peers"])
        self.grants = gr.Grants(self.boots * 64)
        self._topic = "slvg/1/mst/%s/%%s/dn/rc.st" % cfg["sc"]
        self._go = [0] * 4               # the wish of each that we grant
        self._told_at = 0                # when we told last, and how often again soon
        self._again = 0
        self._heard = False              # a word that was not yet looked at
        self._next_ms = 0
        self._is = (-1,) * 4             # as told
        self._pos = -1                   # 1 closed, 0 open, 2 neither
        self._since_ms = 0
        self._as_group = self.protection.group
        self._was = self.scheme.state
        self.by_pai = 0                  # B_PAI: the opening in force was ahead of the protection
        self.scheduler.add("scheme", self._scheme, 10, 500, True)

    # -- what a duty is: separator.py, tie_recloser.py, shed_recloser.py

    def _scheme_of(self, cfg, closed):
        """Its state machine."""
        raise NotImplementedError

    def _step(self, now_ms, scheme):
        """10 ms of it."""
        raise NotImplementedError

    def _can_grant(self, now_ms, k):
        """(may peer k have our word now, for how long)."""
        return False, 0

    def _island_now(self, now_ms):
        """Setting group 1, 0, or -1: as it is."""
        peers = self.peers
        if peers.known_open(now_ms, LEAD) and peers.known_open(now_ms, SECOND):
            return 1
        return 0 if peers.known_closed(now_ms, LEAD) or peers.known_closed(now_ms, SECOND) else -1

    # -- fast tier

    def _trips_now(self):
        n = self._free
        if n:
            self._free = n - 1
            self.hold = 0
        else:
            self.hold = self._held
        return super()._trips_now()

    # -- slow tier

    def may_write(self):
        now_ms = self.clock.now_ms()
        if now_ms - self._parted_ms < _STIR_MS or self.grants.ask > 0 or self.grants.promised(
                now_ms):
            return False
        return super().may_write()

    def _begin(self, now_ms, order, msg, why):
        super()._begin(now_ms, order, msg, why)
        if why == ev.WHY_ISL:
            self.gate.remote = True

    def _scheme(self, now_ms):
        """10 ms; with the grid, while nobody says or wants anything, it steps every 50 ms."""
        self._look(now_ms)
        scheme = self.scheme
        if (now_ms < self._next_ms and not self._heard and self._pos == self._is[0]
                and not self.check.waiting()):
            return
        self._heard = False
        self._next_ms = now_ms + (_CALM_MS if scheme.state == GRID and not self._again else 0)
        if self.ready:
            self._step(now_ms, scheme)
        if scheme.state != self._was:
            self.log.add(now_ms, ev.ISL, scheme.state, self._was, 0 if self._pos else self.why)
            self._was = scheme.state
        self._interlock(now_ms)
        self._group_of(now_ms)
        self._tell(now_ms)

    def _look(self, now_ms):
        gate = self.gate
        pos = gate.position()
        pos = 2 if pos < 0 else pos
        if pos != self._pos:
            if pos == 0 and self._pos > 0 and self.by_pai:
                self._parted_ms = now_ms
            self._pos = pos
            self._since_ms = now_ms
            if pos:
                self.by_pai = 0

    def held(self):
        """The loop's interlock holds closings off, but for what it lets through."""
        return self._held

    def _own(self):
        return self.why in _OWN and not self.gate.locked

    def _close(self, now_ms, mode, wait_ms=0):
        """Asks the check, once; it answers when the moment has come. Others have a say in it, so
        not while the switch says local."""
        self.gate.remote = True
        if self.local or self._engaged() or self._trip_seen or self.gate.may_close(0) != R_OK:
            return
        usual = self._mode
        self._mode = mode
        self._for_ms = wait_ms
        self._begin(now_ms, O_CLOSE, None, ev.WHY_ISL)
        self._mode = usual
        self._for_ms = 0

    def _open(self, now_ms, why):
        """True: it has begun."""
        if self._busy and self._busy[0] == O_OPEN or self._trip_seen:
            return False
        self._give_up(now_ms)
        self.log.add(now_ms, ev.OPENED, why, self.phase, self._own_dv())
        self._begin(now_ms, O_OPEN, None, why)
        return True

    # -- the loop

    def _interlock(self, now_ms):
        """Lets a closing that waits through to the check, for as long as the others' words are
        good; asks for their grants, and gives ours."""
        grants = self.grants
        if self.duty == SHED:
            return
        waits = self.check.waiting()
        if grants.ask > 0 and not waits:
            under_way = self._busy and self._busy[0] == O_CLOSE
            if not under_way:
                grants.over(self._pos == 1)
        elif grants.missed(now_ms):
            grants.over(False)
        if waits and self.ready:
            may, needed = self.scheme.loop_allows(now_ms, self.peers, grants.promised(now_ms))
            if may == FREE:
                self._free = _FREE_TICKS
            elif may == ASK:
                left_ms = grants.left_ms(now_ms)
                if left_ms:
                    self._free = min(left_ms // 5, _FREE_TICKS)
                else:
                    self._wish(now_ms, needed)

    def _wish(self, now_ms, needed):
        short = needed >> TIE & 1
        if short and self.check.pre[ac.A_HELD] < _DWELL_TICKS:
            return                           # nobody opens for what the check would refuse
        self.grants.wish(now_ms, needed, gr.SHORT_MS if short else gr.LONG_MS)

    def _grant(self, now_ms, k, ask):
        """Peer k wishes to close, or says that its wish is over."""
        grants = self.grants
        if ask < 0:
            grants.released(k, ask)
            self._go[k] = 0
            return
        if not ask or self.local or not self.ready:
            return
        good, lasts_ms = self._can_grant(now_ms, k)
        if good and grants.promise(now_ms, k, ask, lasts_ms):
            if self._go[k] != ask:
                self.log.add(now_ms, ev.GRANT, k, ask, lasts_ms)
            self._go[k] = ask
            self._again = 2
            self._told_at = 0

    # -- messages

    def handle(self, now_ms, topic, msg):
        if msg["t"] != "rc.st":
            return super().handle(now_ms, topic, msg)
        if msg["s"] not in self.peers.ids:
            return
        k = self.peers.ids.index(msg["s"])
        one = self.peers.all[k]
        boot = msg["k"] >> 32
        if one.boot != boot:
            if one.boot >= 0:
                self.net.above()
            one.boot = boot
        if not self.sync.synchronised(now_ms):
            return                           # how old it is nobody knows
        late_ms = self.sync.utc_ms(now_ms) - msg["ts"]
        if not -_LATE_MS <= late_ms <= _LATE_MS:
            return
        body = msg["b"]
        if self.peers.hear(now_ms, k, max(late_ms, 0), msg["ts"], body):
            self._heard = True
            if body["g"]:
                self.grants.granted(k, body["g"])
            self._grant(now_ms, k, body["w"])

    def _not_from_afar(self, now_ms, msg):
        if msg["t"] == "rc.st":              # heard, not obeyed
            return self.handle(now_ms, "", msg)
        super()._not_from_afar(now_ms, msg)

    def _live(self):
        live = B_SIDE1 if self._side_live(0) else 0
        if self._side_live(1):
            live |= B_SIDE2
        if not self._engaged() and self.gate.may_close(0) == R_OK:
            live |= B_READY
        return live | self.by_pai

    def _tell(self, now_ms):
        """To the other three: at once what has changed, twice again soon, else now and then."""
        scheme = self.scheme
        now = (self._pos, scheme.state, self.grants.ask, self.by_pai)
        if now != self._is:
            self._is = now
            self._again = 2
        elif self._told_at:
            quiet_ms = (_REPEAT_MS if self._again else
                        _QUIET_MS if scheme.state == GRID else _ISLAND_MS)
            if now_ms - self._told_at < quiet_ms:
                return
            self._again = max(self._again - 1, 0)
        self._told_at = now_ms
        body = {"pos": self._pos, "st": scheme.state,
                "ms": min(now_ms - self._since_ms, 1_000_000), "p_W": self.power_w(),
                "fl": self._live(), "w": 0, "g": 0}
        ids = self.peers.ids
        for k in range(4):
            if k != self.duty:
                body["w"] = self.grants.asks(k)
                body["g"] = self._go[k]
                self.net.send(now_ms, self._topic % ids[k], "rc.st", ids[k], body)

    # -- what is measured

    def _side_live(self, k):
        return self.check.val[sc.V_LOW1 + k] > self.check.par[3 * (sc.V_LOW1 + k)]

    def power_w(self):
        """From side 1 to side 2, primary."""
        return self.bay.q[P] * self.bay.ratio // 1000

    def _group_of(self, now_ms):
        """The protection's settings of the island while it is one."""
        group = self._island_now(now_ms)
        if group < 0:
            return
        if group != self._as_group and self._group < 0:
            self._as_group = group
            self._group = group
            self.log.add(now_ms, ev.GROUP, group)
