"""12-bit converters that are not ideal: measured transfer curves and a parametric RP2040.

A curve says what a converter reads at each eighth of an ideal code: 32,768 sums of six readings,
so whole numbers. `Converter` turns inputs into codes by it; `passage` is the same as one table for
bank.py, with the saturation of a current transformer before it. Nothing here draws or computes in
floats what reaches an event log.
"""
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

STEPS = 32_768                   # of a curve, eighths of a code
READINGS = 6                     # in a sum
CODES = 4096
NOISE_LSB = 0.55                 # of an RP2040, rms: README of the measured curves

# Where a code begins, in 1/64 of a code from its place: erratum RP2040-E11 and the unequal weights
# of the capacitors, as acu.functions.adc_table has them (a test compares); gain and offset besides
E11 = ((512, 638), (1536, 542), (2560, 572), (3584, 621))
BITS = (0, 3, 15, -5, 2, 3, 5, -13, 13, 31, 51)
BOW = -43
GAIN_PPM = -2_600                # of the beginnings, apart from what the steps add
OFFSET = -826

LOW = -2048                      # codes: what `passage` starts at, twice the range in all
PASSAGE = 8 * 2 * CODES          # its entries
_SOFT = 205                      # codes from the knee of a saturating core to half its slope


class CurveError(Exception):
    """A file that is no curve; `text` says why and what to do."""

    def __init__(self, text: str):
        self.text = text
        super().__init__(text)


@dataclass(frozen=True)
class Curve:
    """Two sets of six readings at each step: to learn on the one and test on the other."""

    name: str
    sum_a: np.ndarray
    sum_b: np.ndarray


def read_curve(path: Path | str) -> Curve:
    """A file as shared/data/adc has them. Raises CurveError, E150."""
    path = Path(path)
    try:
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    except IsADirectoryError:
        raise CurveError(f"E150 {path}: is a folder. Give one .npz file of it.") from None
    except FileNotFoundError:
        raise CurveError(f"E150 {path}: does not exist. Give an .npz with sum_a and "
                         "sum_b.") from None
    except Exception as e:       # numpy and zipfile raise whatever a broken file leads them to
        raise CurveError(f"E150 {path}: is no .npz file ({type(e).__name__}). Write it with "
                         "numpy.savez(file, sum_a=..., sum_b=...).") from e
    sums = []
    for key in ("sum_a", "sum_b"):
        if key not in found:
            raise CurveError(f"E150 {path}: {key} is missing, there are "
                             f"{', '.join(sorted(found)) or 'none'}. Give sum_a and sum_b.")
        sums.append(_checked(f"E150 {path}: {key}", found[key]))
    return Curve(path.stem, *sums)


def _checked(where: str, sums: np.ndarray) -> np.ndarray:
    if sums.shape != (STEPS,):
        raise CurveError(f"{where} has the shape {sums.shape}, a curve has ({STEPS},): a step an "
                         "eighth of a code. Resample it.")
    if sums.dtype.kind not in "iu":
        raise CurveError(f"{where} holds {sums.dtype}, sums of codes are whole numbers. Write "
                         "uint16.")
    sums = sums.astype(np.int64)
    top = READINGS * (CODES - 1)
    if sums.min() < 0 or sums.max() > top:
        raise CurveError(f"{where} goes from {sums.min()} to {sums.max()}; a sum of "
                         f"{READINGS} readings is 0 to {top}. Do not average or scale them.")
    if sums.max() - sums.min() < top * 3 // 4:
        raise CurveError(f"{where} goes from {sums.min()} to {sums.max()} only. A curve covers "
                         f"at least three quarters of 0 to {top}: let the ramp cover the range.")
    back = int((np.maximum.accumulate(sums) - sums).max())
    if back > 16 * READINGS:
        raise CurveError(f"{where} falls back by {back / READINGS:.0f} codes; at most 16 are "
                         "noise. A curve rises from the first step to the last.")
    return sums


