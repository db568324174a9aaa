"""A street that may leap: phasor level, where a controller is told what it would have measured.

Between two changes of the world every current and voltage is constant, so nothing has to be
rendered: a controller that is asked for its readings gets the time-weighted means of its channels
over the states since it was asked last, with the errors of its own front end: gain, noise with its
variance and, seeded, its scatter over a window; offset and slot skew are what the firmware itself
takes out. Those controllers that `focus` names see frames or sums as ever.

Element by element in one order, without a library's sums: every machine gives the same readings.
"""
import math
from collections.abc import Iterable
from statistics import NormalDist

import numpy as np

from host_sim.waveform import synthesis
from host_sim.waveform.bank import Bank
from host_sim.waveform.quantity import QuantityBank
from host_sim.world.dice import bits
from host_sim.world.spec import AcuSpec, StreetSpec
from host_sim.world.street import BLOCK_US, Street

_WINDOW_US = 200_000             # of a window; sooner there is no new reading
_CYCLE_US = 20_000                # RMS(1/2) looks at one cycle
_NOTE_US = 1_000_000             # the trace has a row at least this often
_LINES: tuple = ((0, 3), (1, 4), (2, 5))
_PAIRS = {"customer": ((3, 4),), "post": _LINES, "branch": _LINES, "two": ((0, 2), (1, 3)),
          "single": ((0, 1),), "microgrid": ((0, 1), (0, 2), (0, 3))}
_VOLTAGES = {"customer": 4, "two": 2, "single": 1, "microgrid": 1}       # else 3
_DRAWS = 1021                    # of a controller, used in turn; a prime, so that none stays
_NONE = 1 << 60
_NORMAL = [round(NormalDist().inv_cdf((2 * i + 1) / 8192) * 4096) / 4096 for i in range(4096)]


class LeapStreet(Street):
    """level: of the controllers in focus, 'wave' or 'quantity'. At first there are none."""

    def __init__(self, spec: StreetSpec, seed: int, level: str):
        super().__init__(spec, seed, level)
        self._noise_lsb = {acu.id: acu.front_end.noise_lsb for acu in spec.acus}
        self._seed = seed
        self._banks = {}
        self._focus: tuple = ()
        self._readings = Readings(spec.acus, self._front_ends, seed)
        self._known = -1                  # epoch that the readings know
        self._noted_us = -_NOTE_US
        self._noted = None
        self._learn(0)

    def focus(self, acu_ids: Iterable):
        """From the next block on these controllers see frames or sums."""
        ids = tuple(sorted(acu_ids))
        if ids == self._focus:
            return
        self._focus = ids
        for acu_id in ids:
            self._readings.forget(acu_id)
        members: dict[int, dict] = {}
        for acu_id in ids:
            rate = self._acus[acu_id].rate_hz
            members.setdefault(rate, {})[acu_id] = self._front_ends[acu_id]
        kept = {rate: bank for rate, bank in self._banks.items()
                if members.get(rate, {}).keys() == bank.front_ends.keys()}
        self._banks = {rate: kept.get(rate) or self._bank_of(rate, mine)
                       for rate, mine in members.items()}

    def _bank_of(self, rate: int, members: dict):
        if self.level == "wave":
            return Bank(rate, members, BLOCK_US)
        return QuantityBank(rate, members, self._noise_lsb, self._seed)

    def step(self, t_us: int):
        """Advances to t_us, a multiple of 5 ms; by 5 ms while anybody is in focus."""
        start = self.now_us
        ahead = t_us - start
        if ahead <= 0 or ahead % BLOCK_US or (self._banks and ahead != BLOCK_US):
            raise ValueError(f"step to {t_us} us: now {start} us, {len(self._focus)} in focus")
        for bank in self._banks.values():
            bank.begin(start, t_us)
        peaks = [0.0, 0.0, 0.0]
        self._advance(start, t_us, peaks)
        self.now_us = t_us
        if self._noted is not self._shown or t_us - self._noted_us >= _NOTE_US:
            self._noted, self._noted_us = self._shown, t_us
            self._note_block([max(a, b) for a, b in zip(peaks, self._shown.peak_a, strict=True)])

    def _segment(self, start: int, end: int, ahead_us: int, peaks: list):
        super()._segment(start, end, ahead_us, peaks)
        if self._known != self._epoch:
            self._learn(start)

    def _learn(self, t_us: int):
        self._known = self._epoch
        self._readings.learn(t_us, [self._phasors(acu.id) for acu in self.spec.acus],
                             self._supply.f_mhz)

    # ---- what the runner asks

    def leave(self, acu_id: str):
        """From now on this controller is told its readings."""
        self._readings.start(acu_id, self.now_us)

    def off(self, acu_id: str):
        """Without power it measures nothing."""
        self._readings.forget(acu_id)

    def reading(self, acu_id: str, whole: bool) -> tuple | None:
        """As board/measuring.py takes it; None if a window has not passed yet, unless `whole`."""
        return self._readings.read(acu_id, self.now_us, whole)

    def extremes(self, acu_id: str) -> tuple:
        """(lowest and highest supply voltage that this controller sees now, V; is all of it
        inside its converter's range)."""
        return self._readings.extremes(acu_id)

    def epoch(self) -> int:
        """Number of the present state of the street."""
        return self._epoch

    def faulty(self, acu_id: str) -> bool:
        """Has its front end a fault, which readings do not show?"""
        return any(c.frozen or c.open or c.gain_fault_pct
                   for c in self._front_ends[acu_id].channels)


