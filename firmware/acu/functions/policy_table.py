"""A dispatch policy from a table of marginal values (docs/microgrid.md, "The table").

Without forecasts: the table holds, from years of profiles, what energy in each store is worth at
this season and hour, when the day's load runs so high and the sky is so clear; merit.py does the
rest. Asked in the slow tier. The table stays where it is, of it only the part of the present hour
is in RAM. Needs the wall clock: without it, or when load and PV are not those that the table was
made for, it does not answer, and the next policy does.
"""
import struct
from array import array
from binascii import crc32

import micropython
from micropython import const

from acu.functions.dispatch import DT_S, H_MWH, LOAD, PV, UTC_S
from acu.functions.merit import Merit

VERSION = const(1)
MAGIC = b"MGPT"
UNIT_MOST = const(47)        # 255 of them are below 1.2 EUR/kWh
RECORD = "policy"            # its name in a board's store
# magic, version, bytes of all; 13 words of the plant; seasons; nodes of hydrogen, load and sky and
# parts of the battery; nodes of the price; price and PV of a count; offset of its hours to UTC; PV
# below which the sky is not judged; misfit that is too much
HEAD = "<4sHI13I6BHIiIH"
_YEAR_H50 = const(438_291)   # hours of 50 years, nearly
_HOURS = const(24)
_MIXED_S = const(1800)       # the sky is what it was over half an hour
_FORGET_S = const(259_200)   # time constant of the misfit
_CHUNK = const(256)

# Sums in W s: load of today, and the profile's; of the last days, fading: load and PV, and what of
# them was not expected.
_LOAD_WS = const(0)
_NORM_WS = const(1)
_SEEN_WS = const(2)
_ODD_WS = const(3)


def plant_words(plant):
    """The numbers of a plant that a table is made for, in the header's order."""
    words = []
    for store in (plant.battery, plant.hydrogen):
        words += [store.p_max_mw, store.cap_mwh, store.eta_pm, store.zeta_pm]
    return words + [plant.d_max_mw, plant.d0_ueur_h, plant.d1_ueur_kwh, plant.d2_ueur_kw2h,
                    plant.c_pns_ueur_kwh]


_WORDS = ("battery power", "battery capacity", "battery eta", "battery zeta", "hydrogen power",
          "hydrogen capacity", "hydrogen eta", "hydrogen zeta", "diesel power", "d0", "d1", "d2",
          "c_pns")


def _whole(head):
    """Do its numbers fit each other, and into 32 bits?"""
    n, n_h, n_load, n_sky, parts, n_price, unit, pv_unit = head[16:24]
    size = struct.calcsize(HEAD) + 2 * (n_h + n_load + n_sky) + 4 * _HOURS + 4
    size += n * _HOURS * (1 + n_price + n_h * n_load * n_sky * parts)
    return (head[2] == size and n and n_price > 1 and n_h and n_load and n_sky
            and 0 < parts <= 64 and 0 < unit <= UNIT_MOST and pv_unit)


def unfit(plant, read):
    """Why the file behind read(at, n) is no table for this plant (None: for any), as a sentence;
    '' if it is."""
    size = struct.calcsize(HEAD)
    raw = read(0, size)
    if not raw or len(raw) < size or raw[:4] != MAGIC:
        return "E420 policy: there is no table. Place one with slvg flash --policy."
    head = struct.unpack(HEAD, raw)
    if head[1] != VERSION:
        return "E421 policy: the table has version %d, this firmware knows %d. Make it anew." % (
            head[1], VERSION)
    total, at, crc = head[2] - 4, 0, 0
    while at < total:
        part = read(at, min(_CHUNK, total - at))
        if not part:
            break
        crc = crc32(part, crc)
        at += len(part)
    if read(total, 5) != struct.pack("<I", crc & 0xFFFFFFFF) or not _whole(head):
        return "E422 policy: the table is damaged (checksum). Place it again."
    words = plant_words(plant) if plant else ()
    for k in range(len(words)):
        if words[k] != head[3 + k]:
            return "E423 policy: the table is for %s %d, this plant has %d. Make one for it." % (
                _WORDS[k], head[3 + k], words[k])
    return ""


