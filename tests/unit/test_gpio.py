"""Relays, contacts, interlock and thermometer at the pins of a modelled chip."""
from host_sim.chips.machine_shim import Chip, Ds18b20, install

CHIP = Chip()
install(CHIP)       # drivers import `machine`
from acu.drivers.gpio import BoardSwitchgear  # noqa: E402
from acu.ports import CLOSE, OPEN, RELEASE  # noqa: E402
from tests.unit import rack  # noqa: E402

LATCHING = tuple([{"name": "r", "drive": "latching", "close": c, "open": c + 1, "active": 1}
                  for c in (6, 8, 10)])
MIRRORS = tuple([{"name": "m", "pin": p, "active": 0, "pull": "up"} for p in (16, 17, 18)])
CHAIN = {"pin": 14, "active": 1, "pull": "down"}
CLOSING = (6, 8, 10)


def cabinet(outputs=LATCHING, inputs=MIRRORS, interlock=CHAIN, chain=1, kind="rp2040"):
    """A new chip with relays at its wires and its switchgear."""
    chip = Chip(kind)
    install(chip)
    relays = rack.Relays(chip.wires, ())
    chip.device(relays)
    chip.wires.outside(14, chain)
    return chip, relays, BoardSwitchgear(outputs, inputs, interlock, kind == "rp2040")


def test_nothing_draws_current_until_it_is_driven_whatever_the_polarity():
    for active in (0, 1):
        outputs = tuple([dict(list(rule.items()) + [("active", active)]) for rule in LATCHING])
        outputs += ({"name": "h", "drive": "hold", "pin": 12, "active": active},)
        chip = Chip()
        install(chip)
        drawn = []

        def look(pin, level, t_us, drawn=drawn):
            drawn.append((pin, level))
        for pin in range(6, 13):
            chip.wires.watch(pin, look)
        gear = BoardSwitchgear(outputs, (), None, True)
        assert gear.energised() == 0 and gear.outputs == 4
        assert sorted(drawn) == [(pin, 1 - active) for pin in range(6, 13)]


def test_coils_that_no_role_drives_are_held_off():
    for active in (0, 1):
        chip = Chip()
        install(chip)
        unused = ({"name": "r", "drive": "latching", "close": 6, "open": 7, "active": active},
                  {"name": "h", "drive": "hold", "pin": 8, "active": active})
        BoardSwitchgear((), (), None, True, unused)
        assert [chip.wires.driven(pin) for pin in (6, 7, 8)] == [1 - active] * 3