class _State:
    """One state of the street as the front ends would measure it; lists by channel or pair."""

    def __init__(self, t_us: int, f_mhz: int):
        self.t_us = t_us
        self.f_mhz = f_mhz
        self.square: list = []            # mean squares with noise, V^2 or A^2
        self.power: list = []             # W of each pair
        self.reactive: list = []          # var of its fundamental
        self.spread: tuple = ()           # over a window: of squares, over a cycle, of powers
        self.low: list = []               # by controller: supply voltages, V
        self.high: list = []
        self.inside: list = []            # by controller: no channel clips


class Readings:
    """What controllers would have measured, over the states that it learns of."""

    def __init__(self, acus: tuple, front_ends: dict, seed: int):
        self._acus: tuple[AcuSpec, ...] = acus
        self._n = {acu.id: n for n, acu in enumerate(acus)}
        self._states: list[_State] = []
        self._dropped = 0                 # states that nobody needs any more
        gains: list[float] = []
        variances, full, per_window, per_half = [], [], [], []
        self._channel0, self._pair0 = [], []
        v: list[int] = []
        i, pair_frames = [], []
        for acu in acus:
            first = len(gains)
            self._channel0.append(first)
            self._pair0.append(len(v))
            noise = acu.front_end.noise_lsb * acu.front_end.noise_lsb + 1 / 12
            for channel in front_ends[acu.id].channels:
                peak = acu.i_peak_a if channel.name[0] == "I" else acu.u_peak_v
                gains.append(channel.gain)
                variances.append(noise * (peak / synthesis.MID) * (peak / synthesis.MID))
                full.append(peak)
                per_window.append(acu.rate_hz * _WINDOW_US / 1e6)
                per_half.append(acu.rate_hz * _CYCLE_US / 1e6)
            for a, b in _PAIRS[acu.kind]:
                v.append(first + a)
                i.append(first + b)
                pair_frames.append(acu.rate_hz * _WINDOW_US / 1e6)
        self._channel0.append(len(gains))
        self._pair0.append(len(v))
        self._gain, self._variance = np.array(gains), np.array(variances)
        self._full = np.array(full) / math.sqrt(2.0)
        self._per_window, self._per_half = np.array(per_window), np.array(per_half)
        self._v, self._i = np.array(v), np.array(i)
        self._pair_frames = np.array(pair_frames)
        supply = np.array(self._channel0[:-1])
        n_u = np.array([min(_VOLTAGES.get(acu.kind, 3), 3) for acu in acus])
        self._supply = (supply, supply + (n_u > 1), supply + 2 * (n_u > 2))
        # by controller: state and time of the last reading, draws and the place in them
        self._at = [_NONE] * len(acus)
        self._since_us = [0] * len(acus)
        self._draws = [_normals(seed, acu.id) for acu in acus]
        self._draw = [0] * len(acus)

    def learn(self, t_us: int, phasors: list, f_mhz: int):
        """A new state from t_us on; phasors: of every controller's channels, by order."""
        if self._states and self._states[-1].t_us == t_us:
            self._states.pop()
        state = _State(t_us, f_mhz)
        x = np.array([channel for one in phasors for channel in one]) * self._gain[:, None]
        square, amplitude = np.zeros(len(x)), np.zeros(len(x))
        power = np.zeros(len(self._v))
        for h in range(x.shape[1]):
            re, im = x[:, h].real, x[:, h].imag
            one = re * re + im * im
            square = square + one
            amplitude = amplitude + np.sqrt(one)
            power = power + (re[self._v] * re[self._i] + im[self._v] * im[self._i])
        re, im = x[:, 0].real, x[:, 0].imag
        noise, v, i = self._variance, self._v, self._i
        both = 4 * square * noise + 2 * noise * noise
        cross = (square[v] * noise[i] + square[i] * noise[v] + noise[v] * noise[i])
        state.square = (square + noise).tolist()
        state.power = power.tolist()
        state.reactive = (im[v] * re[i] - re[v] * im[i]).tolist()
        state.spread = (np.sqrt(both / self._per_window).tolist(),
                        np.sqrt(both / self._per_half).tolist(),
                        np.sqrt(cross / self._pair_frames).tolist())
        rms = [np.sqrt(square[place]) for place in self._supply]
        state.low = np.minimum(np.minimum(rms[0], rms[1]), rms[2]).tolist()
        state.high = np.maximum(np.maximum(rms[0], rms[1]), rms[2]).tolist()
        state.inside = np.logical_and.reduceat(
            amplitude < self._full, self._channel0[:-1]).tolist()
        self._states.append(state)
        past = min(min(self._at) - self._dropped, len(self._states) - 1)
        if past > 32:                     # states that everybody has asked for
            del self._states[:past]
            self._dropped += past

    def forget(self, acu_id: str):
        """It is not told any readings, and so needs no past."""
        self._at[self._n[acu_id]] = _NONE

    def start(self, acu_id: str, t_us: int):
        n = self._n[acu_id]
        self._at[n] = self._dropped + len(self._states) - 1
        self._since_us[n] = t_us

    def extremes(self, acu_id: str) -> tuple:
        n, state = self._n[acu_id], self._states[-1]
        return state.low[n], state.high[n], state.inside[n]

    def read(self, acu_id: str, t_us: int, whole: bool) -> tuple | None:
        n = self._n[acu_id]
        since_us = self._since_us[n]
        at, last = self._at[n] - self._dropped, len(self._states) - 1
        state = self._states[last]
        settled = at == last and since_us - state.t_us >= _CYCLE_US
        if t_us <= since_us or (t_us - since_us < _WINDOW_US and settled and not whole):
            return None
        self._at[n] = self._dropped + last
        self._since_us[n] = t_us
        rate = self._acus[n].rate_hz
        begun = -(-since_us * rate // 1_000_000)
        end = -(-t_us * rate // 1_000_000)
        draws, k = self._draws[n], self._draw[n]
        c0, c1 = self._channel0[n], self._channel0[n + 1]
        p0, p1 = self._pair0[n], self._pair0[n + 1]
        need = 2 * (c1 - c0) + 2 * (p1 - p0)
        if k + need > _DRAWS:
            k = (k + 1) % need            # begins elsewhere each time
        self._draw[n] = k + need
        parts = []
        if at < last:
            changed = -(-max(state.t_us, since_us) * rate // 1_000_000)
            if changed > begun:
                parts.append(self._past(self._states[at:last], since_us, state.t_us,
                                        changed - begun, c0, c1, p0, p1))
                begun = changed
        halves = []
        voltages = _VOLTAGES.get(self._acus[n].kind, 3)
        rms = []
        squares, (spread, spread_half, spread_p) = state.square, state.spread
        cycle = self._cycle(t_us, last, c0, c1)
        for c in range(c0, c1):
            square = squares[c]
            rms.append(int(math.sqrt(max(square + draws[k] * spread[c], 0.0)) * 1e6 + 0.5))
            half = math.sqrt(max(cycle[c - c0] + draws[k + 1] * spread_half[c], 0.0))
            halves.append(int(half * (10.0 if c - c0 < voltages else 1000.0) + 0.5))
            k += 2
        powers, reactives = [], []
        for p in range(p0, p1):
            powers.append(round((state.power[p] + draws[k] * spread_p[p]) * 1000))
            reactives.append(round((state.reactive[p] + draws[k + 1] * spread_p[p]) * 1000))
            k += 2
        if end > begun:
            parts.append((end - begun, state.f_mhz, *rms, *powers, *reactives))
        return (tuple(halves), *parts)

    def _cycle(self, t_us: int, last: int, c0: int, c1: int) -> list:
        """Mean squares over the cycle that ends now."""
        states = self._states
        if last == 0 or states[last].t_us <= t_us - _CYCLE_US:
            return states[last].square[c0:c1]
        square = [0.0] * (c1 - c0)
        end_us = t_us
        while end_us > t_us - _CYCLE_US and last >= 0:
            begin_us = max(states[last].t_us, t_us - _CYCLE_US) if last else t_us - _CYCLE_US
            share = (end_us - begin_us) / _CYCLE_US
            square = [a + b * share
                      for a, b in zip(square, states[last].square[c0:c1], strict=True)]
            end_us = begin_us
            last -= 1
        return square

    def _past(self, states: list, from_us: int, to_us: int, frames: int, c0: int, c1: int,
              p0: int, p1: int) -> tuple:
        """The time-weighted mean over the states from the last reading to the last change."""
        square, power, reactive = [0.0] * (c1 - c0), [0.0] * (p1 - p0), [0.0] * (p1 - p0)
        for state, follower in zip(states, [*states[1:], None], strict=True):
            until_us = follower.t_us if follower else to_us
            share = (until_us - max(state.t_us, from_us)) / (to_us - from_us)
            square = [a + b * share for a, b in zip(square, state.square[c0:c1], strict=True)]
            power = [a + b * share for a, b in zip(power, state.power[p0:p1], strict=True)]
            reactive = [a + b * share
                        for a, b in zip(reactive, state.reactive[p0:p1], strict=True)]
        return (frames, states[-1].f_mhz, *(int(math.sqrt(x) * 1e6 + 0.5) for x in square),
                *(round(x * 1000) for x in power), *(round(x * 1000) for x in reactive))


def _normals(seed: int, acu_id: str) -> list:
    words = bits(seed, acu_id, "readings").random_raw(_DRAWS)
    return [_NORMAL[int(word) >> 52] for word in words]
