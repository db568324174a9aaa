"""Every gate, guard and rule of the synchronism check that is taken away makes a test fail.

A mutation is one piece of source exchanged in a copy. The unit tests of the three modules then run
on the copy until one fails, the one that noticed the last first, else the cheapest; a mutation
that none notices is named. The first tables are made from the constants: each value's limits, each
bit of the masks.
"""
import importlib
import importlib.util
import sys
import time
from pathlib import Path

import pytest

from acu.functions import synccheck
from host_sim import stand_in

ROOT = Path(__file__).resolve().parents[2]
CHECK = "acu.functions.synccheck"
VT = "acu.functions.vt_supervision"
SETTINGS = "acu.sync_settings"
RECORD = "acu.functions.sync_record"
# in the order in which one needs the other
MODULES = (RECORD, CHECK, VT, SETTINGS)
KIT = "tests.unit.tie"
TESTS = ("tests.unit.test_sync_settings", "tests.unit.test_synccheck",
         "tests.unit.test_vt_supervision")

# Value: the same limits as before, but nothing outside of them any more.
LIMITS = [(SETTINGS, "    return par\n", f"""\
    row({place}, -0x7FFFFFFF - 1, 0x7FFFFFFF, par[{3 * place + 2}])
    return par
""") for place in range(synccheck.NV)]

# Mask: each of its bits.
MASKS = [(CHECK, f"why & {name}", f"why & ({name} & ~{1 << bit})")
         for name in ("CHECK_GATES", "SYNC_GATES", "DEAD_GATES")
         for bit in range(30) if getattr(synccheck, name) & 1 << bit]

GATES = [(CHECK, old, new) for old, new in (
    ("            if z < x:", "            if z < x and n != _UAB1:"),
    ("            if z < x:", "            if z < x and n != end - 2:"),
    ("            if z < x:", "            if z < x and n != end - 1:"),
    ("            if z > y:", "            if 0:"),
    ("        x = q[_U1 + k]\n        y = x", "        x = q[_UAB1 + k * 3]\n        y = x"),
    ("if par[P_ISLAND] == 1:", "if 0:"),
    ("if par[P_ISLAND] == 1:", "if par[P_ISLAND]:"),
    ("y = (q[_DD] + 18000) % 36000 - 18000", "y = q[_DD]"),
    ("y = (q[_DDT] + 18000) % 36000 - 18000", "y = q[_DDT]"),
    ("(q[_DD_B] - y + 18000) % 36000 - 18000", "q[_DD_B] - y"),
    ("x = (q[_DDT80] + 18000) % 36000 - 18000", "x = q[_DDT80]"),
    ("val[V_FITS] = (x - y + 18000) % 36000 - 18000", "val[V_FITS] = x - y"),
    ("    if x < 0:\n        x = 0 - x\n    val[V_B_ANGLE]", "    val[V_B_ANGLE]"),
    ("    if z < 0:\n        z = 0 - z\n", ""),
    ("x - z // _LATE", "x"),
    ("x - z // _LATE", "x - z // (_LATE // 4)"),
    ("if x >= par[P_CALM] or x <= 0 - par[P_CALM]:", "if 0:"),
    ("if x >= par[P_CALM] or x <= 0 - par[P_CALM]:", "if x > par[P_CALM]:"),
    ("if x >= par[P_CALM] or x <= 0 - par[P_CALM]:", "if x >= par[P_CALM]:"),
    ("val[V_NEW] = 0 if x == st[S_SEQ] else 1", "val[V_NEW] = 1"),
    ("    st[S_SEQ] = x\n", ""),
    ("val[V_FUSE] = x & 3", "val[V_FUSE] = x & 1"),
    ("val[V_FUSE] = x & 3", "val[V_FUSE] = x & 2"),
    ("val[V_ONE_VT] = x & 4", "val[V_ONE_VT] = 0"),
    ("val[V_WIRING] = x >> 3", "val[V_WIRING] = x >> 4"),
    ("val[V_WIRING] = x >> 3", "val[V_WIRING] = x >> 3 & 7"),
    ("val[V_BLOCK] = st[S_BLOCK]", "val[V_BLOCK] = 0"),
    ("if y <= par[n] or y >= par[n + 1]:", "if y <= par[n]:"),
    ("if y <= par[n] or y >= par[n + 1]:", "if y >= par[n + 1]:"),
    ("if y <= par[n] or y >= par[n + 1]:", "if y < par[n] or y >= par[n + 1]:"),
    ("if y <= par[n] or y >= par[n + 1]:", "if y <= par[n] or y > par[n + 1]:"),
    ("while k < NV:", "while k < NV - 1:"),
    # dead sides
    ("val[V_LOW1 + k] >= 0 and ", ""),
    ("val[V_HIGH1 + k] <= par[P_DEAD]:", "val[V_LOW1 + k] <= par[P_DEAD]:"),
    ("val[V_HIGH1 + k] <= par[P_DEAD]:", "val[V_HIGH1 + k] <= par[P_DEAD] + 1:"),
    ("if z < 0 or z > par[P_DEAD]:", "if z > par[P_DEAD]:"),
    ("if z < 0 or z > par[P_DEAD]:", "if z < 0:"),
    ("(GATE_FREQ1 | GATE_ORDER1 | GATE_B_U1)", "(GATE_ORDER1 | GATE_B_U1)"),
    ("(GATE_FREQ1 | GATE_ORDER1 | GATE_B_U1)", "(GATE_FREQ1 | GATE_B_U1)"),
    ("(GATE_FREQ1 | GATE_ORDER1 | GATE_B_U1)", "(GATE_FREQ1 | GATE_ORDER1)"),
    (" or q[_CALM1 + k] < par[P_CALM_N]:", ":"),
    ("(y == 1 and x & GATE_LIVE2) or ", ""),
    (" or (y == 2 and x & GATE_LIVE1):", ":"),
    ("if y & par[P_DEAD_MODE] == 0:", "if par[P_DEAD_MODE] == 0:"),
    ("if y & par[P_DEAD_MODE] == 0:", "if y == 0:"),
)]

