"""slvg bench: what a step of dispatch costs stays what it was when it was measured on the chip."""
from host_sim import bench_policy

# statements of a step that is the first of its hour; times on the chip: docs/measurements.md
MOST = {"naive": 90, "rule": 130, "table": 180}


def test_a_step_runs_no_more_python_than_was_measured(vm):
    told = bench_policy.figures()
    assert told.keys() == MOST.keys()
    for name, most in MOST.items():
        assert 40 < told[name]["statements"] <= told[name]["statements_max"] <= most, name
        assert told[name]["us_vm"] > 0
