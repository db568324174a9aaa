"""MET: readings as the role has them; E energy, D demand, M greatest and least, H harmonics.

Values of the last finished window; a channel that is not believed shows '-'. With a number the
page comes so many times, a second apart, until a key is hit. Reads only.
"""
from micropython import const

from acu.console.session import Abort, dec

_NAMES = "ABC"
_MOST = const(3600)


def run(session, word, words):
    kind = ""
    times = 1
    for one in words:
        if one.isdigit() and 0 < int(one) <= _MOST:
            times = int(one)
        elif one.upper() in ("E", "D", "M", "H") and not kind:
            kind = one.upper()
        else:
            raise Abort("E304 MET: takes E, D, M or H, and how many times (1 to 3600). Type HEL "
                        "MET.")
    acu = session.acu()
    for k in range(times):
        if k and (yield from session.pause(1000)):
            return
        if kind == "E":
            yield from _energy(session, acu)
        elif kind:
            yield from _meter(session, acu, kind)
        elif hasattr(acu, "bay"):
            from acu.console import bay
            yield from bay.readings(session, acu)
        else:
            yield from _now(session, acu)


def _list(x):
    return x if isinstance(x, list) else [x]


def _phases(acu, n):
    """Their names, of n values."""
    phases = getattr(acu, "phases", None)
    if hasattr(acu, "dispatch"):
        return ("_PV", "_LOAD", "_DIESEL")
    if phases:
        return [_NAMES[k] for k in phases]
    return [_NAMES[k] for k in range(3)] if n == 3 else [_NAMES[acu.phase]]


def _now(session, acu):
    m = acu.measuring
    bad = acu.sensing.bad
    n_v = len(m.half_dv)
    u = [None if bad >> k & 1 else m.u_dv[k] for k in range(len(m.u_dv))]
    i = _list(m.i_ma)
    i = [None if bad >> n_v + k & 1 else i[k] for k in range(len(i))]
    names = _phases(acu, len(i))
    session.form = "%-8s %12s %-5s"
    for k in range(len(u)):
        yield ("U" + (_phases(acu, len(u))[k] if len(u) > 1 or len(i) == 1 else ""),
               dec(u[k], 1), "V")
    if hasattr(m, "half_load_dv") and n_v == 4:
        yield ("UL", dec(None if bad & 8 else m.u_load_dv, 1), "V")
    for k in range(len(i)):
        yield ("I" + names[k], dec(i[k], 3), "A")
    for name, values, unit in (("P", m.p_w, "W"), ("Q", m.q_var, "var"), ("S", m.s_va, "VA")):
        values = _list(values)
        for k in range(len(values)):
            yield (name + names[k], dec(values[k], 0), unit)
    pf = _list(m.pf_m)
    for k in range(len(pf)):
        yield ("PF" + names[k], dec(pf[k], 3), "")
    yield ("f", dec(m.f_mhz or None, 3), "Hz")
    gear = acu.gear
    inputs = session.unit.board["inputs"]
    for k in range(gear.inputs):
        if inputs[k]["name"] == "temperature":
            missing = gear.missing() >> k & 1 if hasattr(gear, "missing") else 0
            yield ("T", dec(None if missing else gear.feedback(k), 1), "degC")
    yield ("quality", acu.quality(session.now_ms), "bits")


def _energy(session, acu):
    if hasattr(acu, "dispatch"):
        raise Abort("E304 MET E: a microgrid's energies are on its own page. Type MG.")
    session.form = "%-20s %14s %-5s"
    energy = getattr(acu, "energy", None)
    if energy is None:
        m = acu.measuring
        yield ("import", dec(m.e_import_mwh // 100, 4), "kWh")
        yield ("export", dec(m.e_export_mwh // 100, 4), "kWh")
    else:
        names = ("import", "export", "Q1", "Q2", "Q3", "Q4")
        for k in range(6):
            unit = "kWh" if k < 2 else "kvarh"
            for est in (False, True):
                yield (names[k] + (" estimated" if est else ""),
                       dec(energy.total_mwh(k, est) // 100, 4), unit)
    yield ("stored import", dec(acu.e_wh, 3), "kWh")


def _meter(session, acu, kind):
    latest = getattr(acu, "latest", None)
    if latest is None:
        raise Abort("E304 MET %s: only a Meter has it. Type MET." % kind)
    n = acu.n
    names = _phases(acu, n)
    session.form = "%-8s %12s %-5s"
    if kind == "H":
        thd = acu.spectrum.thd_ppm
        for k in range(n):
            yield ("THDU" + names[k], dec(thd[k] // 100 if thd[k] >= 0 else None, 2), "%")
        for k in range(n):
            yield ("THDI" + names[k], dec(thd[n + k] // 100 if thd[n + k] >= 0 else None, 2), "%")
        return
    done = latest[2] if latest[2] else latest[0]      # 10 minutes; just after a start 3 s
    if done is None:
        raise Abort("E304 MET %s: no interval has ended yet. Wait 3 s." % kind)
    v = done[2]
    at = [v[k:k + n] for k in range(3, 3 + 6 * n, n)]
    for k in range(n):
        if kind == "D":
            yield ("P" + names[k], dec(at[4][k], 3), "W")
            yield ("Q" + names[k], dec(at[5][k], 3), "var")
            yield ("I" + names[k], dec(at[3][k], 6), "A")
        else:
            yield ("Umin" + names[k], dec(at[1][k], 3), "V")
            yield ("U" + names[k], dec(at[0][k], 3), "V")
            yield ("Umax" + names[k], dec(at[2][k], 3), "V")
