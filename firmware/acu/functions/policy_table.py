"""A dispatch policy from a table of marginal values (docs/microgrid.md, "The table").

Without forecasts: the table holds, from years of profiles, what energy in each store is worth at
this season and hour, when the day's load runs so high and the sky is so clear; merit.py does the
rest. Asked in the slow tier. The table stays where it is, of it only the part of the present hour
is in RAM. Needs the wall clock: without it, or when load and PV are not those that the table was
made for, it does not answer, and the next policy does.
"""
import struct
from binascii import crc32

from micropython import const

from acu.functions.dispatch import DT_S, H_MWH, LOAD, PV, UTC_S
from acu.functions.merit import Merit

VERSION = const(1)
MAGIC = b"MGPT"
RECORD = "policy"            # its name in a board's store
# magic, version, bytes of all; 13 words of the plant; seasons, parts of hydrogen, of load, of
# sky and of the battery in a block; seasons and parts of the prices; price and PV of a count;
# offset of its hours to UTC; PV below which the sky is not judged; misfit that is too much
HEAD = "<4sHI13I7BHIiIH"
YEAR_S = const(31_556_952)
_DAY_S = const(86_400)
_HOURS = const(24)
_MIXED_S = const(1800)       # the sky is what it was over half an hour
_CLEAR = const(1_000_000)    # a clearness of 1
_FORGET_S = const(259_200)   # time constant of the misfit
_CHUNK = const(256)


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
    if read(total, 5) != struct.pack("<I", crc & 0xFFFFFFFF):
        return "E422 policy: the table is damaged (checksum). Place it again."
    words = plant_words(plant) if plant else ()
    for k in range(len(words)):
        if words[k] != head[3 + k]:
            return "E423 policy: the table is for %s %d, this plant has %d. Make one for it." % (
                _WORDS[k], head[3 + k], words[k])
    return ""


def _between(x, nodes):
    """(k, f): x lies f/256 of the way from node k to the next; at an end if it is beyond."""
    last = len(nodes) - 1
    if x <= nodes[0] or not last:
        return 0, 0
    if x >= nodes[last]:
        return last - 1, 256
    k = 0
    while x >= nodes[k + 1]:
        k += 1
    return k, (x - nodes[k]) * 256 // (nodes[k + 1] - nodes[k])


