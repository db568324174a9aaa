"""What app.settle() takes away on a board is needed by nobody later."""
import ast
import gc
from pathlib import Path

import pytest

from host_sim.board.unit import Apart

ACU = Path(__file__).resolve().parents[2] / "firmware/acu"

# Made while a controller runs, by classes that are loaded then.
LAZY = {("balancing.py", "Planner"), ("quantities.py", "Phasors"), ("calibrating.py", "Record"),
        ("calibration.py", "Record")}
# These run before settle(), key_record's load() and what net.py has among them.
BUILDING = ("__init__", "_fit", "_fit_measuring", "ports", "_sampler", "fit", "contacts",
            "complete", "policies", "load", "_links", "link", "_tls", "_scheme_of")


def parts():
    """Classes of what a controller is made of, by name; whether they have LATER; START's names."""
    found = {}
    for folder in ("roles", "functions", "primitives", "dsp", "drivers"):
        for path in (ACU / folder).glob("*.py"):
            for node in ast.parse(path.read_text()).body:
                if isinstance(node, ast.ClassDef):
                    marks = {one.targets[0].id: ast.literal_eval(one.value) for one in node.body
                             if isinstance(one, ast.Assign)
                             and isinstance(one.targets[0], ast.Name)
                             and one.targets[0].id in ("LATER", "START")}
                    found[node.name] = marks
    return found


def calls(function):
    for node in ast.walk(function):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "id", getattr(node.func, "attr", ""))
            yield name


def test_nothing_of_a_controller_is_made_after_the_start():
    classes = parts()
    assert len(classes) > 40 and classes["Record"].get("LATER")
    for folder in ("roles", "functions", "primitives", "dsp", "drivers"):
        for path in (ACU / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and node.name not in BUILDING:
                    made = {name for name in calls(node) if name in classes
                            and not classes[name].get("LATER")
                            and (path.name, name) not in LAZY}
                    assert not made, (path.name, node.name, made)


def test_what_is_only_for_the_start_is_called_by_makers_only():
    gone = {name for marks in parts().values() for name in marks.get("START", ())}
    for folder in ("roles", "functions", "primitives", "dsp", "drivers"):
        for path in (ACU / folder).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and node.name not in (*BUILDING, *gone):
                    assert not gone & set(calls(node)), (path.name, node.name)


def test_the_collections_of_a_start_see_what_is_new_and_now_and_then_all():
    def start():
        with Apart():
            return gc.get_freeze_count()
    seen = [start() for _ in range(50)]
    assert seen.count(0) == 1 and max(seen) > 10_000
    with pytest.raises(ValueError), Apart():
        raise ValueError
    assert gc.get_freeze_count() == 0
