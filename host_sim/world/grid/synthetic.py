"""Made-up feeders of the European kind, and made-up household days: the same on every machine.

Only integers are drawn (host_sim.world.dice). Impedances are textbook values of aluminium cables
(4 x 150, 4 x 95, 4 x 50 mm2) and a 4 x 16 mm2 copper service.
"""
import math

import numpy as np

from host_sim.world.dice import Dice
from host_sim.world.grid.network import (
    Earth,
    GridError,
    Line,
    LineCode,
    LoadPoint,
    Network,
    Source,
    Transformer,
)

LV_KV = 0.4
_KVA = (100, 160, 250, 400, 630, 800, 1000, 1250, 1600, 2000, 2500)
_KVA_EACH = 8                    # of the transformer, a customer
# name: (r1, x1, r0, x0) in ohm/km
_CABLES = {"main_150": (0.206, 0.080, 0.824, 0.32), "main_95": (0.320, 0.082, 1.28, 0.33),
           "side_50": (0.641, 0.085, 2.56, 0.34), "service_16": (1.15, 0.088, 4.60, 0.35)}
_EARTH_RETURN = complex(0.0493, 0.65)       # ohm/km, common to all conductors of a cable
_PHASE_OF = "A" * 21 + "B" * 19 + "C" * 15  # as uneven as the European test feeder


def _codes(neutral: bool) -> dict[str, LineCode]:
    codes = {}
    for name, (r1, x1, r0, x0) in _CABLES.items():
        if not neutral:
            codes[name] = LineCode.sequence(name, r1, x1, r0, x0)
            continue
        z = [[_EARTH_RETURN + (complex(r1, x1) if j == k else 0.0) for k in range(4)]
             for j in range(4)]
        codes[name] = LineCode(name, tuple(tuple(v.real for v in row) for row in z),
                               tuple(tuple(v.imag for v in row) for row in z))
    return codes


class _Layout:
    """Buses numbered from 1 (the LV bus), lines L1, L2, ... as they are laid."""

    def __init__(self, phases: str):
        self.phases = phases
        self.coords: dict[str, tuple[float, float]] = {"1": (0.0, 0.0)}
        self.lines: list[Line] = []

    def lay(self, bus: str, code: str, length_m: int, heading_deg: int) -> str:
        new = str(len(self.coords) + 1)
        x, y = self.coords[bus]
        angle = math.radians(heading_deg)
        self.coords[new] = (round(x + length_m * math.cos(angle), 3),
                            round(y + length_m * math.sin(angle), 3))
        self.lines.append(Line(f"L{len(self.lines) + 1}", bus, new, code, float(length_m),
                               self.phases))
        return new


