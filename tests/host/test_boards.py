"""Boards: all of ours are in order, and a table of bad ones, each refused with its sentence."""
import copy
import re
import tomllib
from pathlib import Path

import pytest

from host_sim import boards
from host_sim import pins as pin_facts
from host_sim.pins import CHIPS, claims
from host_sim.scenario import figures, load
from host_sim.scenario.complaints import InputError
from host_sim.scenario.runner import run

NAMES = boards.names()
OPERATOR = "pico_w_operator"


def described(name):
    return copy.deepcopy(boards.load(name))


@pytest.mark.parametrize("name", NAMES)
def test_a_board_of_ours_is_in_order(name):
    board, pins = boards.load(name)
    assert board["board"] == name and claims(pins)


def test_the_boards_of_the_issue_are_there():
    assert {"pico_w_meter", "pico_w_operator", "pico_w_branch", "pico_w_recloser",
            "pico_w_coordinator", "esp32_coordinator", "esp32_operator"} <= set(NAMES)


def put(table, key, **values):
    """A change of one entry of OUTPUTS, UNUSED or INPUTS."""
    def change(board, pins):
        pins[table] = tuple({**one, **values} if one["name"] == key else one
                            for one in pins[table])
    return change


def without(table, key, *names):
    def change(board, pins):
        pins[table] = tuple({k: v for k, v in one.items() if one["name"] != key or k not in names}
                            for one in pins[table])
    return change


def of_pins(**values):
    return lambda board, pins: pins.update(values)


def of_converter(**values):
    return lambda board, pins: pins["CONVERTER"].update(values)


def of_board(**values):
    return lambda board, pins: board.update(values)


def both(*changes):
    def change(board, pins):
        for one in changes:
            one(board, pins)
    return change


