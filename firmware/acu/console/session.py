"""A session at the console: prompt, level, one page at a time, output at the terminal's pace.

step(now_ms, data) does a bounded piece of work in each slow pass. A page is a generator
run(session, word, words); what it yields:

  a text    one line           a tuple   one row: in columns, or comma-separated for the twin
  None      enough for this pass, go on in the next
  ASK       (by ask(), below)  a question stands; the answer comes back

An Abort with its sentence, Ctrl-C, a question without an answer, QUI and the automatic logout end
a page; so does its own fault, which must not end anything else. All text of a twin is a row too:
every line has its CRC. Drives nothing: operate.py asks the controller to.
"""
import sys
from binascii import crc32

from micropython import const

from acu import events as ev
from acu import forget
from acu.console import commands
from acu.console.editor import TOO_LONG, Editor

ASK = const(1)

_PENDING = const(200)       # bytes typed ahead
_ROOM = const(256)          # of output that waits; a page rests above it
_STEPS = const(6)           # of a page in a pass
_IDLE_MS = const(900_000)   # without a key: logged out
_QUIET_MS = const(60_000)   # the same at level 0: only the memory is given back
_ANSWER_MS = const(60_000)
_SURE_MS = const(20_000)    # of a question that moves something
_EARLY_MS = const(100)      # an answer to it that comes sooner was typed before it stood there

_EARLY = "\1"

PROMPTS = ("=", "=>", "==>", "=>>")


class Abort(Exception):
    """Ends a page; args[0] is the sentence."""


def dec(value, digits):
    """A whole number of 10^-digits: dec(-2301, 1) is '-230.1'. None: '-'."""
    if value is None:
        return "-"
    unit = 10**digits
    whole = abs(value) // unit
    text = "%d.%0*d" % (whole, digits, abs(value) % unit) if digits else str(whole)
    return "-" + text if value < 0 else text


def row_text(row):
    """Comma-separated, quoted, closed by the CRC-32 of all bytes before its comma."""
    text = ",".join(['"%s"' % str(x).replace('"', "'") for x in row])
    return '%s,"%08X"' % (text, crc32(text.encode()) & 0xFFFFFFFF)


