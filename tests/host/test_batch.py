"""The batched fast tier is the firmware's own, bit by bit: random streets through both, every word
of the measuring's and sensing's state compared after every block."""
import random

import numpy as np
import pytest

from acu.app import calibration
from acu.primitives.sensing import Sensing
from host_sim.board.batch import FastTwin
from host_sim.board.doors import SumsSampler
from host_sim.board.measuring import SimMeasuring
from host_sim.scenario.load import BOARDS
from host_sim.scenario.reading import load_board
from host_sim.waveform import halves
from host_sim.waveform.twin import TwinSampler
from tests.host import street_kit

ARRAYS = ("_state", "_half", "_prev", "codes_q8", "still", "_zero_q8", "half_dv", "half_ma",
          "_history", "_times_us", "_ref")
COUNTERS = ("_left", "_halves", "half_seq", "_bank", "_pending", "_flags", "_done_flags",
            "idle_ticks", "t_frames_us", "_overruns", "_step", "_half_q16")
READINGS = ("u_dv", "u_load_dv", "i_ma", "p_w", "q_var", "s_va", "pf_m", "f_mhz", "quality",
            "window_ms", "n_windows", "e_import_mwh", "e_export_mwh", "_zero_known")
TICK0 = (1 << 30) - 3_000_000     # ticks wrap in each test


class Meter:
    """One controller's measuring and sensing."""

    def __init__(self, make, sampler, board):
        self.sampler = sampler
        self.board = board
        self.m = make(sampler, board["kind"], calibration(board), 2300, 50_000)
        self.sensing = Sensing(self.m, 2530, 2070, 30_000)

    def state(self):
        m, s = self.m, self.sensing
        return {
            **{name: list(getattr(m, name)) for name in ARRAYS},
            **{name: getattr(m, name) for name in COUNTERS},
            "parts": [list(part) for part in m._parts], "marks": [list(one) for one in m._marks],
            "win": [part is m._win for part in m._parts].index(True),
            "sense": list(s._st), "why": list(s.why), "since": list(s.bad_since_us),
            "said": (s.bad, s.ov, s.uv, s.oc)}


class Both:
    """The same controllers twice on one street: by themselves, and by the twin."""

    def __init__(self, level, customers, seed, rate_hz=4000):
        self.level = level
        self.rng = random.Random(seed)
        loads = [(f"c{k}", k % 3, 500 + 700 * k) for k in range(customers)]
        self.street = street_kit.make(level, seed=seed, loads=loads, rate_hz=rate_hz,
                                      harmonics_pct=((3, 1.0), (5, 3.0)))
        boards = {kind: {**load_board(BOARDS / f"pico_w_{kind}" / "board.json"),
                         "rate_hz": rate_hz} for kind in ("coordinator", "operator")}
        self.names = ["cd", *(f"eu{k + 1}" for k in range(customers))]
        self.boards = [boards["coordinator"], *[boards["operator"]] * customers]
        self.twin = FastTwin(self.names)
        self.alone: dict = {}
        self.twinned: dict = {}
        for name in self.names:
            self.start(name)

    def start(self, name):
        """(Re)boots a controller."""
        board = self.boards[self.names.index(name)]
        pairs = tuple(tuple(p) for p in board["pairs"])

        def sampler():
            if self.level == "wave":
                return TwinSampler(len(board["channels"]), pairs, 256, board["rate_hz"])
            return SumsSampler(len(board["channels"]), pairs, board["rate_hz"], self._asking(name))

        self.alone[name] = Meter(SimMeasuring, sampler(), board)
        self.twinned[name] = Meter(self.twin.measuring(name), sampler(), board)
        self.twin.adopt(name, self.twinned[name].sensing)

    def _asking(self, name):
        pairs = self.boards[self.names.index(name)]["pairs"]

        def ask(k0, n, phase, step, out):
            self.street.sums(name, k0, n, phase, step, pairs, out)

        return ask

    def give(self, name, *meters):
        for meter in meters:
            if self.level == "wave":
                meter.sampler.push(self.street.codes(name))
            else:
                meter.sampler.block(self.street.n_frames(name))

    def block(self, unfed=(), untaken=(), late=(), told=()):
        """One block. unfed: get no frames; untaken: get them, but no fast tick; late: no slow
        tick; told: at phasor level. Compares all."""
        street = self.street
        street.step(street.now_us + 5000)
        now_us = street.now_us + TICK0 & 0x3FFFFFFF
        usual = []
        for name in self.names:
            meters = self.alone[name], self.twinned[name]
            for meter in meters:
                if name not in told:
                    meter.m.frames()
                elif not meter.m.told and not meter.m.waiting() or meter.m.told:
                    meter.m.read(self.reading(meter))
            if meters[0].m.told:
                pass
            elif name in untaken:
                self.give(name, *meters)
            elif name not in unfed:
                self.give(name, self.alone[name])
                if self.twin.usual(name):
                    usual.append(name)
                else:
                    self.give(name, self.twinned[name])
        if usual:
            self.twin.tick(street.blocks()[0], usual, now_us)
        for name in self.names:
            if name not in untaken:
                for meter in (self.alone[name], self.twinned[name]):
                    meter.sensing.fast(meter.m.fast(now_us))
        self.compare("fast")
        for name in self.names:
            if name not in late:
                one, other = self.alone[name].m, self.twinned[name].m
                assert one.slow() == other.slow()
                for what in READINGS:
                    assert getattr(one, what) == getattr(other, what), (name, what)
        self.compare("slow")
        return usual

    def reading(self, meter):
        """At phasor level: half cycles of 230 V and 5 A now, and what a window would say."""
        n_v, n = len(meter.m.half_dv), len(meter.board["channels"])
        halves = [2300] * n_v + [5000] * (n - n_v)
        pairs = 3 if n_v == 3 else 1
        return halves, (20, 50_000, *[230_000_000] * n_v, *[5_000_000] * (n - n_v),
                        *[1_100_000] * pairs, *[300_000] * pairs)

    def compare(self, after):
        for name in self.names:
            one, other = self.alone[name].state(), self.twinned[name].state()
            for what, value in one.items():
                assert value == other[what], (after, name, what, self.street.now_us)


