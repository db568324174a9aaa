"""The recloser's breaker Q: a close order becomes a contact touch after the closing time and its
scatter; the auxiliary contacts 52a and 52b follow on their own. Time in s.

Unlike relay.py's contacts it is asked, not stepped: who ordered knows at once when it touches, so
a study need not play on. Faults: `weld` (never opens again), `stuck` (an order does nothing),
`no_52a`, `no_52b` (a contact that stays as it is).
"""
import numpy as np

_AUX_S = 0.003                   # after the main contact, mechanically


class Breaker:
    """close_s, open_s: from the order to touch and parting; scatter_s: at most, uniform."""

    def __init__(self, close_s: float = 0.06, open_s: float = 0.035, scatter_s: float = 0.0,
                 closed: bool = False, rng: np.random.Generator | None = None):
        self.close_s = close_s
        self.open_s = open_s
        self.scatter_s = scatter_s
        self.weld = False
        self.stuck = False
        self.no_52a = False
        self.no_52b = False
        self._closed = closed
        self._turns_s: float | None = None   # when the contact changes
        self._rng = rng or np.random.default_rng(0)

    def order(self, close: bool, t_s: float) -> float | None:
        """When the contact will have followed; None: it never does."""
        self.closed(t_s)
        if self.stuck or (self.weld and not close):
            return None
        if close == self._closed and self._turns_s is None:
            return None
        if self._turns_s is not None and close != self._closed:
            return self._turns_s             # already on its way
        self._turns_s = None                 # turned round before it touched
        if close == self._closed:
            return None
        scatter = self.scatter_s * self._rng.uniform(-1, 1) if self.scatter_s else 0.0
        self._turns_s = t_s + max((self.close_s if close else self.open_s) + scatter, 0.0)
        return self._turns_s

    def closed(self, t_s: float) -> bool:
        """The main contact. Ask in the order of time."""
        if self._turns_s is not None and t_s >= self._turns_s:
            self._closed = not self._closed
            self._turns_s = None
        return self._closed

    def aux(self, t_s: float) -> tuple[int, int]:
        """52a and 52b. Between the two main positions neither is made."""
        closed = self.closed(t_s)
        moving = self._turns_s is not None and t_s > self._turns_s - _AUX_S
        return (int(not closed) if self.no_52a and closed else int(closed and not moving),
                int(closed) if self.no_52b and closed else int(not closed and not moving))
