"""The console's lines, prompts, levels and passwords, and the bounds of its work in a pass."""
from acu.console import commands
from acu.console.editor import LINE, TOO_LONG, Editor
from acu.primitives.recording import Record
from tests.unit.cabinet import Cabinet
from tests.unit.desk import PROMPTS, Desk


def desk(level="0", bare=""):
    return Desk(Cabinet().started(), bare).level(level)


def with_password(word="PAS 2", secret="s3cret-x"):
    d = desk("2")
    d.say(word)
    d.say(secret)
    d.say(secret)
    assert "is set" in d.terminal.text.decode()
    d.say("QUI")
    return d.level("0")


class Pad:
    """An editor and what it echoes."""

    def __init__(self):
        self.echo = ""
        self.lines = []
        self.editor = Editor(self._put)
        self.editor.begin()

    def _put(self, text):
        self.echo += text

    def type(self, data, keep=True):
        for byte in data:
            line = self.editor.key(byte, keep)
            if line is not None:
                self.lines.append(line)
        return self


def test_a_line_with_backspace_and_kill():
    assert Pad().type(b"MEX\x08T\r").lines == ["MET"]
    assert Pad().type(b"MEX\x7fT\n").lines == ["MET"]
    assert Pad().type(b"\x08\x08OPE\x15SER\r").lines == ["SER"]
    assert Pad().type(b"a\x08\x08\x08b\r").echo == "a\b \bb\r\n"
    assert Pad().type(b"\r\r").lines == ["", ""]


def test_old_lines_come_back_by_the_arrow_keys():
    p = Pad().type(b"MET\rSER 5\rSER 5\r")
    assert p.type(b"\x1b[A\r").lines[-1] == "SER 5"
    assert p.type(b"\x1b[A\x1b[A\r").lines[-1] == "MET"
    assert p.type(b"\x1b[A\x1b[A\x1b[B\r").lines[-1] in ("SER 5", "MET")
    assert p.type(b"x\x1b[A\x1b[B\r").lines[-1] == ""
    for k in range(20):
        p.type(b"L%d\r" % k)
    assert p.type(b"\x1b[A" * 30 + b"\r").lines[-1] == "L14"
    assert p.type(b"\x1b[A\x1b[C\x1bO\x1b[Dx\r").lines[-1] == "L14x"


def test_a_line_that_is_too_long_or_no_text_is_no_command():
    assert Pad().type(b"x" * LINE + b"\r").lines == ["x" * LINE]
    assert Pad().type(b"x" * (LINE + 1) + b"\r").lines == [TOO_LONG]
    assert Pad().type(b"OPE\xff\r").lines == [TOO_LONG]
    assert Pad().type(b"\xc3\xa4\x15OPE\r").lines == ["OPE"]
    assert Pad().type(b"O\x00P\x07E\r").lines == ["OPE"]
    d = desk("B")
    assert "E303" in d.text("x" * 150) and d.stands() == "==>"
    d.key(b"OPE\xe4\r", 300)
    assert b"E303" in d.terminal.text and d.stands() == "==>"


def test_a_secret_is_shown_as_asterisks_and_not_kept():
    p = Pad()
    p.editor.begin(True)
    p.type(b"hi\x08there\x1b[A\r", False)
    assert p.lines == ["hthere"] and "h" not in p.echo and p.echo.count("*") == 7
    assert p.type(b"\x1b[A\r").lines[-1] == ""
    assert p.type(b"Y\r", False).type(b"\x1b[A\r").lines[-1] == ""      # nor is an answer


def test_carriage_return_and_line_feed_are_one_end_of_a_line():
    d = desk()
    d.terminal.text = b""
    d.key(b"\r\n", 100)
    assert d.terminal.text == b"\r\n="
    d.key(b"\n", 100)
    assert d.terminal.text == b"\r\n=\r\n="
    d.level("B")
    d.key("OPE\r\n", 300)
    d.key("Y\r\n", 300)
    d.key("Y\r\n", 900)
    assert d.place.mask() == 0


def test_commands_by_three_letters_or_more_in_any_case():
    for word, name, twin in (("met", "MET", False), ("METER", "MET", False), ("cme", "MET", True),
                             ("CMET", "MET", True), ("cser", "SER", True), ("CLO", "CLO", False),
                             ("COM", "COM", False), ("CCOM", "COM", True), ("CAL", "CAL", False),
                             ("mg", "MG", False), ("cmg", "MG", True),
                             ("me", None, False), ("", None, False), ("COPE", None, False)):
        row, is_twin = commands.find(word)
        assert (row and row[commands.NAME]) == name, word
        assert bool(is_twin) == twin, word
    names = [row[commands.NAME] for row in commands.rows()]
    assert len(names) == len(set(names)) == 37
    assert "E301" in desk().text("FOO") and "E301" in desk().text("ME")


