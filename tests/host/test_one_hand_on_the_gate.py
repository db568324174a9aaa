"""Only the fast tier touches the gate: who calls what drives an output is read from the
sources."""
import ast
from pathlib import Path

ACU = Path(__file__).resolve().parents[2] / "firmware/acu"
DRIVES = {"drive": {"switching.Gate.open_all", "switching.Gate.close", "switching.Gate.fast",
                    "plant_gate.PlantGate.fast"},
          "open_all": {"panel.Panel.protect", "branch.Branch.protect",
                       "switched.Switched._carry_out", "phase_switching.PhaseSequence.start",
                       "phase_switching.PhaseSequence.abort", "phase_switching.PhaseSequence.fast",
                       "phase_switching.PhaseSequence._fail", "recloser.Recloser._judge",
                       "auto_recloser.AutoRecloser._took"},
          "close": {"switched.Switched._carry_out", "branch.Branch.protect",
                    "phase_switching.PhaseSequence.fast", "recloser.Recloser._judge",
                    "bay_gate.BayGate.close"},
          "abort": {"panel.Panel.protect"},
          # a recloser's gate asks its check, too
          "may_close": {"switched.Switched._carry_out", "switching.Gate.close",
                        "recloser.Recloser._carry_out", "bay_gate.BayGate.close",
                        "auto_recloser.AutoRecloser._wait",
                        # who only asks whether it makes sense to ask, or shows it
                        "islander.Islander._close", "islander.Islander._live", "rec._holds"}}


# What a file, a generator, a timer or a converter also has: outside the rooms that know a gate
# such a call counts where what it is called on leads to one.
COMMON = {"close", "abort", "stop"}
KNOW_A_GATE = {"primitives", "functions", "roles"}
LEADS_THERE = ("gate", "sequence", "recl", "acu")


def callers(attribute: str) -> set:
    found = set()
    for path in ACU.rglob("*.py"):
        for cls in ast.parse(path.read_text()).body:
            for method in getattr(cls, "body", []):
                for node in ast.walk(method):
                    if (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
                            and node.func.attr == attribute and (
                                attribute not in COMMON or path.parent.name in KNOW_A_GATE
                                or any(word in ast.unparse(node.func.value)
                                       for word in LEADS_THERE))):
                        names = [one.name for one in (cls, method) if hasattr(one, "name")]
                        found.add(".".join([path.stem, *names]))
    return found


def test_nobody_but_the_fast_tier_drives_an_output():
    for attribute, allowed in DRIVES.items():
        assert callers(attribute) == allowed


def test_the_locks_of_the_gate_are_opened_in_two_places_only():
    """armed: by the self-test; locked = 0: by the one order that says so, and the state of
    memory."""
    armed = [p.stem for p in ACU.rglob("*.py") if "armed = True" in p.read_text()]
    freed = [p.stem for p in ACU.rglob("*.py") if "gate.locked = 0" in p.read_text()]
    assert sorted(armed) == ["microgrid", "switched"] and freed == ["switched"]


def test_contacts_of_an_island_are_driven_from_the_fast_tier_and_wanted_by_the_slow_one():
    source = (ACU / "roles/microgrid.py").read_text()
    assert source.count("contacts.fast(") == 1
    assert "contacts.fast(" in source.split("def protect")[1].split("def ")[0]
    wanted = [p.stem for p in sorted(ACU.rglob("*.py")) if ".wanted = " in p.read_text()]
    assert wanted == ["plant_gate", "microgrid"]


def test_only_the_fast_tier_carries_orders_out_and_moves_a_sequence():
    """_carry_out runs in it too, called by protect()."""
    both = {"panel.Panel.protect", "branch.Branch.protect", "recloser.Recloser.fast"}
    assert callers("_carry_out") == both | {"panel.Panel._carry_out", "branch.Branch._carry_out",
                                            "recloser.Recloser._carry_out",
                                            "auto_recloser.AutoRecloser._carry_out"}
    assert callers("asked") == {"branch.Branch.protect"}
    assert callers("trip") == {"branch.Branch.protect", "auto_recloser.AutoRecloser._step"}
    assert callers("by_hand") == {"branch_reclosing.Reclosing.step", "branch.Branch._carry_out"}
    # the console asks the role, and nothing nearer to the gate
    assert callers("at_console") == {"operate._order", "operate._when_in_step"}
    assert callers("tag") >= {"operate._tag", "switched.Switched._on_cfg"}
    assert callers("tag") <= {"operate._tag", "switched.Switched._on_cfg", "rec._reset",
                              "auto_recloser.AutoRecloser.tag"}
    # before the fast tier runs the memory may say that the branch is open
    assert callers("stop") == {"branch.Branch._carry_out", "branch.Branch._load_state",
                               "auto_recloser.AutoRecloser._carry_out"}


def test_a_reclosing_closes_nothing_but_asks_the_check():
    """Of the recloser's sequence: it names no output and no close, its role asks for one request
    a shot, and what was ordered it hears from the check."""
    names = {node.attr for path in ("functions/reclosing.py", "roles/auto_recloser.py")
             for node in ast.walk(ast.parse((ACU / path).read_text()))
             if isinstance(node, ast.Attribute)}
    assert not names & {"close", "drive", "_pulse", "_closing", "may_override"}
    assert callers("ordered") - {"messaging.Messenger.receive"} == {
        "auto_recloser.AutoRecloser._wait"}
    fast = {"_step", "_wait", "_took"}
    asked = {one for one in callers("request") if one.startswith("auto_recloser.")}
    assert asked == {"auto_recloser.AutoRecloser._took"}
    assert {one.rpartition(".")[2] for one in callers("_took")} <= fast | {"_carry_out"}