@micropython.viper
def between(x: int, nodes: ptr32, n: int, out: ptr32, at: int):
    """out[at] and out[at + 2]: x lies f/256 of the way from node k, k times out[at + 1], to the
    next of n; at an end if it is beyond."""
    k = 0
    f = 0
    n -= 1
    if n:
        while k < n and x >= nodes[k + 1]:
            k += 1
        if k == n:
            k -= 1
            f = 256
        elif x > nodes[k]:
            f = (x - nodes[k] << 8) // (nodes[k + 1] - nodes[k])
    out[at] = k * out[at + 1]
    out[at + 2] = f


@micropython.viper
def blend(both: ptr8, f: int, n: int, out: ptr32):
    """n values f/256 of the way from the first n to the next n, times 256."""
    k = 0
    while k < n:
        out[k] = (both[k] << 8) + (both[n + k] - both[k]) * f
        k += 1


@micropython.viper
def mix(at: ptr32, block: ptr32, first: int, unit: int, n: int, slopes: ptr32):
    """The slopes between the eight corners around a state. at: for hydrogen, load and sky the
    place of the lower corner in the block from `first` on, the distance to the upper one, and f of
    256."""
    k = 0
    while k < n:
        slopes[k] = 0
        k += 1
    corner = 0
    while corner < 8:
        w = 1
        place = at[0] + at[3] + at[6] + first
        axis = 0
        while axis < 3:
            f = at[3 * axis + 2]
            if corner >> axis & 1:
                place += at[3 * axis + 1]
            else:
                f = 256 - f
            w *= f
            axis += 1
        w >>= 12
        k = 0
        while w and k < n:
            slopes[k] += w * block[place + k]
            k += 1
        corner += 1
    k = 0
    while k < n:
        slopes[k] = (slopes[k] >> 8) * unit >> 12
        k += 1


