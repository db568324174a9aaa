"""Composition root: the only file that joins ports, functions and roles. Imports only the role it
builds.

build(board, config, ports) -> an Acu with the three entries fast(now_us), slow(now_ms),
on_message(topic, payload). board: what board.json says, as a dict; config: settings, complete or
not; ports: an object with clock, sampler, switchgear, link, store, watchdog (acu/ports.py).
settle(acu) afterwards gives back what only the building needs. Nothing is driven here, and a board
forgets this module when it is done.
"""
import gc
import sys

from acu import forget

# Settings that only a recloser has: whoever asked for them gives their memory back.
_OF_RECLOSER = ("acu.recloser_settings", "acu.sync_settings", "acu.protection_settings",
                "acu.islanding_settings", "acu.reclosing_settings")


class BuildError(Exception):
    """The controller must not start like this; args[0] is the sentence, one complaint a line."""


def calibration(board):
    """(microvolt or microampere at code 2048 + 2048, slot skew in ns) of each channel of a
    board."""
    cal = []
    for k in range(len(board["channels"])):
        voltage = board["channels"][k]["name"][0] == "u"
        peak = board["u_peak_dv"] * 100_000 if voltage else board["i_peak_ma"] * 1000
        cal.append((peak, k * board["slot_ns"]))
    return cal


def settings(board, given):
    """Complete settings that fit the board, or BuildError; the tables behind them are only needed
    here."""
    from acu import config
    cfg, complaints = config.check(given)
    role = cfg.get("role")
    if role and role not in board["roles"]:
        complaints.append("E112 config: role = %s does not run on board %s. Choose one of: %s." % (
            role, board["board"], " ".join(board["roles"])))
    if role == "meter" and not complaints:
        from acu import metering
        complaints += metering.unfit(board, cfg)
    forget("acu.config", "acu.metering")
    if complaints:
        raise BuildError("\n".join(complaints))
    return cfg


def judge(board, given):
    """What is wrong with settings for this board, or ''."""
    try:
        settings(board, given)
    except BuildError as e:
        return e.args[0]
    finally:
        forget("acu.microgrid_settings", *_OF_RECLOSER)
    return ""


def build(board, config, ports):
    cfg = settings(board, config)
    role = cfg["role"]
    facts = {"kind": board["kind"], "cal": _calibrated(board, ports, role),
             "inputs": board.get("inputs", ())}
    if role == "operator":
        from acu.roles.operator import Operator as Role
    elif role == "coordinator":
        from acu.roles.coordinator import Coordinator as Role
    elif role == "meter":
        from acu.roles.meter import Meter as Role
    elif role == "recloser":
        # what its tables are made with is more than the role itself: first the one, then the other
        from acu import recloser_settings
        facts["tables"] = recloser_settings.tables(cfg, facts["cal"])
        more = recloser_settings.more(cfg)
        facts["more"] = more = more and more.tables(cfg)
        cfg = recloser_settings.kept(cfg)
        del recloser_settings       # what a name here holds is not forgotten
        forget("acu.functions.protection_table", "acu.functions.curves", *_OF_RECLOSER)
        if more is None:
            from acu.roles.recloser import Recloser as Role
        else:
            from acu import app_recloser
            Role = app_recloser.role(more)
            del app_recloser
            forget("acu.app_recloser")
    elif role == "microgrid":
        from acu import microgrid_settings
        facts["plant"] = microgrid_settings.plant(cfg)
        forget("acu.microgrid_settings")
        from acu.roles.microgrid import Microgrid as Role
    else:
        from acu.roles.subcoordinator import SubCoordinator as Role
    gc.collect()
    acu = Role(facts, cfg, ports)
    forget("acu.primitives.kinds")
    return acu


def _calibrated(board, ports, role):
    """What the store knows better than board.json; a Meter looks there by itself, and says more.
    A record that is damaged or another board's is left alone: nominal values then."""
    nominal = calibration(board)
    if role == "meter":
        return nominal
    from acu.primitives import calibration as stored
    cal, table, _, _ = stored.load(ports.store, nominal, getattr(ports, "unique_id", None) or b"")
    if table is not None and getattr(ports.sampler, "ring", None) is not None:
        ports.sampler.use_table(table)
    forget("acu.primitives.calibration")
    return cal


def settle(acu):
    """On a board, once everything is built: the makers of the controller and of its parts and
    ports, 3 to 6 KB of code that never runs again. A class with LATER = True keeps its own, for
    more of them are made while it runs."""
    if sys.implementation.name == "micropython":
        _unmake(type(acu))
        for part in acu.__dict__.values():
            _unmake(type(part))


def _unmake(cls):
    own = cls.__dict__
    if own.get("__module__", "")[:4] == "acu." and not own.get("LATER"):
        for base in cls.__bases__:
            _unmake(base)
        for name in ("__init__",) + own.get("START", ()):
            if name in own:
                setattr(cls, name, None)
