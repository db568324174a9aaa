"""Somebody at the console of a unit, for its tests: keys in, text out, pass by pass.

Runs in both Pythons. Desk sits before one of the small worlds (Cabinet, Box, Spot, Mast): real
firmware at quantity level, the console's own code, and the supervisor's Unit with the parts that
a world has. Terminal counts what a pass takes and gives, and refuses what a UART would refuse.
"""
from host_sim.chips.machine_shim import Chip, install

install(Chip())     # the supervisor imports `machine`
from acu import start  # noqa: E402
from acu.console import Console  # noqa: E402

PROMPTS = ("=", "=>", "==>", "=>>")


class Terminal:
    """slow: bytes that it takes in a pass."""

    def __init__(self, slow=1000):
        self.keys = b""
        self.text = b""
        self.slow = slow
        self.most_in = self.most_out = 0
        self.writes = self.reads = 0

    def read(self, n):
        assert n > 0
        self.reads += 1
        self.most_in = max(self.most_in, n)
        data, self.keys = self.keys[:n], self.keys[n:]
        return data

    def write(self, data):
        assert isinstance(data, bytes) and data
        self.writes += 1
        self.most_out = max(self.most_out, len(data))
        data = data[:self.slow]
        self.text += data
        return len(data)


class Ports:
    """What the console looks at."""

    def __init__(self, unit):
        self.sampler = unit.sampler
        self.switchgear = unit.switchgear
        self.link = unit.link
        self.unique_id = b"\x01\x02\x03\x04\x05\x06\x07\x08"


class Supervisor(start.Unit):
    """acu/start.py's, of a world's parts; a restart that is ordered is only noted."""

    def __init__(self, place, board=None, mode="run"):
        super().__init__("a", mode)
        world = place.unit
        self.board = dict(world.spec["board"])
        self.board.update(board or {})
        self.board["inputs"] = [x if isinstance(x, dict) else {"name": "in%d" % x}
                                for x in self.board["inputs"]]
        self.acu = world.acu
        self.cfg = world.spec["config"]
        self.clock = clock = world.clock

        def set_utc(utc_ms):        # as a board's (drivers/clock.py)
            if not 946_684_800_000 <= utc_ms < 4_102_444_800_000:
                return False
            clock._utc0_ms += utc_ms - clock.utc_ms()
            return True
        clock.set_utc = set_utc
        self.store = world.store
        self.ports = Ports(world)
        self.version = "0.1.0+3fa9c21b"
        self.reset_cause = 1
        self.fatal = ""
        self.maintenance = False

    def request_maintenance(self):
        self.maintenance = True
        self.request_reset("maint")

    @property
    def order(self):
        """Of a restart, as start.py keeps it."""
        return self._order


class Desk:
    """place: past its start. bare: no controller ("safe" or not commissioned)."""

    def __init__(self, place, bare="", board=None):
        self.place = place
        self.terminal = Terminal()
        self.unit = Supervisor(place, board, "safe" if bare == "safe" else "run")
        self.unit.terminal = self.terminal
        if bare:
            self.unit.acu = None
            self.unit.complaint = "E370 start: no settings yet."
            if bare != "safe":
                self.unit.cfg = {}
        self.console = Console(self.terminal, self.unit)

    # -- time

    def run(self, ms):
        for _ in range(ms // 10):
            self.place.run(10)
            self.console.poll(self.place.ms())
        return self

    def skip(self, ms):
        """Time without anything but the console: hours are cheap."""
        self.ahead = getattr(self, "ahead", 0) + ms
        self.console.poll(self.place.ms() + self.ahead)
        return self

    # -- keys

    def key(self, data, ms=30):
        """What comes while these keys are typed, and a little later."""
        self.terminal.keys += data if isinstance(data, bytes) else data.encode()
        before = len(self.terminal.text)
        self.run(ms)
        return self.terminal.text[before:].decode()

    def stands(self):
        """The prompt or question that waits."""
        return self.terminal.text.decode().replace("\r", "").rpartition("\n")[2]

    def idle(self):
        s = self.console.session
        return not self.terminal.keys and not self.console.out and (
            s is None or not s.pending and (s._page is None or s._asking))

    def say(self, line, most_ms=60_000):
        """Lines of the answer to one line; it ends with a prompt or a question. As a person types:
        what asks has stood a while."""
        self.run(200)
        self.terminal.text = b""
        self.terminal.keys += line.encode() + b"\r"
        self.run(20)
        for _ in range(most_ms // 10):
            if self.idle():
                break
            self.run(10)
        lines = self.terminal.text.decode().replace("\r", "").split("\n")
        return lines[1:-1]

    def text(self, line, most_ms=60_000):
        return "\n".join(self.say(line, most_ms))

    def level(self, level):
        """Where no password is set."""
        for word in {"0": ("",), "1": ("ACC",), "B": ("ACC", "BAC"), "2": ("2AC",)}[level]:
            self.say(word)
        assert self.stands() == PROMPTS["01B2".find(level)], self.stands()
        return self

    def answers(self, line, *answers):
        """Text of a command and all its questions."""
        text = self.text(line)
        for one in answers:
            assert self.stands().endswith("? "), (one, text, self.stands())
            text += "\n" + self.stands() + "\n" + self.text(one)
        return text

    def events(self, name=""):
        log = self.unit.acu.log
        lines = [log.line(row).split(" ", 3)[3] for row in log.rows]
        return [line for line in lines if line.split(" ")[0].startswith(name)]
