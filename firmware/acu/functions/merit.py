"""Merit order of one step: diesel and hydrogen set-points at given marginal values of the stores.

What policy_rule.py and policy_table.py share. The battery is a row of `slopes`, what one more kWh
stored is worth in each of n equal parts of its capacity, from empty to full; hydrogen has one
price. Battery, hydrogen, load left out and PV given up then stand in one order of bus prices, and
the diesel set's marginal cost rises with its power, so the least cost lies where both meet. The
no-load cost makes two such points, one with the set stopped and one with it running: the cheaper
one is taken.

Prices in 0.1 mEUR per kWh, at most _DEAR; powers in units of so many W that none is above _MOST,
so that every product stays in 32 bits (viper). No clock, no memory, no I/O.
"""
from array import array

import micropython
from micropython import const

from acu.functions.dispatch import B_MWH, DIE, DT_S, H2, H_MWH, LOAD, PV

_MOST = const(12_000)       # units of the largest power
_DEAR = const(12_000)       # 1.2 EUR/kWh: what is dearer counts as much
_PARTS = const(64)          # of the battery at most

# Places of what meet() is told: hydrogen's power taken and given, its prices, and the diesel set.
_TAKE = const(0)
_GIVE = const(1)
_LOW = const(2)
_HIGH = const(3)
_PNS = const(4)
_D0 = const(5)
_D1 = const(6)
_RISE = const(7)            # of its marginal cost, 1/256 a unit of power

_B_TAKE = const(8)          # the battery's: power taken and given, of a whole part taken and given
_B_GIVE = const(9)
_PART_IN = const(10)
_PART_OUT = const(11)
_ETA = const(12)
_ZETA = const(13)
_PLACES = const(14)

# And of what it finds.
_F_DIE = const(0)
_F_H2 = const(1)
_F_COST = const(2)


@micropython.viper
def bid(k: int, f: int, n: int, slopes: ptr32, par: ptr32, bids: ptr32):
    """The battery's parts from the one that would be charged last to the one that would be
    discharged last, as bids. k, f: it is full up to f/1024 of part k of n."""
    # how far up charging comes
    left = par[_B_TAKE]
    eta = par[_ETA]
    up = k
    w = par[_PART_IN] * (1024 - f) >> 10
    while left > w and up < n - 1:
        left -= w
        w = par[_PART_IN]
        up += 1
    at = 1
    if par[_B_TAKE]:
        bids[at] = slopes[up] * eta // 1000
        bids[at + 1] = left
        at += 2
        while up > k:
            up -= 1
            bids[at] = slopes[up] * eta // 1000
            w = par[_PART_IN]
            if up == k:
                w = w * (1024 - f) >> 10
            bids[at + 1] = w
            at += 2
    left = par[_B_GIVE]
    w = par[_PART_OUT] * f >> 10
    while left:
        if w > left or k == 0:
            w = left
        bids[at] = slopes[k] * 1000 // par[_ZETA]
        bids[at + 1] = w
        at += 2
        left -= w
        w = par[_PART_OUT]
        k -= 1
    bids[0] = at >> 1


@micropython.viper
def meet(net: int, d_max: int, bids: ptr32, par: ptr32, found: ptr32):
    """Where the battery meets the others. net: to be covered while it charges all it can; d_max
    0: without the diesel set; bids: their number, then bus price and power of each, rising."""
    take = par[_TAKE]
    give = par[_GIVE]
    low = par[_LOW]
    high = par[_HIGH]
    pns = par[_PNS]
    d1 = par[_D1]
    rise = par[_RISE]
    cost = 0
    k = 1
    end = 2 * bids[0] + 1
    while k < end:
        mu = bids[k]
        w = bids[k + 1]
        k += 2
        other = 0
        if mu > d1:
            other = (mu - d1 << 8) // rise
            if other > d_max:
                other = d_max
        if mu >= high:
            other += give
        elif mu < low:
            other -= take
        lack = net - other
        if lack <= 0 or mu >= pns:      # what is dearer than to leave load out stays; no product
            break                       # of a greater price than that is made
        if lack <= w:
            w = lack
            k = end
        net -= w
        cost += mu * w
    # diesel up to hydrogen's price, then hydrogen, then diesel again
    die = 0
    if d_max:
        some = 0
        if low > d1:
            some = (low - d1 << 8) // rise
            if some > d_max:
                some = d_max
        more = 0
        if high > d1:
            more = (high - d1 << 8) // rise
            if more > d_max:
                more = d_max
        die = some
        if net > some:
            die = net
            if die > more:
                die = more
            if net - die > give:
                die = net - give
                if die > d_max:
                    die = d_max
        elif net < some - take:
            die = net + take
            if die < 0:
                die = 0
    h = net - die
    if h > give:
        h = give
    if h < 0 - take:
        h = 0 - take
    if h > 0:
        cost += h * high
    else:
        cost += h * low
    if die > 0:
        cost += par[_D0] + d1 * die + ((die * rise >> 8) * die >> 1)
    if net > die + h:
        cost += (net - die - h) * pns
    found[_F_DIE] = die
    found[_F_H2] = h
    found[_F_COST] = cost


