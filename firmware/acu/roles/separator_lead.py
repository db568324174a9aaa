"""The lead of the four-recloser scheme, R1: besides its breaker, the balance of the island and its
machines (spec recloser, 4.2).

Each second it works out which machines an island would trip, and il_trip_ms after a separation
they are told so, if the island is whole. While it lasts the others are asked to hold the
frequency, and once the grid is healthy to turn a little faster than it, at its voltage, so that
the angle comes by. Machines that are not asked any more fall back to their own droop: a request
is good for 2 s. Sends messages only; a machine is no output of ours.
"""
from micropython import const

from acu import events as ev
from acu.dsp.bay import F1, U1
from acu.functions.balance import UNKNOWN, Balance
from acu.functions.peers import GRID, SECOND, TIE
from acu.roles.separator import Separator

_SAMPLE_MS = const(100)
_ASK_MS = const(500)
_LEASE_S = const(2)
_TRIP_AGAIN_MS = const(200)
_TRIES = const(10)
_DU_BP = const(500)          # the most that a machine's voltage is asked to differ
# Why no machine is tripped, of GEN_FAIL with g = -1.
NO_TABLE = const(1)          # what there is to balance is not known
NO_ISLAND = const(2)         # R2 not open or R3 not closed: two parts, or none


class SeparatorLead(Separator):
    def __init__(self, board, cfg, ports):
        super().__init__(board, cfg, ports)
        ids = cfg["il_gens"]
        self.balance = Balance(ids, [cfg["il_g%d_kw" % (k + 1)] * 1000 for k in range(len(ids))])
        net = "slvg/1/slv/%s/%s/" % (cfg["sc"], cfg["uc"])
        self._dn = net + "%s/dn/gen.set"
        for name in ids:
            self.link.subscribe(net + name + "/up/gen.st")
        self._sampled_ms = 0
        self._wanted_ms = 0
        self._wanted = (0, 0)            # isl, df as asked last
        self._trip_of = self._parted_ms  # the separation that has had its trip, or waits for it
        self._trip_ms = 0                # when to trip; 0: not to be
        self._to_trip = 0
        self._trip_n = 0
        self._trip_again_ms = 0
        self.scheduler.add("island", self._island, 10, 500, True)

    def _island(self, now_ms):
        if self.scheme.state == GRID:
            if now_ms - self._sampled_ms >= _SAMPLE_MS:
                self._sampled_ms = now_ms
                other = self.peers.all[SECOND]
                in_w = self.power_w() + other.p_w if other.fresh(now_ms) else None
                self.balance.sample(now_ms, in_w, self.pai.calm())
            elif not (self._wanted[0] or self._to_trip or self._trip_ms):
                return
        open_ = self._pos == 0 and self.scheme.state != GRID
        if self._trip_of != self._parted_ms:
            self._trip_of = self._parted_ms
            self._trip_ms = self._parted_ms + self.cfg["il_trip_ms"]
        if self._trip_ms and now_ms >= self._trip_ms:
            self._trip_ms = 0
            if open_:
                self._trip(now_ms)
        if self._to_trip and now_ms >= self._trip_again_ms:
            self._trip_again(now_ms)
        self._request(now_ms, open_ and not self.peers.known_closed(now_ms, SECOND))

    def _trip(self, now_ms):
        balance = self.balance
        if balance.load_w == UNKNOWN:
            return self.log.add(now_ms, ev.GEN_FAIL, -1, NO_TABLE)
        if not (self.peers.known_open(now_ms, SECOND) and self.peers.known_closed(now_ms, TIE)):
            return self.log.add(now_ms, ev.GEN_FAIL, -1, NO_ISLAND)
        self._to_trip = balance.trips
        self._trip_n = 0
        self._trip_again_ms = now_ms
        self.log.add(now_ms, ev.GEN, balance.trips, balance.load_w // 1000,
                     balance.left_w() // 1000)
        self._evt(now_ms, "GEN", 0, balance.trips, balance.load_w // 1000)

    def _trip_again(self, now_ms):
        """Until they say that they are off."""
        balance = self.balance
        self._trip_again_ms = now_ms + _TRIP_AGAIN_MS
        self._trip_n += 1
        for k in range(len(balance.ids)):
            if not self._to_trip >> k & 1:
                continue
            if self._trip_n > 1 and not balance.runs(k):
                self._to_trip &= ~(1 << k)
            elif self._trip_n > _TRIES:
                self._to_trip &= ~(1 << k)
                self.log.add(now_ms, ev.GEN_FAIL, k, 0, 0, True)
            else:
                self._set(now_ms, k, 0, 0, 0, 0)

    def _request(self, now_ms, island):
        """What the machines are asked for; again before it runs out."""
        df_mhz = du_bp = 0
        good = island and self.grid_good()
        if good:
            q = self.bay.q
            df_mhz = q[F1] - self.cfg["fn_mhz"] + self.cfg["il_bias_mhz"]
            du_bp = min(max(q[U1] - 10_000, -_DU_BP), _DU_BP)
        isl, before_df = self._wanted
        if not island and not isl:
            return
        at_once = int(island) != isl or (before_df == 0) != (df_mhz == 0)
        if not at_once and now_ms - self._wanted_ms < _ASK_MS:
            return
        self._wanted_ms = now_ms
        self._wanted = (int(island), df_mhz)
        for k in range(len(self.balance.ids)):
            if self.balance.runs(k) and not self._to_trip >> k & 1:
                self._set(now_ms, k, 1, int(island), df_mhz, du_bp)

    def _set(self, now_ms, k, on, isl, df_mhz, du_bp):
        name = self.balance.ids[k]
        self.net.send(now_ms, self._dn % name, "gen.set", name, {
            "on": on, "isl": isl, "df_mHz": df_mhz, "du_bp": du_bp, "lease_s": _LEASE_S})

    def handle(self, now_ms, topic, msg):
        if msg["t"] != "gen.st":
            return super().handle(now_ms, topic, msg)
        if msg["s"] in self.balance.ids and msg["d"] == self.id:
            self.balance.hear(now_ms, self.balance.ids.index(msg["s"]), msg["b"])
