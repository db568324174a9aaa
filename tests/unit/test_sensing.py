"""A channel not to be believed is told before it is taken for an event; a healthy one never is."""
import micropython

from acu.dsp.ring import RingSampler
from acu.primitives.measuring import Measuring
from acu.primitives.sensing import CLIPPED, FROZEN, IMPLAUSIBLE, OK, STALE, Sensing

RATE_HZ = 4000
POST = ("post", ((0, 3), (1, 4), (2, 5)), 3, 6)
CUSTOMER = ("customer", ((3, 4), (0, 1), (2, 0)), 4, 5)

# One cycle of a sine in 80 steps, Q12, so that no float is needed.
_QUARTER = (0, 321, 641, 956, 1266, 1567, 1860, 2140, 2408, 2660, 2896, 3115, 3314, 3492, 3649,
            3784, 3896, 3983, 4046, 4083, 4096)
WAVE = _QUARTER + tuple([_QUARTER[20 - k] for k in range(1, 20)])
WAVE = WAVE + tuple([-x for x in WAVE])

U_DV = 230 * 2048 * 14142 // 4_500_000   # peak codes of 230 V at 450 V full scale


class Bench:
    def __init__(self, shape=POST, **limits):
        kind, pairs, n_v, self.n = shape
        cal = [(450_000_000 if c < n_v else 100_000_000, 0) for c in range(self.n)]
        self.sampler = RingSampler(self.n, pairs, 256, RATE_HZ)
        self.meter = Measuring(self.sampler, kind, cal, 2300, 50_000)
        self.sensing = Sensing(self.meter, **limits)
        self.peak = [U_DV] * n_v + [900] * (self.n - n_v)   # codes; change them between runs
        self.stuck = {}       # channel: code
        self.t_us = (1 << 30) - 150_000
        self.told = []
        self.late = False     # True: the slow tier does not ask
        self._k = 0
        self._seed = 7

    def run(self, ms, frames=True):
        for _ in range(ms // 5):
            codes = bytearray()
            for k in range(20):
                for c in range(self.n):
                    self._seed = (self._seed * 1103 + 12345) & 0x3FFFFF
                    noise = (self._seed >> 19) - 4 >> 2      # -1 or 0
                    code = 2048 + self.peak[c] * WAVE[(self._k + k) % 80] // 4096 + noise
                    code = self.stuck.get(c, min(4095, max(0, code)))
                    codes.append(code & 255)
                    codes.append(code >> 8)
            self._k += 20
            if frames:
                self.sampler.push(codes)
            self.t_us = (self.t_us + 5000) & 0x3FFFFFFF
            self.sensing.fast(self.meter.fast(self.t_us))
            change = None if self.late else self.sensing.changed()
            while change is not None:
                self.told.append(change)
                change = self.sensing.changed()
        return self.sensing


def test_healthy_channels_are_never_suspected_not_even_dead_ones():
    b = Bench()
    assert b.run(300).bad == 0
    b.peak = [0] * 6
    assert b.run(500).bad == 0
    b.peak = [U_DV * 12 // 10] * 3 + [1900] * 3
    assert b.run(300).bad == 0 and b.told == []


def test_a_frozen_voltage_is_told_long_before_an_outage_could_be():
    b = Bench()
    b.run(300)
    start_us = b.t_us
    b.stuck[1] = 2100
    low_at = bad_at = 0
    for ms in range(5, 200, 5):
        s = b.run(5)
        if not low_at and b.meter.half_u(1) < 230:
            low_at = ms
        if not bad_at and s.bad:
            bad_at = ms
    assert s.bad == 2 and s.why[1] == FROZEN
    assert low_at and 50 <= bad_at <= 75
    assert (s.bad_since_us[1] - start_us) & 0x3FFFFFFF <= bad_at * 1000
    assert b.told == [(1, FROZEN)]
    del b.stuck[1]
    b.run(50)
    assert s.bad == 0 and b.told == [(1, FROZEN), (1, OK)]


def test_a_current_into_the_rails_is_clipped_and_the_verdict_does_not_flicker():
    b = Bench()
    b.peak[4] = 2047
    s = b.run(200)
    assert s.bad == 16 and s.why[4] == CLIPPED
    b.peak[4] = 2010          # below the threshold, above its end
    s = b.run(200)
    assert s.bad == 16
    b.peak[4] = 1900
    b.run(200)
    assert s.bad == 0 and b.told == [(4, CLIPPED), (4, OK)]


def test_no_frames_make_every_channel_stale():
    b = Bench()
    b.run(100)
    last_us = b.t_us
    s = b.run(35, frames=False)
    assert s.bad == 0
    b.run(5, frames=False)
    assert s.bad == 63 and s.bad_since_us[0] == last_us
    b.run(50)
    assert s.bad == 0
    assert b.told == [(c, STALE) for c in range(6)] + [(c, OK) for c in range(6)]


def test_a_live_load_without_supply_is_not_believed_after_a_second():
    b = Bench(CUSTOMER)
    b.run(100)
    b.peak[:3] = [0, 0, 0]
    s = b.run(900)
    assert s.bad == 0          # a motor may run down that long
    b.run(200)
    assert s.bad == 8 and s.why[3] == IMPLAUSIBLE
    b.peak[3] = 0
    b.run(100)
    assert s.bad == 0


def test_limits_by_phase():
    b = Bench(ov_dv=2500, uv_dv=2000, oc_ma=40_000)
    s = b.run(100)
    assert (s.ov, s.uv, s.oc) == (0, 0, 0)
    b.peak = [U_DV * 12 // 10, U_DV, U_DV // 2, 900, 900, 1300]
    b.run(100)
    assert (s.ov, s.uv, s.oc) == (1, 4, 4)
    b.peak = [U_DV] * 3 + [900] * 3
    b.run(100)
    assert (s.ov, s.uv, s.oc) == (0, 0, 0)


def test_each_limit_is_told_and_ends_where_nothing_else_changes():
    b = Bench(ov_dv=2500, uv_dv=2000, oc_ma=40_000)
    s = b.run(100)
    for c, peak, seen in ((0, U_DV * 12 // 10, (1, 0, 0)), (1, U_DV // 2, (0, 2, 0)),
                          (5, 1300, (0, 0, 4))):
        b.peak[c] = peak
        b.run(100)
        assert (s.ov, s.uv, s.oc, s.bad) == seen + (0,)
        b.peak[c] = 900 if c > 2 else U_DV
        b.run(100)
        assert (s.ov, s.uv, s.oc, s.bad) == (0, 0, 0, 0)


def test_sensing_allocates_nothing_in_the_fast_tier():
    b = Bench()
    s = b.run(100)
    b.stuck[0] = 4095
    for _ in range(20):
        b.run(5)
        micropython.heap_lock()
        s.fast(1)
        s.fast(0)
        micropython.heap_unlock()
    assert s.bad == 1
    b.run(35, frames=False)
    micropython.heap_lock()
    b.meter.fast(b.t_us)
    b.meter.fast(b.t_us)
    s.fast(0)
    micropython.heap_unlock()
    assert s.bad == 63


def test_it_is_not_calm_before_it_has_told_that_a_channel_is_well_again():
    b = Bench()
    s = b.run(100)
    assert s.calm() and s.changed() is None
    b.late = True
    b.stuck[0] = 2100
    b.run(100)
    assert not s.calm() and s.changed() == (0, FROZEN)
    b.stuck = {}
    b.run(100)
    assert s.bad == 0 and not s.calm()
    assert s.changed() == (0, OK) and s.calm() and s.changed() is None
