"""Streets to test on; sums and powers worked out from codes by other means than theirs."""
from dataclasses import replace

import numpy as np

from host_sim.world.spec import (
    AcuSpec,
    CustomerSpec,
    FrontEndSpec,
    RelaySpec,
    SourceSpec,
    StreetSpec,
)
from host_sim.world.street import Street

POST_PAIRS = ((0, 3), (1, 4), (2, 5))
CUSTOMER_PAIRS = ((3, 4), (0, 4), (2, 4))
PERFECT = FrontEndSpec(noise_lsb=0.5, offset_lsb=0.0, slot_ns=0)


def make(level="quantity", seed=7, source=None, front_end=None, relay=None, loads=None,
         rate_hz=4000, holdup_ms=15_000, **source_values):
    """The assay's street: 2000 and 1600 VA on A, 1800 VA on B, each with a controller."""
    source = replace(source or SourceSpec(), **source_values)
    loads = loads or (("c1", 0, 2000), ("c2", 1, 1800), ("c3", 0, 1600))
    customers = tuple(CustomerSpec(*c) if isinstance(c, tuple) else c for c in loads)
    more = {"front_end": front_end or FrontEndSpec(), "relay": relay or RelaySpec(),
            "rate_hz": rate_hz, "holdup_ms": holdup_ms}
    acus = (AcuSpec("cd", "post", **more),
            *(AcuSpec(f"eu{n + 1}", "customer", c.id, **more) for n, c in enumerate(customers)))
    return Street(StreetSpec(source, customers, acus), seed, level)


def run(street, ms, each=None):
    """Steps on for ms; each(street) after every block."""
    for _ in range(ms // 5):
        street.step(street.now_us + 5000)
        if each:
            each(street)


def frames(street, acu):
    """Codes of the block as rows of integers."""
    rows = np.frombuffer(street.codes(acu), dtype="<u2").astype(np.int64)
    return rows.reshape(street.n_frames(acu), -1)


def record(street, acu, ms):
    """Codes of the next ms, one array."""
    blocks = []
    run(street, ms, lambda s: blocks.append(frames(s, acu)))
    return np.vstack(blocks)


def reference_sums(rows, phase, step, pairs):
    """The nine sums a pair of docs/architecture.md, straight from the definition."""
    index = ((phase + step * np.arange(len(rows))) % 2**24) >> 16
    angle = (index + 0.5) * 2 * np.pi / 256
    cos, sin = np.rint(4096 * np.cos(angle)), np.rint(4096 * np.sin(angle))
    sums = []
    for v_ch, i_ch in pairs:
        v, i = rows[:, v_ch] - 2048, rows[:, i_ch] - 2048
        sums += [v.sum(), i.sum(), v @ v, i @ i, v @ i, v @ cos, v @ sin, i @ cos, i @ sin]
    return [int(x) for x in sums]


def rms_and_power(rows, v_ch, i_ch, u_peak=450.0, i_peak=100.0, floor=0.0):
    """(u_v, i_a, p_w) of whole cycles, offsets and `floor`, a variance in codes^2, removed."""
    v = (rows[:, v_ch] - rows[:, v_ch].mean()) * u_peak / 2048
    i = (rows[:, i_ch] - rows[:, i_ch].mean()) * i_peak / 2048
    u2 = np.mean(v * v) - floor * (u_peak / 2048) ** 2
    i2 = np.mean(i * i) - floor * (i_peak / 2048) ** 2
    return np.sqrt(max(u2, 0.0)), np.sqrt(max(i2, 0.0)), np.mean(v * i)
