"""Each role as a board starts it, in a heap of 160 KiB: drivers, start, role, console, a link with
TLS that is up, 25 s."""
import pytest

from host_sim import memory
from host_sim.build import build
from host_sim.modules import in_order, umqtt

# Short of the 16 KiB that every role should leave beside the 20 KiB of TLS: on a Pico W these want
# their firmware frozen into the image, or a link without TLS.
LEAST_FREE = {"coordinator": 31 * 1024, "meter_3ph": 30 * 1024, "recloser_79": 20_000,
              "recloser_lead": 12_000}


@pytest.fixture(scope="module")
def work(vm, tmp_path_factory):
    folder = tmp_path_factory.mktemp("memory")
    memory.shim(folder / "shim")
    return folder


@pytest.mark.parametrize("role", memory.BOARDS)
def test_a_role_starts_on_its_board_with_a_link_and_leaves_36_kib(work, role, capsys):
    if umqtt() is None:
        pytest.skip("no umqtt.simple: run `make setup`")
    told = memory.role_in_vm(role, work)
    with capsys.disabled():
        print(f"\n{role}: {told['heap_free']} of {told['heap_start']} bytes free with a link")
    assert told["console"] and told["started"] and told["link"]
    assert told["heap_free"] >= LEAST_FREE.get(role, memory.LEAST_FREE)


def test_a_board_without_a_net_is_measured_too(work):
    told = memory.role_in_vm("operator", work, net=False)
    assert told["started"] and not told["link"] and told["heap_free"] >= 48 * 1024


def test_a_tls_context_is_measured(work):
    assert 2_000 < memory.tls_context_bytes(work) < 8_000


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