def test_prompts_and_levels():
    d = desk()
    assert d.stands() == "="
    assert "NO PASSWORD" in d.text("ACC") and d.stands() == "=>"
    assert "NO PASSWORD" in d.text("BAC") and d.stands() == "==>"
    assert "NO PASSWORD" in d.text("2AC") and d.stands() == "=>>"
    d.say("ACC")
    assert d.stands() == "=>"           # down again
    d.say("QUI")
    assert d.stands() == "=" and d.console.session is None
    assert d.events("LOGIN") == ["LOGIN level=%d" % k for k in (1, 2, 3, 1, 0)]
    assert "E302" in d.text("BAC") and "E302" in d.text("MET") and d.stands() == "="


def test_each_command_has_its_level():
    for level in "01B2":
        d = desk(level)
        for row in commands.rows():
            if row[commands.LEVEL] > commands.LEVELS.find(level):
                assert "E302" in d.text(row[commands.NAME]), row
                assert d.stands() == PROMPTS[commands.LEVELS.find(level)]


def test_help_shows_what_there_is_at_this_level():
    n = [len(desk(level).say("HEL")) for level in "01B2"]
    assert n[0] < n[1] < n[2] < n[3]
    assert "level B" in desk().text("HEL OPE") and "E301" in desk().text("HEL x")


def test_a_password_lets_in_who_knows_it():
    d = with_password()
    d.say("2AC")
    assert d.stands() == "Password: ? "
    assert "E330" in d.text("wrong") and d.stands() == "="
    d.say("2AC")
    d.say("s3cret-x")
    assert d.stands() == "=>>" and d.console.wrong == 0
    assert len(d.events("PASSWORD")) == 1
    for almost in ("s3cret-", "s3cret-xx", "S3cret-x", ""):
        d = with_password()
        d.say("2AC")
        assert "E330" in d.text(almost) and d.stands() == "="


def test_three_wrong_ones_lock_for_30_s_also_a_new_session():
    d = with_password()
    for k in range(3):
        d.say("2AC")
        said = d.text("guess%d" % k)
    assert "E331" in said
    d.say("QUI")
    d.level("0")
    for word in ("2AC", "ACC"):
        assert "E331 password: locked for" in d.text(word) and d.stands() == "="
    d.run(15_000)
    assert "E331" in d.text("2AC")
    d.run(16_000)
    d.say("2AC")
    assert d.stands() == "Password: ? "
    d.say("s3cret-x")
    assert d.stands() == "=>>"


def test_who_may_read_cannot_guess_on_without_end():
    d = with_password("PAS 1", "reader")
    store = d.unit.store
    body = Record(store, "passwords").load()
    record = Record(store, "passwords")
    record.load()
    record.save(body + b"\x03" + body[1:])      # level 2 has one as well
    for k in range(2):
        d.say("2AC")
        d.say("guess%d" % k)
    d.say("ACC")
    d.say("reader")
    assert d.stands() == "=>"
    d.say("2AC")
    assert "E331" in d.text("guess2")


def test_a_password_is_never_echoed_printed_logged_or_stored_as_it_is():
    d = desk("2")
    everything = b""
    for line in ("PAS 2", "s3cret-x", "s3cret-x", "QUI", "", "2AC", "s3cret-x", "STA S", "CSTA S",
                 "SER 50", "SHO", "ERR", "\x1b[A\x1b[A\x1b[A"):
        d.say(line)
        everything += d.terminal.text
    body = Record(d.unit.store, "passwords").load()
    assert b"s3cret" not in everything and b"********" in everything
    for name in d.unit.store.names():
        assert b"s3cret" not in d.unit.store.read(name)
    hex_digest = "".join(["%02x" % x for x in body[9:41]]).encode()
    assert hex_digest not in everything.lower() and b"passwords" not in everything
    assert not [line for line in d.events() if "s3cret" in line]


def test_passwords_that_are_refused():
    d = desk("2")
    for first, again in (("short", ""), ("x" * 33, ""), ("long enough", "long enouhg"),
                         ("", ""), ("x" * 120, "")):
        d.say("PAS B")
        text = d.text(first)
        if d.stands().endswith("? "):
            text = d.text(again)
        assert "E332" in text and Record(d.unit.store, "passwords").load() is None
    for wrong in ("PAS", "PAS 0", "PAS 1 2", "PAS x"):
        assert "E304" in d.text(wrong)


