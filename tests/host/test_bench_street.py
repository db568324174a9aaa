"""`slvg bench --street`: its streets, its bookkeeping and its table; speeds themselves are not
asserted, the machine is shared."""
import pytest

from host_sim import bench_street
from host_sim.scenario.runner import Run


def test_more_controllers_are_even_circuits_of_at_most_56():
    assert bench_street.split(4) == [4]
    assert bench_street.split(56) == [56]
    assert bench_street.split(57) == [29, 28]
    assert sum(bench_street.split(1000)) == 1000 and len(bench_street.split(1000)) == 18
    assert max(bench_street.split(1000)) - min(bench_street.split(1000)) == 1


def test_the_street_of_the_figures_is_a_healthy_one():
    """A post whose converter clips would be a load of its own, and not the one that is meant."""
    run = Run(bench_street.circuit(bench_street.CIRCUIT, "quantity"))
    while run.t_us < 1_500_000:
        run.step()
    run.finish()
    names = [line.split()[3] for _, _, line in run.result.events]
    assert names.count("SELFTEST") == bench_street.CIRCUIT
    assert "ADC_BAD" not in names


@pytest.mark.parametrize("level", bench_street.LEVELS)
def test_shares_are_of_the_whole(level, monkeypatch):
    monkeypatch.setitem(bench_street.SPAN_S, level, 0.5)
    found = bench_street.shares(4, level)
    assert sum(found.values()) == pytest.approx(100, abs=0.5)
    assert found["runner"] > 0 and found["world"] > 0


def test_a_picture_of_the_table(tmp_path, monkeypatch):
    monkeypatch.setattr(bench_street, "SETTLED_US", dict.fromkeys(bench_street.LEVELS, 20_000))
    monkeypatch.setattr(bench_street, "SPAN_S", dict.fromkeys(bench_street.LEVELS, 0.05))
    monkeypatch.setattr(bench_street, "_LEAST_S", dict.fromkeys(bench_street.LEVELS, 0.05))
    said = []
    table = bench_street.cost((4, 60), said.append)
    assert len(said) == 6 and all(ms > 0 for row in table.values() for _, ms in row.values())
    reached = {"cost_cpu_ms_per_s_and_controller": {
        level: {str(n): ms for n, (_, ms) in row.items()} for level, row in table.items()}}
    bench_street.plot(reached, tmp_path / "cost.png")
    assert (tmp_path / "cost.png").stat().st_size > 5000
