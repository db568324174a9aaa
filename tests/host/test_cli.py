"""The slvg command: exit codes, what it writes, and that bad input never ends in a traceback."""
import json
import os
import shutil
import subprocess
import sys
import types

import pytest
from typer.testing import CliRunner

from acu import messages
from host_sim.scenario import load
from host_sim.scenario.figures import Check
from host_sim.scenario.result import RunResult
from host_sim.scenario.scc import Scc
from host_sim.vm.client import VmError
from slvg import panel, show
from slvg.cli import app
from slvg.show import Pace

TP = {"u_dV": [2300, 2295, None], "i_mA": [15600, 7800, 0], "p_W": [0] * 3, "q_var": [0] * 3,
      "s_VA": [3600, 1800, 0], "f_mHz": 50_000, "e_Wh": 0, "t_dC": 350, "gnd": 1, "dofc": 1,
      "ph": None, "on": None, "fl": 0}
QUIET_SCENARIO = """title = "Nothing happens"
run_s = 1.0
[[customer]]
id = "c1"
phase = "A"
s_va = 1000.0
[[acu]]
id = "cd"
role = "coordinator"
board = "pico_w_coordinator"
[[acu]]
id = "eu1"
role = "operator"
board = "pico_w_operator"
customer = "c1"
[expect]
panel = ["OK A"]
"""


def centre(st=0, ops=(("eu1", 0, 1, 2000), ("eu2", 1, 0, 0))):
    scc = Scc("sc1")
    body = {"t0": 1, "tp": TP, "st": st, "n_ok": 2, "n_all": 2, "br": [], "pg": 1, "pgs": 1,
            "ops": [list(op) for op in ops]}
    raw = messages.encode("tele", "cd", "scc", 1, 0, 1, body)
    scc.on_message(0, "slvg/1/man/sc1/up/tele", raw)
    return scc


@pytest.fixture
def shown(monkeypatch):
    """A runner that returns at once; the panel it showed is in the list."""
    panels = ["OK A"]

    def run(scenario, seed=None, level=None, vm=False, on_panel=None, on_event=None,
            on_progress=None, pace=None, jobs=1):
        scc = centre()
        result = RunResult(scenario.name, seed or scenario.seed, level or scenario.level,
                           "vm" if vm else "cpython", run_us=scenario.run_us)
        for n, text in enumerate(panels):
            result.panel.append((n, text))
            on_panel(20_230_000, scc)
        result.events = [(1, "cd", "2026-03-01T06:00:00.000Z cd 1 BOOT boots=1 cause=0 on_mask=0")]
        on_event(*result.events[0])
        on_progress(scenario.run_us, scenario.run_us)
        return result

    fake = types.ModuleType("runner")
    fake.run = run
    monkeypatch.setitem(sys.modules, "host_sim.scenario.runner", fake)
    return panels


@pytest.fixture
def scenario(tmp_path):
    path = tmp_path / "quiet.toml"
    path.write_text(QUIET_SCENARIO)
    return str(path)


