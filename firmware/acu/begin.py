"""What the supervisor does once: files of the slot, settings, drivers, controller, timer.

Loaded by start.py and dropped again. Order matters: the ring of the sampler before the modules of
a role, the watchdog only where a controller will feed it, the timer last. Drives nothing.
"""
import gc
import json
import sys

from acu import events as ev
from acu import forget
from acu.drivers import fit, slots
from acu.drivers.clock import every_5_ms


def begin(unit):
    """unit: of start.py. Leaves unit.acu, or unit.complaint."""
    folder = "%s/%s/" % (unit.root, unit.slot)
    with open(folder + "board.json") as f:
        unit.board = json.load(f)
    for kind in ("channels", "inputs", "outputs", "unused"):
        for one in unit.board.get(kind, ()):
            one.pop("meaning", None)        # for people, who have the file
    unit.pins = __import__("pins")
    unit.ports = p = fit.ports(unit.board, unit.pins, unit.root + "/data", True)
    unit.clock = p.clock
    unit.store = p.store
    unit.terminal = p.terminal
    unit.version = slots.version(folder + "manifest.json")
    unit.reset_cause = p.cause = slots.cause(p.store)
    slots.recall_time(p.clock, p.store)
    forget("acu.drivers.slots")
    unit.fatal = str(p.store.read("fatal") or b"", "utf-8")
    if unit.mode == "run":
        _provision(unit)
        if not unit.complaint:
            _build(unit)
    forget("acu.drivers.fit")
    gc.collect()


def _provision(unit):
    from acu.primitives import provisioned
    unit.cfg, unit.complaint = provisioned.load(unit.store)
    forget("acu.primitives.provisioned")
    if not unit.complaint:
        if unit.cfg:
            from acu import app
            unit.complaint = app.judge(unit.board, unit.cfg)
        else:
            unit.complaint = ("E370 start: no settings yet, so no ACU. Log in on the console and "
                              "set them, or provision with slvg flash.")


def _build(unit):
    gc.collect()
    try:
        fit.complete(unit.ports, unit.board, unit.pins)
    except (ValueError, OSError, ImportError, AttributeError, KeyError, TypeError) as e:
        unit.complaint = "E371 start: drivers: %s. Check pins.py and the wiring." % e
        return
    from acu.drivers import net
    net.fit(unit.ports, unit.cfg, unit.board)
    forget("acu.drivers.net")
    from acu import app
    gc.collect()
    unit.nets = unit.ports.nets
    unit.acu = app.build(unit.board, unit.cfg, unit.ports)
    if not unit.root:           # a test may start more than one
        app.settle(unit.acu)
    unit.ports.watchdog.feed()
    gc.collect()
    log = unit.acu.log
    if unit.reset_cause == 7:
        log.add(unit.clock.now_ms(), ev.FATAL, 0, 0, 0, True)
    if unit.why:
        log.add(unit.clock.now_ms(), ev.FELL_BACK, int(unit.slot == "b"), 0, 0, True)
    unit.pins = None            # they are wired
    sys.modules.pop("pins")
    unit.terminal.own()
    unit.tick(every_5_ms)
