"""One case of `slvg study sync`: its world as codes, the firmware's answer, and the truth.

A work item names a case; its row is plain JSON, so that it can be kept in a file. Runs in any of
the study's processes.
"""
import json
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from acu import sync_settings
from acu.dsp import bay
from acu.functions import synccheck
from host_sim.board import bay_rig
from host_sim.study import bay_batch, sync_cases, sync_judge
from host_sim.study.accuracy_bench import own_table
from host_sim.study.bay_batch import TICK_S
from host_sim.waveform import adc, bay_codes
from host_sim.world.two_sided import TwoSided, wrapped

WAIT_MS = 10_000
# Caps of IEEE 1547 lifted: what is studied is the check. As spec/recloser.md, section 3, has it
# but for the slip: 0.5 Hz to aim at, 0.2 Hz (Lahsh) to check.
_SET = {key: value[0] for key, value in sync_settings.KEYS.items()} | {
    "fn_mhz": 50_000, "t_close_ms": round(1000 * sync_cases.CLOSE_S)}
AIMED = _SET | {"sy_slip_mhz": 500}
CHECKED = _SET | {"sy_slip_mhz": 200}
_NOISE = 1                       # uses of a case's seed: codes, the breaker
_BREAKER = 2


class Item(NamedTuple):
    """blind: gates that are taken out. twin: play it in both Pythons instead."""

    seed: int
    family: int
    number: int
    front: str = "rp2040"
    curve: str = ""
    blind: int = 0
    twin: bool = False

    @property
    def name(self) -> str:
        more = f" blind {self.blind:x}" if self.blind else " twin" if self.twin else ""
        return f"{sync_cases.NAMES[self.family]} {self.number}{more}"


class Converter(NamedTuple):
    """table: the correction that a board would have learned; gain: of its calibration."""

    front: bay_codes.Front
    table: Any = None
    gain: float = 1.0


@cache
def front_of(name: str, curve: str) -> Converter:
    """A measured one is learned and calibrated with its sum_a, and measures with sum_b."""
    front = bay_codes.FRONTS[name]
    if not curve:
        return Converter(front)
    measured = adc.read_curve(Path(curve))
    table = own_table(measured)
    learning = replace(front, name=measured.name, curve=measured.sum_a)
    codes = bay_batch.played(TwoSided(), 2.0, learning, np.random.default_rng(0))
    q = bay_batch.Here(bay_batch.settings(table=table)).rows(codes)
    u_bp = q[q[:, bay.GOOD] >= bay.GOOD_FULL, bay.U1].mean()
    return Converter(replace(learning, curve=measured.sum_b), table, 10_000 / float(u_bp))


def settings_of(family: int) -> dict:
    return AIMED if family in sync_cases.AIMED else CHECKED


def mode_of(family: int) -> int:
    return synccheck.SYNC if family in sync_cases.AIMED else synccheck.CHECK


def limits_of(family: int) -> sync_judge.Limits:
    """For the truth: without guards."""
    given = settings_of(family)
    return sync_judge.Limits(given["sy_du_bp"] / 1e4, given["sy_ang_cdeg"] / 100,
                             given["sy_slip_mhz"] / 1e3, given["t_close_ms"] / 1e3,
                             given["sy_dwell_ms"] / 1e3, family in sync_cases.AIMED)


def _given(item: Item) -> dict:
    converter = front_of(item.front, item.curve)
    return bay_batch.settings(settings_of(item.family), table=converter.table,
                              gain=converter.gain)


def _codes(item: Item, case: sync_cases.Case) -> np.ndarray:
    rng = sync_cases.rng_of(item.seed, item.family, item.number, _NOISE)
    codes = bay_batch.played(case.world, case.seconds, front_of(item.front, item.curve).front, rng)
    return sync_cases.spoilt(case, codes, rng) if item.family == sync_cases.FAULTY else codes


def _asked(case: sync_cases.Case) -> int:
    asks = case.family in (*sync_cases.CLOSING, sync_cases.SETTLE)
    return round(sync_cases.ASK_S / TICK_S) if asks else -1


def play(item: Item) -> dict:
    """The row of an item."""
    case = sync_cases.case(item.seed, item.family, item.number)
    codes = _codes(item, case)
    given = json.dumps(_given(item))
    vm = bay_batch.of_process(given)
    if item.twin:
        return {"case": item.name} | _twin(item, case, codes, vm, given)
    if item.family == sync_cases.ESTIMATE:
        return {"case": item.name} | estimated(case, vm.rows(codes))
    told = vm.check(codes, _asked(case), mode_of(item.family), WAIT_MS, item.blind)
    if item.family in sync_cases.CLOSING:
        return {"case": item.name} | _closing(item, case, told)
    return {"case": item.name} | timed(case, told)


def _twin(item: Item, case: sync_cases.Case, codes: np.ndarray, vm, given: str) -> dict:
    """Is it the same in both Pythons? All quantities, or what the check said up to the order."""
    here = bay_batch.Here(json.loads(given))
    asked = _asked(case), mode_of(item.family), WAIT_MS
    if item.family == sync_cases.ESTIMATE:
        return {"same": vm.rows(codes).tobytes() == here.rows(codes).tobytes()}
    return {"same": vm.run(bay_rig.CHECK, codes, *asked) == here.run(bay_rig.CHECK, codes,
                                                                       *asked)}