DECIDING = [(CHECK, old, new) for old, new in (
    # the aim
    ("if x >= par[P_AIM] or x <= 0 - par[P_AIM]:", "if x >= par[P_AIM]:"),
    ("if x >= par[P_AIM] or x <= 0 - par[P_AIM]:", "if x <= 0 - par[P_AIM]:"),
    ("        y = 0 - y\n        x = 0 - x\n", "        y = 0 - y\n"),
    ("y < par[P_SLOW] or x <= y // _HALF_TICK", "x <= y // _HALF_TICK"),
    ("y < par[P_SLOW] or x <= y // _HALF_TICK", "y < par[P_SLOW] or x <= 0"),
    ("y < par[P_SLOW] or x <= y // _HALF_TICK", "1"),
    ("        elif not on_target:\n            y = GATE_AIM\n", ""),
    # one order, in its tick only
    ("    st[S_GRANT] = -1\n    kind", "    kind"),
    ("            st[S_GRANT] = st[S_SEQ]\n", ""),
    ("        if x == 0:              # one", "        if 1:  # one"),
    ("            st[S_MODE] = 0\n            st[S_RESULT] = ORDERED\n",
     "            st[S_RESULT] = ORDERED\n"),
    ("            st[S_CHECK_N] = 0\n            st", "            st"),
    ("            st[S_DEAD_N] = 0\n            st[S_PERMIT] = 0\n", ""),
    ("    if st[S_MODE]:\n        st[S_ALWAYS] &= x\n", "    if 1:\n        st[S_ALWAYS] &= x\n"),
    # cancelled, timed out
    ("        if st[S_MODE]:\n            st[S_MODE] = 0\n            st[S_RESULT] = CANCELLED",
     "        if st[S_MODE]:\n            st[S_RESULT] = CANCELLED"),
    ("        st[S_CANCEL] = 0\n", ""),
    ("                st[S_MODE] = 0\n                st[S_RESULT] = TIMED_OUT\n",
     "                st[S_RESULT] = TIMED_OUT\n"),
    ("y = st[S_WAIT] - 1", "y = st[S_WAIT]"),
    ("st[S_ALWAYS] &= x", "st[S_ALWAYS] |= x"),
    # dwell and the end of a permit
    ("    if why & SYNC_GATES:\n        x = 0\n", ""),
    ("        if st[S_SYNC_N] < par[P_DWELL]:\n            y = GATE_DWELL\n        elif",
     "        if"),
    ("if why & CHECK_GATES or x > par[P_DWELL] + par[P_HOLD]:", "if why & CHECK_GATES:"),
    ("permit = 1 if x >= par[P_DWELL] else 0", "permit = 1 if x else 0"),
    ("permit = 1 if x >= par[P_DWELL] else 0", "permit = 1 if x >= par[P_DWELL] - 1 else 0"),
    ("x = 1 if st[S_DEAD] != y else st[S_DEAD_N] + 1", "x = st[S_DEAD_N] + 1"),
    ("if why & DEAD_GATES or x > par[P_DEAD_N] + par[P_HOLD]:", "if why & DEAD_GATES:"),
    ("    if x >= par[P_DEAD_N]:\n", "    if x:\n"),
    ("    if st[S_DEAD]:\n        x = why & DEAD", "    if 0:\n        x = why & DEAD"),
    # the gate's question
    ("st[S_GRANT] >= 0 and ", ""),
    ("st[S_GRANT] == self.q[_SEQ]", "1"),
    (" and st[S_BLOCK] == 0", ""),
    ("\n                and st[S_CANCEL] == 0", ""),
    ("not CHECK <= mode <= self.last", "mode == 0"),
    (" or wait_ms < 5", ""),
    (" or self.waiting()", ""),
    ("        self.st[S_NEW_MODE] = 0\n", ""),
    ("        self.st[S_CANCEL] = 1\n", ""),
    ("            if par[3 * k + 2] == 0:", "            if 0:"),
    # what is told
    ("        if answer > 15:", "        if answer > 63:"),
    ("kind = KIND_PERMIT if permit else KIND_LOST", "kind = KIND_PERMIT"),
    ("kind = KIND_TIMEOUT", "kind = kind"),
    ("kind = KIND_CANCEL", "kind = 0"),
    ("                kind = KIND_WAIT", "                kind = kind"),
)] + [
    (RECORD, "self.lost += n - _WAIT", "self.lost += 0"),
    (RECORD, "self._got = self._got + n - _WAIT & _MAX_N", "self._got = self._put - 1"),
    (RECORD, "rec[at + k] = self._val[k]", "pass"),
    (RECORD, "rec[at + k] = self._st[k]", "pass"),
    (RECORD, "rec[at + 3] = self._q[1]", "pass"),
]