MANY = [{"name": f"x{k}", "meaning": ""} for k in range(9)]
BAD = [
    # two functions on one pin
    (OPERATOR, put("OUTPUTS", "relay_b", close=6),
     "E204 board pico_w_operator: output relay_b (close) uses GP6, already used by relay_a "
     "(close). Give each output its own pin in pins.py."),
    (OPERATOR, put("INPUTS", "mirror_a", pin=5),
     "E204 board pico_w_operator: input mirror_a uses GP5, already used by converter cs. Give "
     "each function its own pin in pins.py."),
    ("pico_w_branch", put("INPUTS", "temperature", ds18b20=14),
     "E204 board pico_w_branch: interlock uses GP14, already used by input temperature. Give each "
     "function its own pin in pins.py."),
    (OPERATOR, of_pins(LED=10), "E204"),
    # pins that are not free, or not there
    (OPERATOR, put("OUTPUTS", "relay_a", open=25),
     "E205 board pico_w_operator: output relay_a (open) uses GP25, which serves the wireless chip "
     "select. Choose another pin in pins.py."),
    (OPERATOR, put("OUTPUTS", "relay_a", open=30),
     "E203 board pico_w_operator: output relay_a (open) uses GP30; the Pico W has no such pin. "
     "Choose one of 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, "
     "22, 26, 27, 28."),
    (OPERATOR, put("OUTPUTS", "relay_a", open="GP7"),
     "E203 board pico_w_operator: relay_a: open = 'GP7' is no pin number. Write the chip's own "
     "number of the pin."),
    ("esp32_operator", put("OUTPUTS", "relay_a", open=9),
     "E205 board esp32_operator: output relay_a (open) uses GPIO9, which serves the flash memory. "
     "Choose another pin in pins.py."),
    ("esp32_operator", put("INPUTS", "mirror_a", pin=1), "E205"),
    ("esp32_operator", put("INPUTS", "mirror_a", pin=20), "E203"),
    (OPERATOR, of_pins(FORBIDDEN={23: "wireless power", 24: "wireless data",
                                  25: "wireless chip select"}),
     "E205 board pico_w_operator: FORBIDDEN lacks GP29 (wireless clock). Add it."),
    (OPERATOR, lambda board, pins: pins["FORBIDDEN"].update({16: "a clip"}),
     "E205 board pico_w_operator: input mirror_a uses GP16, which FORBIDDEN keeps. Choose another "
     "pin, or take it off the list."),
    # relays on strapping pins, outputs on inputs
    ("esp32_operator", put("OUTPUTS", "relay_c", close=12),
     "E206 board esp32_operator: output relay_c (close) uses GPIO12, a strapping pin: its level at"
     " reset belongs to the chip. A relay needs a pin that stays low at reset; choose another."),
    ("esp32_operator", put("OUTPUTS", "relay_c", close=14),
     "E206 board esp32_operator: output relay_c (close) uses GPIO14, which is pulled up at reset."
     " A relay needs a pin that stays low at reset; choose another."),
    ("esp32_coordinator", put("UNUSED", "cutout_drive", open=15), "E206"),
    ("esp32_operator", put("OUTPUTS", "relay_c", close=35), "E207"),
    ("esp32_coordinator", put("INPUTS", "temperature", ds18b20=39),
     "E207 board esp32_coordinator: input temperature uses GPIO39, which is an input only. Choose "
     "another pin in pins.py."),
    ("esp32_coordinator", of_converter(cs=36), "E207"),
    # analog
    ("pico_w_meter", of_converter(pins=(22, 27)),
     "E208 board pico_w_meter: converter input 0 uses GP22, no analog input. A Pico W has them on "
     "GP26, GP27 and GP28."),
    ("esp32_operator", of_pins(CONVERTER={"driver": "esp32_adc", "pins": (4, 32, 33, 36, 39)}),
     "E208 board esp32_operator: converter input 0 uses GPIO4, no analog input. ADC1 is on GPIO32 "
     "to 36 and 39; ADC2 stops when Wi-Fi starts."),
    ("pico_w_meter", of_converter(pins=(27, 26)), "E216"),
    ("pico_w_meter", of_converter(pins=(26,)),
     "E216 board pico_w_meter: converter rp2_adc has 1 pins, board.json 2 channels. Give each "
     "channel its pin, in order."),
    (OPERATOR, of_board(channels=MANY),
     "E216 board pico_w_operator: converter mcp3208_pio has 8 channels, board.json 9. Leave some "
     "out."),
    (OPERATOR, of_pins(CONVERTER={"driver": "rp2_adc", "pins": (26, 27, 28, 22, 21)}), "E216"),
    ("esp32_operator", of_pins(CONVERTER={"driver": "esp32_adc", "pins": (32, 33, 36, 39)}),
     "E216 board esp32_operator: converter esp32_adc has 4 pins, board.json 5 channels. Give each "
     "channel its pin, in order."),
    ("esp32_operator", of_pins(CONVERTER={"driver": "atm90e32", "spi": 2, "sck": 18, "mosi": 23,
                                          "miso": 19, "cs": 5}),
     "E216 board esp32_operator: converter atm90e32 measures three voltages and three currents, a "
     "customer board has 5 channels. Use another converter."),
    # state of the outputs while the pins float
    (OPERATOR, put("OUTPUTS", "relay_a", active=0),
     "E209 board pico_w_operator: output relay_a: active = 0 leaves no safe state while the pin "
     "floats at reset. Use a driver with a pull-down resistor and active 1."),
    (OPERATOR, without("OUTPUTS", "relay_a", "active"), "E209"),
    (OPERATOR, without("OUTPUTS", "relay_b", "drive"),
     "E209 board pico_w_operator: output relay_b: drive = None says nothing of its state at reset."
     " Write \"latching\" (keeps its position) or \"hold\" (released is open)."),
    ("pico_w_branch", without("OUTPUTS", "breaker", "open"),
     "E210 board pico_w_branch: output breaker latches and needs two pins. Give close and open a "
     "pin each."),
    ("pico_w_branch", put("OUTPUTS", "breaker", open=6), "E210"),
    ("pico_w_meter", without("UNUSED", "relay", "pin"),
     "E210 board pico_w_meter: output relay is held by one pin. Give pin, not close and open."),
    (OPERATOR, of_pins(INTERLOCK=None),
     "E213 board pico_w_operator: 3 outputs exclude one another and there is no INTERLOCK. Wire "
     "the chain of the close coils' supply to an input and name it in pins.py."),
    (OPERATOR, of_pins(TERMINAL={"uart": 0, "baud": 115_200, "tx": 0}),
     "E201 board pico_w_operator: TERMINAL has no rx. Add it."),
    (OPERATOR, of_pins(TERMINAL={"uart": 0, "baud": 115_200, "tx": 6, "rx": 1}), "E204"),
    # names
    (OPERATOR, put("OUTPUTS", "relay_a", name="relay_x"),
     "E202 board pico_w_operator: OUTPUTS of pins.py are relay_x relay_b relay_c, outputs of "
     "board.json relay_a relay_b relay_c. Give both the same names in the same order."),
    (OPERATOR, lambda board, pins: pins.update(INPUTS=pins["INPUTS"][::-1]), "E202"),
    ("pico_w_meter", of_pins(UNUSED=()), "E202"),
    (OPERATOR, of_board(board="pico_w_op"),
     "E202 board pico_w_operator: board.json calls it 'pico_w_op'. Give the folder and the board "
     "one name."),
    (OPERATOR, put("INPUTS", "mirror_a", ds18b20=15), "E202"),
    (OPERATOR, without("INPUTS", "mirror_a", "pull"), "E202"),
    # converters and roles that do not fit
    (OPERATOR, of_pins(CONVERTER={"driver": "atm90e32", "spi": 0, "sck": 2, "mosi": 3, "miso": 4,
                                  "cs": 5}),
     "E215 board pico_w_operator: converter atm90e32 is not for the Pico W. There are: "
     "mcp3208_pio, rp2_adc."),
    (OPERATOR, of_converter(driver="mcp3208"),
     "E215 board pico_w_operator: converter mcp3208 is unknown. Did you mean mcp3208_pio? There "
     "are: mcp3208_pio, rp2_adc."),
    (OPERATOR, lambda board, pins: pins["CONVERTER"].pop("miso"),
     "E215 board pico_w_operator: converter mcp3208_pio needs miso. Add it to CONVERTER."),
    (OPERATOR, of_converter(spi=1),
     "E215 board pico_w_operator: converter mcp3208_pio has no use for spi. Remove it."),
    (OPERATOR, of_board(slot_ns=2000),
     "E218 board pico_w_operator: converter mcp3208_pio takes a channel every 31250 ns (8 in a "
     "frame at 4000 Hz), board.json says slot_ns = 2000. Set slot_ns to 31250: what is not "
     "corrected is a wrong power."),
    ("esp32_operator", of_board(rate_hz=4000), "E218"),
    ("esp32_operator", of_board(kind="branch"),
     "E214 board esp32_operator: a branch board trips and recloses, and an ESP32 has no hard "
     "timers to do it in time. Use an RP2040."),
    ("esp32_operator", of_board(roles=["recloser"]), "E214"),
    ("esp32_coordinator", of_board(roles=["coordinator", "meter"]),
     "E214 board esp32_coordinator: the role meter works on samples, and atm90e32 tells readings. "
     "Leave the role out, or use mcp3208_pio."),
    # no form
    (OPERATOR, of_pins(CONVERTER="mcp3208_pio"),
     "E201 board pico_w_operator: CONVERTER = 'mcp3208_pio' is no table. Write {...}."),
    (OPERATOR, of_pins(OUTPUTS={"name": "relay_a"}),
     "E201 board pico_w_operator: OUTPUTS is no tuple. Write ({...}, {...},)."),
    (OPERATOR, of_pins(INTERLOCK={"pin": 14, "active": 1}),
     "E201 board pico_w_operator: INTERLOCK has no pull. Add it."),
    (OPERATOR, of_pins(INTERLOCK={"pin": None, "active": 1, "pull": "down"}), "E203"),
]