def slvg(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


def test_a_run_that_meets_its_expectations_ends_with_0(shown, scenario, tmp_path):
    done = slvg("sim", scenario, "--json", tmp_path / "f.json", "--log", tmp_path / "l.txt",
                "--csv", tmp_path / "l.csv", "--seed", 7, "--vm", "--level", "wave")
    assert done.exit_code == 0, done.output
    assert "20.23 s  OK A -" in done.output and "PASS" in done.output
    f = json.loads((tmp_path / "f.json").read_text())
    assert {"panel", "outage_latency_ms", "all_open_ms", "ui_before_pct", "ui_after_pct", "moves",
            "contact_overlap_ms", "event_log_sha256", "break_ms", "n_ok"} <= set(f)
    assert f["panel"] == ["OK A"] and f["ok"]
    assert (f["seed"], f["python"], f["level"]) == (7, "vm", "wave")
    assert all("BOOT" in (tmp_path / name).read_text() for name in ("l.txt", "l.csv"))


def test_an_expectation_not_met_ends_with_1_and_is_named(shown, scenario):
    shown[0] = "OUT -"
    done = slvg("sim", scenario, "--quiet")
    assert done.exit_code == 1
    assert done.output.startswith("E140 quiet: expectation panel not met: 'OK A' not shown")


def test_bad_input_ends_with_2_and_one_line(shown, tmp_path):
    (tmp_path / "bad.toml").write_text(QUIET_SCENARIO.replace("s_va = 1000.0", "s_va = -5"))
    (tmp_path / "eu.json").write_text('{"id": "eu1"}')
    for words in (("sim", tmp_path / "bad.toml"), ("sim", "asay"),
                  ("check", tmp_path / "bad.toml"), ("check", tmp_path / "none.toml"),
                  ("check", tmp_path / "eu.json"),
                  ("check", tmp_path / "none" / "board.json"), ("sim", "assay", "--plot", "x.gif"),
                  ("sim", "assay", "--json", tmp_path / "none" / "f.json")):
        done = slvg(*words)
        assert done.exit_code == 2, words
        assert done.output.startswith("E1"), words
        assert isinstance(done.exception, SystemExit), words


def test_an_output_that_cannot_be_written_is_refused_before_the_run(shown, scenario, tmp_path):
    both = tmp_path / "both"
    for words in (("--json", tmp_path), ("--log", "/dev/full"), ("--csv", tmp_path / "no" / "f"),
                  ("--log", "-"), ("--csv", "-"), ("--log", both, "--csv", both),
                  ("--json", "/proc/self/nothing"), ("--log", tmp_path / ("x" * 300)),
                  ("--csv", scenario)):
        done = slvg("sim", scenario, *words)
        assert (done.exit_code, done.output[:5]) == (2, "E132 "), words
        assert done.output.count("\n") == 1
    assert not both.exists()
    assert slvg("sim", scenario, "--log", "/dev/null", "--quiet").exit_code == 0


def test_a_disk_that_is_full_at_the_end_is_one_line():
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [sys.executable, "-c", "from slvg.cli import main; main()", "check",
             load.FILES / "assay.toml"], stdout=full, stderr=subprocess.PIPE, text=True,
            check=False, env={"PYTHONPATH": os.pathsep.join(sys.path)})
    assert (done.returncode, done.stderr[:5], done.stderr.count("\n")) == (2, "E133 ", 1)


def test_the_end_of_a_picture_may_be_in_capitals(shown, scenario, tmp_path, monkeypatch):
    monkeypatch.setattr("host_sim.scenario.plots.plot", lambda *what: what[2].write_text("drawn"))
    assert slvg("sim", scenario, "--plot", tmp_path / "a.PNG").exit_code == 0
    assert (tmp_path / "a.PNG").exists()


def test_a_vm_that_stops_or_is_missing_is_one_line(scenario, monkeypatch, tmp_path):
    def stops(*what, **more):
        raise VmError("E134 the MicroPython VM ended")

    fake = types.ModuleType("runner")
    fake.run = stops
    monkeypatch.setitem(sys.modules, "host_sim.scenario.runner", fake)
    done = slvg("sim", scenario, "--vm")
    assert (done.exit_code, done.output) == (2, "E134 the MicroPython VM ended\n")


def test_check_of_a_folder_says_what_it_takes(tmp_path):
    (tmp_path / "x.toml").mkdir()
    for folder in (tmp_path, tmp_path / "x.toml"):
        done = slvg("check", folder)
        assert done.exit_code == 2 and "is a folder. Give a scenario" in done.output


