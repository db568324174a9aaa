"""A recloser that feeds a radial line, for the tests of its automatic reclosing: side 2 is dead
while the breaker is open, and a fault on it may burn out in that time. Runs in both Pythons."""
from acu.functions import reclosing as rc
from acu.ports import CLOSE, OPEN
from tests.unit.yard import Side, Yard

SETTINGS = {"gr_50b_do": "trip", "gr_50b_ma": 4_000, "gr_50b_t_ms": 0, "dead_mode": 2,
            "dead_ms": 100, "rc_shots": 2, "rc_t1_ms": 600, "rc_t2_ms": 900,
            "rc_reclaim_ms": 2_000}


def _noise(n):
    out = []
    seed = 12345
    for _ in range(n):
        total = 0
        for _ in range(3):
            seed = seed * 1103 + 12345 & 0x3FFFFF
            total += seed >> 6
        out.append((total - 98_302) / 32_768)
    return out


_NOISE = _noise(1_021)


class Radial(Yard):
    """burns_out_ms: so long without voltage ends the fault; -1: never."""

    def __init__(self, closed=True, **config):
        cfg = dict(SETTINGS)
        cfg.update(config)
        self.burns_out_ms = -1
        self.back_u = 0.0           # of side 2 while the breaker is open
        self._dead_ms = 0
        super().__init__(closed, two=Side(50.0, 0.0, 1.0 if closed else 0.0), **cfg)

    def noise(self):
        """As the yard's, from a table: it is half of the time otherwise."""
        self.seed = (self.seed + 1) % len(_NOISE)
        return _NOISE[self.seed] * self.noise_lsb

    def tick(self):
        self._breaker()
        if not self.closed:
            self.two.u = self.back_u
            self._dead_ms += 5
            if 0 <= self.burns_out_ms <= self._dead_ms:
                self.fault_a = 0.0
        else:
            self._dead_ms = 0
        super().tick()

    def fault(self, burns_out_ms=-1, i_a=10.0):
        self.burns_out_ms = burns_out_ms
        self.fault_a = i_a
        return self

    @property
    def recl(self):
        return self.acu.recl

    def closes(self):
        return [t for t, level in self.drives if level == CLOSE]

    def opens(self):
        return [t for t, level in self.drives if level == OPEN]

    def locks(self):
        """(cause, shots) of each lock-out in the log."""
        out = []
        for line in self.seen("RECL_LOCK"):
            words = line.split(" ")
            out.append((int(words[1][6:]), int(words[2][5:])))
        return out


def ready(**config):
    """Closed, past the reclaim time of the start."""
    y = Radial(**config).started()
    y.recl._t_us = 0x1F000000       # as if that time were over
    y.run(10)
    assert y.recl.state == rc.READY, y.recl.state
    return y


def opened(y):
    """The fault has been tripped, the dead time runs."""
    y.run(120)
    assert y.recl.state == rc.DEAD and not y.closed
    return y


def locked_by(y, cause, shots=0):
    """It is locked out for that, says so once, and nothing closes any more."""
    n = len(y.closes())
    y.run(1_000)
    assert y.locks() == [(cause, shots)], (cause, y.locks())
    assert y.recl.state == rc.LOCKED and y.gate.locked and len(y.closes()) == n
    assert len(y.seen("LOCKOUT")) >= 1 and not y.acu.check.waiting()
    told = [m["b"] for m in y.said("evt") if m["b"]["code"] == "LCK"]
    assert len(told) == 1 and told[0]["ph"] == cause, told
    assert y.recl.counts[rc.LOCKS] == 1
