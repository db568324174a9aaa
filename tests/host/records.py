"""Made-up disturbance records, as files, for the tests of COMTRADE and playback."""
from pathlib import Path

import numpy as np

from host_sim.comtrade import write

US0 = 1_772_345_000_000_000       # 2026-03-01T06:03:20Z


def times(n, rate_hz):
    return np.arange(n) / rate_hz


def wave(t, rms, f_hz=50.0, phase=0, lag=0.0, dip=None, thd=0.0):
    """phase 0..2; dip: (from s, to s, part that is left); thd: of a fifth harmonic."""
    x = 2 * np.pi * f_hz * t - phase * 2 * np.pi / 3 - lag
    y = np.cos(x) + thd * np.cos(5 * x)
    if dip:
        y = np.where((t >= dip[0]) & (t < dip[1]), dip[2] * y, y)
    return rms * np.sqrt(2) * y


def save(path: Path, columns, rate_hz=4800.0, f_hz=50, form="BINARY", revision="2013"):
    """columns: [(name, phase, unit, values)]. Returns the .cfg."""
    lines, codes = [], []
    most = {"BINARY": 30_000, "BINARY32": 2**30, "ASCII": 90_000}[form]
    for name, phase, unit, y in columns:
        a = max(float(abs(y).max()), 1e-9) / most
        lines.append(write.Line(name, phase, unit, a, 0.0))
        codes.append(np.round(y / a))
    sheet = write.Sheet("station", "device", US0, US0 + 500_000, rate_hz, f_hz, lines)
    return write.write(path, sheet, np.array(codes).T, revision=revision, form=form)[0]


def three(path: Path, length_s=1.2, rate_hz=4800.0, u_v=230.0, i_a=10.0, f_hz=50.0, dip=None,
          **how):
    """Three phases, the currents lag by 60 degrees; the dip is phase A's."""
    t = times(round(length_s * rate_hz), rate_hz)
    columns = [("V" + "ABC"[k], "ABC"[k], "V", wave(t, u_v, f_hz, k, dip=dip if k == 0 else None))
               for k in range(3)]
    columns += [("I" + "ABC"[k], "ABC"[k], "A", wave(t, i_a, f_hz, k, lag=np.pi / 3))
                for k in range(3)]
    return save(path, columns, rate_hz, round(f_hz), **how)


def rewrite(cfg: Path, change) -> Path:
    """change(lines of the .cfg): in place, or the new ones."""
    lines = cfg.read_text().splitlines()
    lines = change(lines) or lines
    cfg.write_text("\n".join(lines) + "\n")
    return cfg
