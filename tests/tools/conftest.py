"""The tools ring: the real mpremote, slvg flash and the console against a virtual board, or with
--target port=DEVICE against a real one. Needs the VM: skipped without, but never in CI."""
import dataclasses
import os
from pathlib import Path

import pytest

from host_sim.build import Built, build
from host_sim.modules import exists
from host_sim.virtual.board import VirtualBoard
from host_sim.vm.find import NoMicroPython, micropython
from slvg.flash import example, flash
from slvg.flash_link import Link
from slvg.flash_sim import MAINT_S, variant

BOARD = "pico_w_operator"

# The pages that flash asks, as long as the console has none of its own.
_PAGES = {"status": b'''
def run(session, word, words):
    u = session.unit
    for row in (("VERSION", u.version), ("BOARD", u.board["board"]), ("SLOT", u.slot),
                ("MODE", u.mode), ("GOOD", int(u.started)), ("ACU", int(u.acu is not None)),
                ("COMPLAINT", u.complaint or "-")):
        yield row
''', "access": b'''
def run(session, word, words):
    session.level = 3
    yield None
''', "maintain": b'''
def run(session, word, words):
    yield from session.sure("Reset into maintenance", "Are you sure")
    yield "Maintenance: resetting now."
    session.unit.request_maintenance()
'''}


@dataclasses.dataclass
class Target:
    """Where the tests go: a port, or a virtual board, which gets another with each supply."""

    device: str
    board: VirtualBoard | None

    @property
    def port(self) -> str:
        return self.board.port if self.board else self.device


def _vm() -> str:
    try:
        return micropython()
    except NoMicroPython as e:
        if os.environ.get("SLVG_REQUIRE_VM") == "1":
            pytest.fail(str(e))
        pytest.skip(str(e))


@pytest.fixture(scope="session")
def vm() -> str:
    return _vm()


@pytest.fixture
def blank(vm, tmp_path):
    """A virtual board as it comes from the shop, with MicroPython on it."""
    with VirtualBoard(BOARD, tmp_path / "flash.img") as board:
        yield board


@pytest.fixture(scope="module")
def target(request, tmp_path_factory):
    """The board of --target, else a blank virtual one."""
    given = request.config.getoption("--target")
    if given:
        yield Target(given.removeprefix("port="), None)
        return
    _vm()
    with VirtualBoard(BOARD, tmp_path_factory.mktemp("target") / "flash.img") as board:
        yield Target("", board)


@pytest.fixture(scope="session")
def built(vm) -> Built:
    whole = build(BOARD, (), "x86")
    missing = {f"acu/console/{name}.py": text for name, text in _PAGES.items()
               if not exists(f"acu.console.{name}")}
    return variant(whole, missing, "5107e0aa") if missing else whole


@pytest.fixture(scope="session")
def first(built, tmp_path_factory) -> tuple[Path, dict]:
    """An image onto which this build was flashed when it was blank, good; and the receipt."""
    image = tmp_path_factory.mktemp("first") / "flash.img"
    with VirtualBoard(BOARD, image) as board:
        link = Link(board.port)
        try:
            receipt = flash(link, built, example(BOARD, "operator"), maint_s=MAINT_S)
        finally:
            link.close()
    return image, receipt
