"""Inside the MicroPython VM: what a day costs the flash, by role, on littlefs.

    wear.py FIRMWARE ROOT JSON      JSON: role, page, blocks, days; one line of JSON out

One day of a controller is played (life.py, a reading a minute) on a flash that also holds two
firmware slots; what it stored that day is then stored again day by day. Counted are the erases of
each block after the first day.
"""
import json
import os
import sys

import vfs

FIRMWARE, ROOT = sys.argv[1:3]
vfs.umount("/")
vfs.mount(vfs.VfsPosix("/"), "/host")
sys.path[:] = ["/host" + FIRMWARE, "/host" + ROOT]
ROOT = "/host" + ROOT

from acu.drivers.flash_store import FlashStore  # noqa: E402
from acu.primitives import provisioned  # noqa: E402
from host_sim.vm.life import Place, Samples  # noqa: E402
from host_sim.vm.nor import NorFlash  # noqa: E402

BLOCK = 4096
SLOT_BYTES = 160_000        # of firmware, in each of two slots: they stay where they are
# default rates: what happens in a day besides load at any time
OUTAGES = 2                 # each opens a customer, who is connected again
DIPS = 6
ORDERS = 2                  # openings and closings by the centre
EVENTS = 60                 # others, not urgent, alone in their minute
URGENT = 12
CAPTURES = 2                # of a meter


class Diary(FlashStore):
    """Notes what it is asked to store."""

    def __init__(self, folder):
        self.calls = []
        super().__init__(folder)

    def _put(self, name, data, mode):
        self.calls.append((name, bytes(data), mode))
        return super()._put(name, data, mode)

    def remove(self, name):
        self.calls.append((name, b"", "rm"))
        return super().remove(name)


def day(place, samples):
    """1440 minutes, and what happens in them, evenly spread."""
    acu = place.acu
    happens = []
    for what, n in (("outage", OUTAGES), ("dip", DIPS), ("order", ORDERS), ("event", EVENTS),
                    ("urgent", URGENT), ("capture", CAPTURES), ("settings", 1), ("restart", 1)):
        for k in range(n):
            happens.append(((2 * k + 1) * 720 // n, what))
    happens.sort()
    for minute in range(1440):
        place.p_w = 300 + minute % 7 * 100
        place.go(60_000, 60_000)
        while happens and happens[0][0] <= minute:
            what = happens.pop(0)[1]
            now_ms = acu.clock.now_ms()
            if what == "outage":
                place.dip(600)
                if place.role == "operator":
                    place.reconnect()
            elif what == "dip":
                place.dip(60)
            elif what == "order" and place.role == "operator":
                place.switch(0, 0, 3)
                place.switch(1, 1, 3)
                place.switch(1, 0, 3)
            elif what == "event":
                acu.log.add(now_ms, 35)
            elif what == "urgent":
                acu.log.add(now_ms, 35, 0, 0, 0, True)
            elif what == "capture" and samples:
                samples.event()
            elif what == "settings":
                provisioned.save(place.unit.store, place.unit.spec["config"])
            elif what == "restart":
                place.start()
                acu = place.acu


def wear(job):
    flash = NorFlash(bytearray(b"\xff" * (job["blocks"] * BLOCK)), job["page"])
    vfs.VfsLfs2.mkfs(flash, progsize=job["page"])
    vfs.mount(vfs.VfsLfs2(flash, progsize=job["page"]), "/")
    for slot in ("a", "b"):
        os.mkdir("/" + slot)
        with open(f"/{slot}/firmware", "wb") as f:
            for _ in range(SLOT_BYTES // 1000):
                f.write(bytes(1000))
    store = Diary("/data")
    place = Place(ROOT, job["role"], store)
    place.start()
    samples = Samples(place) if job["role"] == "meter" else None
    for k in range(2200):               # the log is full from the beginning
        place.acu.log.add(k, 35, k)
        place.acu.log.slow(k, True)
    day(place, samples)
    store.calls = calls = []
    before = list(flash.erases)
    day(place, samples)
    plain = FlashStore("/data")
    segment = place.acu.log.segment
    for _ in range(job["days"] - 1):
        for name, data, mode in calls:
            if name[:2] == "ev" and name[2:].isdigit():
                # the ring goes on round
                name = f"ev{segment}"
                if mode == "wb" or plain.size(name) >= BLOCK:
                    segment = (segment + 1) % 18
                    name = f"ev{segment}"
                    mode = "wb"
            if mode == "rm":
                plain.remove(name)
            elif not plain._put(name, data, mode):
                raise ValueError(plain.complaint())
    spent = [flash.erases[k] - before[k] for k in range(job["blocks"])]
    years = 100_000 * job["days"] * 100 // 36_525
    return {"erases_per_day": sum(spent) // job["days"], "stores_per_day": len(calls),
            "bytes_per_day": sum([len(call[1]) for call in calls]),
            "hottest_block": max(spent), "blocks_used": sum([int(x > 0) for x in spent]),
            "life_years_hottest": years // max(spent),
            "life_years_even": years * sum([int(x > 0) for x in spent]) // sum(spent)}


print(json.dumps(wear(json.loads(sys.argv[3]))))
