"""The MCP3208's PIO program, opcode by opcode, on a PIO emulator wired to a chip that goes by its
datasheet: what the wires show at 2.048 MHz."""
# ruff: noqa: F821  names of the assembler
from array import array

import pytest
from pioemu import State, emulate

from host_sim.chips import machine_shim, mcp3208, pio, rp2040

SCK, MOSI, MISO, CS = 2, 3, 0, 5      # the emulator reads from pin 0 on
PS = 488_281_250 // 1000        # a cycle of the state machine, in ps
COMMANDS = [(0x18 | k) << 27 for k in range(8)]


@pytest.fixture
def program():
    """Assembled from the driver's own source."""
    chip = machine_shim.Chip("rp2040")
    rp2040.fit(chip)
    machine_shim.install(chip)
    from acu.drivers import mcp_code
    return mcp_code.CODE


def wire(opcodes, commands, chip, cycle_ps=PS):
    """Runs until so many codes came. Returns them with the cycle at which each was pushed."""
    state = State(pin_directions=1 << SCK | 1 << MOSI | 1 << CS, pin_values=1 << CS)
    state.transmit_fifo.extend(commands)

    def levels(clock: int) -> int:
        """What MISO shows as an instruction begins; while it is not settled, the wrong level."""
        level = chip.out(clock * cycle_ps // 1000)
        if level == -1:
            level = 1 - chip.out()
        return (1 if level is None else level) << MISO

    seen = []
    for before, after in emulate(
            list(opcodes), stop_when=lambda _, s: len(seen) == len(commands) or s.clock > 10_000,
            initial_state=state, input_source=levels, shift_isr_right=False,
            shift_osr_right=False, out_base=MOSI, out_count=1, set_base=CS, set_count=1,
            side_set_base=SCK, side_set_count=1):
        # pins change as the instruction begins
        t_ns = before.clock * cycle_ps // 1000
        chip.select(after.pin_values >> CS & 1, t_ns)
        chip.clock(after.pin_values >> SCK & 1, t_ns)
        chip.data(after.pin_values >> MOSI & 1, t_ns)
        while after.receive_fifo:
            seen.append((after.receive_fifo.popleft(), before.clock))
    return seen


def codes(channel, t_us):
    return (channel * 577 + t_us // 250 * 211 + 5) & 4095


def test_64_cycles_a_conversion_and_every_bit_right(program):
    chip = mcp3208.Mcp3208(lambda channel, t_us: channel * 0x249 ^ 0xA5A)
    seen = wire(program[0], COMMANDS * 3, chip)
    assert [code for code, _ in seen] == [k * 0x249 ^ 0xA5A for k in range(8)] * 3
    at = [clock for _, clock in seen]
    assert {b - a for a, b in zip(at, at[1:], strict=False)} == {64}
    assert chip.conversions == 24


def test_the_wires_keep_the_datasheets_times_with_room(program):
    chip = mcp3208.Mcp3208(codes)
    wire(program[0], COMMANDS * 2, chip)
    least = chip.least_ns
    assert chip.clock_ns == 793                 # 1.26 MHz at 3.3 V
    assert least["clock period"] >= 976 and least["clock high"] >= 488 <= least["clock low"]
    assert least["deselected"] >= 4000 and least["select before the clock"] >= 1900
    assert least["data before the clock"] >= 488 <= least["data after the clock"]
    assert least["sample"] >= 6800


@pytest.mark.parametrize("cycle_ps", [PS // 2, PS * 10 // 13])
def test_the_chip_refuses_a_faster_clock(program, cycle_ps):
    with pytest.raises(mcp3208.ProtocolError):
        wire(program[0], COMMANDS, mcp3208.Mcp3208(codes), cycle_ps)


def test_at_five_volts_it_would_take_the_faster_clock(program):
    wire(program[0], COMMANDS, mcp3208.Mcp3208(lambda channel, t_us: 0, vdd_mv=5000),
         PS * 10 // 13)


@pytest.mark.parametrize("change", [
    (1, 0x0800), (3, 1), (10, 1), (6, 0x0B00), (7, 0x1000), (9, 0x1000)])
def test_a_wrong_program_gives_wrong_codes_or_is_refused(program, change):
    """Each instruction counts: the pause, the number of command bits and of code bits, the clocks
    between them, their edges."""
    at, bits = change
    opcodes = array("H", program[0])
    opcodes[at] ^= bits
    chip = mcp3208.Mcp3208(lambda channel, t_us: channel * 0x249 ^ 0xA5A)
    try:
        seen = wire(opcodes, COMMANDS, chip)
    except mcp3208.ProtocolError:
        return
    pace = {b[1] - a[1] for a, b in zip(seen, seen[1:], strict=False)}
    assert [code for code, _ in seen] != [k * 0x249 ^ 0xA5A for k in range(8)] or pace != {64}


def test_no_start_bit_no_answer(program):
    chip = mcp3208.Mcp3208(codes)
    with pytest.raises(mcp3208.ProtocolError):
        wire(program[0], [0x08 << 27, 0x18 << 27], chip)


def test_a_differential_input_is_refused(program):
    with pytest.raises(mcp3208.ProtocolError):
        wire(program[0], [0x10 << 27], mcp3208.Mcp3208(codes))


def test_the_fast_model_knows_this_very_program(program):
    code, _, _, execctrl, shiftctrl, *pins = program
    assert tuple(code) == pio.MCP3208
    assert execctrl == 13 << 12 and shiftctrl == 0
    assert pins == [pio.OUT_LOW, pio.OUT_HIGH, pio.OUT_LOW]


def test_the_assembler_knows_what_micropython_knows():
    """Opcodes of the RP2040's datasheet, and what cannot be assembled."""
    def known():
        wrap_target()
        label("a")
        pull()                     .side(1) [3]
        out(pindirs, 32)
        mov(isr, null)
        jmp(not_osre, "a")
        wrap()

    code, _, _, execctrl, *_ = pio.asm_pio(sideset_init=2)(known)
    assert list(code) == [0x80A0 | 0x1800 | 0x300, 0x6080, 0xA0C3, 0x00E0]
    assert execctrl == 3 << 12 | 1 << 30

    def slow():
        nop()  [16]

    with pytest.raises(pio.PIOASMError):
        pio.asm_pio(sideset_init=2)(slow)

    def lost():
        jmp("nowhere")

    with pytest.raises(pio.PIOASMError):
        pio.asm_pio()(lost)
