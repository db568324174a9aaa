"""A dispatch table in the store of a dispatching ACU: it decides, falls back without a clock, and
one for another plant, or damaged, is refused at the start."""
import pytest

from host_sim.study.policy_file import pack
from tests.host.policy_kit import PLANT, made_up
from tests.unit.isle import Isle


def with_table(raw, **config):
    store = Isle().unit.store
    store.write("policy", raw)
    return Isle(store, mg_policy="table", **config).started()


@pytest.fixture(scope="module")
def table():
    return pack(PLANT, made_up())


def test_a_table_decides_once_the_clock_is_set_and_the_rule_until_then(table):
    s = with_table(table)
    assert s.said("MG_START") == ["MG_START policy=2 wanted=2 e=0"]
    s.run(12_000)
    assert s.acu.by == 1 and s.said("MG_POLICY") == ["MG_POLICY policy=1 before=2"]
    s.post("time", {"utc_ms": s.utc_ms(), "src": "cd"}, dst="*")
    s.run(12_000)
    assert s.acu.by == 2 and len(s.said("MG_POLICY")) == 1      # said once a minute at most
    s.run(60_000)
    assert s.said("MG_POLICY")[1:] == ["MG_POLICY policy=2 before=1"]


@pytest.mark.parametrize(("config", "code"), [
    ({"mg_b_mwh": 2_800_000}, 423), ({"mg_d_max_mw": 900_000}, 423), ({}, 422)])
def test_a_table_for_another_plant_or_a_damaged_one_is_refused(table, config, code):
    raw = table[:-50] + bytes([table[-50] ^ 1]) + table[-49:] if code == 422 else table
    s = with_table(raw, **config)
    assert s.said("MG_START") == [f"MG_START policy=1 wanted=2 e={code}"]
    s.run(12_000)
    assert s.acu.by == 1
