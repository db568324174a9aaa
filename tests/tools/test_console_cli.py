"""slvg console against a unit at its port: pages, checked twins, tables, support file, records.
The real program, the real pty; nothing is moved."""
import json
import shutil

import pytest
from typer.testing import CliRunner

from host_sim.virtual.board import VirtualBoard
from slvg.cli import app
from slvg.flash_sim import started

BOARD = "pico_w_operator"


@pytest.fixture(scope="module")
def port(request, first, tmp_path_factory):
    given = request.config.getoption("--target")
    if given:
        yield given.removeprefix("port=")
        return
    image = shutil.copy(first[0], tmp_path_factory.mktemp("cli") / "flash.img")
    with VirtualBoard(BOARD, image) as board:
        assert started(board)
        yield board.port
        assert not any(contact.moves for contact in board.cabinet.contacts.values())


def console(port, *words):
    return CliRunner().invoke(app, ["console", "--port", port, *map(str, words)])


def test_pages_and_their_checked_twins(port, tmp_path):
    file, log = tmp_path / "console.json", tmp_path / "console.log"
    done = console(port, "--level", "1", "--do", "VER; MET; SHO un_dv; DAT", "--json", file,
                   "--log", log)
    assert done.exit_code == 0, done.output
    assert "UA " in done.output and "2300" in done.output and "UTC" in done.output
    told = json.loads(file.read_text())
    told = told.get("figures", told)
    assert ["un_dv", "2300", "2300", "1000 to 4000 x 0.1 V"] in told["SHO un_dv"]
    rows = dict(row[:2] for row in told["MET"])
    assert 2250 < float(rows["UA"]) * 10 < 2350 and float(rows["f"]) == pytest.approx(50, abs=0.1)
    assert ["BOARD", BOARD] in told["VER"] and "DAT" not in told
    text = log.read_text()
    assert " > MET\n" in text and " < UA " in text


def test_a_page_as_a_table(port):
    done = console(port, "--level", "1", "--do", "TAR", "--table")
    assert done.exit_code == 0 and "READY" in done.output and "52A_1" in done.output


def test_the_support_file(port, tmp_path):
    file = tmp_path / "support.txt"
    done = console(port, "--support", file)
    assert done.exit_code == 0, done.output
    text = file.read_text()
    for title in ("--- VER", "--- SHO", "--- MET", "--- ERR", "--- SER", "--- end"):
        assert title in text
    assert "assword" not in text.replace("NO PASSWORD", "").replace("PASSWORD wrong", "")


def test_what_asks_or_is_refused_ends_with_a_sentence(port):
    for words, code in ((("--level", "B", "--do", "OPE"), "E276"),
                        (("--level", "1", "--do", "ACC; QUI; OPE"), "E277"),
                        (("--do", "NONSENSE"), "E277"), (("--do", "MET X"), "E277")):
        done = console(port, *words)
        assert done.exit_code == 2 and code in done.output, (words, done.output)


def test_an_operator_has_no_records(port, tmp_path):
    done = console(port, "--comtrade", tmp_path)
    assert done.exit_code == 0 and "0 COMTRADE records" in done.output, done.output
