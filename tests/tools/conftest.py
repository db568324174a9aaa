"""The tools ring: the real mpremote, slvg flash and the console against a virtual board, or with
--target port=DEVICE against a real one. Needs the VM: skipped without, but never in CI."""
import dataclasses
from pathlib import Path

import pytest

from host_sim.build import Built, build
from host_sim.virtual.board import VirtualBoard
from slvg.flash import example, flash
from slvg.flash_link import Link
from slvg.flash_sim import MAINT_S

BOARD = "pico_w_operator"


@dataclasses.dataclass
class Target:
    """Where the tests go: a port, or a virtual board, which gets another with each supply."""

    device: str
    board: VirtualBoard | None

    @property
    def port(self) -> str:
        return self.board.port if self.board else self.device


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
    request.getfixturevalue("vm")
    with VirtualBoard(BOARD, tmp_path_factory.mktemp("target") / "flash.img") as board:
        yield Target("", board)


@pytest.fixture(scope="session")
def built(vm) -> Built:
    return build(BOARD, (), "x86")


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
