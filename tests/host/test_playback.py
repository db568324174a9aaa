"""Any record becomes what a Meter sees: its values, its events, and what it records of them."""
import datetime as dt
import json
import random

import numpy as np
import pytest
from typer.testing import CliRunner

from host_sim.board.firmware import Firmware
from host_sim.comtrade.read import Channel, Record, read
from host_sim.scenario import captures, load, playback
from host_sim.scenario.complaints import InputError
from host_sim.scenario.playback_plan import plan as fitted
from slvg.cli import app
from tests.host.records import rewrite, save, three, times, wave

START = dt.datetime(2026, 3, 1)     # noqa: DTZ001  records have no zone


def played(cfg, **how):
    record, plan = playback.prepare(cfg, how.pop("un_v", None), how.pop("chosen", None))
    return playback.run(record, plan, **how)


def logged(out, name):
    """[(t_s, {key: value})] of the events of this name."""
    found = []
    for t_s, line in out.events:
        words = line.split(" ")
        if words[3] == name:
            found.append((t_s, {key: int(value) for key, value in
                                (word.split("=") for word in words[4:])}))
    return found


def test_three_phases_with_a_dip_through_the_whole_meter(tmp_path):
    out = played(three(tmp_path / "x.cfg", f_hz=49.9, dip=(0.5, 0.6, 0.4)))
    assert (out.plan.kind, out.plan.wiring, out.plan.un_dv) == ("post", "ABC", 2300)
    clean = [w for w in out.windows if w.whole and not w.quality]
    assert len(clean) >= 3
    for w in (clean[0], clean[-1]):
        assert w.f_hz == pytest.approx(49.9, abs=0.002)
        for k in range(3):
            assert w.u_v[k] == pytest.approx(230, abs=0.05)
            assert w.i_a[k] == pytest.approx(10, abs=0.005)
            assert w.p_w[k] == pytest.approx(1150, abs=1)
            assert w.q_var[k] == pytest.approx(1991.9, abs=1)
            assert w.u_deg[k] == pytest.approx((0, -120, 120)[k], abs=0.03)
            assert (w.i_deg[k] - w.u_deg[k]) % 360 == pytest.approx(300, abs=0.05)
        assert w.u2_pct < 0.02 and w.sequence == 1
    (start_s, start), (end_s, end) = logged(out, "DIP")
    assert 0.5 < start_s <= 0.525 and start["dur_ms"] == 0 and start["ph_mask"] == 1
    assert 0.6 < end_s <= 0.635 and end["dur_ms"] == pytest.approx(100, abs=20)
    assert end["res_dv"] == pytest.approx(920, abs=5)
    flagged = [w for w in out.windows if w.quality & 16]
    assert flagged and all(0.5 < w.t_s < 0.9 for w in flagged)


def test_the_record_of_a_substation_is_seen_through_a_transformer(tmp_path):
    out = played(three(tmp_path / "x.cfg", length_s=0.6, u_v=63_508.5, i_a=30_000, f_hz=60.0,
                       rate_hz=15_360.0, form="BINARY32"))
    assert (out.plan.un_dv, out.plan.fn_mhz, out.plan.i_ratio) == (2300, 60_000, 100)
    assert out.plan.un_v == pytest.approx(110_000 / 3**0.5)
    w = out.windows[1]
    assert w.f_hz == pytest.approx(60, abs=0.002)
    assert w.u_v == pytest.approx([63_508.5] * 3, rel=3e-4)
    assert w.i_a == pytest.approx([30_000] * 3, rel=5e-4)
    assert sum(w.p_w) == pytest.approx(3 * 63_508.5 * 30_000 * 0.5, rel=2e-3)


def test_two_phases_and_one_go_to_meters_of_their_kind(tmp_path):
    t = times(4800, 4800)
    for phases, wiring in (("CA", "CA"), ("BC", "BC"), ("B", "B")):
        columns = [("U" + p, p, "V", wave(t, 127, 60.0, "ABC".index(p))) for p in "ABC"
                   if p in phases]
        columns += [("I" + p, p, "A", wave(t, 5, 60.0, "ABC".index(p), lag=0.5)) for p in "ABC"
                    if p in phases]
        out = played(save(tmp_path / f"{wiring}.cfg", columns, f_hz=60))
        assert out.plan.wiring == wiring and out.plan.un_v == 127
        w = out.windows[2]
        assert w.p_w == pytest.approx([127 * 5 * np.cos(0.5)] * len(phases), rel=2e-3)
        if len(phases) == 2:
            assert w.u_deg == pytest.approx([0, -120], abs=0.05)


