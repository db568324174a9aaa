"""Inside the MicroPython VM: a controller's life on a flash that notes each of its operations.

Beside it stands what was true at each: energy, what was told of it, contacts, calls of the store,
slots that boot.py may choose from. powercut.py cuts the power in it. Single is the wrong design
that the study must find.
"""
import os
import struct
import sys
from array import array

import vfs

from acu.drivers.flash_store import FlashStore
from acu.functions import calibrating
from acu.primitives import provisioned, recording
from host_sim.vm.life import Place, Samples
from host_sim.vm.nor import Dice, NorFlash

BLOCK = 4096
NOMINAL = [(450_000_000, 0), (100_000_000, 31_250)]
BOARD_ID = b"\x01\x02\x03\x04\x05\x06\x07\x08"
_MINUTE_S = 60


class Noted(FlashStore):
    """calls: [(operations before it, after it, name, data or None)], appends as the whole file."""

    def __init__(self, folder, flash):
        self.flash = flash
        self.calls = []
        self.appended = {}
        super().__init__(folder)

    def _put(self, name, data, mode):
        before = self.flash.n
        done = super()._put(name, data, mode)
        if mode == "ab":
            data = self.appended.get(name, b"") + data
        self.appended[name] = data
        self.calls.append((before, self.flash.n, name, bytes(data)))
        if not done:
            raise ValueError(self.complaint())
        return done

    def remove(self, name):
        before = self.flash.n
        done = super().remove(name)
        if done:
            self.appended.pop(name, None)
            self.calls.append((before, self.flash.n, name, None))
        return done


class Single:
    """The wrong design that the study must find: one slot, written in place, a piece at a time."""

    def __init__(self, store, name):
        self._store = store
        self._name = name
        self._seq = 0
        self.damaged = False

    def load(self):
        raw = self._store.read(self._name + ".a") or b""
        if len(raw) < 10:
            return None
        seq, length, crc = struct.unpack("<IHI", raw[:10])
        if recording._crc(seq, raw[10:]) != crc or len(raw) != 10 + length:
            self.damaged = True
            return None
        self._seq = seq
        return raw[10:]

    def save(self, body):
        self._seq += 1
        head = struct.pack("<IHI", self._seq, len(body), recording._crc(self._seq, body))
        self._store.write(self._name + ".a", head)
        self._store.append(self._name + ".a", body)
        return True

    load_of = recording.Record.load_of


def single():
    """All that keeps a record keeps it so from now on."""
    Record = recording.Record
    for module in list(sys.modules.values()):
        if getattr(module, "Record", None) is Record:
            module.Record = Single


def mount(flash, page, fresh=False):
    if fresh:
        vfs.VfsLfs2.mkfs(flash, progsize=page)
    vfs.mount(vfs.VfsLfs2(flash, progsize=page), "/")


def put(path, data):
    with open(path + ".new", "wb") as f:
        f.write(data)
    os.rename(path + ".new", path)


def boot(code):
    """Runs boot.py, compiled; its globals."""
    kept = sys.path[:]
    told = {"__name__": "__main__"}
    exec(code, told)
    sys.path[:] = kept
    return told


class Life:
    """A controller's life on a flash, and what is true at each of its operations."""

    def __init__(self, root, code, role, blocks, page, minutes, fill):
        self.root = root
        self.code = code                # of boot.py
        self.role = role
        self.flash = NorFlash(bytearray(b"\xff" * (blocks * BLOCK)), page)
        self.page = page
        self.image = None               # as the log of operations begins
        self.marks = []                 # (operations, t_ms, mWh, Wh told, contacts, starts)
        self.slots = [(0, "a")]         # (operations, slots that boot.py may choose from then on)
        mount(self.flash, page, True)
        for slot in ("a", "b"):
            os.mkdir("/" + slot)
            for name in ("manifest.json", "board.json", "pins.py"):
                with open(f"/{slot}/{name}", "wb") as f:
                    f.write(b"OUTPUTS = ()\n")
        put("/slot", b"a")
        self.flash.log = []
        self.flash.n = 0
        self.image = bytearray(self.flash.memory)
        self.store = Noted("/data", self.flash)
        self._play(minutes, fill)
        vfs.umount("/")

    def _mark(self, place):
        self.marks.append((self.flash.n, place.t_us // 1000, place.energy_mwh(), place.acu.e_wh,
                           place.closed, place.acu.boots))

    def _play(self, minutes, fill):
        store = self.store
        place = Place(self.root, self.role, store)
        provisioned.save(store, place.unit.spec["config"])
        self.place = place
        dice = Dice(7)
        table = array("H", [8 * k for k in range(4096)])
        for minute in range(minutes):
            if minute % 23 == 0:
                self._restart(place, minute)
                samples = Samples(place) if self.role == "meter" else None
                if not minute:
                    for k in range(fill):       # the ring of the log goes round
                        place.acu.log.add(k, 35, k)
                        place.acu.log.slow(k, True)
            place.p_w = dice.below(6000)
            for _ in range(_MINUTE_S):
                place.go(1000, 1000)
                self._mark(place)
            what = dice.below(12)
            if what == 0:
                place.dip(600)
                place.reconnect()
            elif what == 1 and self.role == "operator":
                place.switch(0, 0, 3)
                self._mark(place)
                place.switch(1, 1, 3)
                place.switch(1, 0, 3)
            elif what == 2:
                place.tell("cfg", {"k": "lockout", "val": 1})
                place.tell("cfg", {"k": "lockout", "val": 0})
            elif what == 3:
                cfg = dict(place.unit.spec["config"])
                cfg["t_hb_ms"] = 10_000 + minute
                provisioned.save(store, cfg)
            elif what == 4:
                for k in range(dice.below(30)):
                    place.acu.log.add(place.acu.clock.now_ms(), 35, k, minute)
            elif what == 5 and samples:
                samples.event()
            elif what == 6 and minute % 5 == 0:
                calibrating.save_table(store, table, BOARD_ID)
                calibrating.save(store, [(450_000_000 + minute, 0, (), 5),
                                         (100_000_000, 31_250, (), 0)], NOMINAL, minute, table,
                                 BOARD_ID)
            self._mark(place)

    def _restart(self, place, minute):
        """Off and on; every third time a firmware was flashed into the other slot meanwhile."""
        told = boot(self.code)
        if minute % 3 == 0:
            other = "b" if told["SLOT"] == "a" else "a"
            self.slots.append((self.flash.n, "ab"))
            put("/try", (other + "3").encode())
            told = boot(self.code)
        place.start()
        self._mark(place)
        put("/slot", told["SLOT"].encode())
        for path in ("/try", "/boots"):
            try:
                os.remove(path)
            except OSError:
                pass
        self.slots.append((self.flash.n, told["SLOT"]))
