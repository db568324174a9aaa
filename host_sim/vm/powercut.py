"""Inside the MicroPython VM: cuts of the power while controllers live on littlefs, and wear.

    powercut.py FIRMWARE ROOT JSON      what to do, see cuts() and wear(); one line of JSON out

A life is played once on a NOR flash that notes each erase and program, and beside it what was
stored by then. A cut is the flash as it was after so many operations, the next one torn. It is
mounted, boot.py runs, and the same controller starts from it: what was stored must be there. Every
fourth of these starts is cut once more, and the one after that is judged.
"""
import gc
import json
import struct
import sys
from binascii import crc32

import vfs

FIRMWARE, ROOT = sys.argv[1:3]

# littlefs takes the place of the root, as on a board; the host's files move below /host
vfs.umount("/")
vfs.mount(vfs.VfsPosix("/"), "/host")
sys.path[:] = ["/host" + FIRMWARE, "/host" + ROOT]
ROOT = "/host" + ROOT

from acu.drivers.flash_store import FlashStore  # noqa: E402
from acu.functions import captured  # noqa: E402
from acu.primitives import calibration, history, provisioned, recording  # noqa: E402
from host_sim.vm.cut_life import (  # noqa: E402
    BLOCK,
    BOARD_ID,
    NOMINAL,
    Life,
    boot,
    mount,
    single,
)
from host_sim.vm.life import Place  # noqa: E402
from host_sim.vm.nor import Dice, NorFlash, PowerCut, apply, tear  # noqa: E402

_LOSS_MS = 61_000       # 60 s, and the one of a reading: on a board it has 0.2 s