def test_a_missing_current_is_a_dead_input_and_said(tmp_path):
    t = times(2400, 4800)
    columns = [("V" + p, p, "V", wave(t, 230, phase="ABC".index(p))) for p in "ABC"]
    out = played(save(tmp_path / "x.cfg", columns))
    assert {"ia: nothing recorded, a dead input", "ic: nothing recorded, a dead input"} < \
        set(out.plan.notes)
    assert out.windows[1].u_v[2] == pytest.approx(230, abs=0.1)
    assert max(out.windows[1].i_a) < 0.01
    assert not logged(out, "ADC_BAD")            # dead, not frozen: its converter has noise


def test_currents_alone_are_measured_at_the_nominal_frequency(tmp_path):
    t = times(2400, 4800)
    columns = [("I" + p, p, "A", wave(t, 300, phase="ABC".index(p))) for p in "ABC"]
    out = played(save(tmp_path / "x.cfg", columns))
    assert "no voltage: the Meter runs at its nominal frequency" in out.plan.notes
    w = out.windows[1]
    assert w.f_hz == 0 and w.i_a == pytest.approx([300] * 3, rel=1e-3)
    assert w.i_deg == pytest.approx([0, -120, 120], abs=0.1)


def test_harmonics_and_skew_come_through(tmp_path):
    t = times(12_000, 12_000)
    cfg = save(tmp_path / "x.cfg", [("V", "A", "V", wave(t, 230, thd=0.08)),
                                    ("I", "A", "A", wave(t + 100e-6, 10))], 12_000.0)

    def skewed(lines):
        fields = lines[3].split(",")
        fields[7] = "100"
        lines[3] = ",".join(fields)

    w = played(rewrite(cfg, skewed)).windows[-2]
    assert w.thd_u_pct[0] == pytest.approx(8.0, abs=0.1)
    assert w.i_deg[0] == pytest.approx(0, abs=0.05)         # 1.8 degrees without


def test_phases_as_recorders_name_them():
    t = times(480, 4800)
    for channels, expected in (
            ([("C", "x"), ("A", "y"), ("B", "z")], "y z x"),
            ([("L1", "x"), ("L2", "y"), ("L3", "z")], "x y z"),
            ([("R", "x"), ("S-N", "y"), ("T", "z")], "x y z"),
            ([("3", "x"), ("2", "y"), ("1", "z")], "z y x"),
            ([("", "Bus1:Vc"), ("", "Bus1:Va"), ("", "Bus1:Vb")], "Bus1:Va Bus1:Vb Bus1:Vc"),
            ([("", "U_L3"), ("", "U_L1"), ("", "U_L2")], "U_L1 U_L2 U_L3"),
            ([("1", "Va"), ("1", "Vb"), ("1", "Vc"), ("1", "Vn")], "Va Vb Vc"),
            ([("0", "U21"), ("1", "U32"), ("6", "Vo"), ("8", "V2")], "V2"),
            ([("AB", "x"), ("B", "y"), ("N", "z")], "y"),
            ([("", "first"), ("", "second"), ("", "3V0")], "first second")):
        record = Record("x", "", "", "1999", "BINARY", 50.0, [(4800.0, 480)], START, 0.0, t,
                        [Channel(name, phase, "V", wave(t, 230), 0.0)
                            for phase, name in channels], [])
        used = [c.name for name, c in fitted(record).inputs if name[0] == "u"]
        assert " ".join(used) == expected


def test_channels_and_nominal_voltage_can_be_chosen(tmp_path):
    cfg = three(tmp_path / "x.cfg", length_s=0.6)
    out = played(cfg, un_v=240.0, chosen={"ua": "vb", "ia": "5"})
    assert (out.plan.kind, out.plan.un_dv) == ("single", 2400)
    assert out.windows[1].p_w == pytest.approx([1150], abs=1)


