"""`slvg calibrate`: what a capture on a reference gives for the store, and what it refuses."""
import json
import struct
import tomllib
import zlib
from array import array
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from acu.app import calibration as nominal_of
from acu.functions.calibrating import Point, calibrate, save_table
from acu.primitives import calibration
from host_sim.board.doors import SimStore
from host_sim.scenario.complaints import InputError
from host_sim.study import calibrating
from host_sim.study.calibrating_example import BOARD, JOB, Truth, write
from host_sim.study.calibrating_files import FolderStore, JobForm, board_of
from slvg.cli import app

RIGHT = '[[point]]\ncodes = "one.npy"\nu_v = 230.0\ni_a = 60.0\nphi_deg = 0.0\n'


@pytest.fixture(scope="module")
def board(tmp_path_factory):
    return board_of(BOARD, tmp_path_factory.getbasetemp())


@pytest.fixture
def job(tmp_path):
    """Writes a job of one point and its capture; returns its path."""
    def written(codes=None, text=RIGHT, board=BOARD, file="one.npy"):
        if codes is None:
            codes = Truth(3).codes(230.0, 60.0, 0.0, seconds=2.0)
        np.save(tmp_path / file, codes)
        path = tmp_path / JOB
        path.write_text(f'board = "{board}"\ndate = 2026-11-21\n' + text, encoding="utf-8")
        return path
    return written


def told(path, *more):
    return CliRunner().invoke(app, ["calibrate", str(path), *map(str, more)])


def refused(path, code, *words):
    """The command names it in one line and writes nothing."""
    out = path.parent / "out"
    out.mkdir(exist_ok=True)
    done = told(path, "--out", out)
    text = done.stderr or done.output
    assert done.exit_code == 2 and text.startswith(code + " "), text
    assert text.count("\n") == 1 and "Traceback" not in text, text
    for word in words:
        assert word in text, text
    assert not list(out.iterdir())


def powers(one, codes):
    """Mean P in mW, and U, I, after the first windows."""
    seen = []
    calibrating.feed(one, codes, lambda: seen.append((one.p_mw[0], *one.rms_u)))
    return np.mean(seen[2:], axis=0)


def test_the_example_is_a_meter_that_reads_right_afterwards(tmp_path, board):
    done = CliRunner().invoke(app, ["calibrate", "--example", str(tmp_path), "--seed", "5"])
    assert done.exit_code == 0, done.output
    out = tmp_path / "out"
    out.mkdir()
    done = told(tmp_path / JOB, "--out", out, "--json", tmp_path / "figures.json")
    assert done.exit_code == 0 and "records written" in done.output, done.output
    figures = json.loads((tmp_path / "figures.json").read_text())
    truth = Truth(5)
    for c, name in enumerate("UI"):
        found = figures["channels"][name]
        assert found["gain_ppm"] == pytest.approx((1 / truth.gain[c] - 1) * 1e6, abs=60)
        assert found["offset_codes"] == pytest.approx(truth.offset[c], abs=0.1)
    for i_a, mrad in figures["channels"]["I"]["lead_mrad"].items():
        assert mrad == pytest.approx(truth.lead(float(i_a)) * 1e3, abs=0.1 + 0.2 / float(i_a))
    cal, table, _, why = calibration.load(FolderStore(out), nominal_of(board))
    assert (table, why) == (None, "")
    for i_a in (60.0, 12.0, 5.0):
        one = calibrating.meter(board, cal)
        p_mw, u_uv, i_ua = powers(one, truth.codes(230.0, i_a, np.pi / 3, seconds=4.0))
        assert p_mw == pytest.approx(115_000 * i_a, rel=2e-4)
        assert u_uv == pytest.approx(230e6, rel=1e-4)
        assert i_ua == pytest.approx(i_a * 1e6, rel=3e-4)


def test_the_same_job_gives_the_same_record_and_a_second_one_leaves_the_first(job, tmp_path):
    path = job()
    first, second = tmp_path / "first", tmp_path / "second"
    for folder in (first, second):
        folder.mkdir()
        assert told(path, "--out", folder).exit_code == 0
    assert (first / "cal.a").read_bytes() == (second / "cal.a").read_bytes()
    assert told(path, "--out", first).exit_code == 0
    assert sorted(file.name for file in first.iterdir()) == ["cal.a", "cal.b"]
    assert (first / "cal.a").read_bytes() == (second / "cal.a").read_bytes()


