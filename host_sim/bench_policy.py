"""What a step of dispatch costs with each policy: statements counted, time in the 32-bit VM, and
from both what an RP2040 needs; for `slvg bench`. tests/emulator/test_chip_policy.py has the cycles
of the real byte code.
"""
from dataclasses import replace

from host_sim.bench import STATEMENT_CYCLES, VIPER_CALL_CYCLES
from host_sim.board.dispatch_rig import Rig
from host_sim.study import microgrid as mg
from host_sim.study.microgrid_profiles import MW_KW, synthetic
from host_sim.study.microgrid_vm import compare
from host_sim.study.policy_file import even, pack
from host_sim.tick_count import Counter

_DAYS = 14


def figures(mhz: int = 125) -> dict:
    """By policy: statements, byte codes and viper calls of a step and of the busiest, us of a step
    in the VM, and the estimate for the board."""
    year = synthetic(1, 1)
    days = replace(year, pv_mw=year.pv_mw[:24 * _DAYS], load_mw=year.load_mw[:24 * _DAYS])
    raw = pack(mg.PlantSpec(), even(days.load_mw / MW_KW))
    out = {}
    for name, policy in (("naive", mg.NAIVE), ("rule", mg.RULE), ("table", mg.table(raw))):
        played = mg.play(days, policy=policy)
        rig = Rig(policy.given(mg.PlantSpec()))
        counter = Counter()
        for row in played.seen[:48].tolist():
            with counter:
                rig.step(row)
        told = counter.figures()
        cycles = (told["statements"] * STATEMENT_CYCLES
                  + told["viper_calls"] * VIPER_CALL_CYCLES)
        out[name] = {**told, "us_vm": round(compare(played, policy).us_step, 1),
                     "us_rp2040_estimate": round(cycles / mhz)}
    return out