def test_what_no_meter_can_be_connected_to(tmp_path):
    t = times(2400, 4800)
    volt = wave(t, 230)

    def refuse(expected, columns, change=None, rate_hz=4800.0, **how):
        cfg = save(tmp_path / "y.cfg", columns, rate_hz)
        if change:
            rewrite(cfg, change)
        with pytest.raises(InputError, match=expected) as e:
            playback.prepare(cfg, how.get("un_v"), how.get("chosen"))
        assert e.value.text.endswith(".")

    def frequency(f_hz):
        def change(lines):
            lines[lines.index("50")] = f_hz
        return change

    one = [("V", "A", "V", volt)]
    refuse("^E175 y: neither voltage nor current of a phase .*1 f .*, 2 I .A., 3 I0 .A.*--map",
           [("f", "", "Hz", volt), ("I", "N", "A", volt), ("I0", "N", "A", volt)])
    refuse("^E175 y: neither", [("3I0", "", "A", volt), ("UN", "", "V", volt)])
    refuse("^E175 y: 4 channels in V and none says its phase", [(f"x{k}", "", "V", volt)
                                                                  for k in range(4)])
    refuse("^E175 y: its voltages are zero throughout", [("V", "A", "V", 0 * volt)])
    refuse("^E175 --un 0 is outside 1 to 1000000 V", one, un_v=0.0)
    refuse("^E175 --map uz=V: 'uz' is no input", one, chosen={"uz": "V"})
    refuse("^E175 --map ua=W: y has no channel 'W'. There are: 1 V .V.", one, chosen={"ua": "W"})
    refuse("^E175 --map ia=V: V is in V, ia needs A", one, chosen={"ua": "V", "ia": "V"})
    refuse("^E177 y: 19.6 ms long, at least one cycle .20 ms", [("V", "A", "V", volt[:95])])
    refuse("^E173 y: 400 samples a second.*at least 500 Hz", one, rate_hz=400.0)
    refuse("^E173 y: 5e.06 samples a second.*at most 1000000 Hz",
           [("V", "A", "V", np.tile(volt, 50))], rate_hz=5e6)
    refuse("^E178 y: its line frequency is 16.7 Hz", one, frequency("16.7"))


def test_without_a_line_frequency_it_is_taken_from_the_wave(tmp_path):
    t = times(2400, 4800)
    cfg = save(tmp_path / "x.cfg", [("V", "A", "V", wave(t, 120, 59.8))])

    def silent(lines):
        lines[lines.index("50")] = "0"

    assert playback.prepare(rewrite(cfg, silent), None, None)[1].fn_mhz == 60_000


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """(codes that went in, records of the Meter) of a dip."""
    cfg = three(tmp_path_factory.mktemp("c") / "x.cfg", dip=(0.5, 0.6, 0.4))
    record, plan = playback.prepare(cfg, None, None)
    blocks = playback.codes(record, plan, 1)
    firmware = Firmware([playback.spec(record, plan)], None)
    for _ in playback.instants(firmware, blocks):
        pass
    return blocks, firmware.stored(playback.ME)


