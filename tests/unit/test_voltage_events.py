"""Voltage events through the whole chain: waves, ring, measuring, watching, rules."""
from math import pi

from acu.functions.voltage_events import DIP, END, INTERRUPTION, RVC, START, SWELL, VoltageEvents
from tests.unit.waves import POST, SINGLE, TICKS, UN_DV, Street


class Supply(Street):
    """A street that also runs the slow tier; `told` has (ms, event) of each."""

    def __init__(self, shape=SINGLE, **more):
        super().__init__(shape, **more)
        self.events = VoltageEvents(self.watch, UN_DV)
        self.all = []
        self.bad = 0
        self.now_ms = 0

    def tick(self):
        super().tick()
        self.now_ms = 1000 + self.at_us // 1000
        if self.at_us % 10_000 == 0:
            now_us = (self.at_us + TICKS - 200_000) & TICKS
            for one in self.events.step(self.now_ms, now_us, self.bad):
                self.all.append((self.now_ms, one))

    def kinds(self):
        return [one[1][:3] for one in self.all]

    def ends(self, kind):
        return [one[1] for one in self.all if one[1][:2] == (kind, END)]


def near(value, truth, allowed):
    assert abs(value - truth) <= allowed, (value, truth)


def test_residual_and_duration_of_a_dip_whatever_its_phase_and_depth():
    for k in range(8):
        s = Supply(phase=k * pi / 8)
        s.run(260)
        part = (0.86, 0.5, 0.3, 0.1)[k & 3]
        t0_us = s.change(k * 7 % 20, 230 * part)
        s.run(50 + 35 * k)
        t1_us = s.change(k * 3 % 20, 230.0)
        s.run(100)
        assert s.kinds() == [(DIP, START, 1), (DIP, END, 1)]
        kind, _, _, value_dv, dur_ms, t_us = s.ends(DIP)[0]
        near(value_dv, 2300 * part, 4.6)
        near(dur_ms, (t1_us - t0_us) / 1000, 20)
        near(((t_us - TICKS + 200_000) & TICKS) / 1000, t0_us / 1000 + 10, 10)


def test_a_loss_is_a_dip_that_becomes_an_interruption():
    for k in range(6):
        s = Supply(phase=k * pi / 6)
        s.run(260)
        t0_us = s.change(k * 3, 0.0)
        s.run(200)
        assert s.events.active == 1 << DIP | 1 << INTERRUPTION
        t1_us = s.change(k * 7 % 20, 230.0)
        s.run(100)
        assert s.kinds() == [(DIP, START, 1), (INTERRUPTION, START, 1), (INTERRUPTION, END, 1),
                             (DIP, END, 1)]
        for kind in (DIP, INTERRUPTION):
            assert s.ends(kind)[0][3] < 12
            near(s.ends(kind)[0][4], (t1_us - t0_us) / 1000, 20)
        assert s.events.active == 0
        assert s.events.seen() == 1 << DIP | 1 << INTERRUPTION and s.events.seen() == 0


def test_a_swell_tells_the_greatest_voltage():
    s = Supply()
    s.run(260)
    s.run(60, 260.0)
    s.run(60, 270.0)
    s.run(60, 230.0)
    assert s.kinds() == [(SWELL, START, 1), (SWELL, END, 1)]
    near(s.ends(SWELL)[0][3], 2700, 5)


def test_an_event_of_three_phases_begins_with_the_first_and_ends_with_the_last():
    s = Supply(POST)
    s.run(260)
    s.run(60, [160.0, 230.0, 230.0])
    s.run(60, [160.0, 230.0, 120.0])
    s.run(60, [230.0, 230.0, 150.0])
    assert len(s.all) == 1
    s.run(60, 230.0)
    assert s.kinds() == [(DIP, START, 1), (DIP, END, 5)]
    near(s.ends(DIP)[0][3], 1200, 5)
    near(s.ends(DIP)[0][4], 180, 20)


def test_two_dead_phases_are_no_interruption():
    s = Supply(POST)
    s.run(260)
    s.run(100, [0.0, 230.0, 0.0])
    s.run(100, [0.0, 0.0, 0.0])
    s.run(100, [0.0, 0.0, 230.0])
    s.run(100, 230.0)
    assert s.kinds() == [(DIP, START, 1), (INTERRUPTION, START, 7), (INTERRUPTION, END, 7),
                         (DIP, END, 7)]
    near(s.ends(INTERRUPTION)[0][4], 100, 20)
    near(s.ends(DIP)[0][4], 300, 20)


def test_a_dead_channel_is_no_dip_and_ends_one():
    s = Supply(POST)
    s.bad = 2
    s.run(260)
    s.run(60, [230.0, 0.0, 230.0])
    assert s.all == []
    s.bad = 0
    s.run(10)
    assert s.kinds() == [(DIP, START, 2)]
    s.bad = 2
    s.run(10)
    assert s.kinds()[1:] == [(DIP, END, 2)]
    s.run(60, [0.0, 0.0, 0.0])
    assert s.kinds()[2:] == [(DIP, START, 1), (INTERRUPTION, START, 5)]


def test_a_rapid_change_is_told_when_it_is_over_and_only_if_it_was_no_dip():
    s = Supply()
    s.run(1300)
    s.run(300, 214.0)       # - 7 %
    s.run(1200, 217.0)
    assert s.kinds() == [(RVC, END, 1)]
    _, _, _, du_dv, dur_ms, _ = s.all[0][1]
    near(du_dv, -139, 2)    # to the mean of the first steady second
    near(s.events.rvc_max_dv, 160, 2)
    near(dur_ms, 10, 20)    # 214 is inside half the band of 217: the change was over at once
    s.run(60, 190.0)
    s.run(1500, 230.0)
    assert s.kinds()[1:] == [(DIP, START, 1), (DIP, END, 1)]
    s.run(1500, 222.0)      # - 3.5 %
    assert len(s.all) == 3


def test_the_way_back_from_a_long_dip_or_swell_is_no_rapid_change():
    for u_v, kind, f_hz in ((202.3, DIP, 50.0), (258.0, SWELL, 50.0), (202.3, DIP, 49.0)):
        s = Supply(f_hz=f_hz)
        s.run(1300)
        s.run(1140, u_v)
        s.change(0, 234.0)
        s.run(1500)
        assert s.kinds() == [(kind, START, 1), (kind, END, 1)], s.kinds()


def test_a_rapid_change_lasts_until_the_voltage_is_steady():
    s = Supply()
    s.run(1300)
    for _ in range(4):
        s.run(80, 214.0)
        s.run(80, 228.0)
    s.run(1300, 216.0)
    assert s.kinds() == [(RVC, END, 1)]
    near(s.all[0][1][3], -140, 3)
    near(s.all[0][1][4], 640, 30)


def test_a_frequency_that_is_searched_for_is_neither_dip_nor_swell():
    s = Supply()
    s.run(460)
    s.run(2600, f_hz=46.0)
    assert s.all == [] and abs(s.meter.f_mhz - 46_000) < 20
    s.run(500, f_hz=51.0)       # and a loss in the middle of it leaves the last good one
    s.run(1000, 0.0)
    assert s.meter.f_mhz == 0 and abs(s.meter.used_mhz - 46_000) < 20