class Merit:
    """plant: acu.functions.dispatch.Plant."""

    def __init__(self, plant):
        self._plant = plant
        most_w = max(plant.battery.p_max_mw, plant.hydrogen.p_max_mw, plant.d_max_mw) // 1000
        self._unit_mw = unit_mw = (most_w // _MOST + 1) * 1000
        rise = plant.d2_ueur_kw2h * (unit_mw // 1000) * 256 // 50_000
        self._par = par = array("i", [0] * _PLACES)
        par[_PNS] = min(plant.c_pns_ueur_kwh // 100, _DEAR)
        par[_D0] = min(plant.d0_ueur_h * 10_000 // unit_mw, _DEAR * _MOST)
        par[_D1] = min(plant.d1_ueur_kwh // 100, _DEAR)
        # at full power it costs _DEAR at most
        par[_RISE] = max(min(rise, (_DEAR << 8) // (plant.d_max_mw // unit_mw or 1)), 1)
        par[_ETA] = plant.battery.eta_pm
        par[_ZETA] = plant.battery.zeta_pm
        self._part = (0, 0)         # parts of the battery, and seconds of a step, as last time
        self._part_mwh = 1
        self._bids = array("i", bytes(4 * (2 * _PARTS + 3)))
        self._stopped = array("i", [0, 0, 0])
        self._running = array("i", [0, 0, 0])

    def solve(self, slopes, price, seen, out):
        """out[H2] and out[DIE] for what is seen. slopes: array of 0.1 mEUR per kWh stored,
        falling; price: of a kWh of hydrogen stored. Both are 12000 at most."""
        plant, par, unit_mw = self._plant, self._par, self._unit_mw
        store, h_mwh, dt_s = plant.hydrogen, seen[H_MWH], seen[DT_S]
        par[_TAKE] = store.room_mw(h_mwh, dt_s) // unit_mw
        par[_GIVE] = store.avail_mw(h_mwh, dt_s) // unit_mw
        par[_LOW] = min(price * store.eta_pm // 1000, _DEAR)
        par[_HIGH] = min(price * 1000 // store.zeta_pm, _DEAR)
        battery, e_mwh = plant.battery, seen[B_MWH]
        take = par[_B_TAKE] = battery.room_mw(e_mwh, dt_s) // unit_mw
        par[_B_GIVE] = battery.avail_mw(e_mwh, dt_s) // unit_mw
        n = len(slopes)
        if self._part != (n, dt_s):
            self._divide(n, dt_s)
        part = self._part_mwh
        k = max(min(e_mwh // part, n - 1), 0)
        bid(k, min((e_mwh - k * part) // (part // 1024 or 1), 1024), n, slopes, par, self._bids)
        net = (seen[LOAD] - seen[PV] + unit_mw - 1) // unit_mw
        net = max(-_MOST, min(_MOST, net)) + take
        bids, best = self._bids, self._stopped
        meet(net, 0, bids, par, best)
        d_max = plant.d_max_mw // unit_mw       # 0 while it is out of order
        if d_max:
            other = self._running
            meet(net, d_max, bids, par, other)
            if other[_F_COST] < best[_F_COST]:
                best = other
        out[DIE] = best[_F_DIE] * unit_mw
        out[H2] = best[_F_H2] * unit_mw

    def _divide(self, n, dt_s):
        """What a whole part of the battery takes and gives in a step."""
        battery, par, unit_mw = self._plant.battery, self._par, self._unit_mw
        self._part = (n, dt_s)
        self._part_mwh = part = max(battery.cap_mwh // n, 1)
        each = unit_mw * dt_s
        par[_PART_IN] = min(part * 3_600_000 // (each * battery.eta_pm), 2 * _MOST)
        par[_PART_OUT] = min(part * battery.zeta_pm * 18 // (5 * each), 2 * _MOST)
