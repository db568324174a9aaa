"""Dispatch of an isolated microgrid: who covers the load now (spec microgrid_dispatch, section 4).

PV, load, a battery (short term), hydrogen (long term), a diesel set. Runs in the slow tier of the
dispatching ACU, every 1 s to 1 h. Takes what was measured, gives set-points; sends nothing and
switches nothing: the role does that with the answer. Powers are bus-side mW, a store's positive
when it delivers; energies are stored mWh; integers throughout.

A policy proposes what diesel and hydrogen shall do; `Dispatch` keeps it inside what the plant can
do, lets the battery take the rest, and covers what is left in the order of the costs: nobody is
disconnected while anything could deliver, nothing is curtailed while anything could take it.
"""
from micropython import const

# Places of what is seen.
UTC_S = const(0)     # wall clock, for policies that know seasons and hours; 0: unknown
PV = const(1)        # mW that the PV could deliver
LOAD = const(2)      # mW
B_MWH = const(3)     # stored in the battery
H_MWH = const(4)     # stored as hydrogen
DT_S = const(5)      # for so long the set-points will hold
SEEN = const(6)

# Places of the set-points.
BAT = const(0)
H2 = const(1)
DIE = const(2)
CUR = const(3)       # PV to be given up
PNS = const(4)       # power not supplied: load to be left out
RUN = const(5)       # 1: the diesel set turns
SET = const(6)

# What is done about stale inputs.
FRESH = const(0)
HOLD = const(1)      # the last set-points stand
IDLE = const(2)      # stores idle, the diesel set follows the load


class Store:
    """What fits in, what comes out. p_max_mw: bus-side limit both ways; eta_pm: of what is taken,
    so much is stored; zeta_pm: of what is stored, so much is delivered (per mille); reserve_mwh:
    left alone by dispatch."""

    def __init__(self, p_max_mw, cap_mwh, eta_pm, zeta_pm, reserve_mwh=0):
        self.p_max_mw = p_max_mw
        self.cap_mwh = cap_mwh
        self.eta_pm = eta_pm
        self.zeta_pm = zeta_pm
        self.reserve_mwh = reserve_mwh

    def room_mw(self, e_mwh, dt_s):
        """Bus power that it can take for dt_s; none if its energy is not known (-1)."""
        if e_mwh < 0:
            return 0
        p = (self.cap_mwh - e_mwh) * 3_600_000 // (self.eta_pm * dt_s)
        return 0 if p < 0 else p if p < self.p_max_mw else self.p_max_mw

    def avail_mw(self, e_mwh, dt_s):
        """Bus power that it can deliver for dt_s, its reserve left alone."""
        p = (e_mwh - self.reserve_mwh) * self.zeta_pm * 18 // (5 * dt_s)
        return 0 if p < 0 else p if p < self.p_max_mw else self.p_max_mw


class Plant:
    """battery, hydrogen: Store. The diesel set runs between d_min_mw and d_max_mw for d0_ueur_h
    + d1_ueur_kwh * P + d2_ueur_kw2h * P^2 an hour (micro-EUR, P in kW); c_pns_ueur_kwh is what a
    kWh not supplied is worth. Defaults: spec microgrid_dispatch, Table 1."""

    def __init__(self, battery, hydrogen, d_max_mw=1_000_000, d_min_mw=0, d0_ueur_h=15_700,
                 d1_ueur_kwh=108_000, d2_ueur_kw2h=310_000, c_pns_ueur_kwh=1_000_000):
        self.battery = battery
        self.hydrogen = hydrogen
        self.d_max_mw = d_max_mw
        self.d_min_mw = d_min_mw
        self.d0_ueur_h = d0_ueur_h
        self.d1_ueur_kwh = d1_ueur_kwh
        self.d2_ueur_kw2h = d2_ueur_kw2h
        self.c_pns_ueur_kwh = c_pns_ueur_kwh


class Naive:
    """Battery, then hydrogen, then diesel; of a surplus the battery first. The policy of last
    resort: needs no clock, no table and no memory (section 4)."""

    def __init__(self, plant):
        self.plant = plant

    def propose(self, seen, out):
        """out[H2], out[DIE]. True: this is an answer; False: ask the next policy."""
        plant = self.plant
        dt_s = seen[DT_S]
        x = seen[LOAD] - seen[PV]
        out[DIE] = 0
        if x < 0:
            x += plant.battery.room_mw(seen[B_MWH], dt_s)
            room = plant.hydrogen.room_mw(seen[H_MWH], dt_s)
            out[H2] = 0 if x >= 0 else x if -x < room else -room
            return True
        x -= plant.battery.avail_mw(seen[B_MWH], dt_s)
        if x <= 0:
            out[H2] = 0
            return True
        avail = plant.hydrogen.avail_mw(seen[H_MWH], dt_s)
        if x > avail:
            out[DIE] = x - avail
            x = avail
        out[H2] = x
        return True


