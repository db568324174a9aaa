"""Reads a COMTRADE record by the `comtrade` package: values in volt and ampere of the primary side
against seconds from the first sample. check.py has looked at the files first, so that what is
wrong is said in a sentence (RecordError) and not by a traceback.
"""
import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import comtrade
import numpy as np

from host_sim.comtrade import check
from host_sim.comtrade.check import RecordError

_FACTOR = {"": 1.0, "k": 1e3, "m": 1e-3, "M": 1e6, "u": 1e-6}
_MISSING_PCT = 5        # more than these and nobody knows what the wave was


@dataclass
class Channel:
    """quantity: "V" or "A", else "" (not used); values in it, primary; time_s + skew_s is when."""
    name: str
    phase: str
    quantity: str
    values: np.ndarray
    skew_s: float


@dataclass
class Record:
    name: str
    station: str
    device: str
    revision: str
    form: str
    f_hz: float                   # nominal, 0: the file does not say
    rates: list[tuple[float, int]]
    start: dt.datetime            # without a zone: as the recorder had it
    trigger_s: float
    time_s: np.ndarray            # from the first sample
    channels: list[Channel]
    notes: list[str]

    @property
    def length_s(self) -> float:
        return float(self.time_s[-1])


def read(cfg: Path) -> Record:
    """The record of this .cfg and its .dat, or of this .cff."""
    name, text, dat, raw = check.files(cfg)
    sheet = check.sheet(name, text)
    beyond = check.data(dat, raw, sheet)
    package = comtrade.Comtrade(ignore_warnings=True, use_numpy_arrays=True,
                                use_double_precision=True)
    body = raw if sheet.form != "ASCII" else "\n".join(check.filled(raw))
    try:
        package.read(_plain(sheet), body)
    except Exception as e:      # whatever check.py has not thought of
        raise RecordError(f"E171 {name}: cannot be read ({type(e).__name__}: {e}). Save the "
                          "record again, as 1999 or 2013.") from e
    time_s = times(sheet.rates) if sheet.rates[0][0] else np.asarray(package.time, dtype=float)
    step = np.diff(time_s)
    if len(step) and step.min() <= 0:
        k = int(step.argmin()) + 2
        raise RecordError(f"E173 {dat}: the time of sample {k} is not after the one before. "
                          "Give the .cfg a rate, or correct the time stamps.")
    notes = [f"{dat}: {beyond} samples beyond the {sheet.rates[-1][1]} of the .cfg are left out"
             ] if beyond else []
    channels = []
    for analog, values in zip(sheet.analogs, package.analog, strict=True):
        quantity, factor = unit(analog.unit, analog.name)
        y = np.asarray(values, dtype=float) * (factor * analog.ratio)
        channels.append(Channel(analog.name, analog.phase.upper(), quantity,
                                _filled(y, analog.name, dat, notes), analog.skew_us * 1e-6))
    start = package.start_timestamp
    trigger_s = (package.trigger_timestamp - start).total_seconds()
    if not 0 <= trigger_s <= time_s[-1]:
        trigger_s = 0.0
    return Record(cfg.stem, sheet.station, sheet.device, sheet.revision, sheet.form, sheet.f_hz,
                  sheet.rates, start, trigger_s, time_s - time_s[0], channels, notes)


def times(rates: list[tuple[float, int]]) -> np.ndarray:
    """Seconds from the first sample: each is 1 / rate after the one before, at its own rate."""
    steps = np.concatenate([np.full(end - before, 1.0 / rate_hz) for (rate_hz, end), before in
                            zip(rates, [0, *(end for _, end in rates)], strict=False)])
    return np.concatenate([[0.0], np.cumsum(steps[1:])])


def _plain(sheet: check.Sheet) -> str:
    """The .cfg as the package takes it."""
    lines = sheet.text.splitlines()
    first = lines[0].split(",")
    lines[0] = ",".join(first[:2] + ([sheet.revision] if sheet.revision != "1991" else []))
    return "\n".join(lines) + "\n"


def unit(text: str, name: str) -> tuple[str, float]:
    """("V" or "A" or "", factor to it) of a channel's unit, of its name where it has none."""
    given = text.strip()
    word = given.removesuffix("rms").strip()
    if word[-1:].upper() in ("V", "A") and len(word) <= 2:
        prefix = word[:-1]
        if prefix in _FACTOR or prefix.upper() == "K":
            return word[-1].upper(), _FACTOR.get(prefix, 1e3)
    if not given and name:
        first = name.strip()[:1].upper()
        return {"V": "V", "U": "V", "I": "A"}.get(first, ""), 1.0
    return "", 1.0


def _filled(y: np.ndarray, name: str, file: str, notes: list[str]) -> np.ndarray:
    """Values that the recorder marked as missing, by a line between their neighbours."""
    bad = ~np.isfinite(y)
    n = int(bad.sum())
    if not n:
        return y
    if n * 100 > _MISSING_PCT * len(y):
        raise RecordError(f"E174 {file}: {n} of {len(y)} values of {name} are marked missing, at "
                          f"most {_MISSING_PCT} % may be. Leave the channel out.")
    notes.append(f"{name}: {n} missing values drawn through their neighbours")
    good = np.flatnonzero(~bad)
    return np.interp(np.arange(len(y)), good, y[good])
