"""What a Meter has recorded around its events, or a recloser around its closings and trips
(acu/functions/capturing.py), as COMTRADE records."""
import struct
from binascii import crc32
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from acu.functions.capturing import CHANNEL, HEAD, MAGIC, UNSYNC
from acu.functions.quantities import WIRING
from host_sim.comtrade import write

# Name, phase, unit of a recloser's channels: secondary, between phases but for the currents.
RECLOSER = (("U1AB", "AB", "V"), ("U1BC", "BC", "V"), ("U2AB", "AB", "V"), ("U2BC", "BC", "V"),
            ("U0", "N", "V"), ("IA", "A", "A"), ("IB", "B", "A"), ("IC", "C", "A"))
_HEAD = struct.calcsize(HEAD)
_CHANNEL = struct.calcsize(CHANNEL)


@dataclass
class Capture:
    """codes: frames x channels, after the correction table. full_u: uV or uA at 2048 codes."""
    number: int
    cause: int                   # number of the event
    synchronised: bool
    rate_hz: int
    before: int                  # frames before the event
    start_ms: int                # Unix time of the first
    f_mhz: int
    un_dv: int
    kind: str
    full_u: list[int]
    slot_ns: list[int]
    zero_q8: list[int]
    codes: np.ndarray


def unpack(raw: bytes) -> Capture | None:
    """None: cut short or damaged (a power cut while it was written)."""
    if len(raw) < _HEAD + 4 or crc32(raw[:-4]) & 0xFFFFFFFF != struct.unpack("<I", raw[-4:])[0]:
        return None
    (magic, number, cause, flags, rate_hz, frames, before, start_ms, f_mhz, un_dv, kind,
     n) = struct.unpack(HEAD, raw[:_HEAD])
    at = _HEAD + _CHANNEL * n
    if magic != MAGIC or len(raw) != at + 2 * n * frames + 4:
        return None
    full_u, slot_ns, zero_q8 = (list(column) for column in
                                zip(*struct.iter_unpack(CHANNEL, raw[_HEAD:at]), strict=True))
    codes = np.frombuffer(raw[at:-4], "<u2").reshape(frames, n).astype(np.int64)
    return Capture(number, cause, not flags & UNSYNC, rate_hz, before, start_ms, f_mhz, un_dv,
                   kind.rstrip(b"\0").decode(), full_u, slot_ns, zero_q8, codes)


def _names(one: Capture, wiring: str) -> list[tuple[str, str, str]]:
    """Name, phase and unit of each channel."""
    if one.kind == "recloser":
        return list(RECLOSER)
    phases = ["ABC"[k] for k in WIRING[wiring]]
    return [(quantity + phase, phase, unit) for quantity, unit in (("U", "V"), ("I", "A"))
            for phase in phases]


def export(folder: Path, station: str, acu: str, wiring: str, raws: list[bytes],
           revision: str = "2013") -> tuple[list[Path], int]:
    """Writes ACU-NUMBER.cfg and .dat of each; (the .cfg files, how many were damaged). wiring: the
    phases of a Meter."""
    paths = []
    damaged = 0
    for raw in raws:
        one = unpack(raw)
        if one is None:
            damaged += 1
            continue
        lines = []
        for c, (name, phase, unit) in enumerate(_names(one, wiring)):
            a = one.full_u[c] / 2048e6
            lines.append(write.Line(name, phase, unit, a, -a * (2048 + one.zero_q8[c] / 256),
                                    one.slot_ns[c] / 1000))
        start_us = one.start_ms * 1000
        sheet = write.Sheet(station, acu, start_us,
                            start_us + round(one.before * 1e6 / one.rate_hz), one.rate_hz,
                            50 if one.f_mhz < 55_000 else 60, lines,
                            synchronised=one.synchronised)
        path = folder / f"{acu}-{one.number:04d}.cfg"
        write.write(path, sheet, one.codes, revision=revision)
        paths.append(path)
    return sorted(paths), damaged