def trouble(both):
    """Something happens on the street, or in a front end."""
    rng, street = both.rng, both.street
    name = rng.choice(both.names)
    channel = rng.randrange(5)
    for_ms = rng.randrange(3, 400)
    at_us = street.now_us + rng.randrange(5000)
    kind = rng.choice(["f", "f", "dip", "dip", "swell", "clip", "out", "lost", "freeze", "gain",
                       "open", "backfeed", "contact"])
    if kind == "f":
        street.set("f_mhz", rng.choice([50_000, rng.randrange(45_000, 65_000),
                                        rng.randrange(49_500, 50_500)]), at_us=at_us)
    elif kind in ("dip", "swell", "clip"):
        pu = {"dip": (0.0, 0.95), "swell": (1.05, 1.3), "clip": (1.4, 2.0)}[kind]
        street.set("supply_pu", [rng.uniform(*pu) for _ in range(3)], for_ms=for_ms, at_us=at_us)
    elif kind == "out":
        street.set("supply", "lost", for_ms=for_ms, at_us=at_us)
    elif kind == "lost":
        street.set("phase_lost", rng.choice("ABC"), for_ms=for_ms, at_us=at_us)
    elif kind == "freeze":
        street.set("adc.freeze", 1, acu=name, channel=channel, for_ms=for_ms, at_us=at_us)
    elif kind == "gain":
        street.set("adc.gain_pct", rng.uniform(-50, 300), acu=name, channel=channel,
                   for_ms=for_ms, at_us=at_us)
    elif kind == "open":
        street.set("adc.open", 1, acu=name, channel=channel, for_ms=for_ms, at_us=at_us)
    elif kind == "backfeed":      # the supply's channels dead, the load's alive, for over a second
        for k in range(3):
            street.set("adc.open", 1, acu=name, channel=k, for_ms=1300, at_us=at_us)
    elif name != "cd":
        street.drive(name, rng.randrange(3), rng.randrange(2), street.now_us)


@pytest.mark.parametrize("level", ["wave", "quantity"])
@pytest.mark.parametrize("customers", [2, 12])
def test_a_random_street_leaves_the_same_state_after_every_block(level, customers):
    both = Both(level, customers, seed=customers)
    rng = both.rng
    late: dict = {}
    unfed: dict = {}
    untaken: dict = {}
    told: dict = {}
    batched = 0
    for k in range(900):
        if rng.random() < 0.04:
            trouble(both)
        if rng.random() < 0.03:
            late[rng.choice(both.names)] = k + rng.randrange(1, 150)
        if rng.random() < 0.01:
            unfed[rng.choice(both.names)] = k + rng.randrange(1, 20)
        if rng.random() < 0.01:
            untaken[rng.choice(both.names)] = k + rng.randrange(1, 20)
        if rng.random() < 0.01:
            name = rng.choice(both.names)
            untaken.pop(name, None)
            both.start(name)
        if rng.random() < 0.01:
            told[rng.choice(both.names)] = k + rng.randrange(1, 60)
        batched += len(both.block(*({name for name, end in those.items() if end > k}
                                    for those in (unfed, untaken, late, told))))
    assert batched > 0.8 * 900 * (customers + 1)
    assert max(meter.m.n_windows for meter in both.twinned.values()) > 9


