"""Sliding averages over a set time, for F4 (slow tier). Integers; the memory is taken once."""
from array import array

from micropython import const

_BUCKETS = const(16)
_WINDOW_MS = const(200)


class Average:
    """n values averaged over avg_ms, in buckets; what is older than avg_ms is never in it."""

    def __init__(self, avg_ms, n):
        self._n = n
        self._bucket_ms = max(avg_ms // _BUCKETS, 1)
        self._sums = [array("i", [0] * (n + 1)) for _ in range(_BUCKETS)]  # the last one counts
        self._at = -1  # number of the present bucket since the beginning of time; -1: none
        self._mean = [0] * n

    def add(self, now_ms, values, window_ms=_WINDOW_MS):
        """One window, that ends now; a longer one weighs more. now_ms: monotonic, never wraps."""
        n = self._n
        at = now_ms // self._bucket_ms
        for old in range(max(self._at + 1, at - _BUCKETS + 1), at + 1):
            sums = self._sums[old % _BUCKETS]
            for k in range(n + 1):
                sums[k] = 0
        self._at = at
        sums = self._sums[at % _BUCKETS]
        weight = max((window_ms + _WINDOW_MS // 2) // _WINDOW_MS, 1)
        for k in range(n):
            sums[k] += values[k] * weight
        sums[n] += weight
        count = sum([sums[n] for sums in self._sums])
        for k in range(n):
            self._mean[k] = (2 * sum([sums[k] for sums in self._sums]) + count) // (2 * count)

    def mean(self):
        """The averages, to the nearest, as of the last window; zeros before the first. Not a
        copy."""
        return self._mean
