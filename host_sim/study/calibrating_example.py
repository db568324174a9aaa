"""Writes what a simulated meter captured on a reference: a job to try `slvg calibrate` with.

The meter is a `pico_w_meter` whose divider and transformer are off by some per cent, whose
transformer leads more at small currents, and whose converter has an offset and 0.5 LSB of noise.
"""
from pathlib import Path

import numpy as np

from host_sim.study.calibrating_files import board_of

BOARD = "pico_w_meter"
JOB = "calibrate.toml"
SECONDS = 10
# A, degrees
POINTS = ((60.0, 60.0), (30.0, 0.0), (12.0, 0.0), (5.0, 0.0), (2.0, 0.0), (0.8, 0.0))


class Truth:
    """What is wrong with this meter, drawn from a seed."""

    def __init__(self, seed: int):
        dice = np.random.default_rng(seed)
        self.gain = 1 + dice.uniform(-0.04, 0.04, 2)
        self.offset = dice.uniform(-20, 20, 2)
        self.lead_rad, self.lead_more_rad = dice.uniform(0.005, 0.03, 2)
        self._dice = dice

    def lead(self, i_a: float) -> float:
        return float(self.lead_rad + self.lead_more_rad / (1 + i_a / 5))

    def codes(self, u_v: float, i_a: float, phi_rad: float, f_hz: float = 50.0,
              wrong: tuple[float, float] = (1.0, 1.0), seconds: float = SECONDS) -> np.ndarray:
        """Frames x (U, I) while the reference gives this. wrong: further factor of each."""
        board = board_of(BOARD, Path())
        t_s = np.arange(round(seconds * board["rate_hz"])) / board["rate_hz"]
        full = (board["u_peak_dv"] / 10, board["i_peak_ma"] / 1000)
        turn = (0.0, self.lead(i_a) - phi_rad)
        out = np.empty((len(t_s), 2), dtype="<u2")
        for c, rms in enumerate((u_v, i_a)):
            x = np.cos(2 * np.pi * f_hz * (t_s + c * board["slot_ns"] * 1e-9) + turn[c])
            x *= rms * np.sqrt(2) / full[c] * 2048 * self.gain[c] * wrong[c]
            x += 2048.5 + self.offset[c] + self._dice.normal(0, 0.5, len(x))
            out[:, c] = np.clip(x, 0, 4095)
        return out


def write(folder: Path, seed: int) -> Path:
    """The job and a capture for each of its points; returns the job's path."""
    truth = Truth(seed)
    text = [f'board = "{BOARD}"', "# un_v = 230.0, fn_hz = 50; date: UTC, today unless given",
            '# table = "adc.npz" where the converter has its own correction table', ""]
    for k, (i_a, phi_deg) in enumerate(POINTS, 1):
        name = f"point{k}.npz"
        np.savez_compressed(folder / name, codes=truth.codes(230.0, i_a, np.radians(phi_deg)))
        text += ["[[point]]", f'codes = "{name}"      # a row a frame: U, I, raw 12-bit codes',
                 "u_v = 230.0            # true rms", f"i_a = {i_a}",
                 f"phi_deg = {phi_deg}         # the current lags by; or p_w and q_var",
                 "f_hz = 50.0", ""]
    job = folder / JOB
    job.write_text("\n".join(text), encoding="utf-8")
    return job