def estimated(case: sync_cases.Case, q: np.ndarray) -> dict:
    """Greatest errors over the ticks at which fits have their full length."""
    world = case.world
    q = q[q[:, bay.GOOD] >= bay.GOOD_FULL].astype(float)
    t = (q[:, bay.SEQ] - q[0, bay.SEQ]) * TICK_S
    t += case.seconds - t[-1]
    u = [(q[:, place] / 1e4 - side.pu(t)) * 100
         for place, side in ((bay.U1, world.one), (bay.U2, world.two))]
    off = {
        "angle_deg": wrapped(q[:, bay.DD] / 100 - world.deg(t)),
        "slip_mhz": q[:, bay.SLIP] / 1e3 - 1e3 * world.slip_hz(t),
        "touch_deg": wrapped(q[:, bay.DDT] / 100 - world.deg(t + sync_cases.CLOSE_S)),
        "slip_touch_mhz": q[:, bay.SLIPT] / 1e3 - 1e3 * world.slip_hz(t),
        "touch80_deg": wrapped(q[:, bay.DDT80] / 100 - world.deg(t + sync_cases.CLOSE_S)),
        "u_pct": np.concatenate(u),
        "f_mhz": np.concatenate([q[:, bay.F1] - 1e3 * world.one.hz(t),
                                 q[:, bay.F2] - 1e3 * world.two.hz(t)]),
        "rocof_hz_s": np.concatenate([q[:, bay.DF1], q[:, bay.DF2]]) / 1e3,
        "second_angle_deg": wrapped(q[:, bay.DD_B] / 100 - world.deg(t)),
        "second_slip_mhz": q[:, bay.SLIP_B] / 1e3 - 1e3 * world.slip_hz(t),
        "residual_deg": q[:, bay.RES] / 1e3,
    }
    return {"f1_hz": round(float(world.one.hz(0.0)), 4),
            "slip_hz": round(float(world.slip_hz(0.0)), 4), "ticks": len(q),
            **{name: round(float(np.abs(x).max()), 5) for name, x in off.items()}}


def _closing(item: Item, case: sync_cases.Case, told: bay_batch.Checked) -> dict:
    limits = limits_of(item.family)
    rng = sync_cases.rng_of(item.seed, item.family, item.number, _BREAKER)
    scatter = rng.uniform(-1, 1) * sync_cases.SCATTER_S
    last_s = case.seconds - limits.close_s - TICK_S
    perfect = sync_judge.oracle(case.world, limits, sync_cases.ASK_S, last_s)
    row: dict[str, Any] = {"what": case.what, "oracle_s": perfect,
                           "slip_hz": round(float(case.world.slip_hz(0.0)), 4),
                           "alone": alone(told.reasons[_asked(case):])}
    if told.order < 0 or (told.order + 1) * TICK_S > last_s:
        return row | {"order_s": None}
    order_s = (told.order + 1) * TICK_S
    close = sync_judge.judge(case.world, limits, order_s, scatter)
    return row | {"order_s": round(order_s, 4), "touch_deg": round(close.touch_deg, 4),
                  "late": close.late, "outside": close.outside,
                  "slip_order_hz": round(float(case.world.slip_hz(order_s)), 4)}


def alone(reasons: np.ndarray) -> dict[str, int]:
    """Ticks in which one gate alone refused, by its bit."""
    single = reasons[(reasons != 0) & ((reasons & (reasons - 1)) == 0)]
    bits, counts = np.unique(single, return_counts=True)
    return {str(int(b).bit_length() - 1): int(n) for b, n in zip(bits, counts, strict=True)}


def timed(case: sync_cases.Case, told: bay_batch.Checked) -> dict:
    """ms from the event to the tick that blocks or permits; None: never."""
    t = (np.arange(len(told.reasons)) + 1) * TICK_S  # an order ends the play
    after = t >= case.event_s
    row: dict[str, Any] = {"what": case.what}
    if case.family == sync_cases.BLOCK:
        before = told.answers[(t > case.event_s - 0.1) & ~after]
        row["permitted_before"] = bool((before > 0).all())
        seen = after & (told.answers == 0)
    elif case.family == sync_cases.SETTLE:       # all but the angle
        seen = after & ((told.reasons == 0) | (told.reasons == synccheck.GATE_AIM))
    else:
        seen = after & (told.answers > 0)
        row["early"] = bool((told.answers[~after] > 0).any())
    row["ms"] = round(1000 * float(t[seen.argmax()] - case.event_s), 2) if seen.any() else None
    return row


def example(item: Item) -> tuple:
    """World, all quantities, and time of each tick."""
    case = sync_cases.case(item.seed, item.family, item.number)
    q = bay_batch.of_process(json.dumps(_given(item))).rows(_codes(item, case))
    return case.world, q, (np.arange(len(q)) + 1) * TICK_S