class Session:
    def __init__(self, console, now_ms):
        self.console = console
        self.unit = console.unit
        self.now_ms = now_ms
        self.level = 0
        self.over = False
        self.twin = False
        self.form = ""              # columns of a row, as of %
        self.draft = None           # settings that wait for SAV
        self.pending = b""          # typed ahead
        self._page = None
        self._module = ""
        self._asking = False
        self._answer = None
        self._sure = False
        self._asked_ms = 0          # since when all of the question has been out
        self._until_ms = 0
        self._last = 0              # byte: the line feed after a carriage return is part of it
        self._rows = 0              # of a twin so far
        self._heard_ms = now_ms
        self._editor = Editor(self.put)
        self._editor.begin()

    # -- for pages

    def put(self, text):
        self.console.out += text.encode()

    def say(self, item):
        """A line or a row."""
        if self.twin:
            if not isinstance(item, tuple):
                item = ("TEXT", item)
            self._rows += 1
            item = row_text(item)
        elif isinstance(item, tuple):
            item = self.form % item if self.form else "  ".join([str(x) for x in item])
            item = item.rstrip()
        self.put(item + "\r\n")

    def ask(self, prompt, secret=False, sure=False):
        """answer = yield from session.ask(...). sure: what it asks moves something, so that what
        was typed before it stood there is no answer but the end."""
        self.put(prompt)
        self._editor.begin(secret)
        self._asking = True
        self._sure = sure
        self._asked_ms = 0
        self._until_ms = self.now_ms + (_SURE_MS if sure else _ANSWER_MS)
        answer = yield ASK
        if answer == _EARLY:
            raise Abort("E306 cancelled: something was typed before the question. Begin again.")
        return answer

    def sure(self, *questions):
        """yield from session.sure(...): each is answered with Y, or the page ends."""
        for question in questions:
            answer = yield from self.ask(question + " (Y/N) ? ", False, True)
            if answer.strip().upper() not in ("Y", "YES"):
                raise Abort("E306 cancelled. Nothing was done.")

    def pause(self, ms):
        """yield from session.pause(ms): True if a key was hit meanwhile."""
        until_ms = self.now_ms + ms
        while self.now_ms < until_ms and not self.pending:
            yield None
        return len(self.pending) > 0

    def acu(self):
        """The controller, or the sentence why there is none."""
        if self.unit.acu is None:
            raise Abort("E305 console: no controller runs (%s). %s" % (
                self.why_none(), "Commission it: 2AC, CON." if not self.unit.cfg
                else "See ERR for the cause."))
        return self.unit.acu

    def why_none(self):
        if self.unit.mode != "run":
            return "mode " + self.unit.mode
        return "its settings or its board are refused" if self.unit.cfg else "not commissioned"

    def fatal(self):
        """The error that ended the last run: the last line of its traceback."""
        return self.unit.fatal.strip().split("\n")[-1]

    def log(self, number, a=0, b=0, c=0):
        if self.unit.acu is not None:
            self.unit.acu.log.add(self.now_ms, number, a, b, c, True)

    def page(self, name):
        """run() of a page's module; session.drop(name) afterwards."""
        full = "acu.console." + name
        __import__(full)
        return sys.modules[full].run

    def drop(self, name):
        forget("acu.console." + name, "acu.console.settings", "acu.console.gates",
               "acu.console.bay", "acu.console.operate", "acu.app", "acu.config",
               "acu.metering", "acu.reclosing_settings", "acu.recloser_settings",
               "acu.islanding_settings", "acu.sync_settings", "acu.protection_settings",
               "acu.microgrid_settings", "acu.events", "acu.primitives.history")

    # -- one pass

    def step(self, now_ms, data):
        self.now_ms = now_ms
        if data:
            self._heard_ms = now_ms
            for byte in data:
                if byte == 3 or byte == 24:         # Ctrl-C, Ctrl-X
                    self.pending = b""
                    self._stop("^C")
                    self._editor.begin()
                    self._prompt()
                elif len(self.pending) < _PENDING and (byte != 10 or self._last != 13):
                    self.pending += bytes([byte])
                self._last = byte
        if self._asking and self._sure:
            self._look_early()
        self._listen()
        if self._page and not self._asking:
            self._work()
        self._clocks()

    def _look_early(self):
        """Keys that were on their way before the question could be read end it."""
        if self.console.out or not self._asked_ms:     # not read yet, and be the pass ever so long
            self._asked_ms = self.now_ms
        if self.pending and self.now_ms - self._asked_ms < _EARLY_MS:
            self.put("\r\n")
            self.pending = b""
            self._asking = False
            self._answer = _EARLY

    def _listen(self):
        """Keys, until a page wants the rest of them, or a line has been dealt with."""
        while self.pending and (self._asking or not self._page) and len(self.console.out) < _ROOM:
            byte = self.pending[0]
            self.pending = self.pending[1:]
            line = self._editor.key(byte, not self._asking)
            if line is None:
                continue
            if self._asking:
                self._asking = False
                self._answer = "" if line == TOO_LONG else line
            else:
                self._command(line)
            return

    def _command(self, line):
        words = line.split()
        self.twin = False
        self.form = ""
        self._rows = 0
        if line == TOO_LONG:
            self.say("E303 console: the line is too long, or not all of it is text. Use 100 "
                     "characters at most.")
        elif words:
            row, twin = commands.find(words[0])
            self.twin = twin
            if row is None:
                self.say("E301 console: unknown command. Type HEL.")
            elif row[commands.LEVEL] > self.level:
                self.say("E302 %s: needs level %s. Type %s first." % (
                    row[0], commands.LEVELS[row[commands.LEVEL]],
                    ("", "ACC", "BAC" if self.level else "ACC, then BAC", "2AC")[
                        row[commands.LEVEL]]))
            else:
                return self._begin(row, words[1:])
        self._finished()

    def _begin(self, row, words):
        name = row[commands.PAGE]
        if name == "-":
            if row[0] == "QUI":
                self.say("Logged out.")
                self.logout()
            else:
                self._page = self._help(words)
            return
        self._module = name
        try:
            self._page = self.page(name)(self, row[0], words)
        except ImportError:         # a board has only what its roles need
            self.say("E311 %s: not in this unit's firmware, another role has it. Type HEL." %
                     row[0])
            self._module = ""
            self._finished()
        except MemoryError as e:
            self._fault(e)
        self._answer = None

    def _help(self, words):
        if words:
            row, _ = commands.find(words[0])
            if row is None:
                raise Abort("E301 console: unknown command. Type HEL.")
            yield "%s   (level %s)" % (row[commands.USAGE], commands.LEVELS[row[commands.LEVEL]])
            yield row[commands.HELP] + "."
            if row[commands.TWIN]:
                yield "C%s gives the same comma-separated, each line with its CRC-32." % row[0]
            return
        self.form = "%-30s %s"
        for row in commands.rows():
            if row[commands.LEVEL] <= self.level:
                yield (row[commands.USAGE], row[commands.HELP])
        yield "The first three letters are enough. Ctrl-C ends a page."

    def _work(self):
        n = _STEPS
        try:
            while n and len(self.console.out) < _ROOM:
                n -= 1
                answer = self._answer
                self._answer = None
                item = self._page.send(answer)
                if item == ASK or item is None:
                    return
                self.say(item)
        except StopIteration:
            self._end_page()
        except Abort as e:
            self.say(e.args[0])
            self.pending = b""
            self._end_page()
        except Exception as e:      # a page's own fault ends that page, and nothing else
            self._fault(e)

    def _fault(self, e):
        if isinstance(e, MemoryError):
            self.say("E308 console: no memory for page %s. QUI, or restart the unit; then try "
                     "again." % self._module)
        else:
            self.say("E307 console: fault in page %s (%s %s). Nothing else is affected; tell its "
                     "maker." % (self._module, type(e).__name__, e.args[0] if e.args else ""))
        self.pending = b""
        self._end_page()

    def _end_page(self):
        if self._page:
            self._page.close()
        self._page = None
        self._asking = False
        if self._module:
            self.drop(self._module)
            self._module = ""
        if not self.over:
            self._finished()

    def _finished(self):
        if self.twin:
            self.put(row_text(("END", self._rows)) + "\r\n")
            self.twin = False
        self._editor.begin()
        self._prompt()

    def _prompt(self):
        self.put(PROMPTS[self.level])

    def _stop(self, text):
        """Ends the page from outside; whatever it was about to do is not done."""
        self.put(text + "\r\n")
        if self._page:
            self._page.close()
            self._page = None
            self._asking = False
            self.drop(self._module)
            self._module = ""
        self.twin = False

    # -- time

    def _clocks(self):
        now_ms = self.now_ms
        if self._asking and now_ms >= self._until_ms:
            self._stop("")
            self.say("E306 cancelled: no answer. Nothing was done.")
            self._prompt()
        quiet_ms = now_ms - self._heard_ms
        if self.level and quiet_ms >= _IDLE_MS:
            self._stop("")
            self.say("Logged out: no key for 15 minutes.")
            self.logout()
        elif not self.level and not self._page and quiet_ms >= _QUIET_MS:
            self.over = True

    def logout(self):
        """Level 0; whatever is asked or waits is gone."""
        if self._page:
            self._page.close()
            self._page = None
        self._asking = False
        if self.draft is not None:
            self.say("The draft of the settings is lost.")
            self.draft = None
        if self.level:
            self.log(ev.LOGIN, 0)
        self.level = 0
        self.pending = b""
        self._prompt()
        self.over = True
