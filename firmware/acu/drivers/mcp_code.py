"""What the state machine does for one conversion of an MCP3208: 64 cycles, at 2.048 MHz 31.25 us.

One word from the FIFO, its upper five bits the command; one word into the FIFO, a code of 12 bits.
The clock wire runs at half the machine's pace, 1.024 MHz (the chip's limit is 1.26 MHz at 3.3 V).
The input is sampled for 6.8 us, which lets a source have 10 kilohm. Side: clock; out: MOSI; in:
MISO; set: select, low when selected. tests/host/test_mcp3208_wire.py runs it cycle by cycle.
"""
# ruff: noqa: F821  names of the assembler
# mypy: ignore-errors
import rp2


@rp2.asm_pio(sideset_init=rp2.PIO.OUT_LOW, out_init=rp2.PIO.OUT_LOW, set_init=rp2.PIO.OUT_HIGH,
             in_shiftdir=rp2.PIO.SHIFT_LEFT, out_shiftdir=rp2.PIO.SHIFT_LEFT)
def CODE():
    pull(block)             .side(0)
    set(pins, 1)            .side(0)    [8]     # 4.4 us between two conversions
    set(pins, 0)            .side(0)    [1]
    set(x, 4)               .side(0)
    label("c")                                  # start, single-ended, three bits of the channel
    out(pins, 1)            .side(0)
    jmp(x_dec, "c")         .side(1)
    nop()                   .side(0)    [11]    # it samples since the last rising edge,
    nop()                   .side(1)
    nop()                   .side(0)            # until this falling one
    nop()                   .side(1)            # the null bit
    set(x, 11)              .side(0)
    label("b")
    in_(pins, 1)            .side(1)
    jmp(x_dec, "b")         .side(0)
    push(block)             .side(0)
