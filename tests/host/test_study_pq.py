"""The study of power quality: its twin is the firmware, its figures can go wrong, its week is
judged as EN 50160 says."""
import json
import math

import numpy as np
import pytest
from typer.testing import CliRunner

from acu.functions import voltage_events as ve
from host_sim.study import accuracy_bench as bench
from host_sim.study import en50160, pq, pq_accuracy, pq_day, pq_events, pq_week
from host_sim.study.en50160 import Limit, judge
from host_sim.study.pq_events import Onsets, Rig, Wave
from host_sim.study.pq_twin import Twin, follow
from slvg.cli import app

TICK = bench.RATE_HZ // 200
EMPTY = 4                        # ticks until the ring holds a cycle


def codes_of(seconds, f_hz=50.0, thd_pct=8.0, noise_lsb=2.0, level=None, seed=1, jumps=0):
    """Frames x 3; level: frames x 3 of Udin; jumps: of phase, cycles, added up by frame."""
    r = np.random.default_rng(seed)
    n = int(seconds * bench.RATE_HZ)
    x = np.empty((n, 3))
    t = np.arange(n) / bench.RATE_HZ
    turn = r.random() + (f_hz + 0.02 * t) * t + jumps        # the frequency drifts
    for c in range(3):
        wave = pq_day.table(r, thd_pct)
        x[:, c] = wave[((turn - c / 3) * len(wave)).astype(int) % len(wave)]
    x *= bench.UN_V / bench.U_PEAK_V * 2048 * (1 if level is None else level)
    x += 2048 + np.array([7, -5, 11]) + noise_lsb * r.standard_normal(x.shape)
    return np.clip(np.rint(x), 0, 4095).astype(np.uint16)