SUPERVISION = [(VT, old, new) for old, new in (
    ("    while k < 3:\n        if q[_IA + k] >= par[_P_VT_I]:\n            load = 1",
     "    while k < 2:\n        if q[_IA + k] >= par[_P_VT_I]:\n            load = 1"),
    ("    while k < 3:\n        if q[_IA + k] >= par[_P_VT_I]:\n            joined = 1",
     "    while k < 0:\n        if q[_IA + k] >= par[_P_VT_I]:\n            joined = 1"),
    ("            load = 1\n", "            load = 0\n"),
    ("    joined = load\n", "    joined = 0\n"),
    ("    if st[S_CLOSED] == 1:\n        joined = 1\n", ""),
    ("    joined = 1 if st[S_CLOSED] == 1 else 0", "    joined = 0"),
    ("x >= par[_P_VT_I] and x * 10", "x * 10"),
    (" and x * 10 >= q[_I1] * 3 else 0", " else 0"),
    ("            if z < x:", "            if 0:"),
    ("            if z > y:", "            if 0:"),
    ("if y - x < _EVEN_BP:", "if 1:"),
    ("if y - x >= _SPREAD_BP:", "if y - x > _SPREAD_BP:"),
    ("if y - x >= _SPREAD_BP:", "if y - x >= 0:"),
    ("        if y <= par[_P_DEAD]:", "        if x <= par[_P_DEAD]:"),
    ("if x >= _HALF_BP:", "if x >= 0:"),
    ("if x > par[_P_LOW1]:", "if 1:"),
    ("                if st[S_CLOSED] == 0:\n", "                if 1:\n"),
    ("            elif y & 64 and y & 1 or load", "            elif load"),
    ("y & 64 and y & 1 or load and not uneven_i", "y & 64 and y & 1"),
    ("y & 64 and y & 1 or load and not uneven_i", "1"),
    ("load and not uneven_i", "load"),
    ("if x & 16 and y & 64 and joined:", "if x & 16 and y & 64:"),
    ("if x & 16 and y & 64 and joined:", "if x & 16 and joined:"),
    ("        if x & 256 and x & 1:", "        if x & 256:"),
    ("        if x & 256 and x & 1:", "        if x & 1:"),
    ("    if sides & 0x300 == 0x300:\n", "    if 1:\n"),
    (" and y >= par[_P_VT_I]:", ":"),
    ("if x < y * 3 and x > 0 - y * 3:", "if x > 0 - y * 3:"),
    ("if x < y * 3 and x > 0 - y * 3:", "if x < y * 3:"),
    ("        if y == -1:", "        if y != 1:"),
    ("        elif y == 1:", "        else:"),
    ("found |= 0x800 << k", "found |= 0x800"),
    (" and q[_GOOD] > par[_P_GOOD]:", ":"),
    ("    if x & 0x3000000 == 0x3000000 and", "    if"),
    ("            if z >= 1500:", "            if z > 1500:"),
    ("            if z < 500:", "            if z < 1500:"),
    ("            if du >= 1000:", "            if du > 1000:"),
    ("            if du < 500:", "            if du < 1000:"),
    ("        if du < 0:\n            du = 0 - du\n", ""),
    ("        elif st[S_CLOSED] == 0:\n            y", "        else:\n            y"),
    ("y < 5000 and y > -5000 and ", "y > -5000 and "),
    ("y < 5000 and y > -5000 and ", "y < 5000 and "),
    ("z > 4500 and ", "z >= 0 and "),
    (" and (z + 1500) % 6000 < 3000:", ":"),
    ("if still and (y >= 300 or y <= -300):", "if still and y >= 300:"),
    ("if still and (y >= 300 or y <= -300):", "if still and y <= -300:"),
    ("k = 1 if z <= 3 and du <= 10 else 0", "k = 1 if z <= 3 else 0"),
    ("k = 1 if z <= 3 and du <= 10 else 0", "k = 1 if du <= 10 else 0"),
    ("                if y > 10 or y < -10:", "                if y > 10:"),
    ("                if y > 10 or y < -10:", "                if y < -10:"),
    ("while n < _UAB2:", "while n < _UAB2 - 1:"),
    ("    if not still:\n        st[S_AT] = q[_DD]\n", ""),
    ("        st[S_RESET] = 0\n", ""),
    ("        y = 0\n        k = 0\n        while k < _NX + _NA:", "        while 0:"),
    ("                y &= -1 - (1 << k)\n", ""),
    ("if n >= par[_P_VT_OK]:", "if n:"),
    ("            if n >= rows[k + k]:\n                n = rows[k + k]\n", "            if n:\n"),
    ("                y |= rows[k + k + 1]\n", ""),
    ("same if same else 0x3FFFFFFF", "same"),
    ("        self.st[S_ALARMS] |= alarms", "        pass"),
)]

