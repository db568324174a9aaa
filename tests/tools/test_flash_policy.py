"""slvg flash --policy: a dispatch table reaches a virtual board's store whole and is what decides
there; one that the board would refuse is refused before."""
import re

import pytest

from acu.functions import policy_table
from host_sim.build import build
from host_sim.study.policy_file import MAX_BYTES
from host_sim.virtual.board import VirtualBoard
from slvg.flash import failure, flash, policy_of
from slvg.flash_link import FlashError, Link
from slvg.flash_sim import MAINT_S
from tests.unit.policies import table

BOARD = "pico_w_microgrid"
SETTINGS = {"id": "mg1", "role": "microgrid", "sc": "sc1", "uc": "uc1", "mg_policy": "table"}


def test_a_table_is_placed_and_the_board_decides_by_it(vm, tmp_path):
    file = tmp_path / "policy.bin"
    file.write_bytes(table())
    with VirtualBoard(BOARD, tmp_path / "flash.img") as board:
        link = Link(board.port)
        try:
            receipt = flash(link, build(BOARD, ("microgrid",), "x86"), SETTINGS, maint_s=MAINT_S,
                            records=policy_of(file, SETTINGS, BOARD))
            assert receipt["good"], failure(receipt)
            assert receipt["records"] == ["/data/policy"]
            link.say("ACC")
            assert re.search(r"decided by +table +wanted: table", link.say("MG"))
        finally:
            link.close()


def test_what_the_board_would_refuse_is_refused_before(tmp_path):
    file = tmp_path / "policy.bin"
    for raw, settings, code in ((b"no table", SETTINGS, "E420"), (table()[:-9], None, "E422"),
                                (table(version=2), None, "E421"),
                                (table(), SETTINGS | {"mg_b_mwh": 1_000_000}, "E423"),
                                (table(), {"role": "operator"}, "E271")):
        file.write_bytes(raw)
        with pytest.raises(FlashError, match=code):
            policy_of(file, settings, BOARD)
    with pytest.raises(FlashError, match="E270"):
        policy_of(tmp_path / "none", SETTINGS, BOARD)
    assert policy_of(None, SETTINGS, BOARD) == {}
    file.write_bytes(table())
    assert policy_of(file, None, BOARD) == {policy_table.RECORD: table()}
    assert len(table()) < MAX_BYTES
