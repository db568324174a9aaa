"""One recloser of a four-recloser scheme on its doors; the other three, the machines and the grid
played by hand. Runs in both Pythons."""
from acu import messages
from acu.functions import peers as ps
from acu.ports import CLOSE, OPEN
from tests.unit.yard import DOWN, Side, Yard

DUTIES = ("lead", "second", "tie", "shed")
GENS = {"il_gens": ["g1", "g2"], "il_g1_kw": 310, "il_g2_kw": 120}


# Keys of rc.st, and how the tests call them.
WORDS = {"ms": "age_ms", "fl": "live", "w": "ask", "g": "go"}


def said(body):
    return {WORDS.get(key, key): body[key] for key in body}


def frame(body):
    """Of rc.st, from the tests' words."""
    keys = {WORDS[key]: key for key in WORDS}
    return {keys.get(key, key): body[key] for key in body}


class Quad(Yard):
    """What the others say (peer()) they repeat every 100 ms until they are silent(). grid, isle: U
    in per unit and Hz of side 1, and of side 2 while the breaker is open. told: (ms, to whom,
    body) of every change that it tells; sets: (ms, machine, body)."""

    def __init__(self, duty, closed=True, **config):
        cfg = {"il_duty": duty, "vt_same_ms": 0, "sy_slip_mhz": 200, "sy_wait_ms": 60_000}
        if duty == "lead":
            cfg.update(GENS)
        cfg.update(config)
        self.place = DUTIES.index(duty)
        self.ids = ["r1", "r2", "r3", "r4"]
        self.ids[self.place] = "rc1"
        cfg["il_peers"] = self.ids
        self.say = {}
        self.heard = {}
        self.told = []
        self.sets = []
        self.grid = (1.0, 50.0)
        self.isle = (1.0, 50.0)
        super().__init__(closed, one=Side(50.0), two=Side(50.0), **cfg)

    def tick(self):
        self.one.u, self.one.f_hz = self.grid
        if not self.closed:
            self.two.u, self.two.f_hz = self.isle
        if self.ms() % 100 == 0:
            for name in sorted(self.say):
                since_ms, body = self.say[name]
                self.send("rc.st", frame(dict(body, age_ms=self.ms() - since_ms)), src=name)
        if self.ms() % 1000 == 0:
            self.time()
        super().tick()

    def says(self, topic, raw):
        msg = messages.decode(raw)
        body = msg["b"]
        if msg["t"] == "rc.st":
            body = said(body)
            before = self.heard.get(msg["d"])
            self.heard[msg["d"]] = body
            key = [body[x] for x in ("pos", "st", "ask", "go")]
            if before is None or key != [before[x] for x in ("pos", "st", "ask", "go")]:
                self.told.append((self.ms(), msg["d"], body))
        elif msg["t"] == "gen.set":
            self.sets.append((self.ms(), msg["d"], body))
        else:
            super().says(topic, raw)

    def time(self):
        self.send("time", {"utc_ms": self.acu.sync.utc_ms(self.unit.clock.now_ms()),
                           "src": "scc"}, dst="*")

    def peer(self, name, pos, st=ps.GRID, age_ms=100_000, **more):
        body = {"pos": pos, "st": st, "age_ms": age_ms, "p_W": 0, "live": 0, "ask": 0, "go": 0}
        body.update(more)
        self.say[name] = (self.ms() - age_ms, body)
        return self.send("rc.st", frame(body), src=name)

    def word(self, name, pos, late_ms):
        """Said so long ago, by the sender's clock."""
        body = {"pos": pos, "st": ps.GRID, "age_ms": 1_000, "p_W": 0, "live": 0, "ask": 0, "go": 0}
        self._k += 1
        now = self.acu.sync.utc_ms(self.unit.clock.now_ms()) - late_ms
        self._post.append((DOWN + "rc.st", messages.encode(
            "rc.st", name, "rc1", self._k, self._k, now, frame(body), lambda raw: "0" * 16,
            self._k, now + 10_000)))
        return self.run(30)

    def silent(self, *names):
        for name in names:
            del self.say[name]
        return self

    def gen(self, name, p_w=100_000, on=1, isl=0):
        return self.send("gen.st", {"p_W": p_w, "s_VA": 310_000, "on": on, "isl": isl}, src=name)

    def quiet(self):
        """With the grid, everybody as he should be."""
        self.time()
        for name, pos in zip(self.ids, (1, 1, 0, 1)):
            if name != "rc1":
                self.peer(name, pos)
        self.run(800)
        if not self.acu.ready:
            raise RuntimeError("no self-test: " + " | ".join(self.lines))
        return self.run(1_000)

    def separated(self):
        """The grid has gone and it has opened by itself; so have the others, R3 has closed."""
        self.grid = (0.05, 50.0)
        self.run(100)
        for name, pos in zip(self.ids, (0, 0, 1, 1)):
            if name != "rc1":
                self.peer(name, pos, ps.ISLAND, 500, live=ps.B_PAI)
        return self.run(200)

    def back(self, deg=-60.0, slip_hz=0.1):
        """The grid is healthy again and the island slips by: at 0 degrees in deg / 36 s."""
        self.grid = (1.0, 50.0)
        self.isle = (1.0, 50.0 + slip_hz)
        self.two.turn = self.one.turn + deg * 0.0174533
        return self

    def moved(self):
        """1 closed, 0 open, in order."""
        return [move[1] for move in self.moves]

    def closes(self):
        return [level for _, level in self.drives].count(CLOSE)

    def opens(self):
        return [level for _, level in self.drives].count(OPEN)

    def isl(self):
        return [line for line in self.lines if line[:4] == "ISL "]