def test_each_level_has_its_own_and_a_new_one_replaces_the_old():
    d = desk("2")
    for level, secret in (("1", "reading"), ("B", "switching"), ("2", "setting"),
                          ("1", "reading-2")):
        d.say("PAS " + level)
        d.say(secret)
        assert "is set" in d.text(secret)
    d.say("QUI")
    d.say("ACC")
    assert "E330" in d.text("reading")
    d.say("ACC")
    d.say("reading-2")
    d.say("BAC")
    d.say("switching")
    assert d.stands() == "==>"
    d.say("2AC")
    assert "E330" in d.text("switching") and d.stands() == "==>"
    assert len(Record(d.unit.store, "passwords").load()) == 3 * 41


def test_once_one_password_is_set_no_level_is_open():
    d = with_password("PAS B", "switching")
    d.say("ACC")
    assert d.stands() == "Password: ? "
    assert "E330" in d.text("")
    d.say("2AC")                        # leads past level B, so not without its password
    assert d.stands() == "Password: ? "
    assert "E330" in d.text("guess") and d.stands() == "="
    d.say("2AC")
    d.say("switching")
    assert d.stands() == "=>>"
    for line in ("PAS 1", "reading", "reading", "QUI", "2AC"):
        d.say(line)
    assert "E330" in d.text("reading")  # of the two below it the higher one's
    d.say("2AC")
    d.say("switching")
    for line in ("PAS 2", "setting", "setting", "QUI", "ACC", "reading", "2AC"):
        d.say(line)
    assert "E330" in d.text("switching") and d.stands() == "=>"
    d.say("2AC")
    d.say("setting")
    assert d.stands() == "=>>"


def test_nobody_there_is_logged_out():
    d = desk("2")
    d.say("SET un_dv 2400")
    d.skip(899_000)
    assert d.console.session.level == 3
    d.skip(2_000)
    assert d.console.session is None and d.stands() == "="
    assert b"Logged out" in d.terminal.text and b"draft of the settings is lost" in d.terminal.text
    assert d.events("LOGIN")[-1] == "LOGIN level=0"


def test_at_level_0_the_memory_is_given_back():
    d = desk()
    assert d.console.session is not None
    d.skip(61_000)
    assert d.console.session is None


def test_a_pass_reads_32_bytes_and_offers_256():
    d = desk("2")
    t = d.terminal
    t.keys += b"HEL\r" * 40
    for _ in range(2000):
        reads, writes = t.reads, t.writes
        d.run(10)
        assert t.reads - reads <= 1 and t.writes - writes <= 1
    assert t.most_in == 32 and t.most_out <= 256 and t.most_out > 100


def test_a_computer_that_does_not_read_costs_no_memory_and_loses_no_line():
    d = desk("2")
    d.terminal.slow = 0
    d.key("STA S\r", 3000)
    assert len(d.console.out) < 2500
    d.terminal.slow = 7
    d.run(60_000)
    assert d.terminal.text.endswith(b"--- end\r\n=>>")


def test_a_pages_fault_ends_that_page_and_nothing_else():
    d = desk("B")
    board = d.unit.board
    d.unit.board = {}
    text = d.text("MET")
    d.unit.board = board
    assert "E307 console: fault in page met" in text and d.stands() == "==>"
    assert "UA" in d.text("MET") and d.place.acu.ready


def test_a_page_without_memory_says_so():
    d = desk("1")

    class Full(dict):
        def __getitem__(self, key):
            raise MemoryError
    board, d.unit.board = d.unit.board, Full()
    text = d.text("MET")
    d.unit.board = board
    assert "E308 console: no memory for page met" in text and d.stands() == "=>"
    assert "UA" in d.text("MET")


def test_control_c_ends_a_page():
    d = desk("1")
    d.key("MET 3600\r", 2500)
    assert d.terminal.text.count(b"UA ") == 3
    d.key("\x03", 100)
    assert d.stands() == "=>"
    n = len(d.terminal.text)
    d.run(3000)
    assert len(d.terminal.text) == n
    d.key("MET 3600\r", 1500)
    d.key("x", 100)         # any key does
    assert d.stands() == "=>x"


def test_without_a_controller_there_is_a_console():
    for bare, why in (("safe", "mode safe"), ("new", "not commissioned")):
        d = desk("2", bare)
        for word in ("MET", "TAR", "COM", "OPE", "CLO", "TRI", "CAL", "CON M", "LOC 1"):
            text = d.text(word)
            assert "E305" in text and why in text, (word, text)
        for word in ("VER", "STA", "STA S", "SHO", "SER", "HIS", "EVE", "ERR", "DAT", "TIM",
                     "EXP E310", "CVER", "CSTA", "HEL", "SET"):
            text = d.text(word)
            assert text and "E30" not in text.replace("EXP E30", ""), (word, text)
            assert d.stands() == "=>>"
