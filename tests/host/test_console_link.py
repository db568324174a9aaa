"""What slvg console believes of what comes over the cable: whole lines with the right checksum,
all of them, and an end. The other side is a real port (a pty) that says what a test lets it say.
"""
import os
import threading
import tty

import pytest
from typer.testing import CliRunner

from acu.console.session import row_text
from slvg import console_link
from slvg.cli import app
from slvg.console import fetch
from slvg.console_link import ConsoleError, Unit, fields, last_level, rows_of
from slvg.flash_link import Link


class Board:
    """Answers a line by what stands in `says`: the next text each time, the last one for ever.
    `=` is its prompt; a line that it does not know is none."""

    def __init__(self, says):
        self.says = {line: list(texts) for line, texts in says.items()}
        self.heard = []
        self.prompt = b"="
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        self.device = os.ttyname(theirs)
        self._keep = theirs
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        line = b""
        while True:
            try:
                data = os.read(self._ours, 1)
            except OSError:
                return
            if data == b"\x15":
                line = b""
            elif data == b"\x03":
                line = b""
                os.write(self._ours, b"^C\r\n" + self.prompt)
            elif data == b"\r":
                self._answer(line.decode())
                line = b""
            else:
                line += data

    def _answer(self, line):
        self.heard.append(line)
        texts = self.says.get(line)
        if texts is None:
            answer = line + "\r\n"
            answer += "E301 console: unknown command. Type HEL.\r\n" if line else ""
        else:
            answer = line + "\r\n" + (texts.pop(0) if len(texts) > 1 else texts[0])
        if not answer.endswith(("? ", "...")):
            answer += self.prompt.decode()
        os.write(self._ours, answer.removesuffix("...").encode())

    def close(self):
        os.close(self._keep)
        os.close(self._ours)


@pytest.fixture
def board():
    made = []

    def make(**says):
        one = Board({line.replace("_", " "): texts for line, texts in says.items()})
        link = Link(one.device)
        made.append((one, link))
        return one, Unit(link)
    yield make
    for one, link in made:
        link.close()
        one.close()


def page(*rows):
    lines = [row_text(row) for row in rows] + [row_text(("END", len(rows)))]
    return "".join(line + "\r\n" for line in lines)


GOOD = page(("UA", "229.8", "V"), ("f", "50.000", "Hz"))


def test_a_line_has_the_checksum_that_the_unit_gave_it():
    assert fields(row_text(("UA", "229.8", "V"))) == ["UA", "229.8", "V"]
    assert fields(row_text(("TEXT", "a, b"))) == ["TEXT", "a, b"]
    for wrong in (row_text(("UA", "229.8", "V")).replace("8", "9", 1), "", "=>", ",",
                  '"UA"', row_text(("UA", 1)).lower(), row_text(("UA", 1))[:-3]):
        with pytest.raises(ConsoleError, match="E275"):
            fields(wrong)


def test_any_damaged_character_is_seen():
    line = row_text(("UA", "229.8", "V"))
    for at in range(len(line)):
        for other in "0a\"~":
            if other != line[at]:
                with pytest.raises(ConsoleError):
                    fields(line[:at] + other + line[at + 1:])


def test_a_twin_is_whole_or_nothing():
    lines = GOOD.split("\r\n")[:-1]
    assert rows_of(lines) == [["UA", "229.8", "V"], ["f", "50.000", "Hz"]]
    for some in (lines[:-1], lines[1:], lines[::2], [], lines[-1:], [*lines, lines[0]]):
        with pytest.raises(ConsoleError, match="E275"):
            rows_of(some)


def test_a_spoilt_twin_is_asked_for_once_more(board):
    one, unit = board(CMET=[GOOD.replace("229", "228"), GOOD])
    assert unit.twin("CMET")[0] == ["UA", "229.8", "V"] and one.heard.count("CMET") == 2
    one, unit = board(CMET=[GOOD.replace("229", "228")])
    with pytest.raises(ConsoleError, match="E275"):
        unit.twin("CMET")
    assert one.heard.count("CMET") == 2
    _, unit = board(CMET=[GOOD[:GOOD.index('"END')]])
    with pytest.raises(ConsoleError, match="E275"):
        unit.twin("CMET")


def test_half_an_answer_has_an_end(board):
    _, unit = board(CMET=[GOOD[:30] + "..."])
    with pytest.raises(ConsoleError, match="E274"):
        unit.ask("CMET", 0.5)


def test_a_refusal_and_a_question_are_no_answers(board):
    one, unit = board(OPE=["Open the switch (Y/N) ? "])
    with pytest.raises(ConsoleError, match="E276"):
        unit.ask("OPE")
    assert "Y" not in one.heard
    with pytest.raises(ConsoleError, match="E277.*E301"):
        unit.ask("NIX")


def test_nobody_there_and_micropython_there(board, monkeypatch):
    monkeypatch.setattr(console_link, "_WAIT_S", 0.5)
    one, unit = board()
    one.prompt = b">>> "
    with pytest.raises(ConsoleError, match="E273"):
        unit.wake()
    one.prompt = b""
    with pytest.raises(ConsoleError, match="E272"):
        unit.wake()
    one.prompt = b"=>"
    assert unit.wake() == "=>"


def test_login_gives_the_password_only_where_it_is_asked(board):
    one, unit = board(ACC=["Password: ? "], secret=["E330 password: wrong. Try again.\r\n"])
    with pytest.raises(ConsoleError, match="E278 password.*E330"):
        unit.login("1", "secret")
    assert one.heard.count("secret") == 1
    one, unit = board(ACC=["NO PASSWORD is set\r\n"])
    with pytest.raises(ConsoleError, match="E278 level"):
        unit.login("1", "secret")
    assert "secret" not in one.heard
    assert [last_level(x) for x in ("=", "=>", "==>", "=>>", "? ")] == [0, 1, 2, 3, 0]


def test_the_command_line_refuses_by_sentence(board, tmp_path):
    one, _ = board(CMET=[GOOD], MET=["UA 229.8 V\r\n"])
    runner = CliRunner()
    for words, code in ((["--level", "9"], "E279"), (["--json", str(tmp_path / "x.json")], "E279"),
                        (["--comtrade", str(tmp_path / "none")], "E132"),
                        (["--port", "/dev/none", "--do", "MET"], "E241")):
        done = runner.invoke(app, ["console", *words])
        assert done.exit_code == 2 and code in done.output, (words, done.output)
    assert one.heard == []


def test_records_come_over_whole_or_not(board, tmp_path):
    who = page(("BOARD", "pico_w_meter"), ("ID", "m1"))
    listed = page((1, "2026-03-01T06:00:00.000Z", 1600, 800, 4000, "yes"))
    _, unit = board(CVER=[who], CEVE=[listed], CEVE_1=[page(("DATA", 0, "AAAA"))])
    said = []
    assert fetch(unit, tmp_path, "A", said.append) == []
    assert "1 damaged left out" in said[0] and list(tmp_path.iterdir()) == []