@pytest.mark.parametrize("rate_hz", [3900, 8000])
def test_at_other_rates_and_with_all_cuts_apart(rate_hz):
    both = Both("wave", 11, 5, rate_hz)
    both.street.set("f_mhz", 52_345)
    for _ in range(300):
        both.block()
    assert len({meter.m._left for meter in both.twinned.values()}) > 0


def test_the_end_of_a_half_cycle_from_any_sums():
    """Also those that hardly occur: the border between fine and coarse roots, no variance at all,
    a channel frozen for long, limbs of the window that overflow."""
    both = Both("quantity", 11, 6)
    rng = both.rng
    t_us = np.array([rng.randrange(2**30) for _ in both.names])
    for _ in range(60):
        for name in both.names:
            one, other = both.alone[name].m, both.twinned[name].m
            length, before = rng.randrange(30, 60), rng.choice((0, 40, rng.randrange(30, 60)))
            half_q16 = rng.choice((length << 16, (length << 16) + rng.randrange(-50_000, 50_000)))
            values = [(one._state, 0, length), (one._state, 1, before),
                      (one._state, 7, half_q16), (one._ref, 0, rng.randrange(2**24)),
                      (one._ref, 1, rng.randrange(180_000, 280_000))]
            n = length + before
            for k in range(27):
                values += [(one._half, k, rng.randrange(-2**27, 2**27)), (one._prev, k, 0),
                           (one._parts[0], 2 * k, rng.randrange(2**24))]
            for c, (k_sum, k_square, _) in enumerate(one._place):
                mean = rng.randrange(-400, 400)
                mean_square = rng.choice((8191, 8192, 8190, 0, rng.randrange(2**22)))
                square = (mean_square + mean * mean) * n + rng.randrange(n)
                before_square = square * before // n
                values += [(one._half, k_sum, mean * length), (one._prev, k_sum, mean * before),
                           (one._half, k_square, square - before_square),
                           (one._prev, k_square, before_square),
                           (one._zero_q8, c, (mean << 8) + rng.randrange(-300, 300)),
                           (one.still, c, rng.choice((3, 998, 999, 1000)))]
            for array, k, value in values:
                array[k] = value
            for what in ("_state", "_ref", "_half", "_prev", "_zero_q8", "still"):
                for k, value in enumerate(getattr(one, what)):
                    getattr(other, what)[k] = value
            for k, value in enumerate(one._parts[0]):
                other._parts[0][k] = value
        for name, at_us in zip(both.names, t_us.tolist(), strict=True):
            one = both.alone[name].m
            one._halves = both.twinned[name].m._halves = 3
            one._close(at_us)
            one._left = one._state[0]
        halves.close_halves(both.twin.pool, np.arange(12), np.full(12, 10), t_us)
        both.compare("close")


def test_sensing_at_its_borders():
    """Limits met exactly, channels nearly clipped or frozen, a load side alive without supply."""
    both = Both("quantity", 11, 6)
    rng = both.rng
    for _ in range(300):
        for name in both.names:
            one, other = both.alone[name], both.twinned[name]
            n_v, n = len(one.m.half_dv), len(one.m.still)
            quiet = rng.random() < 0.5
            dead = rng.random() < 0.3
            for c in range(n):
                still = rng.choice((0, 0, 0, 3, 3, 4, 999))
                code = rng.choice((0, 0, 0, 0, 0, 358_399, 358_400, 366_079, 366_080))
                one.m.still[c] = other.m.still[c] = 0 if quiet else still
                one.m.codes_q8[c] = other.m.codes_q8[c] = 0 if quiet else code
                if c < n_v:
                    u_dv = rng.choice((229, 230, 231)) if dead and c < 3 else rng.choice(
                        (2069, 2070, 2071, 2300, 2529, 2530, 2531) if c < 3 else
                        (0, 1149, 1150, 1151, 2300))
                    one.m.half_dv[c] = other.m.half_dv[c] = u_dv
                else:
                    i_ma = rng.choice((0, 29_999, 30_000, 30_001))
                    one.m.half_ma[c - n_v] = other.m.half_ma[c - n_v] = i_ma
            if rng.random() < 0.1:      # all is well again
                for sensing in (one.sensing, other.sensing):
                    sensing._st[0] = sensing._st[12] = sensing.bad = 0
                    for c in range(n):
                        sensing.why[c] = 0
            Sensing.fast(one.sensing, 1)
        both.twin.sense(np.arange(12))
        both.compare("sense")


def test_table_errors_are_the_kernels():
    from acu.dsp.fixed import table_error
    from acu.dsp.kernels import SINE
    rng = np.random.default_rng(4)
    ranges = [(int(rng.integers(2**24)), int(rng.integers(60_000, 2**20)), n)
              for n in (0, 1, 2, 399, 400, 1999, 2000)]
    for one, found in zip(ranges, halves.table_errors(*np.array(ranges).T), strict=True):
        out = [0, 0, 0]
        table_error(*one, SINE, out)
        assert tuple(out) == found
