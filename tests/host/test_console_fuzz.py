"""Anybody at the console: seeded lines, halves of them, control characters, answers and floods, at
each level. No page faults (E307), nothing is raised, nothing is driven but by the command at level
B, two Y and their time, and guessed passwords lock.

The small worlds run at quantity level. SLVG_FULL=1: 100 000 lines at each level.
"""
import os
import random

import pytest

from acu.console import commands
from tests.unit.box import Box
from tests.unit.cabinet import Cabinet
from tests.unit.desk import Desk
from tests.unit.mast import Mast
from tests.unit.spot import Spot

FULL = os.environ.get("SLVG_FULL") == "1"
LINES = 100_000 if FULL else 500
EACH = 500              # lines, then the next world
SECRET = "s3cret-x"
WORDS = [row[commands.NAME] for row in commands.rows()]
WORDS += ["C" + word for word in WORDS]
KEYS = ("un_dv", "id", "role", "members", "prio", "via", "t_out_ms", "cap_n", "wiring", "t_dbl",
        "uc", "fn_mhz")
VALUES = ("0", "1", "-1", "--1", "-", "", "2300", "99999999999999999999", "[", "[]", "[1", "[[[[",
          '["a", 1]', "[1e999]", "[null]", "{}", '"', "'", "a,b", "A B C", "true", "nan", "1.5",
          "1,5", "-.5", ".", "operator", "meter", "king", "x" * 90, "%s%d", "E310", "STUCK", "E",
          "2026-03-01", "2026-02-30", "12:00:00", "-1:0:0", "S", "I", "M", "E", "D", "H", "2", "B",
          "\x00", "\x1b[A", "\x1b", "\x08" * 5, "\x7f", "\x15", "\t", "\xff", "\n", "\x18")
MOVES = ("OPE", "CLO", "PUL", "TST", "LOC")


def line_of(r):
    kind = r.random()
    if kind < 0.45:
        text = r.choice(WORDS)
        if r.random() < 0.2:
            text = text[:r.randrange(4)] + r.choice(("", "x", "METER", "\x08"))
        if r.random() < 0.2:
            text = text.lower()
        for _ in range(r.choice((0, 0, 1, 1, 2, 3))):
            text += " " + r.choice(VALUES + KEYS)
    elif kind < 0.55:
        text = "SET " + r.choice(KEYS) + " " + r.choice(VALUES)
    elif kind < 0.8:
        text = r.choice(("Y", "y", "N", "yes", "", "Y ", "1", "230", "10.5", "0", SECRET, "guess"))
    elif kind < 0.9:
        text = r.choice(VALUES)
    else:
        text = "".join(chr(r.randrange(256)) for _ in range(r.randrange(120)))
    end = r.choice(("\r", "\r", "\r", "\r", "\n", "\r\n", "", "\x03", "\r\r"))
    return (text + end).encode("latin-1", "replace")


class Witness:
    """Counts what the switch was driven, and what the console had the right to."""

    def __init__(self, desk):
        self.desk = desk
        acu = desk.unit.acu
        self.orders = []
        self.rightful = 0
        if hasattr(acu, "gate"):
            self._order = acu.at_console
            acu.at_console = self.order
            acu.tag = self._tag(acu.tag)

    def order(self, now_ms, order):
        self.orders.append((now_ms, order))
        self._judge()
        return self._order(now_ms, order)

    def _tag(self, tag):
        def seen(now_ms, on):
            self.orders.append((now_ms, 10 + on))
            if not on:
                self._judge()
            assert self.desk.console.session.level >= 2
            return tag(now_ms, on)
        return seen

    def _judge(self):
        """Level B, and on the screen since the command nothing but two questions with a Y each."""
        session = self.desk.console.session
        assert session.level >= 2 and session._module == "operate"
        shown = self.desk.terminal.text + self.desk.console.out
        shown = shown.decode("utf-8", "replace").replace("\r", "")
        asked = [one for one in shown.split("\n") if "(Y/N) ? " in one][-2:]
        assert len(asked) == 2, shown[-400:]
        for one in asked:
            answer = one.rpartition("(Y/N) ? ")[2]
            while "\b \b" in answer:
                at = answer.index("\b \b")
                answer = answer[:max(at - 1, 0)] + answer[at + 3:]
            assert answer.replace("\a", "").strip().upper() in ("Y", "YES"), shown[-400:]
        assert "Are you sure" in asked[1] and "Are you sure" not in asked[0], shown[-400:]
        self.rightful += 1