class Dispatch:
    """policies: asked in turn until one answers; Naive is always the last. All that follows is off
    at 0: dead_mw: inside this band around balance the battery alone works; run_ms, stop_ms: least
    times of the diesel set; hold_ms, idle_ms: from this age of PV or load on the set-points are
    held, and the stores idle."""

    def __init__(self, plant, policies=(), dead_mw=0, run_ms=0, stop_ms=0, hold_ms=0, idle_ms=0):
        self.plant = plant
        self.policies = tuple(policies) + (Naive(plant),)
        self.out = [0] * SET
        self.by = 0              # which policy answered
        self.state = FRESH
        self.refused = 0         # stores whose energy is impossible: 1 battery, 2 hydrogen
        self._dead_mw = dead_mw
        self._run_ms = run_ms
        self._stop_ms = stop_ms
        self._hold_ms = hold_ms
        self._idle_ms = idle_ms
        self._side = 0           # -1 a surplus is shared out, 1 a lack
        self._turned_ms = None   # when the diesel set last started or stopped

    def step(self, now_ms, seen, age_ms=0):
        """Set-points for what is seen; the list is the same each time. age_ms: of the older one of
        PV and load. A store whose energy is not known (-1) or impossible is left out."""
        out = self.out
        self.state = self.stale(age_ms)
        if self.state == IDLE:
            self._alone(now_ms, seen)
            return out
        if self.state == HOLD:
            return out
        b_mwh = self._possible(seen, B_MWH, self.plant.battery, 1)
        h_mwh = self._possible(seen, H_MWH, self.plant.hydrogen, 2)
        lack = seen[LOAD] - seen[PV]
        if self._quiet(lack):
            out[H2] = out[DIE] = 0
            if lack < 0:
                h_mwh = -1          # no electrolyser for so little
        else:
            k = 0
            while not self.policies[k].propose(seen, out):
                k += 1
            self.by = k
        self._balance(now_ms, seen, b_mwh, h_mwh)
        return out

    def stale(self, age_ms):
        """What is done about inputs of this age: FRESH, HOLD or IDLE."""
        if self._idle_ms and age_ms >= self._idle_ms:
            return IDLE
        return HOLD if self._hold_ms and age_ms >= self._hold_ms else FRESH

    def _possible(self, seen, place, store, bit):
        """Energy of a store, -1 if it cannot be so; an excess of 2 % is a matter of gauges."""
        e_mwh = seen[place]
        if -1 <= e_mwh <= store.cap_mwh:
            self.refused &= ~bit
        elif 0 < e_mwh * 50 <= store.cap_mwh * 51:
            self.refused &= ~bit
            e_mwh = store.cap_mwh
        else:
            self.refused |= bit
            e_mwh = -1
        seen[place] = e_mwh
        return e_mwh

    def _quiet(self, lack_mw):
        """Inside the dead band, which is left at its edge and entered at balance."""
        if not self._dead_mw:
            return False
        if lack_mw * self._side <= 0:
            self._side = 0
        if lack_mw > self._dead_mw:
            self._side = 1
        elif lack_mw < -self._dead_mw:
            self._side = -1
        return not self._side

    def _balance(self, now_ms, seen, b_mwh, h_mwh):
        """Makes the proposal possible. Of a lack: battery, no charging of hydrogen, diesel, more
        hydrogen, and only then load left out; of a surplus: battery, less diesel, less and then
        stored hydrogen, and only then PV given up."""
        out, plant, dt_s = self.out, self.plant, seen[DT_S]
        avail = plant.hydrogen.avail_mw(h_mwh, dt_s)
        room = plant.hydrogen.room_mw(h_mwh, dt_s)
        h2 = max(-room, min(avail, out[H2]))
        low, high = self._diesel_bounds(now_ms)
        die = max(out[DIE], 0)
        if die or low:
            die = max(plant.d_min_mw, min(high, die)) if high else 0
        lack = seen[LOAD] - seen[PV] - h2 - die
        room_b = plant.battery.room_mw(b_mwh, dt_s)
        battery = max(-room_b, min(plant.battery.avail_mw(b_mwh, dt_s), lack))
        lack -= battery
        if lack > 0:
            if h2 < 0:
                part = min(lack, -h2)
                h2 += part
                lack -= part
            if lack and high > die:
                more = min(high, max(die + lack, plant.d_min_mw)) - die
                die += more
                lack -= more
            if lack > 0:
                part = min(lack, avail - h2)
                h2 += part
            else:                       # the least that the set gives is more than is missing
                part = max(lack, -battery - room_b)
                battery += part
            lack -= part
        if lack < 0:
            part = min(-lack, max(die - (plant.d_min_mw if low else 0), 0))
            die -= part
            if 0 < die < plant.d_min_mw:
                part -= plant.d_min_mw - die
                die = plant.d_min_mw
            lack += part
            part = min(-lack, h2 + room)
            h2 -= part
            lack += part
            if -lack > seen[PV]:        # the set turns at its least, and nothing takes it
                die += lack + seen[PV]
                lack = -seen[PV]
        out[BAT] = battery
        out[H2] = h2
        out[CUR] = -lack if lack < 0 else 0
        out[PNS] = lack if lack > 0 else 0
        self._turn(now_ms, die, low)

    def _diesel_bounds(self, now_ms):
        """(1 if it must go on turning, mW that it may give at most)."""
        since_ms = None if self._turned_ms is None else now_ms - self._turned_ms
        if self.out[RUN]:
            return int(since_ms is not None and since_ms < self._run_ms), self.plant.d_max_mw
        if since_ms is not None and since_ms < self._stop_ms:
            return 0, 0
        return 0, self.plant.d_max_mw

    def _turn(self, now_ms, die_mw, must):
        out = self.out
        run = 1 if die_mw > 0 or must else 0
        if run != out[RUN]:
            self._turned_ms = now_ms
        out[DIE] = die_mw
        out[RUN] = run

    def _alone(self, now_ms, seen):
        """Nobody knows what the PV does: stores idle, the diesel set for what the load was."""
        out = self.out
        low, high = self._diesel_bounds(now_ms)
        die = min(high, seen[LOAD])
        out[BAT] = out[H2] = 0
        out[CUR] = seen[PV]
        out[PNS] = seen[LOAD] - die
        self._turn(now_ms, die, low)