class Judge:
    """Of all cuts of a life, in the order of their operations."""

    def __init__(self, life, seed):
        self.life = life
        self.seed = seed
        self.image = life.image
        self.scratch = bytearray(len(self.image))
        self.done = 0               # operations in the image
        self.call = 0               # calls of the store that are whole by then
        self.files = {}             # what they left
        self.found = {"cuts": 0, "again": 0, "records_lost": 0, "energy_backwards": 0,
                      "outputs_moved": 0, "not_started": 0, "worst_loss_mwh": 0,
                      "worst_loss_ms": 0}
        self.kinds = {}
        self.wrong = []

    def _complain(self, key, k, text):
        self.found[key] += 1
        if len(self.wrong) < 20:
            self.wrong.append(f"{self.life.role} operation {k}: {text}")

    def cut(self, k, n):
        """Number n of all cuts: operation k is torn."""
        life = self.life
        log = life.flash.log
        while self.done < k:
            apply(self.image, BLOCK, *log[self.done])
            self.done += 1
        calls = life.store.calls
        while self.call < len(calls) and calls[self.call][1] <= k:
            self._take(self.files, calls[self.call])
            self.call += 1
        flying = None
        if self.call < len(calls) and calls[self.call][0] <= k:
            flying = calls[self.call]
        name = flying[2] if flying else "start"
        kind = "".join([ch for ch in name.split(".")[0] if not ch.isdigit()])
        self.kinds[kind] = self.kinds.get(kind, 0) + 1
        self.found["cuts"] += 1
        dice = Dice(self.seed * 1_000_003 + n)
        self.scratch[:] = self.image
        tear(self.scratch, BLOCK, *log[k], dice)
        if n % 4 == 0:
            self._restart_cut(k, dice)
        try:
            flash = NorFlash(self.scratch, life.page)
            mount(flash, life.page)
            try:
                self._look(k, flying)
            finally:
                vfs.umount("/")
        except Exception as e:
            sys.print_exception(e, sys.stderr)
            self._complain("not_started", k, f"{name}: {e!r}")

    def _take(self, files, call):
        if call[3] is None:
            files.pop(call[2], None)
        else:
            files[call[2]] = call[3]

    def _restart_cut(self, k, dice):
        """The start after the cut is cut as well."""
        flash = NorFlash(self.scratch, self.life.page)
        flash.dice = dice
        try:
            mount(flash, self.life.page)
            flash.cut_in = dice.below(12)
            boot(self.life.code)
            self._place(k).start()
        except PowerCut:
            self.found["again"] += 1
        flash.dead = True
        gc.collect()        # files that are still open close while their flash is there
        vfs.umount("/")

    def _mark(self, k):
        """What was true when operation k was torn."""
        marks = self.life.marks
        low, high = 0, len(marks)
        while low < high:
            mid = (low + high) // 2
            if marks[mid][0] <= k:
                low = mid + 1
            else:
                high = mid
        return low - 1

    def _place(self, k):
        m = self._mark(k)
        mark = self.life.marks[max(m, 0)]
        place = Place(ROOT, self.life.role, FlashStore("/data"), mark[4])
        place.t_us = mark[1] * 1000 + 1_000_000
        return place

    def _look(self, k, flying):
        store = FlashStore("/data")
        after = dict(self.files)
        if flying:
            self._take(after, flying)
        self._boot(k)
        self._records(k, store, after)
        self._log(k, store, after)
        # whole captures: all that were whole, but for one that goes while it is removed
        stored = {}
        for name in self.files:
            if name in after and name[:3] == "cap" and name[3:].isdigit():
                stored[name] = self.files[name]
        whole = [one[0] for one in captured.listed(store) if one[8]]
        for name, raw in stored.items():
            if name not in whole and self._whole(raw):
                self._complain("records_lost", k, f"{name} is gone")
        self._start(k, after)

    def _whole(self, raw):
        return crc32(raw[:-4]) & 0xFFFFFFFF == struct.unpack("<I", raw[-4:])[0]

    def _boot(self, k):
        told = boot(self.life.code)
        allowed = ""
        for n, slots in self.life.slots:
            if n <= k:
                allowed = slots
        if told["MODE"] != "run" or not told["SLOT"] or told["SLOT"] not in allowed:
            self._complain("records_lost", k, f"boot.py: {told['MODE']} {told['SLOT']} "
                                              f"{told['WHY']}")

    def _records(self, k, store, after):
        names = set()
        for name in self.files:
            if name[-2:] in (".a", ".b"):
                names.add(name[:-2])
        for name in sorted(names):
            body = recording.Record(store, name).load()
            allowed = [Bodies(self.files, name).newest(), Bodies(after, name).newest()]
            if body not in allowed and not (name in ("boot", "state", "energy", "registers", "cap")
                                            and body is not None and self._newer(store, name)):
                self._complain("records_lost", k, f"{name}: {body!r}, not {allowed[0]!r}")
        if "settings" in names and provisioned.load(store)[1]:
            self._complain("records_lost", k, provisioned.load(store)[1])
        if "cal" in names and "adc" in names:
            why = calibration.load(store, NOMINAL, BOARD_ID)[3]
            if why:
                self._complain("records_lost", k, why)

    def _newer(self, store, name):
        """Stored by a start that was cut itself: a number above the one before."""
        record = recording.Record(store, name)
        record.load()
        before = recording.Record(Bodies(self.files, name), name)
        before.load()
        return record._seq > before._seq

    def _log(self, k, store, after):
        stored = 0
        for name in self.files:
            if name[:2] == "ev" and name[2:].isdigit():
                raw = self.files[name]
                for at in range(0, len(raw), 32):
                    stored = max(stored, struct.unpack("<I", raw[at:at + 4])[0])
        found = [row[0] for row in history.newest(None, store)]
        newest = found[0] if found else 0
        if newest < stored:
            self._complain("records_lost", k, f"log ends at {newest}, {stored} were stored")
        if found != list(range(newest, newest - len(found), -1)) or (
                len(found) < min(newest, 2048)):
            self._complain("records_lost", k, f"log has holes: {len(found)} up to {newest}")

    def _start(self, k, after):
        """The controller starts from what is there."""
        life = self.life
        m = self._mark(k)
        place = self._place(k)
        name = "registers" if life.role == "meter" else "energy"
        place.start()
        acu = place.acu
        if not acu.ready:
            self._complain("not_started", k, "the self-test did not pass")
        if place.moved:
            self._complain("outputs_moved", k, f"{place.moved} drives")
        told = acu.e_wh
        if m < 0:
            return
        marks = life.marks
        _, t_ms, mwh, told_before, _, starts = marks[m]
        # told is what is stored: after the start energy grew again, but nothing of it was told
        if told < told_before:
            self._complain("energy_backwards", k, f"{told} Wh, {told_before} Wh had been told")
        restored = self._energy(place, name)
        lost = mwh - restored
        since = m       # what an earlier restart has cost is that one's
        while since > 0 and marks[since][1] > t_ms - _LOSS_MS and marks[since - 1][5] == starts:
            since -= 1
        since_ms = t_ms - marks[since][1]
        if lost > 100 and since_ms >= _LOSS_MS and restored < marks[since][2]:
            self._complain("records_lost", k, f"{name}: {lost} mWh lost, more than 0.1 Wh and "
                                              "than those of 60 s")
        self.found["worst_loss_mwh"] = max(self.found["worst_loss_mwh"], lost)
        if lost > 100:
            j = m
            while j > 0 and marks[j][2] > restored and marks[j - 1][5] == starts:
                j -= 1
            self.found["worst_loss_ms"] = max(self.found["worst_loss_ms"], t_ms - marks[j][1])
        body = Bodies(self.files, name).newest()
        if body is not None and restored < self._of(place, body):
            self._complain("energy_backwards", k, f"{restored} mWh, stored was more")

    def _energy(self, place, name):
        body = recording.Record(place.unit.store, name).load()
        return 0 if body is None else self._of(place, body)

    def _of(self, place, body):
        """mWh imported of a record's body."""
        if self.life.role != "meter":
            return struct.unpack("<Q", body[:8])[0]
        from acu.functions.energy import Energy
        one = Energy(place.acu.n, place.board["rate_hz"], 0)
        one.unpack(body)
        return one.total_mwh(0)


