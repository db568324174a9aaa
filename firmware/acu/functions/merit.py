"""Merit order of one step: diesel and hydrogen set-points at given marginal values of the stores.

What policy_rule.py and policy_table.py share. The battery is a row of `slopes`, what one more kWh
stored is worth in each of n equal parts of its capacity, from empty to full; hydrogen has one
price. Battery, hydrogen, load left out and PV given up then stand in one order of bus prices, and
the diesel set's marginal cost rises with its power, so the least cost lies where both meet. The
no-load cost makes two such points, one with the set stopped and one with it running: the cheaper
one is taken.

Whole W, Wh and 0.1 mEUR per kWh, so that products of a house's or a street's plant stay small
integers on a board; costs in W times 0.1 mEUR/kWh. No clock, no memory, no I/O.
"""
from acu.functions.dispatch import B_MWH, DIE, DT_S, H2, H_MWH, LOAD, PV


class Merit:
    def __init__(self, plant):
        self._plant = plant
        self._d0 = plant.d0_ueur_h * 10             # 0.1 uEUR an hour
        self._d1 = plant.d1_ueur_kwh // 100
        self._d2 = plant.d2_ueur_kw2h
        self._pns = plant.c_pns_ueur_kwh // 100
        self._bids = []         # [bus price, W] of the battery's parts, cheapest first
        self._h2 = [0] * 4      # W it takes and gives, its price taken and given
        self._found = [0] * 3   # diesel, hydrogen, cost

    def solve(self, slopes, price, seen, out):
        """out[H2] and out[DIE] for what is seen. slopes: 0.1 mEUR per kWh stored, falling; price:
        of a kWh of hydrogen stored."""
        store = self._plant.hydrogen
        h2 = self._h2
        h2[0] = store.room_mw(seen[H_MWH], seen[DT_S]) // 1000
        h2[1] = store.avail_mw(seen[H_MWH], seen[DT_S]) // 1000
        h2[2] = price * store.eta_pm // 1000
        h2[3] = price * 1000 // store.zeta_pm
        full = self._bid(slopes, seen[B_MWH], seen[DT_S])
        net = -((seen[PV] - seen[LOAD]) // 1000) + full     # with the battery charging all it can
        found = self._found
        self._meet(net, 0)
        die, h, cost = found
        d_max = self._plant.d_max_mw // 1000        # 0 while it is out of order
        if d_max:
            self._meet(net, d_max)
            if found[2] < cost:
                die, h, _ = found
        out[DIE] = die * 1000
        out[H2] = h * 1000

    def _bid(self, slopes, e_mwh, dt_s):
        """The battery's parts from the one that would be charged last to the one that would be
        discharged last; returns the W that charging takes at most."""
        battery = self._plant.battery
        bids = self._bids
        bids.clear()
        if e_mwh < 0:
            return 0
        eta, zeta, n = battery.eta_pm, battery.zeta_pm, len(slopes)
        take = battery.room_mw(e_mwh, dt_s) // 1000
        give = battery.avail_mw(e_mwh, dt_s) // 1000
        top = e_mwh + take * dt_s * eta // 3600         # stored when charged all it can
        part = battery.cap_mwh // n or 1
        k = min(top // part, n - 1)
        left = take
        while left > 0 and k >= 0:                      # down to what is stored now
            low = k * part
            w = left if low <= e_mwh else min(left, (top - low) * 3600 // (dt_s * eta))
            bids.append((slopes[k] * eta // 1000, w))
            left -= w
            top = low
            k -= 1
        top = e_mwh
        k = min(e_mwh // part, n - 1)
        while give > 0 and k >= 0:
            low = k * part
            w = min(give, (top - low) * zeta * 18 // (5000 * dt_s)) if k else give
            bids.append((slopes[k] * 1000 // zeta, w))
            give -= w
            top = low
            k -= 1
        return take

    def _meet(self, net, d_max):
        """Where the battery meets the others. net: W to be covered; d_max 0: without the set.
        -> self._found."""
        take, give, low, high = self._h2
        cost = 0
        for mu, w in self._bids:
            other = self._diesel(mu, d_max)
            if mu >= high:
                other += give
            elif mu < low:
                other -= take
            lack = net - other
            if lack <= 0 or mu >= self._pns:
                break
            w = min(w, lack)
            net -= w
            cost += mu * w
            if lack == w:
                break
        found = self._found
        die = 0
        h = net
        if d_max:
            # diesel up to hydrogen's price, then hydrogen, then diesel again
            die = self._diesel(low, d_max)
            if net > die:
                die = min(net, self._diesel(high, d_max))
                if net - die > give:
                    die = min(net - give, d_max)
            elif net < die - take:
                die = max(net + take, 0)
            h = net - die
        h = max(-take, min(give, h))
        found[0] = die
        found[1] = h
        cost += h * (high if h > 0 else low)
        if die > 0:
            cost += self._d0 + self._d1 * die + self._d2 * die // 1000 * die // 100
        lack = net - die - h
        if lack > 0:
            cost += lack * self._pns
        found[2] = cost

    def _diesel(self, mu, d_max):
        """W at which one more would cost mu."""
        p = (mu - self._d1) * 50_000 // (self._d2 or 1)
        return 0 if p < 0 else p if p < d_max else d_max
