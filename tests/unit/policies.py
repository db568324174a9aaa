"""A plant, a table made of formulas, and what energy is worth, for the tests of the policies. Runs
in both Pythons."""
import struct
from binascii import crc32

from acu.functions import dispatch as dp
from acu.functions import policy_table as pt
from host_sim.board.dispatch_rig import reader  # noqa: F401  for those who use this kit

UTC_S = 1_388_534_400           # 2014-01-01 00:00
NOON_JUNE_S = UTC_S + 172 * 86_400 + 12 * 3600
EVENING_JANUARY_S = UTC_S + 15 * 86_400 + 18 * 3600


def plant(**more):
    return dp.Plant(dp.Store(2_900_000, 2_900_000, 950, 950),
                    dp.Store(1_000_000, 200_000_000, 650, 650), **more)


def worth(season, hour, h, load, sky, part):
    """Counts of 4 mEUR: dear in the evening, in winter, with little of it, on a dark day."""
    winter = abs(season * 2 - 7)            # of 8: 7 at the year's ends, 1 in its middle
    evening = 30 if 15 <= hour < 20 else 0
    return 20 + 6 * winter + evening + 6 * (2 - h) + 5 * load + 8 * (1 - sky) - 4 * part


def price(season, node):
    return 50 + 4 * abs(season * 2 - 7) - 3 * node


def clear(season, hour):
    """Of 25 W."""
    return max(0, (220 - 12 * abs(season * 2 - 7)) * (36 - (hour - 12) * (hour - 12)) // 36)


def profile_mw(hour):
    return 100_000 + (1_200_000 if 16 <= hour < 21 else 400_000 if 7 <= hour < 16 else 0)


def table(of=None, version=pt.VERSION, unit=40, fit_pm=1000):
    """Bytes of a table: 8 seasons; 3 nodes of hydrogen, 2 of load, 2 of sky; 4 parts; 5 prices."""
    nodes = struct.pack("<7H", 50, 400, 950, 750, 1250, 0, 900)
    body = nodes + struct.pack("<24I", *[profile_mw(hour) for hour in range(24)])
    for hour in range(24):
        for season in range(8):
            body += bytes([clear(season, hour)] + [price(season, k) for k in range(5)])
            body += bytes([worth(season, hour, h, load, sky, part) for h in range(3)
                           for load in range(2) for sky in range(2) for part in range(4)])
    total = struct.calcsize(pt.HEAD) + len(body) + 4
    head = struct.pack(pt.HEAD, pt.MAGIC, version, total, *(
        pt.plant_words(of or plant()) + [8, 3, 2, 2, 4, 5, unit, 25_000, 0, 150_000, fit_pm]))
    return head + body + struct.pack("<I", crc32(head + body) & 0xFFFFFFFF)


def seen(pv_w, load_w, b_wh, h_kwh, utc_s=NOON_JUNE_S, dt_s=3600):
    return [utc_s, pv_w * 1000, load_w * 1000, b_wh * 1000, h_kwh * 1_000_000, dt_s]
