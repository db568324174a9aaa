"""Bad input of the metering commands: one line with code, bound and remedy, exit code 2, and
nothing left behind."""
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from host_sim.comtrade.read import read
from host_sim.scenario import load
from host_sim.waveform.adc import STEPS, rp2040
from slvg.cli import app
from tests.host.records import three


def slvg(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def refused(done, code, *said):
    assert done.exit_code == 2 and done.output.startswith(code + " "), done.output
    assert done.output.count("\n") == 1 and done.output.rstrip().endswith("."), done.output
    for words in said:
        assert words in done.output


def test_a_report_of_bad_input_leaves_no_folder(tmp_path):
    refused(slvg("study", "accuracy", "--curve", tmp_path / "nix.npz", "--report",
                 tmp_path / "r"), "E150", "does not exist")
    refused(slvg("study", "pq", "--part", "week", "--hours", 2, "--report", tmp_path / "r"),
            "E152", "--hours 2", "--part day")
    assert list(tmp_path.iterdir()) == []


def test_a_report_that_cannot_be_written_is_refused_before_the_run(tmp_path):
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file" / "r", "/proc/nix"):
        refused(slvg("study", "pq", "--report", place), "E132", str(place))
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("sums, said", [
    ({"sum_a": np.zeros(100, np.uint16)}, "has the shape (100,)"),
    ({"sum_a": np.full(STEPS, np.nan)}, "holds float64"),
    ({"sum_b": rp2040()}, "sum_a is missing"),
    ({"sum_a": rp2040()[::-1]}, "falls back"),
    ({"sum_a": np.array([{}])}, "is no .npz file"),
])
def test_a_curve_that_is_none_says_why(tmp_path, sums, said):
    good = {"sum_a": rp2040(), "sum_b": rp2040()} if "sum_b" not in sums else {}
    np.savez(tmp_path / "c.npz", **good | sums)
    refused(slvg("study", "accuracy", "--curve", tmp_path / "c.npz"), "E150", said)
    refused(slvg("study", "accuracy", "--curve", tmp_path), "E150", "is a folder")


def test_a_level_that_cannot_show_the_front_end_is_refused(tmp_path):
    mine = tmp_path / "mine.toml"
    mine.write_text((load.FILES / "meter.toml").read_text() + '\n[front_end]\ninl = "rp2040"\n')
    for level in ("quantity", "phasor"):
        refused(slvg("sim", mine, "--level", level), "E147", "inl = 'rp2040'", level)
    load.at_level(load.load(str(mine)), "wave")


def test_an_example_overwrites_no_job_and_ignores_no_option(tmp_path):
    job = tmp_path / "calibrate.toml"
    refused(slvg("calibrate", "--example", tmp_path, "--json", tmp_path / "x.json"), "E169")
    assert list(tmp_path.iterdir()) == []
    job.write_text("mine")
    refused(slvg("calibrate", "--example", tmp_path), "E132", "calibrate.toml already")
    assert job.read_text() == "mine"
    refused(slvg("calibrate", tmp_path / "nix.toml"), "E120", "Name a file")
    job.write_text('board = "pico_w_meter"\ndate = "x"\n[[point]]\ncodes = "a.npz"\n'
                   "u_v = 230.0\ni_a = 5.0\nphi_deg = 0.0\n")
    refused(slvg("calibrate", job), "E124", "is no date")


def test_one_channel_for_an_input_and_a_nominal_voltage_that_is_one(tmp_path):
    cfg = three(tmp_path / "r.cfg", length_s=0.1)
    refused(slvg("sim", "playback", "--comtrade", cfg, "--map", "ua=1,UA=2"), "E175", "twice")
    refused(slvg("sim", "playback", "--comtrade", cfg, "--un", "-5"), "E175", "Give that of")


def test_samples_that_the_cfg_does_not_promise_are_told(tmp_path):
    cfg = three(tmp_path / "r.cfg", length_s=0.1)
    assert not any("beyond" in note for note in read(cfg).notes)
    dat = cfg.with_suffix(".dat")
    raw = dat.read_bytes()
    dat.write_bytes(raw + raw)
    n = len(read(cfg).time_s)
    assert f"{n} samples beyond the {n} of the .cfg" in " ".join(read(cfg).notes)


def test_meters_meet_what_their_scenario_expects_at_the_other_levels(tmp_path):
    done = slvg("sim", "meter", "--level", "phasor", "--quiet", "--json", tmp_path / "x.json")
    assert done.exit_code == 0, done.output
    assert json.loads((tmp_path / "x.json").read_text())["ok"] is True
