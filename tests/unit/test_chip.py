"""The modelled chip refuses what a chip would, and its clock, watchdog and terminal drivers on
it."""
from host_sim.chips.machine_shim import Chip, ChipReset, install

CHIP = install(Chip())
import machine  # noqa: E402  the modelled one

from acu.drivers import clock as clocks  # noqa: E402
from acu.drivers.uart import UartTerminal  # noqa: E402


def refused(call, *args, **more):
    try:
        call(*args, **more)
    except ValueError:
        return True
    return False


def test_pins_that_are_not_there_or_taken_are_refused():
    install(Chip())
    pin = machine.Pin
    for number in (23, 25, 29, 30, "GP4"):
        assert refused(pin, number, pin.IN)
    out = pin(6, pin.OUT, value=0)
    assert refused(pin, 6, pin.IN) and refused(machine.SPI, 0, sck=pin(6))
    assert refused(pin, 7, 9) and refused(pin, 7, pin.IN, 5)
    feeler = pin(7, pin.IN, pin.PULL_UP)
    assert feeler() == 1 and refused(feeler, 1)
    out(1)
    assert out() == 1
    chip = install(Chip("esp32"))
    assert refused(pin, 6, pin.OUT) and refused(pin, 34, pin.OUT)
    assert refused(pin, 35, pin.IN, pin.PULL_UP)
    assert refused(machine.Timer, -1) and refused(machine.Timer, 0, period=5, hard=True)
    assert pin(34, pin.IN)() == 0 and chip.wires.floating == 1


def test_driving_against_the_world_is_a_short_circuit():
    chip = install(Chip())
    out = machine.Pin(6, machine.Pin.OUT, value=0)
    chip.wires.outside(6, 0)
    assert refused(out, 1)


def test_a_watchdog_cannot_be_stopped_and_its_bite_is_the_end():
    chip = install(Chip())
    assert refused(machine.WDT, 0, 9000) and refused(machine.WDT, 1, 100)
    dog = clocks.BoardWatchdog()
    chip.run_to(8_000_000)
    dog.feed()
    chip.run_to(16_000_000)
    for call in (lambda: chip.run_to(16_400_000), dog.feed, machine.unique_id):
        try:
            call()
            raise AssertionError("it goes on")
        except ChipReset:
            pass
    chip.reset(3)
    assert machine.reset_cause() == 3 and chip.wdt_us == 0


def test_milliseconds_go_on_when_the_ticks_wrap():
    chip = install(Chip())          # its ticks_ms wrap 20 s after power on
    clock = clocks.BoardClock()
    last_ms = clock.now_ms()
    assert last_ms == 0
    for t_s in range(0, 60, 3):
        chip.run_to(t_s * 1_000_000)
        assert clock.now_ms() == t_s * 1000
    before = clock.ticks_us()
    chip.run_to(chip.t_us + 5_000)
    assert clock.ticks_diff(clock.ticks_us(), before) == 5_000
    assert 0 <= clock.ticks_us() < 1 << 30


def test_unix_time_is_the_same_on_both_epochs_and_lives_through_a_soft_reset():
    for kind in ("rp2040", "esp32"):
        chip = install(Chip(kind))
        clock = clocks.BoardClock()
        assert clock.utc_ms() == 1_609_459_200_000
        for utc_ms in (1_772_345_000_000, 951_782_399_000, 951_868_799_000, 4_102_444_799_000,
                       1_709_164_800_000):
            assert clock.set_utc(utc_ms)
            assert clock.utc_ms() == utc_ms
            chip.run_to(chip.t_us + 1_500_000)
            assert clock.utc_ms() == utc_ms + 1500
            assert abs(clocks.BoardClock().utc_ms() - utc_ms - 1500) < 1000     # whole seconds
        assert not clock.set_utc(86_400_000) and not clock.set_utc(1 << 45)


def test_a_terminal_takes_and_gives_what_there_is():
    chip = install(Chip())
    line = UartTerminal({"uart": 0, "tx": 12, "rx": 13, "baud": 115_200})
    assert line.read(10) == b""
    chip.uart(0).to_chip(b"MET\rSER")
    assert line.read(4) == b"MET\r" and line.read(10) == b"SER"
    page = bytes(300)
    taken = line.write(page)
    assert taken == 256 and line.write(page[taken:]) == 0       # nobody reads: it does not wait
    assert len(chip.uart(0).from_chip()) == 256 and line.write(page[taken:]) == 44


def test_a_callback_that_raises_is_never_called_again():
    chip = install(Chip("esp32"))
    calls = []

    def call(timer):
        calls.append(chip.t_us)
        if len(calls) == 3:
            raise ValueError("once")
    timer = clocks.every_5_ms(call, False)
    chip.run_to(100_000)
    assert calls == [5_000, 10_000, 15_000] and len(chip.faults) == 1 and timer not in chip.timers


def test_ticks_that_were_masked_come_late():
    chip = install(Chip("esp32"))
    calls = []
    clocks.every_5_ms(lambda timer: calls.append(chip.t_us), False)
    chip.run_to(10_000)
    chip.mask(45_000)           # a flash erase
    assert calls[:2] == [5_000, 10_000] and calls[2:] == [55_000] * 9