def test_p_and_q_say_the_same_as_the_angle(job):
    codes = Truth(3).codes(230.0, 60.0, np.pi / 3, seconds=2.0)
    by_angle = calibrating.run(job(codes, RIGHT.replace("phi_deg = 0.0", "phi_deg = 60.0")))
    by_powers = calibrating.run(job(codes, RIGHT.replace(
        "phi_deg = 0.0", "p_w = 6900.0\nq_var = 11951.151")))
    assert by_powers["channels"]["U"] == by_angle["channels"]["U"]
    (a,), (b,) = (list(x["channels"]["I"]["lead_mrad"].values()) for x in (by_angle, by_powers))
    assert a == pytest.approx(b, abs=0.02)


def test_windows_of_a_board_give_what_its_codes_give(job, tmp_path, board):
    codes = Truth(3).codes(230.0, 60.0, 0.0, seconds=2.0)
    by_codes = calibrating.run(job(codes))
    one = calibrating.meter(board)
    windows = []
    calibrating.feed(one, codes, lambda: windows.append({
        "rms_u": one.rms_u, "fund": [list(pair) for pair in one.fund],
        "zero_q8": list(one._zero_q8), "n_frames": one.n_frames, "used_mhz": one.used_mhz,
        "f_mhz": one.f_mhz, "quality": one.quality}))
    (tmp_path / "w.json").write_text(json.dumps({"windows": windows[2:]}))
    text = RIGHT.replace('codes = "one.npy"', 'windows = "w.json"')
    assert calibrating.run(job(codes, text)) == by_codes
    del windows[3]["fund"][1]
    (tmp_path / "w.json").write_text(json.dumps({"windows": windows[2:]}))
    refused(job(codes, text), "E169", "window 2", "2 channels")
    (tmp_path / "w.json").write_text(json.dumps({"windows": windows[4:], "cal": [[1, 0]]}))
    refused(job(codes, text), "E169", "cal holds")
    far = [[full_u * 14 // 10, slot_ns] for full_u, slot_ns in nominal_of(board)]
    (tmp_path / "w.json").write_text(json.dumps({"windows": windows[4:], "cal": far}))
    refused(job(codes, text), "E160", "of its nominal gain", "board.json")


def test_its_own_correction_table_goes_into_the_store_with_it(job, tmp_path, board):
    """Half a per cent too much above mid-code, which the table takes away."""
    entries = np.arange(4096) * 8
    entries[2048:] = 2048 * 8 + np.round((entries[2048:] - 2048 * 8) / 1.01)
    np.save(tmp_path / "adc.npy", entries)
    path = job()
    path.write_text(path.read_text().replace("date", 'table = "adc.npy"\ndate', 1))
    out = tmp_path / "out"
    out.mkdir()
    assert told(path, "--out", out).exit_code == 0
    cal, table, _, why = calibration.load(FolderStore(out), nominal_of(board))
    assert why == "" and table.tolist() == entries.tolist()
    codes = Truth(3).codes(230.0, 60.0, 0.0, seconds=2.0)
    p_mw, _, _ = powers(calibrating.meter(board, cal, table), codes)
    assert p_mw == pytest.approx(13_800_000, rel=2e-4)
    p_mw, _, _ = powers(calibrating.meter(board, cal), codes)       # without it
    assert abs(p_mw / 13_800_000 - 1) > 5e-3
    np.save(tmp_path / "adc.npy", entries[:100])
    (out / "cal.a").unlink()
    (out / "adc.a").unlink()
    refused(path, "E161", "100 entries")


def rp2040(codes):
    """A converter with the erratum's wide codes, roughly: what lies above them comes lower."""
    return codes - np.searchsorted([512, 1536, 2560, 3584], codes).astype("u2") * 8


def test_the_table_may_be_learned_or_the_general_one(job, tmp_path, board):
    t = np.arange(400_000) / 400_000
    sine = 2047.5 - 2060 * np.cos(2 * np.pi * 997.31 * t)      # overdriven a little
    np.save(tmp_path / "ramp.npy", rp2040((t * 4096).astype("u2")))
    np.save(tmp_path / "sine.npy", rp2040(np.clip(np.rint(sine), 0, 4095).astype("u2")))
    truth = Truth(3)
    one = rp2040(truth.codes(230.0, 60.0, 0.0, seconds=2.0))
    off = []
    for table in ("", '[adc]\ncodes = "ramp.npy"\nshape = "ramp"\n',
                  '[adc]\ncodes = "sine.npy"\nshape = "sine"\n'):
        path = job(one, table + RIGHT)
        out = tmp_path / "out"
        out.mkdir()
        done = told(path, "--out", out)
        assert done.exit_code == 0, done.output
        assert ("own table" in done.output) == bool(table)
        cal, found, _, why = calibration.load(FolderStore(out), nominal_of(board))
        assert why == "" and (found is not None) == bool(table)
        p_mw, _, _ = powers(calibrating.meter(board, cal, found),
                            rp2040(truth.codes(230.0, 6.0, 0.0, seconds=2.0)))
        off.append(abs(p_mw / 1_380_000 - 1))
        for file in out.iterdir():
            file.unlink()
        out.rmdir()
    assert off[0] > 0.004 and off[1] < 0.0005 and off[2] < 0.0005, off
    assert calibrating.run(job(one, 'table = "general"\n' + RIGHT))["table"]
    refused(job(one, 'table = "general"\n[adc]\ncodes = "x"\nshape = "sine"\n' + RIGHT), "E127")
    refused(job(one, '[adc]\ncodes = "one.npy"\nshape = "ramp"\n' + RIGHT), "E151")
    refused(job(one, '[adc]\ncodes = "two.npy"\nshape = "ramp"\n' + RIGHT), "E169", "two.npy")


def test_nonsense_on_the_bench_is_named(job):
    t = Truth(3)
    right = {"u_v": 230.0, "i_a": 60.0, "phi_rad": 0.0, "seconds": 2.0}
    refused(job(t.codes(**right | {"phi_rad": np.pi})), "E165", "I is reversed")
    codes = t.codes(**right | {"i_a": 20.0})
    refused(job(codes[:, ::-1], RIGHT.replace("60.0", "20.0")), "E167", "U shows I")
    refused(job(t.codes(**right, wrong=(1.0, 0.55))), "E168", "I reads 5", "turns ratio")
    refused(job(t.codes(**right, wrong=(0.0, 1.0))), "E164", "no frequency")
    refused(job(t.codes(**right | {"phi_rad": -0.15})), "E167", "phase angle")
    slow = np.linspace(0.97, 1.0, 8000)[:, None] * (t.codes(**right) - 2048.0) + 2048
    refused(job(slow.astype("u2")), "E164", "varies")
    refused(job(t.codes(**right), RIGHT + "f_hz = 50.5"), "E162", "50500 mHz")
    refused(job(t.codes(**right), RIGHT.replace("230.0", "600.0")), "E162", "U 600.000 V")
    refused(job(t.codes(**right | {"i_a": 2.0}), RIGHT.replace("60.0", "2.0")), "E163",
            "near full scale")
    refused(job(t.codes(**right | {"seconds": 1.5}) * 0), "E164")


def test_bad_files_are_named(job, tmp_path):
    codes = Truth(3).codes(230.0, 60.0, 0.0, seconds=1.6)
    refused(tmp_path / "none.toml", "E120", "no")
    refused(job(codes, 'x = 1\n' + RIGHT), "E121", "unknown key x")
    refused(job(codes, ""), "E122", "point")
    refused(job(codes, board="pico_w_meeter"), "E169", "pico_w_meter")
    refused(job(codes, RIGHT.replace("one", "two")), "E169", "cannot be read")
    refused(job(codes, RIGHT.replace("phi_deg = 0.0", "p_w = 1.0")), "E127", "q_var")
    refused(job(codes, RIGHT.replace("phi_deg = 0.0", "p_w = 13800.0\nq_var = 9000.0")), "E162",
            "13800 W")
    refused(job(codes, RIGHT.replace("u_v = 230.0", "u_v = [230.0, 230.0]")), "E169", "u_v has 2")
    refused(job(codes, RIGHT + "angle_deg = 5.0"), "E169", "write 0")
    refused(job(codes, RIGHT + 'windows = "w.json"'), "E127", "either codes or windows")
    refused(job(codes[:, :1]), "E169", "shape", "2 channels")
    refused(job(codes.astype(float)), "E169", "no whole numbers")
    refused(job(codes + 3000), "E169", "outside 0 to 4095")
    refused(job(codes[:3000]), "E169", "3000 frames")
    (tmp_path / "one.csv").write_text("u,i\n1,2\n3\n")
    refused(job(codes, RIGHT.replace("one.npy", "one.csv")), "E169", "no table")
    np.savez(tmp_path / "one.npz", a=codes, b=codes)
    refused(job(codes, RIGHT.replace("one.npy", "one.npz")), "E169", "a, b")
    for option in ((), (tmp_path / JOB, "--example", tmp_path)):
        done = CliRunner().invoke(app, ["calibrate", *map(str, option)])
        assert done.exit_code == 2 and "E169" in (done.stderr or done.output)
    done = told(job(codes), "--out", tmp_path / "nowhere")
    assert done.exit_code == 2 and "E132" in (done.stderr or done.output)


def test_a_table_of_numbers_may_be_csv(job, tmp_path):
    codes = Truth(3).codes(230.0, 60.0, 0.0, seconds=2.0)
    by_npy = calibrating.run(job(codes))
    np.savetxt(tmp_path / "one.csv", codes, "%d", ",", header="u,i", comments="")
    assert calibrating.run(job(codes, RIGHT.replace("npy", "csv"))) == by_npy


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(("noise", "steps", "square", "held")))
def test_whatever_was_captured_gives_a_sentence_or_a_record(seed, kind):
    dice = np.random.default_rng(seed)
    board = board_of("pico_w_coordinator", None)
    n = 6 * 4000 // 5
    codes = dice.integers(0, 4096, (n, 6))
    if kind == "steps":
        codes = np.repeat(codes[:n // 300], 300, axis=0)
    elif kind == "square":
        codes = np.where(np.arange(n)[:, None] // 40 % 2, codes[0], codes[1])
    elif kind == "held":
        codes[:] = codes[0]
    one = calibrating.meter(board)
    point = calibrating.learn(one, codes, u_uv=230_000_000, i_ua=40_000_000)
    point.disturbed = min(point.disturbed, point.n // 10)       # so that the rest is asked too
    cal, why = calibrate([point])
    if cal is None:
        assert why[:3] == "E16" and why[-1] == "."
    else:
        assert len(cal) == 6


def test_no_points_of_two_different_calibrations(job, tmp_path, board):
    one = {"rms_u": [1, 1], "fund": [[1, 0], [1, 0]], "zero_q8": [0, 0], "n_frames": 800,
           "used_mhz": 50_000, "f_mhz": 50_000}
    for name, full_u in (("a", 450_000_000), ("b", 440_000_000)):
        (tmp_path / f"{name}.json").write_text(json.dumps(
            {"windows": [one], "cal": [[full_u, 0], [100_000_000, 2000]]}))
    text = "".join(RIGHT.replace('codes = "one.npy"', f'windows = "{name}.json"')
                   for name in ("a", "b"))
    refused(job(text=text), "E169", "another cal")


def valid(body):
    """Two slots hold it, whatever it is."""
    store = SimStore()
    for slot in (".a", ".b"):
        crc = zlib.crc32(body, zlib.crc32(struct.pack("<IH", 7, len(body))))
        store.write("cal" + slot, struct.pack("<IHI", 7, len(body), crc) + body)
    return store


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200) | st.binary(min_size=114, max_size=114).map(
    lambda tail: struct.pack("<HIIB", 1, 99, 0, 2) + tail))
def test_no_record_stops_the_start_of_a_meter(body):
    nominal = [(450_000_000, 0), (100_000_000, 2000)]
    cal, table, date_s, why = calibration.load(valid(body), nominal)
    assert table is None
    if cal == nominal:
        assert date_s == 0 and why[:5] == "E160 "
    else:
        assert calibration.wrong(cal, nominal) == ""


def test_a_channel_s_points_are_read_with_their_signs():
    nominal = [(450_000_000, 0), (100_000_000, 2000)]
    body = struct.pack("<HIIB", 1, 99, 0, 2)
    body += struct.pack("<IiB", 449_000_000, -5, 0) + bytes(48)
    body += struct.pack("<IiB", 101_000_000, 5, 2) + struct.pack("<IiIi", 1, -90_000, 2, 90_000)
    body += bytes(32)
    cal, _, date_s, why = calibration.load(valid(body), nominal)
    assert (date_s, why) == (99, "")
    assert cal == [(449_000_000, 0, (), -5),
                   (101_000_000, 2000, ((1, -90_000), (2, 90_000)), 5)]


def test_a_table_survives_as_it_is():
    store = SimStore()
    entries = array("H", [min(32_760, 8 * code + code % 7) for code in range(4096)])
    assert save_table(store, entries) == ""
    assert calibration.load(store, [(1, 0)]) == ([(1, 0)], entries, 0, "")


def test_the_example_is_complete(tmp_path):
    path = write(tmp_path, 2)
    assert calibrating.run(path)["points"] == 6
    (tmp_path / "point2.npz").unlink()
    with pytest.raises(InputError, match="E169"):
        calibrating.run(path)


def test_a_calibrated_meter_begins_with_its_offsets(board):
    cal = [(full_u, slot_ns, (), 300) for full_u, slot_ns in nominal_of(board)]
    assert list(calibrating.meter(board, cal)._zero_q8) == [300, 300]


def test_the_job_of_the_docs_is_one():
    page = (Path(__file__).parents[2] / "docs/calibrating.md").read_text(encoding="utf-8")
    job = tomllib.loads(page.split("```toml\n")[1].split("```")[0])
    with pytest.raises(ValueError, match="both table"):
        JobForm.model_validate(job)
    del job["table"]
    assert JobForm.model_validate(job).point[0].angle_deg == [0, 120, 240]
    del job["adc"]["codes"], job["point"][0]["codes"]
    with pytest.raises(ValueError, match="either codes or windows"):
        JobForm.model_validate({key: job[key] for key in job if key != "adc"})


def test_a_point_of_three_phases_takes_lists(board):
    three = board_of("pico_w_coordinator", None)
    one = calibrating.meter(three)
    point = Point(one, [1, 2, 3], [4, 5, 6], [7, 8, 9], angle_urad=(0, 10, 20))
    assert point.true_u == [1, 2, 3, 4, 5, 6]
    assert point.true_lag == [0, 10, 20, 7, 18, 29]


def test_records_for_one_board_are_refused_by_another(tmp_path):
    example = tmp_path / "job"
    example.mkdir()
    assert CliRunner().invoke(app, ["calibrate", "--example", str(example)]).exit_code == 0
    done = CliRunner().invoke(app, ["calibrate", str(example / "calibrate.toml"), "--out",
                                    str(tmp_path), "--board-id", "e6:61:41:04:03:2b:5c:27"])
    assert done.exit_code == 0, done.output
    store = FolderStore(tmp_path)
    nominal = nominal_of(board_of(BOARD, tmp_path))
    mine = bytes.fromhex("e6614104032b5c27")
    assert calibration.load(store, nominal, mine)[3] == ""
    assert "made for board e6614104032b5c27, this one is 01" in calibration.load(
        store, nominal, b"\1")[3]


@pytest.mark.parametrize("text", ["xyz", "0011223344556677 8899", "00"])
def test_what_is_no_board_id_is_said(text, tmp_path):
    done = CliRunner().invoke(app, ["calibrate", str(tmp_path / "x.toml"), "--board-id", text])
    assert done.exit_code == 2 and f"E169 --board-id {text}: is no unique id" in " ".join(
        done.output.split())