def feeder(customers: int, seed: int, neutral: bool = False, main_branches: int | None = None
           ) -> Network:
    """A radial feeder: main cables with side cables and services, one bus a customer.
 customers 1..2000; main_branches: cables from the LV bus (None: one for each 18 customers).
neutral: four conductors, the neutral earthed at the transformer, at ends and on the way. Each load
is 1 kW at power factor 0.95, times column k of `day` for customer k.
"""
    if not 1 <= customers <= 2000:
        raise GridError(f"E335 synthetic feeder: {customers} customers. Choose 1 to 2000.")
    dice = Dice("feeder", seed, customers)
    mains = min(customers, main_branches or max(1, round(customers / 18)))
    layout = _Layout("ABCN" if neutral else "ABC")
    places: list[str] = []
    ends: list[str] = []
    for main in range(mains):
        share = (customers * (main + 1)) // mains - (customers * main) // mains
        heading = 360 * main // mains + dice.within(10)
        bus = layout.lay("1", "main_150", 20 + dice.below(40), heading)
        laid = 0
        while laid < share:
            code = "main_150" if 2 * laid < share else "main_95"
            bus = layout.lay(bus, code, 15 + dice.below(26), heading + dice.within(8))
            left = share - laid
            if left >= 3 and dice.below(3) == 0:
                houses = min(left, 3 + dice.below(4))
                side = bus
                turn = heading + (90 if dice.below(2) else -90)
                for _ in range(houses):
                    side = layout.lay(side, "side_50", 8 + dice.below(15), turn + dice.within(6))
                    places.append(_service(layout, dice, side, turn))
                ends.append(side)
                laid += houses
            else:
                for _ in range(min(left, 1 + dice.below(2))):
                    places.append(_service(layout, dice, bus, heading))
                    laid += 1
        ends.append(bus)
    loads = tuple(LoadPoint(f"C{k + 1}", bus, _PHASE_OF[dice.below(len(_PHASE_OF))], 1.0, 0.95,
                            k + 1) for k, bus in enumerate(places))
    earths = (Earth("1", 2.0), *(Earth(bus, float(10 + dice.below(20))) for bus in ends))
    kva = _KVA_EACH * customers
    kva = next((size for size in _KVA if size >= kva), kva)
    return Network(
        Source("HV", 11.0, 1.0, 8_000.0, 8_000.0, 4.0),
        Transformer("TR1", "HV", "1", 11.0, LV_KV, float(kva), 4.0, 1.0), _codes(neutral),
        tuple(layout.lines), loads, layout.coords, earths if neutral else (),
        LV_KV * 1000.0 / math.sqrt(3.0), name=f"synthetic {customers} customers seed {seed}")


def _service(layout: _Layout, dice: Dice, bus: str, heading: int) -> str:
    side = 90 if dice.below(2) else -90
    return layout.lay(bus, "service_16", 6 + dice.below(20), heading + side + dice.within(15))


# What is switched on in a house: W from, to; minutes from, to; times a day from, to; when: 0 any
# time, 1 morning and evening, 2 evening.
_DEVICES = (
    (4_000, 5_800, 4, 9, 1, 2, 1),         # shower
    (1_800, 2_400, 2, 4, 2, 6, 1),         # kettle
    (1_000, 2_000, 10, 40, 0, 2, 1),       # hob
    (1_800, 2_200, 15, 40, 0, 1, 2),       # oven
    (1_900, 2_200, 15, 30, 0, 1, 0),       # washing machine, while it heats
    (600, 1_500, 3, 15, 0, 3, 0),          # vacuum cleaner, microwave, iron
    (80, 250, 60, 240, 1, 2, 2),           # screen
    (60, 300, 120, 300, 1, 1, 2),          # lamps
    (60, 200, 30, 90, 1, 1, 1),            # lamps in the morning
)


def day(customers: int, seed: int) -> np.ndarray:
    """kW of each household over one day, [1440 x customers], profile k = column k - 1.

    Mean about 0.5 kW over all, with peaks in the morning and the evening; a single household peaks
    at 5 to 10 kW.
    """
    watts = np.zeros((1440, customers), np.int64)
    for k in range(customers):
        dice = Dice("day", seed, k)
        column = watts[:, k]
        column += 120 + dice.below(230)
        fridge, period, shift = 80 + dice.below(60), 40 + dice.below(30), dice.below(60)
        column[(np.arange(1440) + shift) % period < period // 3] += fridge
        for low, high, short, long, few, many, when in _DEVICES:
            for _ in range(few + dice.below(many - few + 1)):
                start = _start(dice, when)
                span = short + dice.below(long - short + 1)
                at = np.arange(start, start + span) % 1440
                column[at] += low + dice.below(high - low + 1)
    return watts / 1000.0


def _start(dice: Dice, when: int) -> int:
    """A minute of the day; the sum of three draws makes the peaks' bell shape."""
    if when == 0:
        return 420 + dice.below(900)
    if when == 2 or dice.below(5) > 1:
        return 960 + sum(dice.below(140) for _ in range(3))      # 16:00 to 23:00
    return 340 + sum(dice.below(80) for _ in range(3))           # 5:40 to 9:40
