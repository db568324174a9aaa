"""One customer's cabinet for the tests of the Operator: supply, three latching relays, load,
mailbox.

Runs in both Pythons on integers only. The real firmware runs on the doors of host_sim/board; this
is the little world behind them, 5 ms an instant, with the faults that matter for switching.
"""
from acu import messages
from acu.ports import CLOSE, RELEASE
from host_sim.board.unit import CUSTOMER as BOARD
from host_sim.board.unit import Unit
from tests.unit.place import Place

UTC0_MS = 1_772_345_000_000
UP = "slvg/1/slv/sc1/uc0/eu1/up/"
DOWN = "slvg/1/slv/sc1/uc0/"
A, B, C = 0, 1, 2


class Cabinet(Place):
    """closed: contacts; weld, jam: those that never open, never close; lie: mirror of a contact,
    if set; frozen, clipped: channels (3 is the load side); load_dv: of the load side by itself."""

    def __init__(self, closed=(A,), store=None, **config):
        cfg = {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0"}
        cfg.update(config)
        self.supply_dv = [2300, 2300, 2300]
        self.load_dv = 0
        self.closed = [k in closed for k in (A, B, C)]
        self.weld = [False] * 3
        self.jam = [False] * 3
        self.lie = [None] * 3
        self.travel_ms = 10
        self.frozen = self.clipped = ()
        self.lost_frames = False
        self._coil = [RELEASE] * 3
        self._coil_ms = [0] * 3
        self._amp = [0] * 5
        self.t_us = 5_000_000
        self.moves = []        # (ms, contact, 1 closed or 0 open)
        self.drives = []       # (ms, output, level)
        self.mail = []         # what the Operator said, as dicts
        self.lines = []        # its events: "NAME key=value ..."
        self.most_closed = 0
        self._post = []
        self._n = self._k = 0
        self._odd = False
        spec = {"id": "eu1", "board": BOARD, "config": cfg, "level": "quantity",
                "utc0_ms": UTC0_MS}
        self.unit = Unit(spec, None, self._ask)
        if store:
            self.unit.store = store
        self.unit.boot(self.t_us, self.mirrors())
        self.acu = self.unit.acu

    # -- the world

    def mask(self):
        return sum([self.closed[k] << k for k in (A, B, C)])

    def mirrors(self):
        return [int(self.closed[k]) if self.lie[k] is None else self.lie[k] for k in (A, B, C)]

    def _ask(self, k0, n, phase, step, out):
        """Sums of n frames of clean sines on the reference, with one code of noise."""
        for k in range(3):
            v = BOARD["pairs"][k][0]
            i = BOARD["pairs"][k][1]
            for w in range(2):
                c = i if w else v
                if c not in self.frozen:
                    out[9 * k + 2 + w] += n * (self._amp[c] * self._amp[c] // 2 + 1)
                    out[9 * k + 5 + 2 * w] += n * self._amp[c] * 2048
            out[9 * k + 4] += n * (self._amp[v] * self._amp[i] // 2)

    def feel(self):
        """What the channels see from now on."""
        load_dv = self.load_dv
        for k in (A, B, C):
            if self.closed[k]:
                load_dv = max(load_dv, self.supply_dv[k])
            self._amp[k] = self.supply_dv[k] * 6436 // 10_000
        self._amp[3] = load_dv * 6436 // 10_000
        self._amp[4] = 300 if self.mask() else 0
        for c in self.clipped:
            self._amp[c] = 2046

    def _relays(self):
        for k in (A, B, C):
            if self._coil[k] == RELEASE or self.ms() - self._coil_ms[k] < self.travel_ms:
                continue
            want = self._coil[k] == CLOSE
            if want == self.closed[k] or (self.jam[k] if want else self.weld[k]):
                continue
            self.closed[k] = want
            self.moves.append((self.ms(), k, int(want)))
        self.most_closed = max(self.most_closed, sum(self.closed))

    # -- time

    def tick(self, slow):
        self.t_us += 5000
        self.unit.clock.set(self.t_us)
        self._relays()
        self.feel()
        post = ()
        if slow:
            post = self._post
            self._post = []
        frames = 0 if self.lost_frames else 20
        drives, sent, lines, _ = self.unit.instant(self.t_us, frames, self.mirrors(), post, slow,
                                                   True)
        for k, level in drives:
            self.drives.append((self.ms(), k, level))
            self._coil[k] = level
            self._coil_ms[k] = self.ms()
        for topic, raw, _, _ in sent:
            msg = messages.decode(raw)
            assert topic == UP + msg["t"]
            self.mail.append(msg)
        for line in lines:
            self.lines.append(line.split(" ", 3)[3])

    # -- messages

    def post(self, t, body, dst="eu1", src="cd", **envelope):
        """Puts a message into the mailbox. envelope: n, k, ts, x."""
        self._n = envelope.get("n", self._n + 1)
        self._k = envelope.get("k", self._k + 1)
        ts = envelope.get("ts", self.utc_ms())
        raw = messages.encode(t, src, dst, self._n, 7, ts, body, lambda text: "0" * 16, self._k,
                              envelope.get("x", ts + 10_000))
        self._post.append((DOWN + ("all" if dst == "*" else dst) + "/dn/" + t, raw))
        return raw

    def ask(self, t, body, ms=400, **envelope):
        """Sends a request and returns the answer's body, or None without one."""
        self.mail = []
        self.post(t, body, **envelope)
        reply = {"sw.req": "sw.ack", "phs.req": "phs.ack", "cfg": "cfg.ack", "meas.req": "meas",
                 "ub.req": "ub.rep", "time": ""}[t]
        for _ in range(ms // 5):
            self.run(5)
            for msg in self.mail:
                if msg["t"] == reply:
                    assert msg["c"] == 7
                    return msg["b"]
        return None

    def move(self, ph, dead_ms=60, t_ms=0, ms=400, **envelope):
        """phs.req; the error number of its answer, -1 without one."""
        answer = self.ask("phs.req", {"ph": ph, "t_ms": t_ms, "dead_ms": dead_ms}, ms, **envelope)
        return answer["e"] if answer else -1
