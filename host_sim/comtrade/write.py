"""Writes COMTRADE records: C37.111-1999 or -2013, 16-bit BINARY, BINARY32 or ASCII.

Raw converter codes stay what they were: a channel's line says volt or ampere a code, its offset
and its skew, so that nothing is rounded. Times are UTC.
"""
import datetime as dt
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from host_sim.comtrade.check import RecordError

REVISIONS = ("1999", "2013")
FORMS = {"BINARY": ("<i2", 32_767), "BINARY32": ("<i4", 2**31 - 1), "ASCII": ("", 99_998)}
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass
class Line:
    """An analog channel: value = code * a + b in `unit`; skew_us: sampled so much later."""
    name: str
    phase: str
    unit: str
    a: float
    b: float
    skew_us: float = 0.0


@dataclass
class Sheet:
    """What a record says of itself. Times in us of Unix time; f_hz: nominal."""
    station: str
    device: str
    start_us: int
    trigger_us: int
    rate_hz: float
    f_hz: float
    lines: list[Line]
    statuses: list[str] = field(default_factory=list)
    synchronised: bool = True     # was the clock?


def _stamp(us: int) -> str:
    return (_EPOCH + dt.timedelta(microseconds=us)).strftime("%d/%m/%Y,%H:%M:%S.%f")


def _word(text: str) -> str:
    """A name in a line of commas."""
    return "".join(ch if ch.isprintable() and ch != "," else " " for ch in text)[:64]


def cfg_text(of: Sheet, samples: int, revision: str, form: str, low: int, high: int) -> str:
    lines = [f"{_word(of.station)},{_word(of.device)},{revision}",
             f"{len(of.lines) + len(of.statuses)},{len(of.lines)}A,{len(of.statuses)}D"]
    lines += [f"{n},{_word(c.name)},{c.phase},,{c.unit},{c.a:.10g},{c.b:.10g},{c.skew_us:.6g},"
              f"{low},{high},1,1,P" for n, c in enumerate(of.lines, 1)]
    lines += [f"{n},{_word(name)},,,0" for n, name in enumerate(of.statuses, 1)]
    lines += [f"{of.f_hz:g}", "1", f"{of.rate_hz:g},{samples}", _stamp(of.start_us),
              _stamp(of.trigger_us), form, "1"]
    if revision == "2013":
        lines += ["0,0", f"{'0' if of.synchronised else 'F'},3"]   # UTC; no leap seconds
    return "\r\n".join(lines) + "\r\n"


def write(cfg: Path, of: Sheet, codes: np.ndarray, status: np.ndarray | None = None,
          revision: str = "2013", form: str = "BINARY") -> tuple[Path, Path]:
    """Writes cfg and its .dat. codes: samples x channels, integers; status: samples x status
    channels, 0 or 1. Returns both paths; OSError when they cannot be written."""
    if revision not in REVISIONS or form not in FORMS:
        raise RecordError(f"E179 {cfg.name}: {revision} {form} is not written. Choose "
                          f"{', '.join(REVISIONS)} and {', '.join(FORMS)}.")
    codes = np.asarray(codes, dtype=np.int64)
    kind, most = FORMS[form]
    if codes.ndim != 2 or codes.shape[1] != len(of.lines) or not len(codes):
        raise RecordError(f"E172 {cfg.name}: values of shape {codes.shape} for {len(of.lines)} "
                          "channels. Give samples x channels, at least one sample.")
    if abs(codes).max() > most:
        raise RecordError(f"E174 {cfg.name}: a value of {abs(codes).max()}, {form} has place for "
                          f"{most}. Choose a larger a, or BINARY32.")
    if status is None:
        status = np.zeros((len(codes), len(of.statuses)), dtype=np.int64)
    stamps = [round(k * 1e6 / of.rate_hz) for k in range(len(codes))]
    if form == "ASCII":
        rows = [",".join(map(str, (k + 1, stamps[k], *codes[k], *status[k])))
                for k in range(len(codes))]
        body = ("\r\n".join(rows) + "\r\n").encode()
    else:
        groups = -(-len(of.statuses) // 16)
        bits = np.zeros((len(codes), groups), dtype="<u2")
        for k in range(len(of.statuses)):
            bits[:, k // 16] |= (status[:, k].astype("u2") & 1) << (k % 16)
        values = codes.astype(kind)
        body = b"".join(struct.pack("<II", k + 1, stamps[k]) + values[k].tobytes()
                        + bits[k].tobytes() for k in range(len(codes)))
    dat = cfg.with_suffix(".dat")
    cfg.write_text(cfg_text(of, len(codes), revision, form, int(codes.min()), int(codes.max())),
                   encoding="utf-8", newline="")
    dat.write_bytes(body)
    return cfg, dat