class Table:
    """read(at, n): bytes of a table that is not unfit()."""

    def __init__(self, plant, read):
        self._merit = Merit(plant)
        self._read = read
        size = struct.calcsize(HEAD)
        head = struct.unpack(HEAD, read(0, size))
        (self._seasons, n_h, n_load, n_sky, self._parts, self._price_seasons, n_price, self._unit,
         self._pv_unit, self._offset_s, self._dawn_mw, self._fit_pm) = head[16:]
        n = n_h + n_load + n_sky
        nodes = struct.unpack("<%dH" % n, read(size, 2 * n))
        cap = plant.hydrogen.cap_mwh
        self._h_nodes = [x * cap // 1000 for x in nodes[:n_h]]
        self._load_nodes = nodes[n_h:n_h + n_load]
        self._sky_nodes = [x * 1000 for x in nodes[n_h + n_load:]]
        self._price_nodes = [cap * k // (n_price - 1) for k in range(n_price)]
        at = size + 2 * n
        self._profile_mw = struct.unpack("<24I", read(at, 4 * _HOURS))
        self._pv_at = at + 4 * _HOURS
        self._price_at = self._pv_at + self._price_seasons * _HOURS
        self._slopes_at = self._price_at + self._price_seasons * n_price
        self._slopes = [0] * self._parts
        self._now = -1          # hours since 1970 of what follows
        self._block = ()
        self._prices = ()
        self._pv_mw = 0         # that a clear sky gives at this hour
        self._sky = _CLEAR // 2
        self._day = -1
        self._load_mws = 0      # of today, and as the profile has it
        self._norm_mws = 0
        self._seen_mws = 0      # fading sums: load and PV, and what of them was not expected
        self._odd_mws = 0
        self.misfit_pm = 0

    def propose(self, seen, out):
        """out[H2], out[DIE]. True: this is an answer; False: ask the next policy."""
        if not seen[UTC_S]:
            return False
        local_s = seen[UTC_S] + self._offset_s
        if local_s // 3600 != self._now:
            self._turn(local_s)
        factor_pm = self._learn(local_s, seen)
        if self.misfit_pm > self._fit_pm:
            return False
        h_mwh = seen[H_MWH]
        self._mix(_between(h_mwh, self._h_nodes), _between(factor_pm, self._load_nodes),
                  _between(self._sky, self._sky_nodes))
        k, f = _between(h_mwh, self._price_nodes)
        price = (self._prices[k] * (256 - f) + self._prices[k + 1] * f) * self._unit >> 16
        self._merit.solve(self._slopes, price, seen, out)
        return True

    def _season(self, local_s, n, at, each, hour, size):
        """size bytes of an hour, between the two seasons whose middles are nearest, times 256.
        each: bytes of a season."""
        x = (local_s % YEAR_S * n * 256 // YEAR_S - 128) % (n * 256)
        k, f = x >> 8, x & 255
        a = self._read(at + k * each + hour * size, size)
        b = self._read(at + (k + 1) % n * each + hour * size, size)
        g = 256 - f
        return [a[j] * g + b[j] * f for j in range(size)]

    def _turn(self, local_s):
        """To another hour."""
        self._now = local_s // 3600
        hour = self._now % _HOURS
        size = (len(self._h_nodes) * len(self._load_nodes) * len(self._sky_nodes) * self._parts)
        n = self._price_seasons
        self._block = self._season(local_s, self._seasons, self._slopes_at, _HOURS * size, hour,
                                   size)
        m = len(self._price_nodes)
        self._prices = self._season(local_s, n, self._price_at, m, 0, m)
        clear = self._season(local_s, n, self._pv_at, _HOURS, hour, 1)[0]
        self._pv_mw = clear * self._pv_unit >> 8

    def _learn(self, local_s, seen):
        """How clear the sky is, how high the load of this day runs (returned, per mille of the
        profile), and how far both are from what the table was made of."""
        dt_s, load, pv, clear = seen[DT_S], seen[LOAD], seen[PV], self._pv_mw
        if clear > self._dawn_mw:
            sky = min(pv * 1000 // clear * 1000, 1_200_000)
            self._sky += (sky - self._sky) * min(dt_s, _MIXED_S) // _MIXED_S
        day = local_s // _DAY_S
        if day != self._day:
            self._day = day
            self._load_mws = self._norm_mws = 0
        norm = self._profile_mw[self._now % _HOURS]
        expected = self._factor_pm() * norm // 1000
        self._load_mws += load * dt_s
        self._norm_mws += norm * dt_s
        odd = abs(load - expected)
        limit = clear + (clear >> 2) + self._dawn_mw
        if pv > limit:
            odd += pv - limit
        self._seen_mws += (load + pv) * dt_s - self._seen_mws * dt_s // _FORGET_S
        self._odd_mws += odd * dt_s - self._odd_mws * dt_s // _FORGET_S
        self.misfit_pm = 1000 * self._odd_mws // (self._seen_mws + 1)
        return self._factor_pm()

    def _factor_pm(self):
        norm = self._norm_mws // 1000
        return self._load_mws // norm if norm > 3600 else 1000

    def _mix(self, h, load, sky):
        """The slopes between the eight corners around this state."""
        slopes, block, n = self._slopes, self._block, self._parts
        for j in range(n):
            slopes[j] = 0
        for a in (0, 1):
            wa = h[1] if a else 256 - h[1]
            at = (h[0] + a) * len(self._load_nodes)
            for b in (0, 1):
                wb = wa * (load[1] if b else 256 - load[1])
                bt = (at + load[0] + b) * len(self._sky_nodes) + sky[0]
                for c in (0, 1):
                    w = wb * (sky[1] if c else 256 - sky[1]) >> 12
                    if w:
                        k = (bt + c) * n
                        for j in range(n):
                            slopes[j] += w * block[k + j]
        for j in range(n):
            slopes[j] = (slopes[j] >> 8) * self._unit >> 12