RULES = [(SETTINGS, old, new) for old, new in (
    ("if full[key] > most:", "if 0:"),
    ("if kva <= row[0] or", "if kva < row[0] or"),
    ("if 36 * slip * t_ms > angle * 1_000:", "if 0:"),
    ("if window_ms < full[\"sy_dwell_ms\"]:", "if 0:"),
    ("if full[\"sy_wait_ms\"] <= full[\"sy_dwell_ms\"]:", "if 0:"),
    ("if full[\"dead_mode\"] and full[\"sy_wait_ms\"] <= full[\"dead_ms\"]:", "if 0:"),
    ("if full[\"dead_mode\"] and full[", "if full["),
    ("if full[\"fn_mhz\"] != 50_000:", "if 0:"),
    ("min(guard, setting * 3 // 10)", "guard"),
    ("min(guard, setting * 3 // 10)", "setting * 3 // 10"),
    ("inside(full[\"sy_du_bp\"], full[\"gd_du_bp\"])", "full[\"sy_du_bp\"]"),
    ("inside(full[\"sy_ang_cdeg\"], full[\"gd_ang_cdeg\"])", "full[\"sy_ang_cdeg\"]"),
    ("inside(slip, full[\"gd_slip_mhz\"] * 1_000)", "slip"),
    ("min(limit, inside(slip, full[\"gd_swing_mhz\"] * 1_000))", "limit"),
    ("min(limit, inside(slip, full[\"gd_swing_mhz\"] * 1_000))",
     "inside(slip, full[\"gd_swing_mhz\"] * 1_000)"),
    ("-1 if full[\"sy_island\"] else -limit", "-limit"),
    ("min(_AIM_CDEG, limit)", "_AIM_CDEG"),
    ("(full[key] + _TICK_MS - 1) // _TICK_MS", "full[key] // _TICK_MS"),
    ("par[sc.P_CALM_N] = GOOD_FULL", "par[sc.P_CALM_N] = 0"),
)]


