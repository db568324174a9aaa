"""One isolated microgrid on hand-fed doors: a dispatching ACU, its contacts, its inputs, its net.

Runs in both Pythons on integers only; at quantity level, 5 ms an instant, 20 frames. Devices tell
what the test says; the diesel set turns a second after its contact closed, where it starts.
"""
from acu import messages
from acu.ports import CLOSE
from acu.primitives import plant_gate as pg
from host_sim.board.unit import Unit
from tests.unit.place import Place

UTC0_MS = 1_782_000_000_000
NET = "slvg/1/slv/sc1/uc1/"
U_PEAK_DV = 4500
I_PEAK_MA = 50_000
BOARD = {
    "board": "bench", "kind": "microgrid", "roles": ("microgrid",), "rate_hz": 4000,
    "slot_ns": 2000, "u_peak_dv": U_PEAK_DV, "i_peak_ma": I_PEAK_MA, "ring_ms": 500,
    "pairs": ((0, 1), (0, 2), (0, 3)),
    "channels": [{"name": name} for name in ("u", "i_pv", "i_load", "i_diesel")],
    "outputs": [0, 1, 2, 3],
    "inputs": [{"name": name} for name in ("diesel_runs", "diesel_fault", "h2_ready", "stop")],
}
NAMES = {"mg_battery": "bat", "mg_hydrogen": "h2", "mg_diesel": "die", "mg_pv": "pv",
         "mg_load": "load"}


class Isle(Place):
    """p_w: of PV, load, diesel set; negative turns the current round; frozen: channels; starts:
    the diesel set does when told; e_mwh: what the stores tell; tells: who tells each 5 s."""

    ME = "mg"

    def __init__(self, store=None, rests=True, **config):
        cfg = {"id": self.ME, "role": "microgrid", "sc": "sc1", "uc": "uc1", "mg_step_s": 10}
        cfg.update(NAMES)
        cfg.update(config)
        self.u_dv = 2300
        self.p_w = [0, 500, 0]
        self.frozen = ()
        self.starts = True
        self.inputs = [0, 0, 1, 0]
        self.e_mwh = {"bat": 1_000_000, "h2": 50_000_000}
        self.tells = ["bat", "h2"]
        self.state = {}         # of a device, where it is not what `tell` says by itself
        self.up = True
        self.t_us = 5_000_000
        self.closed = [0, 0, 0, 0]
        self.drives = []        # (ms, output, level)
        self.points = {}        # the newest set-point of each device
        self.mail = []
        self.lines = []
        self._since_ms = None   # diesel contact closed
        self._tell_ms = 1000
        self._post = []
        self._n = 0
        self._odd = False
        spec = {"id": self.ME, "board": BOARD, "config": cfg, "level": "quantity",
                "utc0_ms": UTC0_MS}
        self.unit = Unit(spec, None, self._ask, rests=rests)
        if store:
            self.unit.store = store
        self.filters = self.unit.boot(self.t_us, self.inputs)
        self.acu = self.unit.acu

    # -- the world

    def _ask(self, k0, n, phase, step, out):
        """Sums of n frames of clean sines on the reference, with one code of noise."""
        u = self.u_dv * 28_963 // (U_PEAK_DV * 10)
        for k in range(3):
            i_ma = self.p_w[k] * 10_000 // self.u_dv if self.u_dv else 0
            i = i_ma * 28_963 // (I_PEAK_MA * 10)
            for w, size in ((0, u), (1, i)):
                if (0 if w == 0 else k + 1) not in self.frozen:
                    out[9 * k + 2 + w] += n * (size * size // 2 + 1)
                    out[9 * k + 5 + 2 * w] += n * size * 2048
            if 0 not in self.frozen and k + 1 not in self.frozen:
                out[9 * k + 4] += n * (u * i // 2)

    def tick(self, slow):
        self.t_us += 5000
        now_ms = self.ms()
        if self.closed[pg.DIESEL] and self.starts and now_ms - self._since_ms >= 1000:
            self.inputs[pg.IN_RUNS] = 1
        elif not self.closed[pg.DIESEL]:
            self.inputs[pg.IN_RUNS] = 0
        if slow and now_ms >= self._tell_ms:
            self._tell_ms = now_ms + 5000
            for name in self.tells:
                self.tell(name)
        post = ()
        if slow:
            post = self._post
            self._post = []
        done = self.unit.instant(self.t_us, 20, self.inputs, post, slow, self.up)
        self.acu = self.unit.acu
        for k, level in done[0]:
            self.drives.append((now_ms, k, level))
            self.closed[k] = int(level == CLOSE)
            if k == pg.DIESEL:
                self._since_ms = now_ms
        for topic, raw, _, _ in done[1]:
            msg = messages.decode(raw)
            if msg["t"] == "mg.set":
                assert topic == NET + msg["d"] + "/dn/mg.set"
                self.points[msg["d"]] = msg["b"]
            else:
                assert topic == NET + self.ME + "/up/" + msg["t"]
            self.mail.append(msg)
        for line in done[2]:
            self.lines.append(line.split(" ", 3)[3])

    def reboot(self):
        """A reset releases the holding relays."""
        self.closed = [0, 0, 0, 0]
        self.unit.boot(self.t_us, self.inputs, self.up)
        self.acu = self.unit.acu
        return self

    # -- messages

    def tell(self, name, topic="", **body):
        """A device's state, by itself on its own topic."""
        state = {"e_mWh": self.e_mwh.get(name), "p_mW": 0, "ok": 1, "on": 1, "lim": 0}
        state.update(self.state.get(name, {}))
        state.update(body)
        self.post("mg.st", state, src=name, topic=topic or NET + name + "/up/")

    def post(self, t, body, dst="mg", src="cd", topic=""):
        self._n += 1
        ts = self.utc_ms()
        raw = messages.encode(t, src, dst, self._n & 0xFFFF, 7, ts, body, lambda text: "0" * 16,
                              self._n, ts + 10_000)
        self._post.append(((topic or NET + ("all" if dst == "*" else dst) + "/dn/") + t, raw))

    def told(self, t):
        """Bodies of its messages of this type so far."""
        return [msg["b"] for msg in self.mail if msg["t"] == t]
