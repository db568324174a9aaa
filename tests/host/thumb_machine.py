"""A Cortex-M0+ core (unicorn) with a board's RAM that runs the machine code of compiled kernels.

Around the code stands as little of MicroPython as a viper function touches: its function object,
and a table of the interpreter's functions in which a number stays itself, a global is the argument
block of the hand-assembled kernels, and a call goes into their code. Whatever else a kernel calls
stops the machine.
"""
from array import array
from pathlib import Path

from unicorn import UC_ARCH_ARM, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
from unicorn.arm_const import (
    UC_ARM_REG_LR,
    UC_ARM_REG_R0,
    UC_ARM_REG_R1,
    UC_ARM_REG_R2,
    UC_ARM_REG_R3,
    UC_ARM_REG_R8,
    UC_ARM_REG_R9,
    UC_ARM_REG_R10,
    UC_ARM_REG_R11,
    UC_ARM_REG_SP,
    UC_CPU_ARM_CORTEX_M0,
)

from host_sim.thumb import machine_code

_CODE, _CALLED, _STUBS, _BACK = 0x1000, 0x3000, 0x5000, 0x5F00
_RAM, _RAM_BYTES = 0x20000000, 264 * 1024
_KEPT = (UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11)

# Places in the table, py/nativeglue.h of MicroPython 1.25 (mp_fun_kind_t).
_FROM_OBJ, _TO_OBJ, _SWAP_GLOBALS, _LOAD_GLOBAL, _CALL, _KINDS = 3, 4, 5, 7, 27, 50
_SAME = bytes.fromhex("7047")                     # bx lr
_ZERO = bytes.fromhex("00207047")                 # movs r0, #0; bx lr
_GLOBAL = bytes.fromhex("00487047")               # ldr r0, [pc]; bx lr; then the word
_ENTER = bytes.fromhex("1068014b1847c046")        # ldr r0, [r2]; ldr r3, [pc]; bx r3; the word
_STOP = bytes.fromhex("00be")                     # bkpt


class Machine:
    """call(arguments): arrays are copied into RAM and back, numbers go as they are."""

    def __init__(self, mpy: Path, source: Path, function: str, called: str = ""):
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
        self._uc.mem_map(0, 0x6000)
        self._uc.mem_map(_RAM, _RAM_BYTES)
        self._put(_CODE, machine_code(mpy, source, function))
        if called:
            self._put(_CALLED, machine_code(mpy, source, called))
        self._block = _RAM
        stubs = {_FROM_OBJ: _SAME, _TO_OBJ: _SAME, _SWAP_GLOBALS: _ZERO,
                 _LOAD_GLOBAL: _GLOBAL + self._block.to_bytes(4, "little")}
        if called:
            stubs[_CALL] = _ENTER + (_CALLED | 1).to_bytes(4, "little")
        self._used = 64
        places = []
        for k in range(_KINDS):
            self._put(_STUBS + 16 * k, stubs.get(k, _STOP))
            places.append(_STUBS + 16 * k | 1)
        table = self._words(places)
        objects = self._words([table] * 16)       # constants and children; the table is one
        context = self._words([0, 0, self._words([0] * 16), objects])
        self._self = self._words([0, context])

    def _put(self, address: int, data: bytes):
        self._uc.mem_write(address, data)

    def _words(self, values) -> int:
        address = self._used
        self._put(_RAM + address, b"".join(v.to_bytes(4, "little") for v in values))
        self._used += 4 * len(values)
        return _RAM + address

    def call(self, *arguments: int | array) -> int:
        """The result. A machine that faults, stops or loses a register raises."""
        before = self._used
        words, held = [], []
        for value in arguments:
            if isinstance(value, array):
                address = _RAM + self._used
                self._put(address, value.tobytes())
                self._used += len(value) * value.itemsize + 16 & ~7
                held.append((address, value))
                words.append(address)
            else:
                words.append(value & 0xFFFFFFFF)
        end = _RAM + self._used
        guard = b"\xA5" * 4096
        self._put(end + 4 * len(words), guard)
        into = self._words(words)
        uc = self._uc
        for k, register in enumerate((UC_ARM_REG_R0, UC_ARM_REG_R1, UC_ARM_REG_R2, UC_ARM_REG_R3)):
            uc.reg_write(register, (self._self, len(words), 0, into)[k])
        for register in _KEPT:
            uc.reg_write(register, 0xC0DE0000 + register)
        uc.reg_write(UC_ARM_REG_SP, _RAM + _RAM_BYTES)
        uc.reg_write(UC_ARM_REG_LR, _BACK | 1)
        uc.emu_start(_CODE | 1, _BACK, timeout=10_000_000)
        if uc.reg_read(UC_ARM_REG_SP) != _RAM + _RAM_BYTES:
            raise RuntimeError("the stack is not level")
        if [uc.reg_read(register) for register in _KEPT] != [0xC0DE0000 + r for r in _KEPT]:
            raise RuntimeError("a register of the caller is lost")
        if uc.mem_read(end + 4 * len(words), len(guard)) != guard:
            raise RuntimeError("a store past the arguments")
        for address, value in held:
            data = bytes(uc.mem_read(address, len(value) * value.itemsize))
            value[:] = array(value.typecode, data)
        self._used = before
        result = uc.reg_read(UC_ARM_REG_R0)
        return result - (1 << 32) if result >> 31 else result
