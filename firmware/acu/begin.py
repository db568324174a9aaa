"""What the supervisor does once: files of the slot, settings, drivers, controller, timer.

Loaded by start.py and dropped again. Order matters: the ring of the sampler before the modules of
a role, the watchdog only where a controller will feed it, the timer last. Drives nothing.
"""
import gc
import json
import sys

from micropython import const

from acu import events as ev
from acu import forget
from acu.drivers.clock import every_5_ms

_OFTEN = const(4096)     # bytes between two collections of a start
# of umqtt's client: what is done once, or never
_ONCE = ("__init__", "set_callback", "set_last_will", "disconnect", "unsubscribe", "check_msg")


def begin(unit):
    """unit: of start.py. Leaves unit.acu, or unit.complaint."""
    # Else what each import leaves lies about among what stays, and the arrays of a role, of up to
    # 2 KiB, find no room in 25 free.
    often = getattr(gc, "threshold", int)
    often(_OFTEN)
    _open(unit)
    gc.collect()
    if unit.mode == "run":
        _provision(unit)
        if not unit.complaint:
            _build(unit)
    often(-1)
    gc.collect()


def _open(unit):
    """Files, console and clock."""
    from acu.drivers import fit, slots
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
    forget("acu.drivers.fit")
    unit.fatal = str(p.store.read("fatal") or b"", "utf-8")


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
    from acu.drivers import fit
    try:
        fit.complete(unit.ports, unit.board, unit.pins)
    except (ValueError, OSError, ImportError, AttributeError, KeyError, TypeError) as e:
        unit.complaint = "E371 start: drivers: %s. Check pins.py and the wiring." % e
        return
    fit = None
    forget("acu.drivers.fit")
    from acu.drivers import net
    net.fit(unit.ports, unit.cfg, unit.board)
    net = None
    forget("acu.drivers.net")
    unit.nets = unit.ports.nets
    from acu import app
    if unit.once:               # room for the controller: makers of ports are not needed again
        link = unit.ports.link
        for part in (unit.ports, link, unit.nets, getattr(link, "_stream", None)):
            if part:
                app.settle(part)
        theirs = sys.modules.get("umqtt.simple")
        if theirs:
            for name in _ONCE:
                setattr(theirs.MQTTClient, name, None)
    gc.collect()
    unit.acu = app.build(unit.board, unit.cfg, unit.ports)
    if unit.once:
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
