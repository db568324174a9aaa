"""Supply events: what picks up, what does not, and how long it takes."""
from acu.functions import supply_events as se
from acu.functions.supply_events import SupplyEvents

U_DV = (2300, 2290, 2310)
I_MA = (5000, 4000, 6000)
P_W = (1000, 900, 1300)


class Meter:
    def __init__(self, phases=3, **more):
        self.events = SupplyEvents(phases, 2300, 49_500, 50_500, 40_000, **more)
        self.now_ms = 0
        self.u0_ppm = self.u2_ppm = 2000
        self.sequence = 1

    def run(self, ms, u=U_DV, i=I_MA, p=P_W, f_mhz=50_000, **more):
        """Windows of 200 ms; returns [(ms, kind, on, phases, value, dur_ms), ...]."""
        said = []
        for _ in range(ms // 200):
            self.now_ms += 200
            more.setdefault("sequence", self.sequence)
            more.setdefault("u0_ppm", self.u0_ppm)
            more.setdefault("u2_ppm", self.u2_ppm)
            for one in self.events.step(self.now_ms, 200, f_mhz, u, i, p, **more):
                said.append((self.now_ms,) + one)
        return said


def test_a_healthy_supply_says_nothing():
    assert Meter().run(20_000) == []


def test_frequency_has_limits_hysteresis_and_a_time():
    m = Meter()
    assert m.run(800, f_mhz=49_400) == []
    assert m.run(400) == []
    assert m.run(1000, f_mhz=49_400) == [(2200, se.F_LOW, 1, 1, 49_400, 1000)]
    assert m.run(3000, f_mhz=49_540) == []
    assert m.run(1000, f_mhz=49_560) == [(6200, se.F_LOW, 0, 0, 49_560, 5000)]
    assert m.run(1000, f_mhz=50_501) == [(7200, se.F_HIGH, 1, 1, 50_501, 1000)]
    assert m.run(1000, f_mhz=0) == [(8200, se.F_HIGH, 0, 0, 0, 2000)]
    assert m.run(2000, f_mhz=0) == []


def test_over_current_and_reversed_energy_by_phase():
    m = Meter()
    assert m.run(1000, i=(41_000, 4000, 42_000)) == [(1000, se.OVERCURRENT, 1, 5, 42_000, 1000)]
    assert m.run(1000, i=(39_000, 4000, 37_000)) == [(2000, se.OVERCURRENT, 0, 4, 37_000, 2000)]
    assert m.events.mask[se.OVERCURRENT] == 1
    m = Meter()
    assert m.run(1000, p=(1000, -21, 1300)) == [(1000, se.REVERSED, 1, 2, -21, 1000)]
    assert m.run(1000, p=(1000, -15, 1300)) == []
    assert m.run(1000, p=(1000, 0, 1300)) == [(3000, se.REVERSED, 0, 2, 0, 3000)]
    assert m.run(2000, p=(1000, -50, 1300), bad_i=2) == []


def test_a_lost_phase_and_a_street_without_any():
    m = Meter()
    assert m.run(1000, u=(30, 2300, 2290), i=(0, 4000, 4000)) == [
        (1000, se.PHASE_LOSS, 1, 1, 30, 1000)]
    assert m.run(1000) == [(2000, se.PHASE_LOSS, 0, 1, 2300, 2000)]
    assert m.run(10_000, u=(0, 0, 0), i=(0, 0, 0), p=(0, 0, 0), f_mhz=0) == []
    assert Meter(1).run(10_000, u=(0,), i=(0,), p=(0,), f_mhz=0) == []


def test_no_voltage_with_a_current_is_a_channel_that_is_off():
    m = Meter()
    assert m.run(8000, u=(5, 2300, 2290)) == [(5000, se.OPEN_U, 1, 1, 5, 5000)]
    assert m.run(1000) == [(9000, se.OPEN_U, 0, 1, 2300, 9000)]
    # a short circuit, and a motor that feeds a dead phase
    assert m.run(4000, u=(5, 2300, 2290), i=(45_000, 0, 0))[1][1:4] == (se.PHASE_LOSS, 1, 1)
    m = Meter()
    assert m.run(8000, u=(900, 2300, 2290))[0][1:4] == (se.PHASE_LOSS, 1, 1)


def test_a_current_channel_that_is_idle_for_an_hour_beside_living_ones():
    m = Meter(t_open_ms=60_000)
    assert m.run(59_800, i=(5, 4000, 4000)) == []
    assert m.run(200, i=(5, 4000, 4000)) == [(60_000, se.OPEN_I, 1, 1, 5, 60_000)]
    assert m.run(1000) == [(61_000, se.OPEN_I, 0, 1, 5000, 61_000)]
    assert m.run(90_000, i=(5, 6, 7)) == []             # nobody at home
    assert m.run(90_000, i=(25, 4000, 4000)) == []      # a clock in the oven


def test_sequence_and_neutral():
    m = Meter()
    assert m.run(1000, sequence=-1) == [(1000, se.SEQUENCE, 1, 1, -1, 1000)]
    assert m.run(1000) == [(2000, se.SEQUENCE, 0, 0, 1, 2000)]
    assert m.run(2000, u=(1500, 2300, 2300), sequence=-1, i=(0, 0, 0)) == []
    assert m.run(2000, u0_ppm=330_000, u2_ppm=330_000) == []    # a lost phase
    assert m.run(1000, u0_ppm=150_000) == [(7000, se.NEUTRAL, 1, 1, 150_000, 1000)]
    assert m.run(1000, u0_ppm=70_000) == [(8000, se.NEUTRAL, 0, 0, 70_000, 2000)]


def test_cover_and_magnet_are_told_at_once():
    m = Meter()
    assert m.run(200, cover=1) == [(200, se.COVER, 1, 1, 1, 200)]
    assert m.run(400, cover=1, magnet=1) == [(400, se.MAGNET, 1, 1, 1, 200)]
    assert [one[1:4] for one in m.run(1000)] == [(se.COVER, 0, 0), (se.MAGNET, 0, 0)]
