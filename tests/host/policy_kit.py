"""A table of made-up but sensible values, for tests that need one and no training."""
import numpy as np

from host_sim.study.policy_file import Values
from tests.unit.policies import plant

PLANT = plant()


def made_up(seasons=8, parts=4):
    """Energy is dear in the evening, in winter, under clouds, with little of it; PV is a bell."""
    s, h, w, f, c, b = np.ix_(np.arange(seasons), np.arange(24), np.arange(3), np.arange(2),
                              np.arange(3), np.arange(parts))
    winter = 0.5 + 0.5 * np.cos(2 * np.pi * (s + 0.5) / seasons)
    evening = np.exp(-((h - 17) / 4.0) ** 2)
    slopes = (0.06 + 0.25 * winter + 0.2 * evening + 0.04 * (2 - w) + 0.03 * f
              + 0.05 * (2 - c)) * (1 - 0.12 * b)
    k, j = np.ix_(np.arange(seasons), np.arange(9))
    prices = 0.2 + 0.15 * np.cos(2 * np.pi * (k + 0.5) / seasons) + 0.02 * (8 - j)
    day, hour = np.ix_(np.arange(seasons), np.arange(24))
    clear = np.maximum(0, (4 - 2 * np.cos(2 * np.pi * (day + 0.5) / seasons))
                       * np.cos((hour - 12.5) / 8 * np.pi / 2)) * (abs(hour - 12.5) < 8)
    profile = 0.1 + 1.2 * np.exp(-((np.arange(24) - 18) / 3.0) ** 2)
    return Values(slopes, prices, clear, profile, (0.05, 0.4, 0.95), (0.75, 1.25), (0.0, 0.2, 0.9))
