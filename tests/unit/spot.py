"""One branching spot for the tests of the Sub-Coordinator: supply, a latching three-pole breaker,
the branch's current, and both its nets.

Runs in both Pythons on integers only. The real firmware runs on the doors of host_sim/board; this
is the little world behind them, 5 ms an instant, with the faults that matter for switching.
"""
from acu import messages
from acu.ports import CLOSE, RELEASE
from host_sim.board.unit import Unit
from tests.unit.place import Place

UTC0_MS = 1_772_345_000_000
UP = "slvg/1/mst/sc1/sp1/up/"
DOWN = "slvg/1/mst/sc1/sp1/dn/"
ALL = "slvg/1/mst/sc1/all/dn/"
SLAVE = "slvg/1/slv/sc1/uc1/"
CHANNELS = ("ua", "ub", "uc", "ia", "ib", "ic")
BOARD = {
    "board": "bench", "kind": "branch", "roles": ("subcoordinator",), "rate_hz": 4000,
    "slot_ns": 2000, "u_peak_dv": 4500, "i_peak_ma": 400_000, "ring_ms": 500,
    "pairs": ((0, 3), (1, 4), (2, 5)), "channels": [{"name": name} for name in CHANNELS],
    "outputs": [0], "inputs": [0, 1, 2],
}
MEAS = {"u_dV": [2300, 2300, 2300], "i_mA": [None, 1000, None], "p_W": [None, 220, None],
        "q_var": [None, 60, None], "s_VA": [None, 230, None], "f_mHz": 50_000, "e_Wh": 7,
        "t_dC": None, "gnd": None, "dofc": None, "ph": 1, "on": 1, "fl": 0}


class Spot(Place):
    """closed: the breaker; weld, jam: it never opens, never closes; lie: its mirror, if set; i_ma:
    load of the phases while it is closed; leak_ma: what flows also while it is open; frozen:
    channels."""

    ME = "sp1"
    WHY = 3

    def __init__(self, closed=True, store=None, board=None, **config):
        cfg = {"id": self.ME, "role": "subcoordinator", "sc": "sc1", "uc": "uc1",
               "members": ["eu1", "eu2", "eu3"]}
        cfg.update(config)
        self.board = board or BOARD
        self.supply_dv = [2300, 2300, 2300]
        self.i_ma = [20_000, 15_000, 10_000]
        self.leak_ma = [0, 0, 0]
        self.closed = closed
        self.weld = self.jam = False
        self.lie = None
        self.frozen = ()
        self.lost_frames = False
        self.travel_ms = 10
        self._coil = RELEASE
        self._coil_ms = 0
        self._amp = [0] * 6
        self.t_us = 5_000_000
        self.moves = []        # (ms, 1 closed or 0 open)
        self.drives = []       # (ms, output, level)
        self.up = []           # what it said upwards, as dicts
        self.down = []         # what it passed on to its members: (topic, raw)
        self.relayed = []      # what it passed on upwards of others
        self.lines = []        # its events: "NAME key=value ..."
        self._post = []
        self._n = 0
        self._k = {}
        self._odd = False
        spec = {"id": self.ME, "board": self.board, "config": cfg, "level": "quantity",
                "utc0_ms": UTC0_MS}
        self.unit = Unit(spec, None, self._ask)
        if store:
            self.unit.store = store
        self.filters = self.unit.boot(self.t_us, self.mirrors())
        self.acu = self.unit.acu

    # -- the world

    def mirrors(self):
        return [int(self.closed) if self.lie is None else self.lie, 0, 300]

    def _ask(self, k0, n, phase, step, out):
        """Sums of n frames of clean sines on the reference, with one code of noise."""
        for k in range(3):
            for w in range(2):
                c = k + 3 * w
                if c not in self.frozen:
                    out[9 * k + 2 + w] += n * (self._amp[c] * self._amp[c] // 2 + 1)
                    out[9 * k + 5 + 2 * w] += n * self._amp[c] * 2048
            out[9 * k + 4] += n * (self._amp[k] * self._amp[k + 3] // 2)

    def feel(self):
        """What the channels see from now on."""
        for k in range(3):
            self._amp[k] = self.supply_dv[k] * 6436 // 10_000
            i_ma = self.leak_ma[k] + (self.i_ma[k] if self.closed and self.supply_dv[k] else 0)
            self._amp[k + 3] = min(i_ma * 724 // 100_000, 2046)

    def _breaker(self):
        if self._coil != RELEASE and self.ms() - self._coil_ms >= self.travel_ms:
            want = self._coil == CLOSE
            if want != self.closed and not (self.jam if want else self.weld):
                self.closed = want
                self.moves.append((self.ms(), int(want)))

    # -- time

    def tick(self, slow):
        self.t_us += 5000
        self.unit.clock.set(self.t_us)
        self._breaker()
        self.feel()
        post = ()
        if slow:
            post = self._post
            self._post = []
        frames = 0 if self.lost_frames else 20
        done = self.unit.instant(self.t_us, frames, self.mirrors(), post, slow, True)
        self._drive(done[0])
        for topic, raw, _, _ in done[1]:
            self._sent(topic, raw)
        for line in done[2]:
            self.lines.append(line.split(" ", 3)[3])

    def _sent(self, topic, raw):
        msg = messages.decode(raw)
        if topic.startswith(SLAVE):
            self.down.append((topic, raw))
        elif msg["s"] == self.ME:
            assert topic == UP + msg["t"]
            self.up.append(msg)
        else:
            self.relayed.append((topic, raw))

    def _drive(self, drives):
        for k, level in drives:
            self.drives.append((self.ms(), k, level))
            self._coil = level
            self._coil_ms = self.ms()

    # -- messages

    def frame(self, t, body, dst="sp1", src="cd", **envelope):
        """envelope: n, k, ts, x, c."""
        self._n = envelope.get("n", self._n + 1)
        k = self._k[src] = envelope.get("k", self._k.get(src, 0) + 1)
        ts = envelope.get("ts", self.utc_ms())
        return messages.encode(t, src, dst, self._n, envelope.get("c", 7), ts, body,
                               lambda text: "0" * 16, k, envelope.get("x", ts + 10_000))

    def post(self, t, body, dst="sp1", topic="", **envelope):
        """From the Master Net into its mailbox."""
        raw = self.frame(t, body, dst, **envelope)
        self._post.append(((topic or (ALL if dst == "*" else DOWN)) + t, raw))
        return raw

    def member(self, t, body, src="eu1", dst="cd", **envelope):
        """A word of a member, on its own topic."""
        raw = self.frame(t, body, dst, src, **envelope)
        self._post.append((SLAVE + src + "/up/" + t, raw))
        return raw

    def ask(self, t, body, ms=500, **envelope):
        """Sends a request and returns the answer's body, or None without one."""
        before = len(self.up)
        self.post(t, body, **envelope)
        reply = {"sw.req": "sw.ack", "cfg": "cfg.ack"}[t]
        for _ in range(ms // 5):
            self.run(5)
            for msg in self.up[before:]:
                if msg["t"] == reply:
                    assert msg["c"] == 7 and msg["d"] == envelope.get("src", "cd")
                    return msg["b"]
        return None

    def close(self):
        """Select, then operate, as the centre has it done."""
        return self.switch(1, sel=1) or self.switch(1)

    def lockout(self, val):
        answer = self.ask("cfg", {"k": "lockout", "val": val})
        return answer["e"] if answer else -1


    def told(self, t):
        """Bodies of its own messages of this type so far."""
        return [msg["b"] for msg in self.up if msg["t"] == t]
