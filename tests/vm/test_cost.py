"""What a role costs in the real VM: heap after start, lines loaded, growth, allocation in the fast
tier."""
import pytest

from host_sim.bench import (
    ALL_ROLES,
    FORGOTTEN,
    ROLES,
    Bench,
    code_lines_of,
    drivers_of,
    lines_of,
    modules_of,
)
from host_sim.modules import in_order

KIB = 1024
# A meter and a recloser carry more, and still leave their 48 KiB (below); what is needed only at
# the start, or with `cap_n` above 0, is not counted.
LINES = {"meter": 4800, "recloser": 5500}
# Two blocks are allowed for numbers that pass 2^30 and become objects (us after 18 min); a meter's
# intervals of 10 minutes and 2 hours fill up once: 60,000 windows leave no more. A recloser's
# first two events are stored a minute after its start, in the memory that is counted; so are those
# of a dispatching ACU whose stores say nothing: 60,000 windows leave no more.
GROWTH = {"meter": 640, "recloser": 192, "microgrid": 704}


@pytest.fixture(scope="module")
def bench(vm):
    one = Bench()
    yield one
    one.close()


@pytest.mark.parametrize("role", ALL_ROLES)
def test_a_role_starts_in_160_kib_and_leaves_48_free(bench, role, capsys):
    """With the drivers, start and console of a board; its sample ring is apart."""
    heap = bench.heap(role)
    with capsys.disabled():
        print(f"\n{role}: {heap['board_free']} of {heap['heap_start']} bytes free after start "
              f"({heap['heap_free']} behind the simulator's doors); by module:")
        for module, taken in sorted(heap["modules"].items(), key=lambda item: -item[1]):
            if taken > 0:
                print(f"  {taken:6d}  {module}")
    assert heap["board_free"] >= 48 * KIB


@pytest.mark.parametrize("role", ALL_ROLES)
def test_a_role_loads_at_most_4500_lines(role):
    assert 1000 < lines_of(modules_of(role)) <= LINES.get(role, 4500)


@pytest.mark.parametrize("role", ALL_ROLES)
def test_with_drivers_start_and_console_its_lines_of_code_are_as_many(role):
    """Comments cost no memory."""
    resident = [name for name in modules_of(role) if name != "acu.app"]      # dropped
    resident += in_order(drivers_of(role), without=(*resident, *FORGOTTEN))
    assert 1000 < code_lines_of(resident) <= LINES.get(role, 4500)


@pytest.mark.parametrize("role", ROLES)
def test_the_fast_tier_allocates_nothing(bench, role):
    assert bench.tick(role)["alloc"] == 0


@pytest.mark.parametrize("role", ROLES)
def test_ten_thousand_windows_leave_nothing_behind(bench, role):
    assert bench.growth(role, 10_000) <= GROWTH.get(role, 32)
