"""Seeded streets for the planner study: what a Coordinator knows when F4 asks for a plan.

Six kinds in turn, since a rule that is good for many alike customers may be bad for a few large
ones. Powers are integers in VA, W and var. A street that F4 would not touch (unbalance below
ui_max) is kept: the study counts it.
"""
import random
from dataclasses import dataclass

KINDS = ("mixed", "few_big", "many_small", "three_phase", "silent", "export")
CUSTOMERS = 55
SR_VA = 100_000      # rated power of the street's transformer
UI_MAX_M = 200       # per mille: F4 acts above it,
TARGET_M = 150       # and aims below this (spec, section 7: 20 % less 5 % of hysteresis)
ABC = 3


@dataclass(frozen=True)
class Case:
    """ops: (number, phase, s_va, p_w, q_var, movable) of those who answered; s_va, p_w, q_var:
    the post's averages, per phase."""

    seed: int
    kind: str
    ops: tuple
    n_all: int
    s_va: tuple
    p_w: tuple
    q_var: tuple

    @property
    def signed(self) -> bool:
        """Somebody exports: the plan works on signed powers, since apparent ones do not add."""
        return any(op[3] < 0 for op in self.ops)

    @property
    def movable(self) -> list:
        return [op for op in self.ops if op[5] and op[1] < ABC]

    def load(self, op) -> int:
        """What this customer adds to his phase."""
        return op[3] if self.signed else op[2]

    def fixed(self) -> list:
        """Per phase what the movable do not explain: silent and three-phase users, losses."""
        rest = list(self.p_w if self.signed else self.s_va)
        for op in self.movable:
            rest[op[1]] -= self.load(op)
        return rest


def case(seed: int, kind: str | None = None) -> Case:
    """One street of 55. Without a kind the seed chooses it."""
    r = random.Random(f"street {seed}")
    kind = kind or KINDS[seed % len(KINDS)]
    share = [r.random() + 0.1 for _ in range(3)]
    p3 = [r.randrange(300) for _ in range(3)]    # losses, street lighting
    q3 = [0, 0, 0]
    ops = []
    for k in range(CUSTOMERS):
        ph = r.choices(range(3), share)[0]
        p_w = _power(r, kind, k)
        # Where somebody exports, all have power factor 1: then |P| is exact for the reference.
        q_var = 0 if kind == "export" else p_w * 33 // 100
        s_va = round((p_w * p_w + q_var * q_var) ** 0.5)
        movable = r.random() < 0.8
        if kind == "three_phase" and r.random() < 0.15:
            ph, p_w, q_var, s_va = ABC, 3 * p_w, 3 * q_var, 3 * s_va
        for x in range(3) if ph == ABC else (ph,):
            p3[x] += p_w // 3 if ph == ABC else p_w
            q3[x] += q_var // 3 if ph == ABC else q_var
        if kind != "silent" or r.random() < 0.8:
            ops.append((k, ph, s_va, p_w, q_var, movable))
    # What Operators average is added as it stands: one power factor, so that VA add up.
    s3 = tuple(round((p * p + q * q) ** 0.5) + CUSTOMERS for p, q in zip(p3, q3, strict=True))
    return Case(seed, kind, tuple(ops), CUSTOMERS, s3, tuple(p3), tuple(q3))


def _power(r: random.Random, kind: str, k: int) -> int:
    """A customer's average active power, W."""
    if kind == "few_big":
        return r.randrange(3000, 11_000) if k < 6 else r.randrange(50, 500)
    if kind == "many_small":
        return r.randrange(300, 900)
    usual = max(50, int(r.lognormvariate(7, 0.9)))
    if kind == "export" and r.random() < 0.2:
        return -r.randrange(200, 4500)
    return usual
