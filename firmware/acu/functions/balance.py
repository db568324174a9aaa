"""The balance of an island before there is one: which machines to trip (spec recloser, 4.2).

Slow tier of the lead. Each second it has a new load, the mean of the last one: what the two
separators bring in and what the machines give. Machines tell their power and that they run, their
ratings are settings. A second with a disturbance in it does not count, and the table stands from
the moment of the separation on. Sends nothing, trips nothing.
"""
from micropython import const

_SECOND_MS = const(1_000)
_SAMPLES = const(4)          # of a second, at least
FRESH_MS = const(2_500)      # so long is a machine's word good
UNKNOWN = const(-1)


def choose(ratings, load_w):
    """Mask of the machines to trip: what is left covers the load with the least surplus. 0 where
    nothing does: then under-frequency shedding has to. ratings: W of those that run, 0 of others.
    Of two equal choices the one with the fewest, then the first machines trips."""
    n = len(ratings)
    best = 0
    least = -1
    fewest = 0
    for mask in range(1 << n):
        left_w = 0
        trips = 0
        for k in range(n):
            if mask >> k & 1:
                if not ratings[k]:
                    left_w = -1         # nobody trips what does not run
                    break
                trips += 1
            else:
                left_w += ratings[k]
        if left_w < load_w:
            continue
        if least < 0 or left_w < least or left_w == least and trips < fewest:
            best = mask
            least = left_w
            fewest = trips
    return best


class Balance:
    """ids and ratings_w of the machines."""

    def __init__(self, ids, ratings_w):
        self.ids = ids
        self.ratings_w = ratings_w
        self.told = [None] * len(ids)       # (when, W, runs, isochronous) of each
        self.load_w = UNKNOWN
        self.trips = 0                      # mask
        self._sum_w = 0
        self._n = 0
        self._until_ms = 0

    def hear(self, now_ms, k, body):
        self.told[k] = (now_ms, body["p_W"], body["on"], body["isl"])

    def runs(self, k):
        """As it told last; one that never spoke does not."""
        return self.told[k] is not None and self.told[k][2] != 0

    def given_w(self, now_ms):
        """What all machines give together; None while one that runs is silent."""
        total_w = 0
        for one in self.told:
            if one is None or one[2] and now_ms - one[0] > FRESH_MS:
                return None
            total_w += one[1] if one[2] else 0
        return total_w

    def sample(self, now_ms, in_w, calm):
        """Ten times a second. in_w: from the grid through both separators, None: not known.
        calm: nothing disturbs. True: the table is a new one."""
        given_w = self.given_w(now_ms)
        if not calm or in_w is None or given_w is None:
            self._n = 0
            self._sum_w = 0
            return False
        if not self._n:
            self._until_ms = now_ms + _SECOND_MS
        self._sum_w += in_w + given_w
        self._n += 1
        if now_ms < self._until_ms and self._n < 10 and (
                self.load_w >= 0 or self._n < _SAMPLES):
            return False        # the first one comes as soon as it can
        new = self._n >= _SAMPLES
        if new:
            self.load_w = self._sum_w // self._n
            self.trips = choose([self.ratings_w[k] if self.runs(k) else 0
                                 for k in range(len(self.ids))], self.load_w)
        self._n = 0
        self._sum_w = 0
        return new

    def left_w(self):
        """Rated power of those that run and stay."""
        return sum([self.ratings_w[k] for k in range(len(self.ids))
                    if self.runs(k) and not self.trips >> k & 1])
