"""The supply as a Thevenin source at the feeder's first bus: impedance, open-circuit voltages.
A Dyn transformer passes no zero sequence from the 11 kV side: seen from the LV terminals the
positive and negative sequences meet the network's and the transformer's impedance, the zero
sequence meets the transformer's alone.
"""
import cmath
import math

import numpy as np

from host_sim.world.grid.network import Network, Source


def source_z(source: Source) -> tuple[complex, complex]:
    """(positive, zero) sequence impedance of the source in ohm."""
    if source.r1_ohm is not None:
        return (complex(source.r1_ohm, source.x1_ohm), complex(source.r0_ohm, source.x0_ohm))
    return short_circuit_z(source.kv, source.isc3_a, source.isc1_a, source.x_over_r)


def short_circuit_z(kv: float, isc3_a: float, isc1_a: float, x1r1: float, x0r0: float = 3.0
                    ) -> tuple[complex, complex]:
    """(positive, zero) sequence impedance in ohm that gives these short-circuit currents, with the
    ratios X1/R1 and X0/R0 (3: OpenDSS's own): |2 Z1 + Z0| = 3 U / Isc1."""
    u = kv * 1000.0 / math.sqrt(3.0)
    r1 = u / isc3_a / math.sqrt(1.0 + x1r1 ** 2)
    x1 = r1 * x1r1
    a = 1.0 + x0r0 ** 2
    b = 4.0 * (r1 + x1 * x0r0)
    c = 4.0 * (r1 * r1 + x1 * x1) - (3.0 * u / isc1_a) ** 2
    r0 = max(0.0, (-b + math.sqrt(max(0.0, b * b - 4.0 * a * c))) / (2.0 * a))
    return complex(r1, x1), complex(r0, r0 * x0r0)


def upstream_z(network: Network) -> complex:
    """The part of the positive sequence impedance before the transformer, referred to LV, ohm."""
    t = network.transformer
    if t is None:
        return 0j
    return source_z(network.source)[0] * (t.lv_kv / t.hv_kv) ** 2


def sequence_z(network: Network) -> tuple[complex, complex]:
    """(positive, zero) sequence impedance at the feeder's first bus, ohm at LV."""
    t = network.transformer
    if t is None:
        return source_z(network.source)
    z_t = (t.lv_kv ** 2 * 1000.0 / t.kva) * complex(t.r_percent_total, t.xhl_percent) / 100.0
    z1 = z_t + upstream_z(network)
    if t.hv_conn == "delta":
        return z1, z_t
    return z1, z_t + source_z(network.source)[1] * (t.lv_kv / t.hv_kv) ** 2


def thevenin_z(network: Network) -> np.ndarray:
    """3 x 3 complex ohm, phases A B C."""
    z1, z0 = sequence_z(network)
    return np.full((3, 3), (z0 - z1) / 3.0) + np.eye(3) * z1


def open_circuit(network: Network) -> np.ndarray:
    """Open-circuit phasors A B C at the feeder's first bus, rms V phase to neutral. A Dyn
    transformer turns them 30 degrees back."""
    source, t = network.source, network.transformer
    u = source.pu * source.kv * 1000.0 / math.sqrt(3.0)
    angle = math.radians(source.angle_deg)
    if t is not None:
        u *= t.lv_kv / t.hv_kv
        if t.hv_conn == "delta":
            angle -= math.pi / 6.0
    return np.array([cmath.rect(u, angle - k * 2.0 * math.pi / 3.0) for k in range(3)])


def hv_side(network: Network, i_src: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(voltages phase to earth, currents) at the transformer's HV terminals, for LV currents."""
    source, t = network.source, network.transformer
    u = source.pu * source.kv * 1000.0 / math.sqrt(3.0)
    angle = math.radians(source.angle_deg)
    e = np.array([cmath.rect(u, angle - k * 2.0 * math.pi / 3.0) for k in range(3)])
    if t is None:
        z1, z0 = source_z(source)
        i = np.asarray(i_src)
        return e - z1 * i - (z0 - z1) * i.sum() / 3.0, i
    if t.hv_conn == "delta":
        i = (i_src - np.roll(i_src, -1)) * (t.lv_kv / t.hv_kv) / math.sqrt(3.0)
        return e - source_z(source)[0] * i, i
    z1, z0 = source_z(source)
    i = np.asarray(i_src) * (t.lv_kv / t.hv_kv)
    return e - z1 * i - (z0 - z1) * i.sum() / 3.0, i
