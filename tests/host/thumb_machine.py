"""A Cortex-M0+ core (unicorn) with a board's RAM that runs the machine code of compiled kernels.

Around the code stands as little of MicroPython as a viper function touches: its function object,
and a table of the interpreter's functions in which a number stays itself, // is MicroPython's, and
a call goes to the one function that the kernel may call. A global has no value but serves as the
argument block of the hand-assembled kernels. Whatever else a kernel asks for stops the machine.
"""
from array import array
from pathlib import Path

from unicorn import UC_ARCH_ARM, UC_HOOK_CODE, UC_MODE_MCLASS, UC_MODE_THUMB, Uc
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

Kernel = tuple[Path, Path, str]

_CODE, _CALLED, _STUBS, _BACK = 0x1000, 0x3000, 0x5000, 0x5FF0
_RAM, _RAM_BYTES = 0x20000000, 264 * 1024
_KEPT = (UC_ARM_REG_R8, UC_ARM_REG_R9, UC_ARM_REG_R10, UC_ARM_REG_R11)

# Places in the table, py/nativeglue.h of MicroPython 1.25 (mp_fun_kind_t).
_FROM_OBJ, _TO_OBJ, _SWAP_GLOBALS, _LOAD_GLOBAL, _CALL, _KINDS = 3, 4, 5, 7, 27, 50
_FLOOR_DIVIDE, _MODULO = 46, 47
_SAME = bytes.fromhex("7047")                     # bx lr
_ZERO = bytes.fromhex("00207047")                 # movs r0, #0; bx lr
_GLOBAL = bytes.fromhex("00487047")               # ldr r0, [pc]; bx lr; then the word
_ENTER = bytes.fromhex("1068014b1847c046")        # ldr r0, [r2]; ldr r3, [pc]; bx r3; the word
# adds r3, r2, #0; movs r2, #0; ldr r0, [pc]; mov ip, r0; ldr r0, [pc]; bx ip; the words
_ENTER_VIPER = bytes.fromhex("131c0022024884460248604700bf00bf")
_STOP = bytes.fromhex("00be")                     # bkpt


def _signed(word: int) -> int:
    return word - (1 << 32) if word >> 31 else word


class Machine:
    """call(arguments): arrays are copied into RAM and back, numbers go as they are.

    A kernel is (.mpy, its source, function); called: the one that it calls. A hand-assembled one,
    which has its name in `assembled`, takes the address of its argument block.
    """

    assembled = ("_piece",)

    def __init__(self, kernel: Kernel, called: Kernel | None = None):
        self._uc = Uc(UC_ARCH_ARM, UC_MODE_THUMB | UC_MODE_MCLASS)
        self._uc.ctl_set_cpu_model(UC_CPU_ARM_CORTEX_M0)
        self._uc.mem_map(0, 0x6000)
        self._uc.mem_map(_RAM, _RAM_BYTES)
        self._put(_CODE, machine_code(*kernel))
        if called:
            self._put(_CALLED, machine_code(*called))
        self._block = _RAM
        stubs = {_FROM_OBJ: _SAME, _TO_OBJ: _SAME, _SWAP_GLOBALS: _ZERO,
                 _FLOOR_DIVIDE: _SAME, _MODULO: _SAME,
                 _LOAD_GLOBAL: _GLOBAL + self._block.to_bytes(4, "little")}
        self._used = 64
        places = []
        for k in range(_KINDS):
            self._put(_STUBS + 32 * k, stubs.get(k, _STOP))
            places.append(_STUBS + 32 * k | 1)
        table = self._words(places)
        objects = self._words([table] * 16)       # constants and children; the table is one
        context = self._words([0, 0, self._words([0] * 16), objects])
        self._self = self._words([0, context])
        if called:
            words = (_CALLED | 1).to_bytes(4, "little") + self._self.to_bytes(4, "little")
            enter = _ENTER if called[2] in self.assembled else _ENTER_VIPER
            self._put(_STUBS + 32 * _CALL, enter + words)
        for k in (_FLOOR_DIVIDE, _MODULO):
            at = _STUBS + 32 * k
            self._uc.hook_add(UC_HOOK_CODE, self._divide, k == _FLOOR_DIVIDE, at, at)

    def _put(self, address: int, data: bytes):
        self._uc.mem_write(address, data)

    def _words(self, values) -> int:
        address = self._used
        self._put(_RAM + address, b"".join(v.to_bytes(4, "little") for v in values))
        self._used += 4 * len(values)
        return _RAM + address

    def _divide(self, uc: Uc, _address: int, _size: int, floor: bool):
        a, b = (_signed(uc.reg_read(register)) for register in (UC_ARM_REG_R0, UC_ARM_REG_R1))
        uc.reg_write(UC_ARM_REG_R0, (a // b if floor else a % b) & 0xFFFFFFFF)

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
        return _signed(uc.reg_read(UC_ARM_REG_R0))