def test_an_open_wire_reads_as_its_pull_says():
    chip = Chip()
    install(chip)
    inputs = tuple([{"name": "m", "pin": 16 + k, "active": k % 2, "pull": ("up", "down")[k // 2]}
                    for k in range(4)])
    gear = BoardSwitchgear((), inputs, None, True)
    assert [gear.feedback(k) for k in range(4)] == [0, 1, 1, 0]


def test_a_latching_relay_is_pulsed_and_keeps_its_contact():
    chip, relays, gear = cabinet()
    gear.drive(1, CLOSE)
    assert gear.energised() == 4 and gear.feedback(1) == 0
    chip.run_to(20_000)
    assert [gear.feedback(k) for k in range(3)] == [0, 1, 0]
    gear.drive(1, RELEASE)
    assert gear.energised() == 0 and gear.feedback(1) == 1
    gear.drive(1, OPEN)
    assert gear.energised() == 8
    chip.run_to(40_000)
    gear.drive(1, RELEASE)
    assert relays.closed == [False] * 3 and relays.wrong == [] and gear.energised() == 0


def test_a_held_relay_is_closed_by_its_current_and_release_leaves_it():
    chip, _, gear = cabinet(({"name": "h", "drive": "hold", "pin": 6, "active": 1},), (), None)
    for level, closed in ((CLOSE, 1), (RELEASE, 1), (OPEN, 0), (RELEASE, 0)):
        gear.drive(0, level)
        assert chip.wires.driven(6) == closed
    gear.drive(0, CLOSE)
    chip.reset(3)
    assert not chip.wires.driven(6)         # a reset opens it


def test_no_closing_with_the_chain_open_and_openings_always():
    chip, relays, gear = cabinet(chain=0)
    assert gear.interlocked()
    gear.drive(0, CLOSE)
    assert relays.currents == [] and gear.refused == 1
    gear.drive(0, OPEN)
    assert gear.energised() == 2
    gear.drive(0, RELEASE)
    chip.wires.outside(14, 1)
    gear.drive(0, CLOSE)
    assert gear.energised() == 1 and relays.wrong == []


def test_the_chain_that_opens_during_a_pulse_drops_the_coil_at_once():
    for kind in ("rp2040", "esp32"):
        outputs = LATCHING[:1]
        if kind == "esp32":
            outputs = ({"name": "r", "drive": "latching", "close": 25, "open": 26, "active": 1},)
        chip, relays, gear = cabinet(outputs, (), CHAIN, 1, kind)
        gear.drive(0, CLOSE)
        assert gear.energised() == 1
        chip.run_to(3000)
        chip.wires.outside(14, 0)
        assert gear.energised() == 0 and chip.faults == []
        chip.wires.outside(14, 1)
        assert gear.energised() == 0        # and it does not come back by itself


def test_a_chain_that_is_whole_at_level_0_drops_the_coil_when_it_rises():
    chip, _, gear = cabinet(interlock={"pin": 14, "active": 0, "pull": "up"}, chain=0)
    gear.drive(0, CLOSE)
    assert gear.energised() == 1
    chip.wires.outside(14, 1)
    assert gear.energised() == 0 and gear.interlocked()


def test_a_chain_that_opens_as_the_coil_is_energised_drops_it_without_the_interrupt():
    """An ESP32's interrupt may come late: drive() looks once more itself."""
    chip, relays, gear = cabinet()
    chip.irqs.clear()

    def breaks(pin, level, t_us):
        if level:
            chip.wires.outside(14, 0)
    chip.wires.watch(6, breaks)
    gear.drive(0, CLOSE)
    assert gear.energised() == 0 and gear.interlocked()
    chip.run_to(40_000)
    assert relays.closed == [False] * 3


def test_never_two_closing_coils_nor_both_of_one_relay():
    _, relays, gear = cabinet()
    gear.drive(0, CLOSE)
    gear.drive(1, CLOSE)
    assert gear.energised() == 1 and gear.refused == 1
    gear.drive(0, OPEN)
    assert gear.energised() == 2
    gear.drive(0, CLOSE)
    assert gear.energised() == 1 and relays.wrong == []


def test_ten_thousand_random_orders_do_no_harm():
    chip, relays, gear = cabinet()
    seed = 7
    chain = 1
    for _ in range(10_000):
        seed = (seed * 1_103_515_245 + 12_345) & 0x7FFFFFFF
        what = seed >> 16
        if what % 5 == 0:
            chain = 1 - chain
            chip.wires.outside(14, chain)
            if not chain:
                assert gear.energised() & 0b010101 == 0
        else:
            gear.drive(what // 5 % 3, (CLOSE, OPEN, RELEASE)[what // 15 % 3])
        assert relays.wrong == []
        relays.look()
        assert relays.wrong == []
    assert len(relays.currents) > 1000 and gear.refused > 1000 and chip.faults == []


def test_a_thermometer_is_read_without_waiting_and_missed_when_it_is_gone():
    inputs = ({"name": "door", "pin": 16, "active": 1, "pull": "down"},
              {"name": "temperature", "ds18b20": 15})
    chip, _, gear = cabinet((), inputs, None)
    sensor = Ds18b20(-10 * 16 - 8)
    chip.wires.one_wire(15, sensor)
    assert gear.feedback(1) == -1000 and gear.missing() == 2

    def poll(ms):
        end_us = chip.t_us + ms * 1000
        longest = 0
        while chip.t_us < end_us:
            before = chip.t_us
            gear.poll(chip.t_us // 1000)
            longest = max(longest, chip.t_us - before)
            chip.run_to(chip.t_us + 10_000)
        return longest
    assert poll(1000) < 35_000
    assert gear.feedback(1) == -105 and gear.missing() == 0
    sensor.t_16 = 25 * 16 + 1
    assert poll(11_000) < 35_000
    assert gear.feedback(1) == 251
    sensor.noise = True             # a scratchpad with a wrong bit is no temperature
    poll(11_000)
    assert gear.feedback(1) == 251 and gear.missing() == 0
    sensor.noise = False
    sensor.gone = True
    poll(30_000)
    assert gear.feedback(1) == -1000 and gear.missing() == 2
    sensor.gone = False
    poll(22_000)
    assert gear.feedback(1) == 251 and gear.missing() == 0
    chip.wires.outside(16, 1)
    assert gear.feedback(0) == 1


def test_contacts_that_are_phases_of_one_switch_exclude_one_another_and_others_do_not():
    for apart, both in ((0, 0), (1, 1)):
        outputs = tuple([{"name": "h", "drive": "hold", "pin": p, "active": 1, "apart": apart}
                         for p in (6, 7)])
        chip = Chip()
        install(chip)
        gear = BoardSwitchgear(outputs, (), None, True)
        gear.drive(0, CLOSE)
        gear.drive(1, CLOSE)
        assert [chip.wires.driven(p) for p in (6, 7)] == [1, both] and gear.refused == 1 - both
        gear.drive(0, RELEASE)
        assert chip.wires.driven(6) == 1            # a held contact stays where it is
        gear.drive(0, OPEN)
        assert chip.wires.driven(6) == 0


def test_85_degrees_of_a_sensor_that_lost_its_supply_is_no_temperature():
    chip, _, gear = cabinet((), ({"name": "t", "ds18b20": 15},), None)
    sensor = Ds18b20(85 * 16)
    chip.wires.one_wire(15, sensor)
    for t_ms in range(0, 30_000, 50):
        chip.run_to(t_ms * 1000)
        gear.poll(t_ms)
    assert gear.missing() == 1
    for t_16 in (80 * 16, 85 * 16):         # on the way up it is one
        sensor.t_16 = t_16
        for t_ms in range(chip.t_us // 1000, chip.t_us // 1000 + 30_000, 50):
            chip.run_to(t_ms * 1000)
            gear.poll(t_ms)
    assert gear.feedback(0) == 850