class Bodies:
    """Files of a record as a store that can be read."""

    def __init__(self, files, name):
        self._files = files
        self._name = name

    def read(self, name):
        return self._files.get(name)

    def newest(self):
        return recording.Record(self, self._name).load()


def cuts(job):
    """job: seed, cuts, first, last (of them all, numbers of this process), minutes, design."""
    if job["design"] == "single":
        single()
    out = {"operations": 0, "kinds": {}, "wrong": []}
    lives = ("operator", "meter")
    for n_life in range(2):
        life = Life(ROOT, BOOT, lives[n_life], 64, 256, job["minutes"], job["fill"])
        judge = Judge(life, job["seed"])
        n_ops = len(life.flash.log)
        out["operations"] += n_ops
        chosen = []
        dice = Dice(job["seed"] * 31 + n_life)
        half = job["cuts"] // 2
        for n in range(half):
            # spread evenly, each at random in its part; more cuts than operations: all, torn anew
            width = max(n_ops // half, 1)
            k = n * n_ops // half + dice.below(width) if n_ops > half else n * n_ops // half
            if n % job["parts"] == job["part"]:
                chosen.append((min(k, n_ops - 1), n))
        for k, n in chosen:
            judge.cut(k, n)
        for key, value in judge.found.items():
            if key[:5] == "worst":
                out[key] = max(out.get(key, 0), value)
            else:
                out[key] = out.get(key, 0) + value
        for kind, value in judge.kinds.items():
            out["kinds"][kind] = out["kinds"].get(kind, 0) + value
        out["wrong"] += judge.wrong
    return out


with open("/host" + FIRMWARE + "/boot.py") as f:
    BOOT = compile(f.read(), "boot.py", "exec")
JOB = json.loads(sys.argv[3])
print(json.dumps(cuts(JOB)))