def begins(e11=E11, bits=BITS, bow=BOW, gain_ppm=GAIN_PPM, offset=OFFSET) -> np.ndarray:
    """Where each code begins (a successive approximation's decision), 1/64 of an ideal code."""
    c = np.arange(CODES, dtype=np.int64)
    level = 64 * c - 32 + offset + (64 * gain_ppm * c) // 1_000_000
    level += bow * (c - 2048) * (c - 2048) >> 22
    for at, step in e11:
        level += np.where(c >= at, step, 0)
    for b, weight in enumerate(bits):
        level += (c >> b & 1) * weight
    return level


def converted(x64: np.ndarray, level: np.ndarray) -> np.ndarray:
    """Codes of inputs in 1/64 of a code, bit by bit as the converter finds them."""
    code = np.zeros(np.shape(x64), dtype=np.int64)
    for b in range(11, -1, -1):
        trial = code | 1 << b
        code = np.where(x64 >= level[trial], trial, code)
    return code


def rp2040() -> np.ndarray:
    """The parametric RP2040 as a curve, without noise."""
    return READINGS * converted(8 * np.arange(STEPS, dtype=np.int64), begins())


def made_chip(seed: int) -> Curve:
    """An RP2040 of nobody: parameters drawn about the mean ones, readings with its noise."""
    r = np.random.default_rng(seed)
    e11 = tuple((at, step + round(64 * 0.7 * r.standard_normal())) for at, step in E11)
    spread = (0.01, 0.02, 0.02, 0.02, 0.02, 0.03, 0.04, 0.06, 0.15, 0.1, 0.1)
    bits = tuple(w + round(64 * s * r.standard_normal())
                 for w, s in zip(BITS, spread, strict=True))
    level = begins(e11, bits, BOW, GAIN_PPM, OFFSET + round(64 * r.standard_normal()))
    x64 = 8.0 * np.arange(STEPS)[:, None]
    a, b = (converted(x64 + 64 * NOISE_LSB * r.standard_normal((STEPS, READINGS)), level)
            .sum(axis=1) for _ in "ab")
    return Curve(f"made_{seed}", a, b)


@lru_cache(maxsize=32)
def passage_of(inl: str, knee_pct: float) -> np.ndarray | None:
    """`passage` of "rp2040" or of a file, both of its sets together; None: even, and no core that
    saturates. One table for all who ask for the same. Raises CurveError."""
    if not inl:
        return passage(None, knee_pct) if knee_pct else None
    if inl == "rp2040":
        return passage(rp2040(), knee_pct)
    curve = read_curve(inl)
    return passage((curve.sum_a + curve.sum_b) // 2, knee_pct)


class Converter:
    """Codes by a curve, None: ideal."""

    def __init__(self, sums: np.ndarray | None):
        self._sums = sums

    def codes(self, x: np.ndarray, which: np.ndarray | int) -> np.ndarray:
        """x: codes, any fraction; which of six readings, as equal as they can be: 0..5."""
        if self._sums is None:
            return np.clip(np.floor(x + 0.5), 0, CODES - 1).astype(np.int64)
        step = np.clip(np.floor(8 * x + 0.5), 0, STEPS - 1).astype(np.int64)
        return (self._sums[step] + which) // READINGS


def saturated(x: np.ndarray, knee: int) -> np.ndarray:
    """Integers through a core that saturates at `knee`: beyond, ever flatter, to knee + _SOFT."""
    over = np.maximum(np.abs(x) - knee, 0)
    soft = 8 * _SOFT
    return np.sign(x) * (np.minimum(np.abs(x), knee) + over * soft // (over + soft))


def passage(sums: np.ndarray | None, knee_pct: float) -> np.ndarray:
    """Code for each eighth of a code from LOW on, uint16. knee_pct: of full scale, where the core
    saturates; 0: never. A reading is rounded: the noise comes before it, from the front end."""
    k = np.arange(PASSAGE, dtype=np.int64) + 8 * LOW
    if knee_pct:
        k = saturated(k - 8 * CODES // 2, round(knee_pct * 8 * CODES / 200)) + 8 * CODES // 2
    k = np.clip(k, 0, STEPS - 1)
    codes = (k + 4) // 8 if sums is None else (sums[k] + READINGS // 2) // READINGS
    return np.minimum(codes, CODES - 1).astype("u2")
