"""Voltage quality: 10-minute means of the truth and of the reports, on a record made by hand."""
from dataclasses import replace

import numpy as np
import pytest

from acu import messages
from host_sim.scenario import load
from host_sim.scenario.quality import quality, reports
from host_sim.scenario.result import RunResult
from host_sim.world.trace import Voltages

S = 1_000_000
MEAS = {"i_mA": [0] * 3, "p_W": [0] * 3, "q_var": [0] * 3, "s_VA": [0] * 3, "f_mHz": 50_000,
        "e_Wh": 0, "t_dC": None, "gnd": None, "dofc": None, "ph": 1, "on": 1, "fl": 0}


@pytest.fixture(scope="module")
def scenario():
    return replace(load.load("branch"), run_us=1_200 * S)


def voltages(t_s, first_v, phase=0, unbalance=(0.5, 0.25)):
    """All 24 customers on A at 230 V but the first: three phases, and where he is connected."""
    u_v = np.full((24, 3), 230.0, dtype=np.float32)
    u_v[0] = first_v
    phases = np.zeros(24, dtype=np.int8)
    phases[0] = phase
    return Voltages(t_s * S, u_v, phases, unbalance)


def result(states, told=()):
    """told: (t_s, sender, three voltages in 0.1 V)"""
    r = RunResult("x", 1, "quantity", "cpython", run_us=1_200 * S)
    r.record.voltages = list(states)
    for t_s, who, u_dv in told:
        raw = messages.encode("meas", who, "cd", 1, 0, 1, {"u_dV": list(u_dv), **MEAS})
        r.bus.append((t_s * S, who, f"slvg/1/slv/sc1/uc1/{who}/up/meas", raw))
        r.bus.append((t_s * S, "s1", f"slvg/1/mst/sc1/s1/{who}/up/meas", raw))
    return r


def test_means_are_of_squares_over_ten_minutes_of_the_own_phase(scenario):
    r = result([voltages(0, (230, 400, 400)), voltages(300, (250, 400, 400)),
                voltages(600, (0, 400, 210), 2)])
    figures = quality(r, scenario)
    assert figures["u_max_v"] == pytest.approx(((230**2 + 250**2) / 2) ** 0.5, abs=1e-3)
    assert figures["u_min_v"] == 210.0
    assert figures["u_in_band_pct"] == 100.0


def test_an_interruption_is_no_low_voltage(scenario):
    r = result([voltages(0, (230,) * 3), voltages(100, (0, 0, 0)), voltages(500, (220,) * 3, -1),
                voltages(700, (200,) * 3)])
    figures = quality(r, scenario)
    assert figures["u_min_v"] == 200.0 and figures["u_max_v"] == 230.0
    assert figures["u_in_band_pct"] == pytest.approx(100 * 47 / 48, abs=0.01)


def test_unbalance_is_its_highest_mean(scenario):
    r = result([voltages(0, (230,) * 3), voltages(300, (230,) * 3, 0, (1.5, 0.75)),
                voltages(600, (230,) * 3, 0, (0.9, 0.1))])
    figures = quality(r, scenario)
    assert (figures["u2_max_pct"], figures["u0_max_pct"]) == (1.0, 0.5)


def test_reports_are_the_operators_own_and_counted_once(scenario):
    r = result([voltages(0, (230.0, 231.0, 232.0)), voltages(600, (210.0, 211.0, 212.0))],
               [(100, "eu01", (2301, 2310, 2320)), (700, "eu01", (2100, 2110, 2115)),
                (200, "eu02", (2300, 2300, 2300)), (300, "s1", (1, 1, 1))])
    assert [(t.t_us, t.customer) for t in reports(r, scenario)] == [
        (100 * S, 0), (700 * S, 0), (200 * S, 1)]
    figures = quality(r, scenario)
    assert figures["reports"] == 3 and figures["u_in_band_reported_pct"] == 100.0
    assert figures["dv_report_max_v"] == pytest.approx(0.5, abs=1e-3)    # C at 700 s


def test_a_report_beside_everything_true_shortly_before_is_an_error(scenario):
    r = result([voltages(0, (230.0,) * 3), voltages(600, (240.0,) * 3)],
               [(590, "eu01", (2300,) * 3), (605, "eu01", (2350,) * 3),
                (650, "eu01", (2350, 2400, 2400))])
    assert quality(r, scenario)["dv_report_max_v"] == pytest.approx(5.0, abs=1e-3)
    assert quality(r, scenario)["dv_report_rms_v"] == pytest.approx(10.0 / 3, abs=1e-3)


def test_a_street_without_a_feeder_has_no_such_figures(scenario):
    assert quality(RunResult("x", 1, "wave", "cpython"), scenario) == {}
