"""The synchronism check and the VT supervision as a board's machine code (armv6m, unicorn): each
tick of situations that matter leaves the same state, values and answers as on CPython."""
from array import array

import pytest

from acu.functions import synccheck as sc
from acu.functions import vt_supervision as vt
from host_sim.bench import ROOT, compile_to
from tests.host.thumb_machine import Machine
from tests.unit.test_vt_supervision import ONE_FUSE, current, lines
from tests.unit.tie import Tie

VIPERS = ((sc, ("gates", "aimed", "decide")), (vt, ("fuses", "wiring", "latch")))


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    """function name -> its machine."""
    folder = tmp_path_factory.mktemp("core")
    base = ROOT / "firmware"
    machines = {}
    for module, names in VIPERS:
        source = base / (module.__name__.replace(".", "/") + ".py")
        compile_to(folder, "armv6m", [source], base)
        mpy = (folder / source.relative_to(base)).with_suffix(".mpy")
        for name in names:
            machines[name] = Machine((mpy, source, name))
    return machines


class Both:
    """Stands in for the viper functions of a module: each call runs on both, and is compared."""

    def __init__(self, core, patch):
        self.calls = 0
        for module, names in VIPERS:
            for name in names:
                patch.setattr(module, name, self._pair(name, getattr(module, name), core[name]))

    def _pair(self, name, plain, machine):
        def call(*args):
            other = [array(a.typecode, a) if isinstance(a, array) else a for a in args]
            result = plain(*args)
            assert machine.call(*other) == result, name
            for mine, its in zip(args, other, strict=True):
                assert mine == its, name
            self.calls += 1
            return result
        return call


def test_the_boards_code_answers_the_same(core, monkeypatch):
    both = Both(core, monkeypatch)
    tie = Tie(dead_mode=7, sy_slip_mhz=200, dead_ms=100)
    tie.check.request(sc.SYNC, 5000)
    tie.set(DD=-1200)
    assert tie.turn(3000, 100)[-1] == sc.CLOSE
    tie.both(300, -40).check.request(sc.CHECK, 5000)
    assert sc.CLOSE in tie.run(150)
    for changed in ({"ACC": 60}, {"RES": 500}, {"DD": -18_000, "DDT": 17_999}, {"SLIP": -900_000},
                    {"BAD": 3}, {"F1": 0, "ROT1": -1}, {"U2": 0, "UAB2": 0}):
        kept = tie.q[:]
        tie.set(**changed).run(10)
        tie.q[:-1] = kept[:-1]
    tie.dead(2).check.request(sc.CHECK, 5000)
    assert sc.CLOSE in tie.run(200)
    tie.live(2)
    tie.closed = 1
    current(tie, 400).run(50)
    for u in ONE_FUSE:
        lines(tie, 1, u).run(65)
    tie.dead(1).run(40)
    tie.live(1).both(12_000, 0).set(GOOD=99, ROT2=-1).run(50)
    tie.check.cancel()
    tie.vt.reset()
    tie.run(10)
    assert both.calls > 1300
