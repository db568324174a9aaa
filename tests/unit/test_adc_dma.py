"""The internal converter's driver on a model of its registers: every frame in its place, and every
frame that is not handed out counted."""
from tests.unit.sampling_kit import PAIRS, Bench

ONE = (0,) * 8
TWO = (0, 1) * 4
THREE = (0, 1, 2, 4) * 2


def bench(pins=(26, 27), codes=None):
    b = Bench() if codes is None else Bench(codes)
    from acu.drivers.adc_dma import AdcRing
    b.start(AdcRing(pins, PAIRS, 4000))
    return b


def good(b):
    return not (b.ring.overruns or b.ring.slips or b.ring.overflows or b.gaps)


def test_every_frame_arrives_in_its_place_for_more_than_two_rings():
    for pins, order in (((26, 27), TWO), ((26, 27, 28), THREE), ((27,), (1,) * 8)):
        b = bench(pins)
        b.run(1200, order)
        assert good(b) and 0 <= b.owed() <= 1 and b.taken >= 4799
        assert b.ring.self_test() in (0, 2)     # the codes here say nothing of the temperature


def test_ticks_of_any_length_lose_nothing_up_to_a_ring():
    b = bench()
    for ms in (1, 3, 7, 45, 400, 5, 500, 5):
        b.wait(1000 * ms)
        b.tick(TWO)
    assert good(b) and 0 <= b.owed() <= 1


def test_a_hang_of_more_than_a_ring_counts_what_was_overwritten():
    for ms in (513, 800, 1023, 1030, 1500, 5000, 8300):
        b = bench()
        b.run(50, TWO)
        b.wait(1000 * ms)
        n = b.tick(TWO)
        assert n == 2032 and b.ring.overruns == 4 * ms - 2032 and b.ring.slips == 0, ms
        b.run(50, TWO)
        assert 0 <= b.owed() <= 1 and b.gaps == 1


def test_the_count_of_transfers_may_end():
    b = Bench()
    from acu.drivers.adc_dma import AdcRing

    class Short(AdcRing):
        COUNT = 1001        # no whole frame, no whole ring

    b.start(Short((26, 27), PAIRS, 4000))
    b.run(1500, TWO)
    assert good(b) and 0 <= b.owed() <= 1 and b.taken >= 5999


def test_nothing_starts_it_again_without_the_second_channel():
    """The model's DMA ends as the chip's does; then time tells, and the driver begins anew."""
    b = bench()
    b.run(20, TWO)
    channel = b.parts.dma.channels[b.ring._dma.channel]
    channel.chain = channel.number
    channel.count = 100
    b.run(100, TWO)
    assert b.ring.slips + b.ring.overflows == 1 and 0 <= b.owed() <= 1


def test_an_overflow_is_counted_and_what_came_since_the_last_tick_is_not_handed_out():
    b = bench()
    b.run(100, TWO)
    b.wait(2000)
    b.parts.dma.held = True
    b.wait(400)             # twelve codes for a FIFO of four
    b.parts.dma.held = False
    b.wait(2600)
    assert b.tick(TWO) == 0
    assert b.ring.overflows == 1 and 19 <= b.ring.overruns <= 21
    b.run(1000, TWO)
    assert b.ring.overflows == 1 and b.ring.slips == 0
    assert -1 <= b.owed() <= 1 and b.gaps == 1
    assert b.ring.self_test() & 8 and not b.ring.self_test() & 8


def test_a_slip_is_found_at_the_next_tick_before_anything_wrong_is_handed_out():
    for pins, order in (((26, 27), TWO), ((26, 27, 28), THREE)):
        for lost in (1, 3):
            b = bench(pins)
            b.run(100, order)
            b.parts.adc.skips = lost
            b.wait(5000)
            assert b.tick(order) == 0 and b.ring.slips == 1
            b.run(600, order)
            assert b.ring.slips == 1 and -1 <= b.owed() <= 1 and b.gaps == 1


def test_somebody_else_reads_an_input_meanwhile():
    import machine
    b = bench()
    b.run(100, TWO)
    machine.ADC(27).read_u16()
    b.run(500, TWO)
    assert b.ring.slips == 1 and -1 <= b.owed() <= 1


def test_a_conversion_that_ends_between_two_looks_is_no_slip():
    b = bench((26, 27, 28))
    b.parts.mem32.access_us = 5
    for k in range(400):
        b.wait(4000 + 13 * k % 97)
        assert b.tick(THREE) > 0
    assert good(b)


def test_a_slip_is_found_although_conversions_end_between_the_looks():
    for early_us in range(0, 32, 3):
        b = bench((26, 27, 28))
        b.parts.mem32.access_us = 5
        b.run(50, THREE)
        b.parts.adc.skips = 1
        b.wait(5000 - early_us)
        b.tick(THREE)
        assert b.ring.slips == 1


def test_a_converter_that_stopped_is_started_again_and_its_time_counts_as_lost():
    b = bench()
    b.run(100, TWO)
    b.parts.adc.many = False
    b.run(100, TWO)
    assert b.ring.slips == 1 and -1 <= b.owed() <= 1


def test_a_dead_converter_gives_nothing_and_says_so():
    b = bench()
    b.run(20, TWO)
    taken = b.taken
    b.parts.adc.run_to = lambda t_us: None
    b.run(100, TWO)
    assert b.taken == taken and b.ring.slips > 5
    assert b.ring.self_test() & 5 == 5


def test_failed_conversions_are_counted_and_stay_within_twelve_bits():
    b = bench()
    b.run(50, TWO)
    b.parts.adc.fail = 2
    b.run(50, TWO)
    b.run(50, TWO)
    assert b.ring.errors == 1 and good(b)


def test_the_temperature_sensor_is_the_reference():
    for code, sound in ((876, True), (1040, True), (600, False), (0, False), (4095, False)):
        b = bench((26, 27), lambda channel, t_us, code=code: code if channel == 4 else 2048)
        b.wait(5000)
        b.ring.ready()
        assert b.ring.self_test() == (0 if sound else 2)


def test_before_it_runs_and_after_it_stopped_there_are_no_frames():
    b = bench()
    b.run(50, TWO)
    b.ring.stop()
    b.wait(5000)
    assert b.ring.ready() == 0 and b.ring.self_test() & 1
    at = b.ring._dma.write
    b.wait(50_000)
    assert b.ring._dma.write == at and not b.parts.dma.channels[0].busy
    b.start(b.ring)
    b.last = -1
    b.taken = 0
    b.run(50, TWO)
    assert 0 <= b.owed() <= 1


def test_what_is_refused():
    from acu.drivers.adc_dma import AdcRing
    for pins, rate_hz in (((27, 26), 4000), ((25,), 4000), ((26, 26), 4000), ((), 4000),
                          ((26, 30), 4000), ((26, 27), 8000)):
        Bench()
        try:
            AdcRing(pins, PAIRS, rate_hz)
            raised = False
        except ValueError as e:
            raised = e.args[0][:3] == "E34"
        assert raised, pins


def test_the_look_back_begins_anew_with_the_ring():
    b = bench()
    b.run(100, TWO)
    assert b.ring.begin == 0 or b.ring.tail - b.ring.begin == 400
    b.parts.adc.skips = 1
    b.wait(5000)
    b.tick(TWO)
    assert b.ring.begin == b.ring.tail == b.ring.head
    b.run(5, TWO)
    assert b.ring.tail - b.ring.begin in (19, 20)