class Table:
    """read(at, n): bytes of a table that is not unfit()."""

    def __init__(self, plant, read):
        self._merit = Merit(plant)
        self._read = read
        size = struct.calcsize(HEAD)
        head = struct.unpack(HEAD, read(0, size))
        (self._seasons, n_h, n_load, n_sky, self._parts, n_price, self._unit, self._pv_unit,
         self._offset_s, dawn_mw, self._fit_pm) = head[16:]
        self._dawn_w = dawn_mw // 1000
        n = n_h + n_load + n_sky
        nodes = struct.unpack("<%dH" % n, read(size, 2 * n))
        cap = plant.hydrogen.cap_mwh
        self._shift = shift = len(bin(cap >> 22)) - 2       # what the nodes leave of 32 bits
        cap >>= shift
        self._h_nodes = array("i", [x * cap // 1000 for x in nodes[:n_h]])
        self._load_nodes = array("i", nodes[n_h:n_h + n_load])
        self._sky_nodes = array("i", nodes[n_h + n_load:])
        self._price_nodes = array("i", [cap * k // (n_price - 1) for k in range(n_price)])
        at = size + 2 * n
        self._profile_mw = struct.unpack("<24I", read(at, 4 * _HOURS))
        # before a 200th of its day nobody knows how high the load runs
        self._few_ws = sum(self._profile_mw) // 1000 * 3600 // 200 + 1000
        self._hours_at = at + 4 * _HOURS
        n = self._parts
        # of an hour: PV of a clear sky, prices, slopes
        self._size = 1 + n_price + n_h * n_load * n_sky * n
        self._corner = array("i", [0, n_load * n_sky * n, 0, 0, n_sky * n, 0, 0, n, 0, 0, 1, 0])
        self._slopes = array("i", [0] * n)
        self._now = -1          # hours since 1970 of what follows
        self._block = array("i", [0] * self._size)
        self._pv_w = 0          # that a clear sky gives at this hour
        self._sky = 512_000     # 1024 times per mille of it
        self._day = -1
        # a day that fits is taken for granted: one odd hour at the start says nothing
        self._sums = [0, 0, sum(self._profile_mw) // 1000 * 3600, 0]
        self.misfit_pm = 0

    def propose(self, seen, out):
        """out[H2], out[DIE]. True: this is an answer; False: ask the next policy."""
        if not seen[UTC_S]:
            return False
        local_s = seen[UTC_S] + self._offset_s
        hour = local_s // 3600
        if hour != self._now:
            self._turn(hour)
        factor_pm = self._learn(seen)
        if self.misfit_pm > self._fit_pm:
            return False
        h, corner, slopes = seen[H_MWH] >> self._shift, self._corner, self._slopes
        between(h, self._h_nodes, len(self._h_nodes), corner, 0)
        between(factor_pm, self._load_nodes, len(self._load_nodes), corner, 3)
        between(self._sky >> 10, self._sky_nodes, len(self._sky_nodes), corner, 6)
        nodes, block = self._price_nodes, self._block
        mix(corner, block, 1 + len(nodes), self._unit, self._parts, slopes)
        between(h, nodes, len(nodes), corner, 9)
        k, f = corner[9] + 1, corner[11]
        price = (block[k] * (256 - f) + block[k + 1] * f) * self._unit >> 16
        self._merit.solve(slopes, price, seen, out)
        return True

    def _turn(self, hour):
        """To another hour: its block, between the two seasons whose middles are nearest."""
        self._now = hour
        n, size = self._seasons, self._size
        x = (hour * 50 % _YEAR_H50 * n // (_YEAR_H50 >> 8) - 128) % (n << 8)
        k = x >> 8
        at = self._hours_at + hour % _HOURS * n * size
        both = self._read(at + k * size, 2 * size if k + 1 < n else size)
        if k + 1 == n:
            both += self._read(at, size)
        blend(both, x & 255, size, self._block)
        self._pv_w = (self._block[0] * self._pv_unit >> 8) // 1000
        day = hour // _HOURS
        if day != self._day:
            self._day = day
            self._sums[_LOAD_WS] = self._sums[_NORM_WS] = 0

    def _learn(self, seen):
        """How clear the sky is, how high the load of this day runs (returned, per mille of the
        profile), and how far both are from what the table was made of."""
        sums = self._sums
        dt_s, load, pv = seen[DT_S], (seen[LOAD] + 500) // 1000, seen[PV] // 1000
        clear = self._pv_w
        dawn, few_ws = self._dawn_w, self._few_ws
        if clear > dawn:
            sky = min(pv * 1000 // clear, 1200) << 10
            if dt_s < _MIXED_S:
                sky = self._sky + (sky - self._sky) * dt_s // _MIXED_S
            self._sky = sky
        norm = self._profile_mw[self._now % _HOURS]
        load_ws, norm_ws = sums[_LOAD_WS], sums[_NORM_WS]
        odd = load - (norm // 1000 if norm_ws < few_ws else load_ws // (norm_ws // 1000) * norm
                      // 1_000_000)
        if odd < 0:
            odd = -odd
        if pv > clear + (clear >> 2) + dawn:
            odd += pv - clear - (clear >> 2) - dawn
        load_ws += load * dt_s
        norm_ws += norm * dt_s // 1000
        fade = _FORGET_S // dt_s
        known = sums[_SEEN_WS]
        known += (load + pv) * dt_s - known // fade
        strange = sums[_ODD_WS]
        strange += odd * dt_s - strange // fade
        sums[_LOAD_WS] = load_ws
        sums[_NORM_WS] = norm_ws
        sums[_SEEN_WS] = known
        sums[_ODD_WS] = strange
        self.misfit_pm = strange // (known // 1000 + 1)
        return 1000 if norm_ws < few_ws else load_ws // (norm_ws // 1000)
