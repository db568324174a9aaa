"""One meter on hand-fed doors: sines of any angle on its channels, its inputs, its net.

Runs in both Pythons on integers only; `kind` is that of its board: post, two or single. At
quantity level, so that there are sums and no samples: 5 ms an instant, 20 frames.
"""
from acu import messages
from acu.primitives.kinds import PAIRS
from host_sim.board.unit import Unit
from tests.unit.place import Place

UTC0_MS = 1_772_345_380_000      # 20 s before an end of 10 minutes
NET = "slvg/1/slv/sc1/uc1/"
NAMES = {"post": ("ua", "ub", "uc", "ia", "ib", "ic"), "two": ("u1", "u2", "i1", "i2"),
         "single": ("u", "i")}
WIRING = {"post": "ABC", "two": "BC", "single": "B"}
# cosine and sine, Q12, of what A, B, C lead by
ANGLES = ((4096, 0), (-2048, -3547), (-2048, 3547))
U_PEAK_DV = 5200
I_PEAK_MA = 100_000


def board(kind):
    n = {"post": 3, "two": 2, "single": 1}[kind]
    return {"board": "bench", "kind": kind, "roles": ("meter",), "rate_hz": 4000, "slot_ns": 2000,
            "u_peak_dv": U_PEAK_DV, "i_peak_ma": I_PEAK_MA, "ring_ms": 500, "pairs": PAIRS[kind],
            "channels": [{"name": name} for name in NAMES[kind]], "outputs": [],
            "inputs": [{"name": name} for name in ("cover", "magnet", "temperature")], "n": n}


class Box(Place):
    """u_dv, i_ma: rms of the measured phases; i_ma negative: fed in; lag: cosine and sine, Q12, of
    what the currents lag by; frozen: channels that do not move."""

    ME = "m1"

    def __init__(self, kind="post", store=None, **config):
        cfg = {"id": self.ME, "role": "meter", "sc": "sc1", "uc": "uc1", "wiring": WIRING[kind]}
        cfg.update(config)
        self.board = board(kind)
        self.n = n = self.board["n"]
        at = {"A": 0, "B": 1, "C": 2}
        self.angles = [ANGLES[at[ch]] for ch in cfg["wiring"]]
        self.u_dv = [2300] * n
        self.i_ma = [10_000] * n
        self.lag = (4096, 0)
        self.frozen = ()
        self.lost_frames = False
        self.inputs = [0, 0, 251]
        self.up = True
        self.t_us = 5_000_000
        self.mail = []          # what it said, as dicts
        self.topics = []
        self.lines = []         # its events: "NAME key=value ..."
        self._post = []
        self._n = 0
        self._odd = False
        spec = {"id": self.ME, "board": self.board, "config": cfg, "level": "quantity",
                "utc0_ms": UTC0_MS - 5000}
        self.unit = Unit(spec, None, self._ask)
        if store:
            self.unit.store = store
        self.filters = self.unit.boot(self.t_us, self.inputs)
        self.acu = self.unit.acu

    # -- the world

    def _ask(self, k0, n, phase, step, out):
        """Sums of n frames of clean sines on the reference, with one code of noise."""
        for k in range(3):
            v, i = self.board["pairs"][k]
            waves = []
            for c in (v, i):
                cos, sin = self.angles[c % self.n]
                if c < self.n:
                    size = self.u_dv[c] * 28_963 // (U_PEAK_DV * 10)
                else:
                    size = self.i_ma[c - self.n] * 28_963 // (I_PEAK_MA * 10)
                    a, b = self.lag
                    cos, sin = (cos * a + sin * b) >> 12, (sin * a - cos * b) >> 12
                waves.append((size, cos, sin))
            for w in range(2):
                if (v, i)[w] not in self.frozen:
                    size, cos, sin = waves[w]
                    out[9 * k + 2 + w] += n * (size * size // 2 + 1)
                    out[9 * k + 5 + 2 * w] += n * size * cos // 2
                    out[9 * k + 6 + 2 * w] -= n * size * sin // 2
            if v not in self.frozen and i not in self.frozen:
                (a, ac, as_), (b, bc, bs) = waves
                out[9 * k + 4] += n * (a * b * ((ac * bc + as_ * bs) >> 12) >> 13)

    def tick(self, slow):
        self.t_us += 5000
        post = ()
        if slow:
            post = self._post
            self._post = []
        frames = 0 if self.lost_frames else 20
        done = self.unit.instant(self.t_us, frames, self.inputs, post, slow, self.up)
        assert not done[0]              # it switches nothing, whatever comes
        for topic, raw, _, _ in done[1]:
            msg = messages.decode(raw)
            assert topic == NET + self.ME + "/up/" + msg["t"]
            self.mail.append(msg)
        for line in done[2]:
            self.lines.append(line.split(" ", 3)[3])

    # -- messages

    def post(self, t, body, dst="m1", src="cd"):
        self._n += 1
        ts = self.utc_ms()
        raw = messages.encode(t, src, dst, self._n, 7, ts, body, lambda text: "0" * 16, self._n,
                              ts + 10_000)
        self._post.append((NET + ("all" if dst == "*" else dst) + "/dn/" + t, raw))

    def ask(self, t, body, ms=100, **envelope):
        """Its answer, or None."""
        before = len(self.mail)
        self.post(t, body, **envelope)
        self.run(ms)
        for msg in self.mail[before:]:
            if msg["c"] == 7:
                return msg
        return None

    def meas(self):
        return self.ask("meas.req", {"what": 0, "win_ms": 0})["b"]

    def told(self, t):
        """Bodies of its messages of this type so far."""
        return [msg["b"] for msg in self.mail if msg["t"] == t]
