"""Phasor level: what a controller is told must be what its own front end would have measured."""
import math

import pytest

from host_sim.scenario.runner import Run
from host_sim.world import leap
from host_sim.world.leap import LeapStreet
from tests.scenario.kit import assay

FROM_US, TO_US, WINDOW_US = 5_000_000, 35_000_000, 200_000
OPENED_US = 3_000_000
# Bias between the levels: 0.1 V, mA, W, var, VA; one cycle's RMS scatters ten times as much.
BIAS = {"u": 0.1, "i": 0.5, "p": 0.2, "half_u": 0.2, "half_i": 2.0}


def _scenario():
    return assay(events=[], run_s=40.0, front_end={"gain_err_pct": 0.5})


def _values(m) -> dict:
    """What a Measuring says now, by kind."""
    def flat(x):
        return list(x) if isinstance(x, list) else [x]

    return {"u": [*m.u_dv, m.u_load_dv], "i": flat(m.i_ma),
            "p": flat(m.p_w) + flat(m.q_var) + flat(m.s_va),
            "half_u": list(m.half_dv), "half_i": list(m.half_ma)}


def _at_quantity() -> dict:
    """{acu: [values of each window]}; eu1's contact is opened: its current is all noise."""
    run = Run(_scenario(), level="quantity")
    found: dict = {name: [] for name in run.specs}
    windows = dict.fromkeys(run.specs, 0)
    while run.t_us < TO_US:
        if run.t_us == OPENED_US:
            run.street.drive("eu1", 0, 0, run.t_us)
        run.step()
        for name, unit in run.firmware.units.items():
            m = unit.acu.measuring
            if run.t_us >= FROM_US and m.n_windows != windows[name]:
                windows[name] = m.n_windows
                found[name].append(_values(m))
    return found


def _at_phasor() -> dict:
    scenario = _scenario()
    street = LeapStreet(scenario.street, scenario.seed, "quantity")
    street.step(OPENED_US)
    street.drive("eu1", 0, 0, OPENED_US)
    street.step(FROM_US)
    run = Run(scenario, level="phasor")
    run.step()
    found: dict = {name: [] for name in run.specs}
    for name in run.specs:
        street.leave(name)
    for t_us in range(FROM_US + WINDOW_US, TO_US, WINDOW_US):
        street.step(t_us)
        for name, unit in run.firmware.units.items():
            m = unit.acu.measuring
            m.read(street.reading(name, False))
            m.fast(0)
            while m.slow():
                pass
            found[name].append(_values(m))
    return found


def _wrong(a: dict, b: dict) -> list[str]:
    """Where the two levels disagree, in mean or in spread."""
    wrong = []
    for name in a:
        for kind, bias in BIAS.items():
            for k in range(len(a[name][0][kind])):
                one, other = ([row[kind][k] for row in rows[name]] for rows in (a, b))
                means = [sum(x) / len(x) for x in (one, other)]
                spreads = [math.sqrt(sum((v - mean) ** 2 for v in x) / len(x))
                           for x, mean in zip((one, other), means, strict=True)]
                if abs(means[0] - means[1]) > bias:
                    wrong.append(f"{name} {kind}{k}: mean {means}")
                if abs(spreads[0] - spreads[1]) > 0.35 + 0.3 * spreads[0]:
                    wrong.append(f"{name} {kind}{k}: spread {spreads}")
    return wrong


@pytest.fixture(scope="module")
def measured():
    return _at_quantity()


def test_readings_are_those_of_the_front_end(measured):
    assert not _wrong(measured, _at_phasor())
    assert 27 < sum(row["i"][0] for row in measured["eu1"]) / len(measured["eu1"]) < 29


def _without(what: str):
    """A model of the front end that lacks something."""
    class Poorer(leap.Readings):
        def __init__(self, *args):
            super().__init__(*args)
            if what == "gain":
                self._gain[:] = 1.0
            elif what == "noise":
                self._variance[:] = 0.0
            elif what == "scatter":
                self._draws = [[0.0] * len(draws) for draws in self._draws]
            else:
                self._i = self._i[::-1].copy()
    return Poorer


@pytest.mark.parametrize("what", ["gain", "noise", "scatter", "pairs"])
def test_a_poorer_model_shows(measured, monkeypatch, what):
    monkeypatch.setattr(leap, "Readings", _without(what))
    assert _wrong(measured, _at_phasor())


def test_energy_has_no_gap_where_the_level_changes():
    """The level changes every two seconds; the register must not notice."""
    events = [(5.0 + 4 * k, {"link": {"acu": name, "loss_pct": 0.0}})
              for k in range(13) for name in ("cd", "eu1", "eu2", "eu3")]
    energies = {}
    for level in ("quantity", "phasor"):
        run = Run(assay(events=events, run_s=60.0), level=level)
        if run.leaping:
            run.leaping._windows = [(at, at + 1_000_000, ids) for at, _, ids in
                                    run.leaping._windows]
        while run.t_us < 60_000_000:
            run.step()
        units = {name: unit.acu.measuring for name, unit in run.firmware.units.items()}
        energies[level] = {name: m.e_import_mwh for name, m in units.items()}
        powers = {name: sum(m.p_mw) // 1000 for name, m in units.items()}
    assert run.leaping.calls > 100 and run.leaping.fine_calls > 10_000
    for name, mwh in energies["phasor"].items():
        window_mwh = powers[name] / 3.6 * 0.21      # one that has not been evaluated yet
        assert abs(mwh - energies["quantity"][name]) < window_mwh + 1
        assert abs(mwh - powers[name] * 60 / 3.6) < 2 * window_mwh + 0.002 * mwh


def test_a_past_state_is_weighed_by_its_time():
    """Load for a third of the time, then none: energy takes the mean, messages the present."""
    scenario = assay(events=[], run_s=20.0)
    street = LeapStreet(scenario.street, scenario.seed, "quantity")
    street.step(1_000_000)
    street.leave("eu2")
    street.set("load_pct", 10, acu="eu2", at_us=2_000_000)
    street.step(4_000_000)
    reading = street.reading("eu2", False)
    past, now = reading[1], reading[2]
    assert (past[0], now[0]) == (4_000, 8_000)
    assert 0.098 < now[-2] / past[-2] < 0.102
    assert street.reading("eu2", True) is None


def test_states_do_not_pile_up():
    scenario = assay(events=[], run_s=20.0)
    street = LeapStreet(scenario.street, scenario.seed, "quantity")
    for name in ("eu1", "eu2"):
        street.leave(name)
    for k in range(300):
        street.set("load_pct", 50 + k % 2, acu="eu3")
        street.step(street.now_us + 1_000_000)
        street.reading("eu1", False)
        if k % 20 == 0:
            street.reading("eu2", False)
    assert len(street._readings._states) < 100
