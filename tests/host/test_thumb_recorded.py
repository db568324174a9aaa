"""Every other viper kernel on the board's core: calls recorded while meters run, played again.

The armv6m code of each gets the arguments that CPython had, and must leave the same arrays
and give the same result.
"""
import random
import sys
from array import array

import pytest

from acu.dsp import expected, fixed, harmonics
from acu.functions import aggregates, energy, spectrum, voltage_events
from acu.primitives import sensing, watching
from host_sim import stand_in
from host_sim.bench import ROOT, compile_to
from tests.host.thumb_machine import Machine
from tests.unit.test_spectrum import EIGHT, Meter
from tests.unit.waves import POST, Street

MODULES = (expected, fixed, harmonics, sensing, watching, aggregates, energy, voltage_events)
EACH = 24


def vipers(module):
    """The viper functions that this module defines, and the global names that each uses."""
    return {one.f.__name__: one.plain.co_names for one in stand_in._vipers
            if one.f.__module__ == module.__name__}


def frozen(args):
    return [array(a.typecode, a) if isinstance(a, array) else a for a in args]


@pytest.fixture(scope="module")
def calls():
    """Up to EACH calls of each kernel, spread over the run: arguments before, after, result."""
    kept, seen = {}, {}
    rng = random.Random(7)

    def recorder(key, f):
        def call(*args):
            seen[key] = seen.get(key, 0) + 1
            place = len(kept.setdefault(key, []))
            if place == EACH:
                place = rng.randrange(seen[key])    # each call is kept as likely as any other
            before = frozen(args) if place < EACH else None
            result = f(*args)
            if before is not None:
                kept[key][place:place + 1] = [(before, frozen(args), result)]
            return result
        return call

    with pytest.MonkeyPatch.context() as patch:
        for module in MODULES:
            for name in vipers(module):
                f = getattr(module, name)
                for user in [m for n, m in sys.modules.items() if n.startswith("acu.")]:
                    if vars(user).get(name) is f:
                        patch.setattr(user, name, recorder((module, name), f))
        street = Street(POST)
        street.noise_lsb = 2
        guard = sensing.Sensing(street.meter, 2530, 2070, 0)
        for u_v in (230.0, [230.0, 12.0, 300.0], 230.0, [5.0, 4.0, 0.0], 400.0):
            for _ in range(24):
                street.run(5, u_v)
                guard.fast(1)
        events = voltage_events.VoltageEvents(street.watch, 2300)
        for k in range(300):
            street.run(5, 230.0 if k < 250 else [230.0, 212.0, 230.0])
            events.step(0, 0)
        registers = energy.Energy(3, 4000, 1373)
        sums = aggregates.Aggregates("rmflg")
        for k in range(40):
            most = rng.choice((1 << 30, 1 << 24, 3000))
            p_mw, q_mvar = [[rng.randrange(-most, most) for _ in range(3)] for _ in range(2)]
            registers.add(rng.randrange(780, 40_000), p_mw, q_mvar)
            sums.add(200 * k + 200, rng.randrange(1, 5000),
                     [abs(p_mw[0]), q_mvar[0], rng.choice((0, 50_000)), p_mw[1], q_mvar[1]])
        meter = Meter(((1480, EIGHT), (90, {3: (0.5, 1.0)})), 50.7)
        meter.run(1100)
        assert meter.spectrum.thd_ppm[0] != spectrum.UNKNOWN
    return kept


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("armv6m")
    compile_to(folder, "armv6m", [ROOT / "firmware" / path(m) for m in MODULES], ROOT / "firmware")
    return folder


def path(module):
    return module.__name__.replace(".", "/") + ".py"


def code(compiled, module, name):
    source = path(module)
    return (compiled / source).with_suffix(".mpy"), ROOT / "firmware" / source, name


@pytest.mark.parametrize(("module", "name"), [(m, n) for m in MODULES for n in sorted(vipers(m))])
def test_the_board_computes_what_cpython_computed(compiled, calls, module, name):
    if (module, name) not in calls:
        pytest.skip("these meters do not call it")
    made = vipers(module)
    called = [other for other in made[name] if other in made]
    machine = Machine(*(code(compiled, module, n) for n in (name, *called)))
    for before, after, result in calls[module, name]:
        args = frozen(before)
        given = machine.call(*args)
        for mine, theirs in zip(args, after, strict=True):
            if isinstance(mine, array):
                assert mine == theirs
        assert result is None or given == result