class Played:
    """What the firmware itself saw of the codes, tick by tick."""

    def __init__(self, codes):
        m, w = pq_day.meter()
        sampler = m._sampler
        sampler.keep_ring = True
        six = np.full((len(codes), 6), 2048, dtype="<u2")
        six[:, :3] = codes
        rows = []
        for k in range(len(codes) // TICK):
            sampler.push(six[k * TICK:(k + 1) * TICK].tobytes())
            now_us = k * 5000 & 0x3FFFFFFF
            closed = m.fast(now_us)
            given = m._state[7] >> 7, list(m._zero_q8[:3])
            w.fast(now_us, closed)
            ph = [w._ph[16 * c:16 * c + 16] for c in range(3)]
            rows.append((*given, [one[0] for one in ph], [list(one[13:15]) for one in ph],
                         [one[9] for one in ph], (w.dip, w.swell, w.interruption, w.fast_mask)))
            m.slow()
        self.lag, self.zero, self.square, self.ratio, self.ready, self.masks = (
            np.array(column) for column in zip(*rows, strict=True))


def compare(codes, played):
    """The twin on the same codes, given what Measuring gave to the watch."""
    twin = Twin(pq_day.meter()[1])
    seen = twin.see(codes, played.lag, played.zero)
    assert (seen.square == played.square)[EMPTY:].all()
    armed = round(bench.RATE_HZ * 0.035) // TICK
    assert (seen.ratio == played.ratio)[armed:].all()
    masks = np.zeros_like(played.masks)
    for tick, *now in twin.run(seen, EMPTY):
        masks[tick:] = now
    assert (masks == played.masks).all(), np.flatnonzero((masks != played.masks).any(axis=1))
    assert twin.ready == played.ready[-1].tolist()
    return masks


@pytest.mark.parametrize("f_hz", [50.0, 49.83, 51.7])
def test_the_twin_goes_from_window_to_window_as_measuring_does(f_hz):
    codes = codes_of(5, f_hz)
    played = Played(codes)
    lag, zero = follow(pq_day.meter()[0], codes)
    assert (lag == played.lag).all() and (zero == played.zero).all()
    assert len(set(lag.tolist())) > 5 and len(np.unique(zero, axis=0)) > 1
    assert not compare(codes, played).any()


def test_the_twin_sees_events_bit_for_bit_as_the_watch_does():
    seen = set()
    for seed in range(4):
        r = np.random.default_rng(seed)
        n = 6 * bench.RATE_HZ
        level = np.ones((n, 3))
        jumps = np.zeros(n)
        at = 3000
        while at < n:
            lasting = int(r.exponential(150)) + 1
            level[at:at + lasting, r.random(3) < 0.6] = r.choice(
                (0, 0.02, 0.045, 0.3, 0.6, 0.84, 0.895, 0.93, 1.12, 1.4)) * r.uniform(0.99, 1.01)
            at += lasting + int(r.exponential(250))
            jumps[at:] += r.uniform(-0.15, 0.15)
        codes = codes_of(6, 50 + r.uniform(-0.5, 0.5), 4 * seed % 9, 0.6 * seed, level, seed,
                         jumps)
        played = Played(codes)
        seen |= {tuple(row) for row in compare(codes, played)}
    assert len(seen) > 60
    assert all(any(row[k] for row in seen) for k in range(4))


def test_a_stretch_of_the_day_is_what_the_firmware_makes_of_it():
    codes, _ = pq_day.render(pq_day.Stretch(5, 3, 8))
    root = np.sqrt(np.mean((codes.astype(float) - codes.mean(axis=0))**2, axis=0))
    u_pct = root / 2048 * bench.U_PEAK_V / bench.UN_V * 100
    assert (abs(u_pct - 100) < 8).all()
    twin = Twin(pq_day.meter()[1])
    played = Played(codes)
    lag, zero = follow(pq_day.meter()[0], codes)
    assert (lag == played.lag).all() and (zero == played.zero).all()
    assert twin.run(twin.see(codes, lag, zero), EMPTY) == [] and not played.masks.any()


def test_the_day_has_its_harmonics_and_its_noise():
    spectra = []
    for number in range(3):
        codes, _ = pq_day.render(pq_day.Stretch(2, number, 8))
        lines = abs(np.fft.rfft((codes[:, 0].astype(float) - 2048) * np.hanning(len(codes))))
        hz = np.fft.rfftfreq(len(codes), 1 / bench.RATE_HZ)

        def power(around, off=2.5, lines=lines, hz=hz):
            return float((lines[abs(hz - around) < off]**2).sum())

        harmonics = sum(power(50 * h, 8) for h in range(2, 26))
        spectra.append(100 * math.sqrt(harmonics / power(50, 8)))
    assert all(7.6 < thd < 8.6 for thd in spectra), spectra


def test_an_operation_in_the_day_is_counted(monkeypatch):
    render = pq_day.render

    def dipped(one):
        codes, count = render(one)
        x = codes.astype(float) - 2048
        x[5 * bench.RATE_HZ:5 * bench.RATE_HZ + 40, 1] *= 0.5
        x[7 * bench.RATE_HZ:7 * bench.RATE_HZ + 200] *= 0.8
        return np.rint(x + 2048).astype(np.uint16), count

    monkeypatch.setattr(pq_day, "render", dipped)
    found = pq_day.run([pq_day.Stretch(1, 9, 8)], 1)
    figures = pq_day.figures(found)
    assert figures["false_operations"] == 2 and figures["false_events"] >= 2
    assert figures["nearest_pct"] < 88
    assert [mask for _, mask in found[0].operations] == [2, 7]
    told = pq.figures(pq.Results(day=found))
    assert told["goals_missed"] == ["false_operations", "false_events"]


def test_latencies_and_events_reach_their_goals():
    results = pq.Results()
    for k, wave in enumerate(pq_events.WAVES[:2]):
        onsets = Onsets(wave, 5, 40 + k)
        results.latencies.append(pq.Latencies(wave.name, pq_events.latencies(
            onsets._replace(cases=12))))
        results.cases += pq_events.cases(onsets._replace(wave=wave._replace(noise_lsb=0.5)))
    figures = pq.figures(results)
    assert figures["goals_missed"] == [] and figures["events"] == 10
    assert {case.kind for case in results.cases} == {ve.DIP, ve.SWELL, ve.INTERRUPTION}
    assert figures["loss_latency_max_ms"] > 5 and figures["dip_latency_max_ms"] > 15
    assert figures["residual_err_2_lsb_max_pct"] is None


def test_what_is_not_seen_is_no_figure(monkeypatch):
    wave = pq_events.WAVES[0]
    monkeypatch.setattr(pq_events.Rig, "_tick", lambda self, codes: None)
    results = pq.Results(latencies=[pq.Latencies(wave.name, pq_events.latencies(
        Onsets(wave, 1, 1)))], cases=pq_events.cases(Onsets(wave, 1, 1)))
    figures = pq.figures(results)
    assert figures["fast_latency_max_ms"] is None and figures["events_missed"] == 1
    assert figures["duration_err_max_cycles"] is None
    assert set(figures["goals_missed"]) >= {"fast_latency_max_ms", "events_missed"}


def test_a_latency_begins_when_the_voltage_changes_and_ends_with_a_tick():
    rig = Rig(Wave("sine"), 3)
    t0_ms = rig.strike((0.0, 0.0, 0.0), 60.0)
    tick, *masks = next(one for one in rig.masks if one[4] == 7)
    assert rig.after(t0_ms, 3, 7) == tick * 5 - t0_ms and masks[3] == 7
    assert rig.after(t0_ms + 1000, 3, 7) == math.inf
    assert t0_ms % 5 and 5 <= t0_ms - 1400 < 10


def test_the_windows_are_judged_against_the_truth():
    cal = pq_accuracy.prepare(1)
    loads = [load for load in pq_accuracy.loads(False, 1) if (
        load.labels["wave"] == "8 % THD, 50 Hz" and load.labels["level_pct"] in (10, 130, None))]
    rows = [pq_accuracy.row((load, cal, k)) for k, load in enumerate(loads[:5])]
    figures = pq.figures(pq.Results(rows=rows))
    assert figures["goals_missed"] == [] and figures["u2_err_max_pct"] > 0
    assert max(row["u2_pct"] for row in rows) > 2
    off = tuple((c[0] * 1002 // 1000 if k == 1 else c[0], *c[1:]) for k, c in enumerate(cal))
    rows = [pq_accuracy.row((load, off, k)) for k, load in enumerate(loads[:5])]
    assert "u_err_max_pct" in pq.figures(pq.Results(rows=rows))["goals_missed"]


def test_en50160_lets_five_in_a_hundred_be_outside():
    limit = Limit("U", "V", 95.0, 207.0, 253.0)
    values = np.full(100, 230.0)
    values[:5] = 190.0
    values[7] = 251.0
    row = judge(limit, values)
    assert row.ok and row.inside_pct == 95 and (row.least, row.most) == (230, 251)
    values[5] = 254.0
    row = judge(limit, values)
    assert not row.ok and row.inside_pct == 94 and row.most == 254
    assert not judge(limit._replace(share=100.0), np.array([230.0, 206.9])).ok
    assert judge(limit, np.array([230.0, np.nan])).inside_pct == 100
    assert not judge(limit, np.array([np.nan])).ok
    one_sided = Limit("u2", "%", 95.0, -math.inf, 2.0)
    row = judge(one_sided, np.array([1.0] * 95 + [3.0] * 5))
    assert row.ok and row.most == 1.0
    assert not judge(one_sided, np.array([1.0] * 94 + [3.0] * 6)).ok


def test_events_are_classed_by_voltage_and_duration():
    dips = [(89.9, 200), (80.0, 201), (79.9, 10), (0.5, 61_000), (40.0, 5000), (39.9, 5001)]
    assert en50160.count(dips, en50160.RESIDUALS_PCT, en50160.DIP_MS) == [
        [1, 1, 0, 0, 0, 0], [1, 0, 0, 0, 0, 0], [0, 0, 0, 1, 0, 0], [0, 0, 0, 0, 1, 0],
        [0, 0, 0, 0, 0, 1]]
    swells = [(110.5, 500), (119.9, 501), (120.0, 60_001), (150.0, 10)]
    assert en50160.count(swells, en50160.SWELLS_PCT, en50160.SWELL_MS) == [
        [1, 0, 0, 1], [1, 1, 0, 0]]


@pytest.fixture(scope="module")
def morning():
    """Two hours in which everything happens."""
    struck = [pq_week.Event(2, ve.DIP, (0.6, None, None), 1500.0),
              pq_week.Event(4, ve.SWELL, (None, 1.2, 1.15), 300.0),
              pq_week.Event(6, ve.INTERRUPTION, (0.01, 0.01, 0.01), 100.0),
              pq_week.Event(8, ve.RVC, (0.92, None, None), 2500.0)]
    states = pq_week.profile(1)[:12]
    played = pq_week.play(pq_week.Work(1, 0, states, struck))
    return pq_week.aggregate(played, states, struck)


def test_the_week_is_measured_as_it_was_and_its_events_are_flagged(morning):
    figures = pq.week_figures(morning)
    assert figures["intervals"] == 12 and figures["flagged"] == 3
    assert np.isnan(morning.values["thd_pct"]).all(axis=1).nonzero()[0].tolist() == [2, 4, 6]
    assert np.isnan(morning.values["u_v"]).all(axis=1).nonzero()[0].tolist() == [6]
    assert figures["u_10min_err_max_pct"] < 0.02 and figures["thd_10min_err_max_pct"] < 0.1
    assert abs(morning.values["h5_pct"] - [[state.harmonics[2][1]] * 3 for state in
                                           morning.states])[0].max() < 0.05
    kinds = ("dips", "swells", "interruptions", "rapid_changes")
    assert [figures[kind] for kind in kinds] == [1, 1, 1, 2]
    assert [figures[kind + "_drawn"] for kind in kinds] == [1, 1, 1, 2]
    told = pq.figures(pq.Results(week=morning))
    assert told["week_events_wrong"] == 0 and told["goals_missed"] == []


def test_a_voltage_above_the_limit_fails_the_week(morning):
    u_v = morning.values["u_v"].copy()
    u_v[3, 1] = 254.0
    high = morning._replace(values=morning.values | {"u_v": u_v})
    figures = pq.week_figures(high)
    assert not figures["en50160_pass"] and set(figures["en50160_failed"]) == {"Voltage, 10 min"}
    worst = next(one for one in pq.verdicts(high) if not one.row.ok)
    assert worst.phase == "B" and worst.row.most == 254


def test_the_same_seed_is_the_same_week():
    assert pq_week.profile(3) == pq_week.profile(3) != pq_week.profile(4)
    assert pq_week.draw_events(3) == pq_week.draw_events(3) != pq_week.draw_events(4)


def test_the_report_can_be_handed_over(morning, tmp_path):
    results = pq.Results(week=morning)
    from host_sim.study.pq_report import report

    files = {file.name for file in report(results, pq.figures(results)).write(tmp_path)}
    assert files == {"pq.html", "pq-goals.csv", "pq-en50160.csv", "pq-dips.csv", "pq-swells.csv",
                     "pq-week-events.csv", "pq-week.csv", "pq-week.png"}
    page = (tmp_path / "pq.html").read_text(encoding="utf-8")
    assert 'class="pass"' in page and "interruption" in page
    dips = (tmp_path / "pq-dips.csv").read_text(encoding="utf-8").splitlines()
    assert [sum(map(int, line.split(",")[1:])) for line in dips[1:]] == [0, 0, 1, 0, 1]


def test_the_command(tmp_path, monkeypatch):
    run = CliRunner().invoke
    out = tmp_path / "pq.json"
    asked = ["study", "pq", "--part", "day", "--hours", "0.08", "--jobs", "1", "--json", str(out)]
    done = run(app, [*asked, "--report", str(tmp_path / "new")])
    assert done.exit_code == 0, done.output
    figures = json.loads(out.read_text(encoding="utf-8"))
    assert figures["false_operations"] == 0 and 0.08 < figures["hours"] < 0.09
    assert (tmp_path / "new" / "pq.html").exists() and "u_err_max_pct" not in figures
    file = tmp_path / "file"
    file.write_text("")
    done = run(app, [*asked, "--report", str(file)])
    assert done.exit_code == 2 and "E132 --report" in done.output
    monkeypatch.setitem(pq.GOALS, "false_operations", -1)
    monkeypatch.setattr(pq, "run", lambda *args: pq.Results(day=[
        pq_day.Outcome(0, 60_000, [], [], 92.0, (93.0, 107.0), 5)]))
    done = run(app, asked)
    assert done.exit_code == 1 and "E155 study pq: false_operations = 0" in done.output