def test_the_meter_records_the_very_samples_and_they_become_comtrade(recorded, tmp_path):
    blocks, raws = recorded
    one = captures.unpack(raws[0])
    assert (len(raws), one.number, one.kind, len(one.codes)) == (1, 1, "post", 1600)
    event = (playback.LEAD_US // 1000 + 500) * 4
    first = event - one.before
    found = [k for k in range(first - 20, first + 120) if (blocks[k:k + 1600] == one.codes).all()]
    assert len(found) == 1
    # the fast path sees a dip to 40 % within 10 ms
    trigger = found[0] + one.before
    assert 0 <= trigger - event <= 40 + 20
    (path,), damaged = captures.export(tmp_path, "x", "m", "ABC", raws)
    record = read(path)
    assert damaged == 0 and path.name == "m-0001.cfg"
    assert record.trigger_s == pytest.approx(one.before / 4000, abs=1e-6)
    volts = (one.codes[:, 0] - 2048.0 - one.zero_q8[0] / 256) * 450 / 2048
    assert np.abs(record.channels[0].values - volts).max() < 1e-5
    assert [c.skew_s * 1e6 for c in record.channels] == pytest.approx([0, 2, 4, 6, 8, 10])
    assert np.sqrt((record.channels[1].values[:800]**2).mean()) == pytest.approx(230, abs=0.2)
    again = played(path)
    (_, end) = logged(again, "DIP")
    assert end[1]["res_dv"] == pytest.approx(920, abs=5)


def test_a_record_that_a_power_cut_cut_short_is_left_out(recorded, tmp_path):
    raw = recorded[1][0]
    for broken in (b"", raw[:40], raw[:5000], raw[:-1], raw[:-4],
                   raw[:900] + bytes([raw[900] ^ 1]) + raw[901:]):
        assert captures.unpack(broken) is None
    paths, damaged = captures.export(tmp_path, "x", "m", "ABC", [raw[:5000], raw])
    assert (len(paths), damaged) == (1, 1)


def run(*args):
    return CliRunner().invoke(app, ["sim", *map(str, args)])


def test_the_command_prints_and_writes(tmp_path):
    cfg = three(tmp_path / "x.cfg", length_s=0.8, dip=(0.4, 0.5, 0.6))
    out = run("playback", "--comtrade", cfg, "--json", tmp_path / "o.json", "--log",
              tmp_path / "o.log")
    assert out.exit_code == 0, out.output
    assert "Meter post ABC, 230 V 50 Hz: ua=VA ub=VB uc=VC ia=IA ib=IB ic=IC" in out.output
    assert "60.0 % of Un" in out.output and "-120.00" in out.output
    figures = json.loads((tmp_path / "o.json").read_text())
    assert figures["meter"]["inputs"]["ib"] == "IB" and figures["ok"] is True
    assert any(" DIP " in event["line"] for event in figures["events"])
    assert figures["windows"][1]["u_v"] == pytest.approx([230] * 3, abs=0.1)
    assert " DIP " in (tmp_path / "o.log").read_text()


def test_a_scenario_whose_meters_keep_nothing_is_refused(tmp_path):
    text = (load.FILES / "meter.toml").read_text().replace("cap_n = 4", "cap_n = 0")
    (tmp_path / "none.toml").write_text(text)
    out = run(tmp_path / "none.toml", "--comtrade", tmp_path)
    assert out.exit_code == 2 and "cap_n is 0" in out.output


def test_the_command_refuses_in_a_sentence(tmp_path):
    cfg = three(tmp_path / "x.cfg", length_s=0.1)
    for args, expected in (
            (("playback",), "E170 sim playback: no record"),
            (("playback", "--comtrade", tmp_path / "n.cfg"), "E170"),
            (("playback", "--comtrade", cfg, "--map", "ua"), "E175 --map ua: is no pair"),
            (("playback", "--comtrade", cfg, "--level", "wave"), "E131 --level"),
            (("playback", "--comtrade", cfg, "--json", cfg), "E132 --json"),
            (("playback", "--comtrade", cfg, "--log", cfg.with_suffix(".dat")), "E132 --log"),
            (("assay", "--map", "ua=1"), "E131 --un, --map"),
            (("assay", "--comtrade", tmp_path), "E170 --comtrade"),
            (("meter", "--level", "quantity", "--comtrade", tmp_path), "no samples to record"),
            (("meter", "--comtrade", tmp_path / "no"), "E132 --comtrade")):
        out = run(*args)
        assert out.exit_code == 2 and expected in out.output, (args, out.output)
        assert out.exception is None or isinstance(out.exception, SystemExit)


def test_the_nominal_voltage_is_that_of_the_first_cycle_or_of_what_lives(tmp_path):
    t = times(4800, 4800)
    for y, repeats in ((wave(t, 228), True), (wave(t, 228, dip=(0.02, 0.9, 0.3)), False),
                       (np.where(t < 0.4, 0, wave(t, 227)), False)):
        cfg = save(tmp_path / "x.cfg", [("VA", "A", "V", y)])
        _, plan = playback.prepare(cfg, None, None)
        assert plan.un_dv == 2300
        assert any("does not repeat itself" in note for note in plan.notes) != repeats


def test_no_damaged_cfg_ends_in_anything_but_a_plan_or_a_sentence(tmp_path):
    """300 of them, with signs changed, lost and put in: whatever the files still say fits a Meter
    or is refused."""
    cfg = three(tmp_path / "x.cfg", length_s=0.1)
    good, rng = cfg.read_bytes(), random.Random(5)
    fitted_ones = refused = 0
    for _ in range(300):
        text = bytearray(good)
        for _ in range(rng.choice((1, 1, 2, 5))):
            at = rng.randrange(len(text))
            text[at:at + rng.randrange(3)] = rng.choice((b"", b"0", b"9", b"-", b",", b"e", b"k",
                                                         b"A", b"\n"))
        cfg.write_bytes(text)
        try:
            record, plan = playback.prepare(cfg, None, None)
            fitted_ones += 1
            if fitted_ones % 20 == 0:
                playback.codes(record, plan, 1)
        except InputError as e:
            refused += 1
            assert e.text.startswith("E17") and e.text.endswith(".")
    assert fitted_ones > 30 and refused > 100
