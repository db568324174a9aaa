"""The load that an island sheds, R4: comes back when the island is over (spec recloser, 4 [C]).

Slow tier, every 10 ms. The shedding itself is the protection's (81U, 81R), without any message.
Closes again once the lead is with the grid, the tie is open and the frequency has stayed within
il_calm_mhz of nominal for il_calm_s, all of that known; through the check, as onto a dead side.
"""
from acu.functions.peers import GRID, ISLAND, LEAD, OUT, REJOIN, TIE


class LoadShedding:
    def __init__(self, calm_mhz, calm_s, fn_mhz, closed):
        self.state = GRID if closed else OUT
        self.since_ms = 0
        self._calm_mhz = calm_mhz
        self._calm_ms = calm_s * 1000
        self._fn_mhz = fn_mhz
        self.calm_ms = 0             # since when all of it holds; 0: it does not

    def _to(self, now_ms, state):
        if state != self.state:
            self.state = state
            self.since_ms = now_ms

    def step(self, now_ms, closed, own, f_mhz, peers):
        """own: the protection has shed it, and nothing is locked. f_mhz: of the supplying side, 0:
        none. True: it wants to close."""
        if closed:
            self._to(now_ms, GRID)
            self.calm_ms = 0
            return False
        self._to(now_ms, ISLAND if own else OUT)
        if not (own and peers.known(now_ms, LEAD) in (GRID, REJOIN)
                and peers.known_closed(now_ms, LEAD) and peers.known_open(now_ms, TIE)
                and abs(f_mhz - self._fn_mhz) < self._calm_mhz):
            self.calm_ms = 0
            return False
        if not self.calm_ms:
            self.calm_ms = now_ms
        return now_ms - self.calm_ms >= self._calm_ms
