"""The console of a running unit through its port, or through the one of --target: the same lines
that a technician types. On the virtual board the world is asked what really moved."""
import shutil
import time

import pytest

from host_sim.virtual.board import VirtualBoard
from slvg.flash_link import PROMPTS, Link
from slvg.flash_sim import started

BOARD = "pico_w_operator"


@pytest.fixture(scope="module")
def unit(request, first, tmp_path_factory):
    """(an open link, the virtual board or None)"""
    given = request.config.getoption("--target")
    if given:
        link = Link(given.removeprefix("port="))
        yield link, None
        link.close()
        return
    image = shutil.copy(first[0], tmp_path_factory.mktemp("unit") / "flash.img")
    with VirtualBoard(BOARD, image) as board:
        told = started(board)
        assert told, "the unit does not start"
        link = Link(board.port)
        until_s = time.monotonic() + 10         # its self-test
        while link.twin("CVER").get("SELFTEST") != "0" and time.monotonic() < until_s:
            time.sleep(0.2)
        yield link, board
        link.close()


def said(link, *lines):
    for line in lines:
        text = link.say(line, (*PROMPTS, "? "))
    return text


def test_it_measures_what_is_at_its_terminals(unit):
    link, board = unit
    text = said(link, "ACC", "MET")
    assert "UA " in text and "50.0" in text
    if board:
        assert "229." in text or "230." in text, text
        assert not board.faults
        time.sleep(1.0)
        sta = said(link, "STA")
        assert "overruns 0" in sta and "slips 0" in " ".join(sta.split()), sta


def test_nothing_moves_without_the_whole_confirmation(unit):
    link, board = unit
    if board is None:
        pytest.skip("moves a switch: only where the world is ours")
    contact = board.cabinet.contacts["relay_a"]
    said(link, "ACC", "BAC", "CLO", "Y", "N")
    said(link, "CLO", "yes please")
    assert board.cabinet.closings == 0 and not contact.closed
    assert "CLOSED on A" in said(link, "CLO", "Y", "Y")
    assert contact.closed and contact.moves == 1
    time.sleep(1.5)
    met = said(link, "MET")
    assert float(met.split("UL")[1].split()[0]) > 225, met
    assert "OPEN" in said(link, "OPE", "Y", "Y")
    assert not contact.closed and not board.faults


def test_without_the_interlock_no_close_coil_gets_current(unit):
    link, board = unit
    if board is None:
        pytest.skip("opens the interlock: only where the world is ours")
    before = board.cabinet.closings
    board.cabinet.set_interlock(False)
    time.sleep(0.3)
    text = said(link, "CLO", "Y", "Y")
    assert "CLOSED" not in text, text
    assert board.cabinet.closings == before
    assert not any(contact.closed for contact in board.cabinet.contacts.values())
    board.cabinet.set_interlock(True)
