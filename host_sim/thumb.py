"""Static cycle count of a viper loop: the Cortex-M0+ code that mpy-cross emits, read from the
.mpy.

Parses just enough of the .mpy format, version 6 (MicroPython, py/persistentcode.c), to find the
machine code of a top-level function; capstone disassembles it. Cycles: ARM DDI 0484C (Cortex-M0+
TRM), table 3-1, with the RP2040's single-cycle multiplier and no wait states.
"""
import ast
from pathlib import Path

import capstone

_BYTECODE, _ASM = 0, 3


class _Reader:
    def __init__(self, data: bytes):
        self.data = data
        self.at = 0

    def take(self, n: int) -> bytes:
        self.at += n
        return self.data[self.at - n:self.at]

    def uint(self) -> int:
        value = 0
        while True:
            byte = self.take(1)[0]
            value = value << 7 | byte & 0x7F
            if not byte & 0x80:
                return value


def _object(r: _Reader):
    kind = r.take(1)[0]
    if kind == 10:                     # tuple
        for _ in range(r.uint()):
            _object(r)
    # str, bytes: with a terminating zero; int, float, complex: text
    elif kind >= 5:
        r.take(r.uint() + (kind in (5, 6)))


def _raw_code(r: _Reader) -> tuple[int, bytes, list]:
    head = r.uint()
    kind = head & 3
    code = r.take(head >> 3)
    if kind != _BYTECODE:
        r.uint()                       # prelude offset, or scope flags
        if kind == _ASM:
            r.uint()
            r.uint()
    children = [_raw_code(r) for _ in range(r.uint())] if head & 4 else []
    return kind, code, children


def machine_code(mpy: Path, source: Path, function: str) -> bytes:
    """Code of a top-level function of a compiled module; ValueError if it is not native."""
    r = _Reader(mpy.read_bytes())
    if r.take(2) != b"M\x06":
        raise ValueError(f"{mpy.name} is not a version 6 .mpy file")
    r.take(2)
    n_qstr, n_obj = r.uint(), r.uint()
    for _ in range(n_qstr):
        n = r.uint()
        if not n & 1:
            r.take((n >> 1) + 1)
    for _ in range(n_obj):
        _object(r)
    children = _raw_code(r)[2]
    names = [node.name for node in ast.parse(source.read_text()).body
             if isinstance(node, ast.FunctionDef)]
    kind, code, _ = children[names.index(function)]
    if kind == _BYTECODE:
        raise ValueError(f"{function} in {source.name} is byte code, not viper")
    return code


def _cycles(mnemonic: str, operands: str) -> int:
    if mnemonic in ("push", "pop", "ldm", "stm"):
        return 1 + operands.count("r") + operands.count("lr") + 2 * operands.count("pc")
    if mnemonic.startswith(("ldr", "str")):
        return 2
    if mnemonic in ("bl", "blx"):
        return 3
    if mnemonic in ("b", "bx"):
        return 2
    return 1


def loops(code: bytes) -> list[dict]:
    """Innermost loops, in order: multiplications, instructions and cycles of one pass."""
    md = capstone.Cs(capstone.CS_ARCH_ARM, capstone.CS_MODE_THUMB | capstone.CS_MODE_MCLASS)
    md.skipdata = True
    ops = list(md.disasm(code, 0))
    backs = []
    for k, op in enumerate(ops):
        if op.mnemonic.startswith("b") and op.op_str.startswith("#"):
            target = int(op.op_str[1:], 0)
            if target < op.address:
                backs.append((target, k))
    out = []
    for target, k in backs:
        inside = [b for b in backs if b[0] >= target and b[1] < k]
        if inside:
            continue
        body = [op for op in ops[:k + 1] if op.address >= target]
        cycles = sum(_cycles(op.mnemonic.split(".")[0], op.op_str) for op in body)
        if not body[-1].mnemonic.startswith("b.") and body[-1].mnemonic != "b":
            cycles += 1                # the conditional branch back is taken
        muls = sum(op.mnemonic.startswith("mul") for op in body)
        out.append({"muls": muls, "instructions": len(body), "cycles": cycles})
    return out


def asm_cycles_per_pair(mpy: Path, source: Path) -> dict:
    """The same of the hand-assembled twin: its five sums are two loops, of four frames a pass."""
    found = loops(machine_code(mpy, source, "_piece"))
    if [loop["muls"] for loop in found] != [8, 2, 4, 1, 4]:
        raise ValueError(f"_piece in {source.name}: not the loops of v, v v, v i; i, i i; turns")
    return {"sums": (found[0]["cycles"] + found[2]["cycles"]) / 4,
            "correlation": float(found[4]["cycles"])}


def cycles_per_pair(mpy: Path, source: Path) -> dict:
    """Cycles a pair and frame of the sums (their loop is unrolled) and of the correlations."""
    found = loops(machine_code(mpy, source, "take_pairs"))
    sums = max(found, key=lambda loop: loop["muls"])
    corr = next(loop for loop in found if loop["muls"] == 4)
    return {"sums": sums["cycles"] * 3 / sums["muls"], "correlation": float(corr["cycles"])}