def _load(name, source, folder):
    """The module of this source under this name, in its package too."""
    path = folder / (name.rsplit(".", 1)[1] + ".py")
    path.write_text(source)
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    package, _, last = name.rpartition(".")
    setattr(sys.modules[package], last, module)
    exec(compile(source, str(path), "exec"), module.__dict__)
    return module


def _source(name):
    if name.startswith("acu."):
        return (ROOT / "firmware" / (name.replace(".", "/") + ".py")).read_text()
    return (ROOT / (name.replace(".", "/") + ".py")).read_text()


class Bench:
    """Loads the copies and runs their tests."""

    def __init__(self, folder):
        self.folder = folder
        self.sources = {name: _source(name) for name in (*MODULES, KIT, *TESTS)}
        self.order = self._cheapest_first()

    def _tests(self):
        found = {}
        for name in TESTS:
            module = sys.modules[name]
            for key in dir(module):
                if key.startswith("test_"):
                    found[name, key] = getattr(module, key)
        return found

    def _cheapest_first(self):
        took = {}
        self.load(None)
        for key, test in self._tests().items():
            begun = time.perf_counter()
            test()                  # the unchanged source passes, or nothing is proved
            took[key] = time.perf_counter() - begun
        return sorted(took, key=lambda key: took[key])

    def load(self, mutation):
        for name in (*MODULES, KIT, *TESTS):
            source = self.sources[name]
            if mutation and mutation[0] == name:
                assert mutation[1] in source, f"not in {name}: {mutation[1]}"
                # a mask counts twice: for the time that gates have held, and for the reasons
                source = source.replace(mutation[1], mutation[2], 2 if mutation in MASKS else 1)
            _load(name, source, self.folder)

    def notices(self, mutation):
        """The test that fails, or nothing."""
        self.load(mutation)
        tests = self._tests()
        own = "test_" + mutation[0].rpartition(".")[2]
        for key in sorted(self.order, key=lambda key: not key[0].endswith(own)):
            try:
                tests[key]()
            except Exception:  # whatever it is, somebody noticed
                self.order.remove(key)
                self.order.insert(0, key)
                return key[1]
        return ""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    importlib.import_module(KIT)
    for name in TESTS:
        importlib.import_module(name)
    names = (*MODULES, KIT, *TESTS)
    kept = {name: sys.modules[name] for name in names}
    vipers = len(stand_in._vipers)
    yield Bench(tmp_path_factory.mktemp("mutants"))
    del stand_in._vipers[vipers:]
    for name in names:
        sys.modules[name] = kept[name]
        package, _, last = name.rpartition(".")
        setattr(sys.modules[package], last, kept[name])


@pytest.mark.parametrize("table", ["LIMITS", "MASKS", "GATES", "DECIDING", "SUPERVISION", "RULES"])
def test_nothing_can_be_taken_away_unnoticed(bench, table):
    unnoticed = [f"{name}: {old.strip()} -> {new.strip()}"
                 for name, old, new in globals()[table] if not bench.notices((name, old, new))]
    assert not unnoticed, "\n" + "\n".join(unnoticed)


def test_the_tables_hold_every_gate():
    """A gate added later is taken away too: LIMITS and MASKS grow with the constants."""
    assert len(LIMITS) == synccheck.NV and len(MASKS) == 25 + 23 + 8
