"""What a role costs in the real VM: heap after start, lines loaded, growth, allocation in the fast
tier."""
import pytest

from host_sim.bench import ROLES, Bench, lines_of, modules_of

KIB = 1024
# A meter carries more, and still leaves its 64 KiB (below); what it needs only at the start, or
# with `cap_n` 0, is not counted.
LINES = {"meter": 4800}
# Two blocks are allowed for numbers that pass 2^30 and become objects (us after 18 min); a meter's
# intervals of 10 minutes and 2 hours fill up once: 60,000 windows leave no more.
GROWTH = {"meter": 640}


@pytest.fixture(scope="module")
def bench(vm):
    one = Bench()
    yield one
    one.close()


@pytest.mark.parametrize("role", ROLES)
def test_a_role_starts_in_192_kib_and_leaves_64_free(bench, role, capsys):
    heap = bench.heap(role)
    with capsys.disabled():
        print(f"\n{role}: {heap['heap_free']} of {heap['heap_start']} bytes free after start; "
              "by module:")
        for module, taken in sorted(heap["modules"].items(), key=lambda item: -item[1]):
            if taken > 0:
                print(f"  {taken:6d}  {module}")
    assert heap["heap_free"] >= 64 * KIB


@pytest.mark.parametrize("role", [*ROLES, "subcoordinator"])
def test_a_role_loads_at_most_4500_lines(role):
    assert 1000 < lines_of(modules_of(role)) <= LINES.get(role, 4500)


@pytest.mark.parametrize("role", ROLES)
def test_the_fast_tier_allocates_nothing(bench, role):
    assert bench.tick(role)["alloc"] == 0


@pytest.mark.parametrize("role", ROLES)
def test_ten_thousand_windows_leave_nothing_behind(bench, role):
    assert bench.growth(role, 10_000) <= GROWTH.get(role, 32)
