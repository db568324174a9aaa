"""Tables 2 and 3 of the platform against the code: who may do what where."""
import ast
from pathlib import Path

import pytest

from acu.functions.matrix import TABLE_3
from acu.roles.base import DRF_1, DRF_2, DRF_3, DRF_4
from acu.roles.coordinator import Coordinator
from acu.roles.operator import Operator
from acu.roles.subcoordinator import SubCoordinator

ROLES = Path(__file__).resolve().parents[2] / "firmware/acu/roles"

# Where each functionality lives in the roles: (file, method).
WHERE = {
    "F1": [("coordinator", "_do_telemetry"), ("coordinator", "_sum_check"),
           ("subcoordinator", "_collect"), ("subcoordinator", "_row"), ("branches", "_on_agg"),
           ("branches", "check"),
           ("centre", "telemetry"), ("operator", "_reply_meas")],
    "F2": [("coordinator", "_watch"), ("coordinator", "_on_supply"), ("coordinator", "lamp")],
    "F3": [("coordinator", "_do_loading"), ("coordinator", "_post_ok"), ("operator", "_on_sw"),
           ("operator", "_alone"), ("switched", "_on_sw"), ("switched", "_begin"),
           ("branches", "_bar")],
    "F4": [("coordinator", "_do_balancing"), ("operator", "_on_phs"),
           ("operator", "_verify_phase"), ("operator", "_reply_ub")],
}

# What an attribute of a role is, among the eight primitives of Table 1.
PRIMITIVE = {
    "log": "CSF-1", "_record": "CSF-1", "_save": "CSF-1",
    "scheduler": "CSF-2", "loading": "CSF-2", "balancing": "CSF-2", "telemetry": "CSF-2",
    "supply": "CSF-2", "sums": "CSF-2", "average": "CSF-2",
    "net": "ISF-1", "to_op": "ISF-1", "to_all": "ISF-1", "centre": "ISF-1", "say": "ISF-1",
    "_say": "ISF-1", "start_ms": "ISF-2",
    "sensing": "DRF-1", "look": "DRF-1",
    "_switch": "DRF-3", "_begin": "DRF-3",
    "sequence": "DRF-4",
}
# Windows are measuring (DRF-2); RMS(1/2) and what is compared with a limit is sensing (DRF-1).
WINDOW = ("u_dv", "i_ma", "p_w", "q_var", "s_va", "f_mhz", "e_import_mwh", "pf_m")


def methods(file: str) -> dict:
    tree = ast.parse((ROLES / f"{file}.py").read_text())
    return {node.name: node for cls in tree.body if isinstance(cls, ast.ClassDef)
            for node in cls.body if isinstance(node, ast.FunctionDef)}


def calls(file: str, method: str) -> set:
    used = set()
    for node in ast.walk(methods(file)[method]):
        if isinstance(node, ast.Attribute):
            if node.attr in PRIMITIVE:
                used.add(PRIMITIVE[node.attr])
            elif node.attr.startswith("half"):
                used.add("DRF-1")
            elif node.attr in WINDOW:
                used.add("DRF-2")
    return used


@pytest.mark.parametrize("f", sorted(TABLE_3))
def test_a_functionality_calls_only_its_primitives(f):
    _, _, _, drf, csf, isf = TABLE_3[f]
    allowed = {f"DRF-{n}" for n in drf} | {f"CSF-{n}" for n in csf} | {f"ISF-{n}" for n in isf}
    used = set()
    for file, method in WHERE[f]:
        used |= calls(file, method)
    assert used <= allowed
    assert len(used) >= len(allowed) - 1      # and the mapping above does see them


def test_roles_have_the_points_of_interface_of_table_2():
    assert dict(Operator.POIS) == {"SEP": DRF_1 | DRF_2 | DRF_3 | DRF_4}
    assert dict(SubCoordinator.POIS) == {"PSB": DRF_1 | DRF_2 | DRF_3}
    assert dict(Coordinator.POIS) == {"TOC": DRF_1 | DRF_2, "BODY": DRF_1 | DRF_2, "GND": DRF_1,
                                      "DOFC": DRF_1 | DRF_3}