@pytest.mark.parametrize(("name", "change", "sentence"), BAD,
                         ids=[f"{k}-{case[2][:4]}" for k, case in enumerate(BAD)])
def test_a_bad_board_is_refused_with_its_sentence(name, change, sentence):
    board, pins = described(name)
    change(board, pins)
    said = boards.complaints(name, board, pins)
    if len(sentence) > 4:
        assert sentence in said
    else:
        assert any(text.startswith(sentence) for text in said), said
    for text in said:
        assert re.fullmatch(r"E2\d\d board \w+: .*[.}]", text) and "\n" not in text


def test_every_rule_of_the_validator_is_in_the_table():
    """So that none can be removed unseen."""
    source = Path(boards.__file__).read_text()
    codes = set(re.findall(r'"(E2\d\d) board|f"(E2\d\d) \{who', source))
    written = {a or b for a, b in codes}
    assert len(written) > 12
    assert written - {case[2][:4] for case in BAD} <= {"E211"}


def pins_text(tmp_path, text):
    path = tmp_path / "b" / "pins.py"
    path.parent.mkdir()
    path.write_text(text)
    with pytest.raises(InputError) as e:
        pin_facts.read(path)
    return e.value.text


GOOD = (boards.BOARDS / OPERATOR / "pins.py").read_text()


