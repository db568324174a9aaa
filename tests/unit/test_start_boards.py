"""Every board of boards/ starts on models of what is soldered to it: settings, drivers, self-test.

The mains are there, the relays rest, and no coil draws current. What is soldered differs: an
MCP3208 at PIO or SPI, the RP2040's own converter, a metering chip, a thermometer.
"""
import json
import os

from host_sim.chips import mcp3208, rp2040
from host_sim.chips.atm90e32 import Atm90e32
from host_sim.chips.esp32 import Mcp3208Spi
from host_sim.chips.machine_shim import Ds18b20, install
from tests.unit import rack

NET = {"id": "me", "sc": "sc1", "uc": "uc1"}
CFG = {"operator": {}, "coordinator": {"members": ["eu1", "eu2"]}, "meter": {},
       "subcoordinator": {"members": ["eu1", "eu2"]}, "microgrid": {}}
GONE = ("recloser",)        # roles of a later issue
# one of each converter, for CPython, which is slower
FEW = ("pico_w_meter", "esp32_coordinator", "esp32_operator")


def files(board):
    with open("%s/boards/%s/board.json" % (rack.HOME, board)) as f:
        described = json.load(f)
    pins = {}
    with open("%s/boards/%s/pins.py" % (rack.HOME, board)) as f:
        exec(f.read(), pins)
    return described, pins


def wave(described):
    """codes(channel, t_us) of a healthy three-phase street, by the names of the channels."""
    shift = {"a": 0, "b": 27, "c": 53}
    rows = []
    for channel in described["channels"]:
        name = channel["name"]
        peak = 40 if name[0] == "i" else 1479 * 4500 // described["u_peak_dv"]
        if name == "ul":
            peak = 0
        rows.append((peak, shift.get(name[-1], 0)))

    def codes(channel, t_us):
        n = t_us // 250
        if channel >= len(rows):
            return 876 if channel == 4 and len(rows) < 4 else 2048
        peak, late = rows[channel]
        return 2048 + (rack.WAVE[(n - late) % 80] * peak >> 12) + (n & 1)
    return codes


class AnyRack(rack.Rack):
    """A rack with what this board has."""

    def __init__(self, board, role):
        described, pins = files(board)
        self.kind = described["mcu"]
        cfg = dict(NET)
        cfg.update(CFG[role])
        cfg["role"] = role
        if role == "meter":
            cfg["wiring"] = {"single": "A", "two": "AB"}.get(described["kind"], "ABC")
        rack.Rack.__init__(self, (), None, board, self.kind)
        chip = self.chip
        chip._devices = []
        codes = wave(described)
        driver = pins["CONVERTER"]["driver"]
        if driver == "mcp3208_pio":
            self.mcp = mcp3208.Mcp3208(codes)
            rp2040.fit(chip, None, self.mcp)
            mcp3208.on_wires(self.mcp, chip.wires)
        elif driver == "rp2_adc":
            rp2040.fit(chip, codes)
        elif driver == "atm90e32":
            chip.spi(2).attach(pins["CONVERTER"]["cs"], Atm90e32(chip.spi(2)))
        else:
            chip.spi(2).attach(pins["CONVERTER"]["cs"], Mcp3208Spi(chip.spi(2), codes))
        self.drawn = []
        for rule in pins["OUTPUTS"] + pins.get("UNUSED", ()):
            for coil in ("close", "open", "pin"):
                if coil in rule:
                    chip.wires.watch(rule[coil], self._look(rule["active"]))
        for rule in pins["INPUTS"]:
            if "ds18b20" in rule:
                chip.wires.one_wire(rule["ds18b20"], Ds18b20(20 * 16))
            elif rule["pull"] is None or "mirror" in rule["name"] or rule["name"] == "stop":
                chip.wires.outside(rule["pin"], 1 - rule["active"])     # open, at rest
        if pins["INTERLOCK"]:
            chip.wires.outside(pins["INTERLOCK"]["pin"], pins["INTERLOCK"]["active"])
        install(chip)
        rack.provisioned.save(rack.fit.FlashStore(self.root + "/data"), cfg)

    def _look(self, active):
        def look(pin, level, t_us):
            if level == active:
                self.drawn.append(pin)
        return look


def boards():
    for name in sorted(os.listdir(rack.HOME + "/boards")):
        if rack.there("%s/boards/%s/board.json" % (rack.HOME, name)):
            for role in files(name)[0]["roles"]:
                if role not in GONE and (rack.VM or name in FEW):
                    yield name, role


def test_every_board_starts_in_every_role_and_moves_nothing():
    played = 0
    for board, role in boards():
        r = AnyRack(board, role)
        unit = r.power_on()
        where = "%s as %s" % (board, role)
        assert unit.complaint == "", where + ": " + unit.complaint
        # bursts take longer than frames to show ten half cycles
        assert r.run(600 if r.kind == "rp2040" else 1500) == "", where
        assert unit.acu.ready, "%s: %s" % (where, r.events())
        assert r.chip.faults == [] and unit.console_faults == 0, where
        # of an island the battery, which forms its grid, is enabled after the self-test
        assert r.drawn == ([9] if role == "microgrid" else []), where
        inputs = unit.board["inputs"]
        temperature = [k for k in range(len(inputs)) if inputs[k]["name"] == "temperature"]
        for k in temperature:
            r.run(500)
            assert unit.ports.switchgear.feedback(k) == 200, where
        unit.stop()
        played += 1
    assert played >= (11 if rack.VM else 4)


def test_late_ticks_of_an_esp32_are_counted_and_told():
    r = AnyRack("esp32_operator", "operator")
    unit = r.power_on()
    r.run(1100)
    assert unit.gaps == 0 and unit.acu.ready
    r.chip.mask(60_000)         # the flash is erased
    r.run(1200)
    assert unit.gaps == 1 and 55 <= unit.gap_ms <= 66
    told = [line for line in r.events() if line.startswith("FAST_GAP")]
    assert len(told) == 1 and told[0].startswith("FAST_GAP n=1 max_ms=")
    assert r.chip.faults == []


def test_a_missing_thermometer_is_told_once():
    r = AnyRack("pico_w_branch", "subcoordinator")
    r.chip.wires._bus = {}
    r.power_on()
    assert r.run(4500) == ""
    assert [line for line in r.events() if "SENSOR" in line] == ["SENSOR missing_mask=4"]
    assert r.unit.acu.ready
