"""MG: the microgrid as its dispatching ACU sees it. Reads only.

PV and load of the last window, what the stores told, set-points, who decided and in what state,
energies and costs so far. What is not known shows '-'.
"""
from acu.console.session import Abort, dec

_STALE = ("fresh", "held", "idle: diesel follows the load")
_STORES = ("good", "IMPOSSIBLE charge", "SILENT", "not ready")
_DIESEL = ("at rest", "starting", "runs", "FAILED, tried again later")
_CONTACTS = ("diesel run", "electrolyser", "fuel cell", "battery")


def run(session, word, words):
    acu = session.acu()
    if not hasattr(acu, "dispatch"):
        raise Abort("E311 MG: a %s dispatches nothing. Use a unit of role microgrid." % (
            session.unit.cfg.get("role")))
    if words:
        raise Abort("E304 MG: takes nothing. Type MG.")
    from acu.functions import devices as dv
    from acu.roles.microgrid import POLICIES
    now_ms = session.now_ms
    session.form = "%-22s %12s %-6s %s"
    bad = acu.sensing.bad
    for k, name in enumerate(("PV", "load", "diesel set")):
        seen = None if bad & (1 | 2 << k) else acu.p_mw[k]
        yield (name, dec(seen, 3), "W", "not believed, see STA" if seen is None else "")
    devices, plant = acu.devices, acu.plant
    stores = (plant.battery, plant.hydrogen)
    points = acu.set_points()
    for k, name in enumerate(("battery", "hydrogen")):
        told = devices.told[k]
        e_mwh = told[dv.T_MWH] if told and told[dv.T_MWH] >= 0 else None
        state = _STORES[devices.stores[k]] if devices.ids[k] else "none"
        yield (name + " charge", dec(e_mwh, 6), "kWh", state)
        cap = stores[k].cap_mwh
        if e_mwh is not None and cap:
            yield (name + " level", dec(e_mwh * 1000 // cap, 1), "%", "told %d s ago" % (
                (now_ms - told[dv.T_MS]) // 1000))
    yield ("diesel set state", "", "", _DIESEL[acu.watch.state])
    for k, name in enumerate(("battery", "hydrogen", "diesel set")):
        yield ("set " + name, dec(points[k][1], 3), "W",
               "enabled; + delivers" if points[k][0] else "not enabled")
    yield ("PV ceiling", dec(points[3][1] if points[3][0] else None, 3), "W", "")
    yield ("load left out", dec(points[4][1], 3), "W", "")
    on = [_CONTACTS[k] for k in range(len(_CONTACTS)) if acu.contacts.on >> k & 1]
    yield ("contacts", len(on), "", ", ".join(on) or "none")
    yield ("decided by", POLICIES[acu.by], "", "wanted: " + POLICIES[acu.policy])
    yield ("measurement", "", "", _STALE[acu.stale])
    sums = acu.accounts
    for k, name in enumerate(("PV", "load", "diesel set", "not supplied")):
        yield (name + " so far", dec(sums.mwh[k] // 1000, 3), "kWh", "")
    yield ("spent so far", dec(sums.ueur // 100, 4), "EUR", "")
