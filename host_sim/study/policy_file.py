"""The policy's table as a file: what firmware/acu/functions/policy_table.py reads, written.

One byte a value, multilinear between its nodes; layout in docs/microgrid.md. Knows nothing of how
the values were found.
"""
import struct
import zlib
from dataclasses import dataclass

import numpy as np

from acu.functions import policy_table

MAX_BYTES = 16384
PRICE_UNIT = 40         # of a count, 0.1 mEUR per kWh: 255 counts are 1.02 EUR; see UNIT_MOST


class PolicyError(ValueError):
    """No table can be written of this; args[0] is the sentence."""


@dataclass(frozen=True)
class Values:
    """What energy is worth, and what the learner of the firmware compares with.

    slopes: (season, 24, hydrogen, load, sky, part) EUR per kWh in the battery, its parts from
    empty to full; prices: (season, node) EUR per kWh of hydrogen, equally spaced over its
    capacity; clear_kw: (season, 24) PV of a clear sky; profile_kw: (24,) mean load.
    Nodes: h_nodes as part of the capacity, load_nodes of the profile, sky_nodes of the clear
    sky."""

    slopes: np.ndarray
    prices: np.ndarray
    clear_kw: np.ndarray
    profile_kw: np.ndarray
    h_nodes: tuple[float, ...]
    load_nodes: tuple[float, ...]
    sky_nodes: tuple[float, ...]
    offset_s: int = 0
    dawn_kw: float = 0.15
    fit_pm: int = 1000


def even(load_kw: np.ndarray, seasons: int = 8, parts: int = 4) -> Values:
    """Every kWh worth the same, whenever and wherever it is: of the size and the form of a real
    table, to start a method of one's own from, or to time a step. load_kw: hourly days."""
    return Values(np.full((seasons, 24, 3, 2, 3, parts), 0.3), np.full((seasons, 9), 0.3),
                  np.zeros((seasons, 24)), load_kw.reshape(-1, 24).mean(0), (0.05, 0.4, 0.95),
                  (0.75, 1.25), (0.0, 0.2, 0.9))


def _bytes(values, unit):
    return np.clip(np.rint(values / unit), 0, 255).astype(np.uint8).tobytes()


def _check(values: Values) -> None:
    shape = values.slopes.shape[:2]
    if len(values.prices) != shape[0] or values.prices.ndim != 2 or values.prices.shape[1] < 2:
        raise PolicyError(f"E424 policy: prices are {values.prices.shape}. Give them as "
                          f"({shape[0]}, 2 or more nodes).")
    if values.clear_kw.shape != shape:
        raise PolicyError(f"E424 policy: clear_kw is {values.clear_kw.shape}. Give it as {shape}.")
    wanted = (24, len(values.h_nodes), len(values.load_nodes), len(values.sky_nodes))
    if values.slopes.ndim != 6 or values.slopes.shape[1:5] != wanted:
        raise PolicyError(f"E424 policy: slopes are {values.slopes.shape}. Give them as "
                          f"(seasons, {', '.join(map(str, wanted))}, parts).")
    for name, array in (("slopes", values.slopes), ("prices", values.prices),
                        ("clear_kw", values.clear_kw), ("profile_kw", values.profile_kw)):
        if not np.isfinite(array).all() or array.min() < 0:
            raise PolicyError(f"E424 policy: {name} holds a value that is negative or no number.")
    for name in ("h_nodes", "load_nodes", "sky_nodes"):
        nodes = getattr(values, name)
        if not nodes or any(b <= a for a, b in zip(nodes, nodes[1:], strict=False)):
            raise PolicyError(f"E424 policy: {name} = {nodes} must rise.")


def pack(plant, values: Values) -> bytes:
    """plant: the firmware's Plant, or a PlantSpec of the world."""
    _check(values)
    seasons, _, n_h, n_load, n_sky, parts = values.slopes.shape
    pv_unit_mw = max(1, -(-int(values.clear_kw.max() * 1e6) // 255))
    nodes = [round(1000 * x) for x in values.h_nodes + values.load_nodes + values.sky_nodes]
    body = struct.pack(f"<{len(nodes)}H24I", *nodes,
                       *[round(1e6 * x) for x in values.profile_kw])
    # by the hour, so that the two seasons around a day lie side by side
    for hour in range(24):
        for season in range(seasons):
            body += _bytes(values.clear_kw[season, hour] * 1e6, pv_unit_mw)
            body += _bytes(values.prices[season] * 1e4, PRICE_UNIT)
            body += _bytes(values.slopes[season, hour] * 1e4, PRICE_UNIT)
    total = struct.calcsize(policy_table.HEAD) + len(body) + 4
    if total > MAX_BYTES:
        raise PolicyError(f"E425 policy: the table has {total} bytes, at most {MAX_BYTES} fit. "
                          "Take fewer seasons, parts or nodes.")
    head = struct.pack(policy_table.HEAD, policy_table.MAGIC, policy_table.VERSION, total,
                       *policy_table.plant_words(plant), seasons, n_h, n_load, n_sky, parts,
                       values.prices.shape[1], PRICE_UNIT, pv_unit_mw, values.offset_s,
                       round(1e6 * values.dawn_kw), values.fit_pm)
    raw = head + body
    return raw + struct.pack("<I", zlib.crc32(raw))