@pytest.mark.parametrize(("text", "sentence"), [
    ("import machine\n" + GOOD, "E201 board b: pins.py, line 1: only constants stand here: "
     "CONVERTER, OUTPUTS, INPUTS, INTERLOCK, RECOVERY, LED, FORBIDDEN, UNUSED, TERMINAL. Remove "
     "it."),
    (GOOD + "RELAYS = ()\n", "only constants stand here"),
    (GOOD.replace("LED = 22", "LED = 2 * 11"),
     "E201 board b: pins.py: LED is no constant. Write it with numbers, texts, tuples and "
     "dictionaries only."),
    (GOOD.replace("LED = 22\n", ""),
     "E201 board b: pins.py: LED is missing. Add it; None where there is none."),
    ("CONVERTER = {", "E201 board b: pins.py is no Python: "),
], ids=("import", "strange", "computed", "missing", "broken"))
def test_pins_are_constants(tmp_path, text, sentence):
    assert sentence in pins_text(tmp_path, text)


def test_a_board_without_pins_is_said(tmp_path):
    folder = tmp_path / "b"
    folder.mkdir()
    (folder / "board.json").write_bytes((boards.BOARDS / OPERATOR / "board.json").read_bytes())
    with pytest.raises(InputError, match="E201 board b: pins.py cannot be read"):
        boards.load(str(folder))
    with pytest.raises(InputError, match="E211 .*: holds no board.json"):
        boards.load(str(tmp_path / "none"))


@pytest.mark.parametrize("name", NAMES)
def test_the_wiring_table_is_that_of_the_pins(name):
    """Each pin of pins.py stands in the README with its number on the header, and no other."""
    board, pins = boards.load(name)
    chip = CHIPS[board["mcu"]]
    text = (boards.BOARDS / name / "README.md").read_text()
    rows = re.findall(rf"^\| {chip.name}(\d+) \| ([J\d-]+) \|", text, re.MULTILINE)
    assert {(int(pin), where) for pin, where in rows} == {
        (one.pin, chip.where[one.pin]) for one in claims(pins)}
    assert len(rows) == len(claims(pins))


SCALE = re.compile(r"^\| `(\w+)`.*\| ([\d.]+) (V|A) .*?= \*\*([\d.]+) V\*\*", re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_the_worked_values_give_the_full_scale_of_the_board(name):
    """README: `full scale through the parts = **volts at the converter**`, half of its range."""
    board, pins = boards.load(name)
    text = (boards.BOARDS / name / "README.md").read_text()
    if pins["CONVERTER"]["driver"] == "atm90e32":
        assert "65 A" in text
        return
    found = {channel[0]: (float(full), float(volts)) for channel, full, _, volts
             in SCALE.findall(text)}
    assert set(found) == {"u", "i"}
    assert found["u"][0] * 10 == board["u_peak_dv"] and found["i"][0] * 1000 == board["i_peak_ma"]
    for _, volts in found.values():
        assert abs(volts - 1.5) <= 0.015      # what calibration takes is 30 %


def test_the_assay_passes_on_esp32_boards():
    text = (load.FILES / "assay.toml").read_text().replace('"pico_w_', '"esp32_')
    scenario = load.build(tomllib.loads(text), load.FILES / "assay.toml")
    assert {acu.board["mcu"] for acu in scenario.acus} == {"esp32"}
    result = run(scenario, level="quantity")
    assert [one.text for one in figures.check(figures.figures(result, scenario), scenario)
            if not one.ok] == []
