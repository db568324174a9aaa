"""The MCP3208's driver on a model of the state machine, its FIFOs and the DMA: every frame in its
place, every stall and slip found."""
from host_sim.chips.mcp3208 import Mcp3208
from tests.unit.sampling_kit import Bench, marked

ORDER = (0, 1, 2, 3, 4, 5, 6, 7)
CUSTOMER = ((3, 4), (0, 1), (2, 0))
PINS = {"driver": "mcp3208_pio", "sck": 2, "mosi": 3, "miso": 4, "cs": 5}


def bench(count=None, chip=True, pins=PINS):
    b = Bench(mcp=Mcp3208(marked) if chip else None)
    from acu.drivers.mcp3208_pio import McpRing

    class Short(McpRing):
        COUNT = count or McpRing.COUNT

    b.start(Short(pins, CUSTOMER, 4000))
    return b


def good(b):
    return not (b.ring.overruns or b.ring.slips or b.ring.overflows or b.gaps)


def test_every_frame_arrives_in_its_place_for_more_than_two_rings():
    b = bench()
    b.run(1200, ORDER)
    assert good(b) and 0 <= b.owed() <= 1 and b.taken >= 4799 and b.ring.channels == 5
    assert b.ring.self_test() == 0


def test_both_counts_of_transfers_may_end():
    b = bench(1003)
    b.run(1500, ORDER)
    assert good(b) and 0 <= b.owed() <= 1


def test_a_hang_of_more_than_a_ring_counts_what_was_overwritten():
    for ms in (513, 1030, 8300):
        b = bench()
        b.run(50, ORDER)
        b.wait(1000 * ms)
        assert b.tick(ORDER) == 2032 and b.ring.overruns == 4 * ms - 2032
        b.run(50, ORDER)
        assert 0 <= b.owed() <= 1 and b.gaps == 1


def test_codes_that_nobody_took_away_stall_it_and_that_counts():
    b = bench()
    b.run(100, ORDER)
    b.parts.dma.held = True
    b.wait(1000)
    b.parts.dma.held = False
    b.wait(4000)
    assert b.tick(ORDER) == 0 and b.ring.overflows == 1
    b.run(500, ORDER)
    assert b.ring.overflows == 1 and b.ring.slips == 0 and -1 <= b.owed() <= 1 and b.gaps == 1
    assert b.ring.self_test() == 8


def test_a_code_or_a_command_too_many_is_found_at_the_next_tick():
    for side in ("_dma", "_feed"):
        b = bench()
        b.run(100, ORDER)
        channel = b.parts.dma.channels[getattr(b.ring, side).channel]
        channel.moved(1)
        b.wait(1000)
        assert b.tick(ORDER) == 0 and b.ring.slips == 1
        b.run(500, ORDER)
        assert b.ring.slips == 1 and -1 <= b.owed() <= 1 and b.gaps == 1


def test_a_conversion_that_ends_between_two_looks_is_no_slip():
    b = bench()
    b.parts.mem32.access_us = 7
    for k in range(300):
        b.wait(4000 + 13 * k % 97)
        assert b.tick(ORDER) > 0
    assert good(b)


def test_a_state_machine_that_stood_still_is_found_by_the_clock():
    b = bench()
    b.run(100, ORDER)
    b.parts.machine.jam_us = b.chip.t_us + 20_000
    b.run(100, ORDER)
    assert b.ring.slips >= 1 and -1 <= b.owed() <= 1


def test_no_chip_at_the_wires():
    b = bench(chip=False)
    b.wait(5000)
    b.ring.ready()
    assert b.ring.self_test() == 2


def test_a_chip_at_other_wires():
    b = bench(pins={"sck": 2, "mosi": 3, "miso": 6, "cs": 5})
    assert not b.ring.sound


def test_a_clock_that_does_not_divide_is_refused():
    for f_hz, fits in ((125_000_000, True), (133_000_000, True), (200_000_000, True),
                       (48_000_000, True), (125_000_001, False), (131_072_500, False),
                       (1_000_000, False)):
        b = Bench(mcp=Mcp3208(marked))
        import machine
        machine.freq = lambda f_hz=f_hz: f_hz
        from acu.drivers.mcp3208_pio import McpRing
        try:
            McpRing(PINS, CUSTOMER, 4000)
            refused = False
        except ValueError as e:
            refused = e.args[0][:4] == "E343"
        assert refused != fits, f_hz
        del b


def test_the_model_takes_no_other_program():
    import rp2
    b = bench()
    b.ring.stop()
    from acu.drivers import mcp_code
    other = list(mcp_code.CODE)
    other[0] = type(other[0])("H", other[0])
    other[0][6] ^= 0x100
    try:
        rp2.StateMachine(0).init(other, freq=2_048_000, out_base=b.ring._mosi, set_base=b.ring._cs,
                                 in_base=b.ring._miso, sideset_base=b.ring._sck)
        refused = False
    except ValueError:
        refused = True
    assert refused


def test_it_starts_again_after_a_stop():
    b = bench()
    b.run(50, ORDER)
    b.ring.stop()
    b.wait(50_000)
    assert b.ring.ready() == 0
    b.start(b.ring)
    b.last = -1
    b.taken = 0
    b.run(50, ORDER)
    assert 0 <= b.owed() <= 1 and b.ring.sound