def world(k, r):
    place = (Cabinet, Spot, Cabinet, Box, Mast)[k % 5]
    place = place(closed=r.choice(((0,), ()))) if place is Cabinet else place()
    return place.started()


def one_session(level, k, n, r):
    """(lines, questions answered rightfully, drives) of n lines in one world."""
    desk = Desk(world(k, r), r.choice(("", "", "", "", "safe", "new")))
    if r.random() < 0.3:
        desk.level("2")
        for line in ("PAS 2", SECRET, SECRET, "QUI"):
            desk.say(line)
        desk.level("0")
    witness = Witness(desk)
    acu = desk.place.acu
    drives = getattr(desk.place, "drives", [])
    drives.clear()
    t = desk.terminal
    for j in range(n):
        if desk.unit.order:
            desk.unit._order = ""       # ordered restarts are not carried out here
        if j % 25 == 0 and level != "0":
            t.keys += b"\x03"
            desk.run(20)
            if r.random() < 0.9:
                for word in {"1": ("ACC",), "B": ("ACC", "BAC"), "2": ("2AC",)}[level]:
                    t.keys += word.encode() + b"\r"
                    desk.run(30)
                    if desk.stands() == "Password: ? ":
                        t.keys += SECRET.encode() + b"\r"
                        desk.run(300)
        if r.random() < 0.08:       # an order with its answers, most of them in their time
            for line in (r.choice(MOVES) + r.choice(("", "", " 1", " 0", " 2")), "Y", "Y"):
                t.keys += line.encode() + b"\r" if r.random() < 0.9 else line_of(r)
                desk.run(r.choice((20, 120, 150, 200, 200, 200)))
        t.keys += line_of(r)
        desk.run(r.choice((10, 20, 30, 130, 130, 250)))
        text = t.text
        assert b"E307 console" not in text, text[-600:]     # a CRC may have E307
        assert desk.console.locked_ms == 0 or desk.console.wrong < 3
        if len(text) > 20_000:
            t.text = text[-2000:]
    by_hand = [one for one in desk.place.lines
               if one[:6] in ("OPENED", "CLOSED") and "why=LOCAL" in one]
    assert len(by_hand) <= len(witness.orders)
    assert witness.orders or not drives, drives[:3]
    assert acu.ready
    return n, witness.rightful, len(drives)


@pytest.mark.parametrize("level", "01B2")
def test_any_lines_at_this_level(level):
    r = random.Random(f"console {level}")
    lines = rightful = drives = 0
    for k in range(LINES // EACH * 5 if not FULL else LINES // EACH):
        got = one_session(level, k, EACH if FULL else EACH // 5, r)
        lines, rightful, drives = lines + got[0], rightful + got[1], drives + got[2]
    print(f"level {level}: {lines} lines, {rightful} confirmed orders, {drives} drives")
    assert level not in "B2" or rightful > 0 and drives > 0     # else nothing has been tried


def test_guesses_lock_whatever_is_typed_between():
    r = random.Random(5)
    desk = Desk(Cabinet().started()).level("2")
    for line in ("PAS 2", SECRET, SECRET, "QUI"):
        desk.say(line)
    tried = 0
    began_ms = desk.place.ms()
    for _ in range(120 if not FULL else 2000):
        desk.key("\x03\r", 40)
        desk.key("2AC\r", 40)
        if desk.stands() == "Password: ? ":
            tried += 1
            desk.key(r.choice(("guess", "Y", "", "s3cret", "x" * 200)) + "\r", 300)
        assert desk.console.session is None or desk.console.session.level < 3
    # three in 30 s at the most
    assert tried <= 3 * ((desk.place.ms() - began_ms) // 30_000 + 1), tried
    assert b"E331" in desk.terminal.text