def test_check_of_a_feeder_says_what_it_read_or_what_is_wrong(tmp_path):
    shutil.copytree(load.FILES / "branch_feeder", tmp_path / "mine")
    done = slvg("check", tmp_path / "mine")
    assert done.exit_code == 0 and "good (feeder, 39 lines, 24 customers)" in done.output
    lines = tmp_path / "mine" / "lines.csv"
    lines.write_text(lines.read_text().replace("b1,post,p10,al150,25", "b1,post,p10,al150,0"))
    done = slvg("check", tmp_path / "mine")
    assert done.exit_code == 2 and "E333 mine: line b1: length_m = 0 must" in done.output
    (tmp_path / "f.dss").write_text("New Circuit.f\nNew Nothing.x\n")
    done = slvg("check", tmp_path / "f.dss")
    assert done.exit_code == 2 and "f.dss line 2" in done.output


def test_check_runs_nothing_and_says_what_it_read(tmp_path):
    (tmp_path / "eu.json").write_text('{"id": "eu1", "role": "operator", "sc": "s", "uc": "u"}')
    for file in (load.FILES / "assay.toml", load.BOARDS / "pico_w_operator" / "board.json",
                 tmp_path / "eu.json"):
        done = slvg("check", file)
        assert done.exit_code == 0 and ": good (" in done.output


def test_json_to_standard_output_is_json_alone(shown, scenario):
    done = slvg("sim", scenario, "--json", "-")
    assert json.loads(done.stdout)["ok"]


MANY = """title = "More than a VM takes"
run_s = 1.0
[feeder]
network = "synthetic"
customers = 260
operators = "pico_w_operator"
[[acu]]
id = "cd"
role = "coordinator"
board = "pico_w_coordinator"
"""


def test_a_vm_takes_255_controllers(shown, tmp_path):
    path = tmp_path / "many.toml"
    path.write_text(MANY)
    result = slvg("sim", path, "--vm")
    assert result.exit_code == 2
    assert result.output.startswith("E135 --vm: 261 controllers, one MicroPython takes 255.")


def test_another_feeder_that_is_none_is_one_line(shown, scenario, tmp_path):
    for name, folder, code in ((scenario, tmp_path, "E121"), ("branch", tmp_path / "no", "E120"),
                               ("branch", tmp_path, "E341")):
        result = slvg("sim", name, "--feeder", folder)
        assert result.exit_code == 2 and result.output.startswith(code), result.output


def test_a_line_of_the_panel_carries_short_long_and_values():
    assert panel.line(20_230_000, centre()) == (
        "  20.23 s  OK A -       (Cd:OK  EU1:A EU2:-)  "
        "U 230.0 229.5 - V  I 15.60 7.80 0.00 A  S 3600 1800 0 VA")


def test_the_drawing_has_a_row_for_each_customer_and_keeps_the_last_phase():
    from rich.console import Console

    console = Console(width=100, record=True, file=open("/dev/null", "w"))
    console.print(panel.drawing(centre(), "title", 1, 2, ["an event"]))
    text = console.export_text()
    rows = {line.split()[1]: line.split()[2:5] for line in text.splitlines() if " EU" in line}
    assert rows == {"EU1": ["●", "·", "·"], "EU2": ["·", "○", "·"]}
    assert "supply compliant" in text and "229.5" in text and "an event" in text


def test_brackets_in_texts_are_shown_and_not_obeyed():
    from rich.console import Console

    console = Console(width=100, record=True, file=open("/dev/null", "w"))
    console.print(panel.drawing(centre(), "a [red]b[/nothing]", 1, 2, []))
    figure = dict.fromkeys(show._ROWS, "[/x]")
    show.verdict(console, figure, [Check("panel [/a]", False, "[bold]c[/d]")])
    text = console.export_text()
    assert all(part in text for part in ("a [red]b[/nothing]", "[/x]", "[/a]", "[bold]c[/d]"))


def test_pace_holds_back_to_real_time(monkeypatch):
    now, slept = [100.0], []
    monkeypatch.setattr("slvg.show.time", types.SimpleNamespace(
        monotonic=lambda: now[0], sleep=slept.append))
    pace = Pace(2.0)
    pace(0)
    now[0] = 100.2
    pace(1_000_000)
    pace(100_000)
    assert slept == [pytest.approx(0.3)]
