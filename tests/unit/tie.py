"""A recloser's synchronism check between two healthy nets: q in order, the tests disturb it."""
from array import array

from acu import sync_settings
from acu.config import KEYS as COMMON
from acu.dsp import bay
from acu.functions import synccheck as sc
from acu.functions.vt_supervision import VtSupervision

NO_GUARDS = {"gd_du_bp": 0, "gd_ang_cdeg": 0, "gd_slip_mhz": 0, "gd_swing_mhz": 0}


def settings(**changed):
    """Complete settings: the defaults but for these."""
    full = {"fn_mhz": COMMON["fn_mhz"][0]}
    for key, rule in sync_settings.KEYS.items():
        full[key] = rule[0]
    for key in changed:
        if key not in full:
            raise KeyError(key)
    full.update(changed)
    return full


class Tie:
    """set() changes quantities by name; run() ticks and returns the answers."""

    def __init__(self, **changed):
        self.full = settings(**changed)
        self.par = sync_settings.limits(self.full)
        self.q = array("i", [0] * bay.NQ)
        self.vt = VtSupervision(self.par, self.q)
        self.check = sc.SyncCheck(self.par, self.q, self.vt.st)
        self.closed = 0
        # side 2 stands apart: two nets, not one transformer
        self.set(DD=100, DDT=100, DDT80=100, DD_B=100, GOOD=1000, CALM1=1000, CALM2=1000)
        self.live(1)
        self.live(2)

    def set(self, **values):
        for name, value in values.items():
            self.q[getattr(bay, name)] = value
        return self

    def live(self, side, bp=10_000, f_mhz=50_000):
        for name in ("U%d", "UAB%d", "UBC%d", "UCA%d"):
            self.q[getattr(bay, name % side)] = bp
        self.q[getattr(bay, "U%d_B" % side)] = bp
        for name in ("F%d", "F%d_B"):
            self.q[getattr(bay, name % side)] = f_mhz
        self.q[getattr(bay, "ROT%d" % side)] = 1
        return self

    def dead(self, side, bp=30):
        self.live(side, bp, 0)
        self.q[getattr(bay, "ROT%d" % side)] = 0
        self.q[getattr(bay, "CALM%d" % side)] = 0
        return self.set(GOOD=0)

    def both(self, dd_cdeg, slip_mhz, ddt_cdeg=None):
        """The same angle and slip everywhere; the touch by the breaker's time."""
        if ddt_cdeg is None:
            ddt_cdeg = dd_cdeg + 36 * slip_mhz * self.full["t_close_ms"] // 1000
        uhz = slip_mhz * 1000
        return self.set(DD=dd_cdeg, DD_B=dd_cdeg, DDT=ddt_cdeg, DDT80=ddt_cdeg, SLIP=uhz,
                        SLIPT=uhz, SLIP_B=uhz, F2=self.q[bay.F1] + slip_mhz,
                        F2_B=self.q[bay.F1] + slip_mhz)

    def tick(self):
        self.q[bay.SEQ] = (self.q[bay.SEQ] + 1) & 0x1FFFFFFF
        self.vt.step(self.closed)
        return self.check.step()

    def run(self, ms):
        return [self.tick() for _ in range(ms // 5)]

    def turn(self, ms, slip_mhz, touch_ms=None):
        """The angle runs on by the slip, each tick; returns the answers up to an order."""
        said = []
        t_ms = self.full["t_close_ms"] if touch_ms is None else touch_ms
        start = self.q[bay.DD]
        for k in range(ms // 5):
            dd = start + 36 * slip_mhz * 5 * k // 1000
            ddt = start + 36 * slip_mhz * (5 * k + t_ms) // 1000
            self.both((dd + 18_000) % 36_000 - 18_000, slip_mhz,
                      (ddt + 18_000) % 36_000 - 18_000)
            said.append(self.tick())
            if said[-1] == sc.CLOSE:
                break
        return said

    @property
    def reasons(self):
        return self.check.st[sc.S_REASONS]

    @property
    def result(self):
        return self.check.st[sc.S_RESULT]

    def records(self):
        """(kind, reasons) of every decision record that waits."""
        from acu.functions.sync_record import D_KIND, D_STATE
        told = []
        while self.check.pop():
            d = self.check.decision
            told.append((d[D_KIND], d[D_STATE + sc.S_REASONS]))
        return told
