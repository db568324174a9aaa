"""Inside the MicroPython VM: cuts of the power in a recloser's sequences, on littlefs.

    recl_cuts.py FIRMWARE ROOT JSON     job: seed, cuts, seconds; one line of JSON out

A life (recl_life.py) is played once; a cut is the flash as it was then and the breaker where it
was or was going. Every second one tears the operation under way, the others come at any tick. The
same controller starts from it: nothing may be driven, a sequence that was under way must be a
lock-out, what was stored of the counters must be there. Every fourth start then finds the fault
again: it may trip, and closes nothing. Every fourth start is cut itself, and the one after judged.
A first trip of which nothing is stored, the breaker still closed, is no sequence yet. looked_away:
the lock-out after a closing by hand is not stored yet, as no erase comes so soon after a closing:
the breaker stays open, but a closing by hand needs no REC R.
"""
import gc
import json
import struct
import sys

import vfs

FIRMWARE, ROOT = sys.argv[1:3]

# littlefs takes the place of the root, as on a board; the host's files move below /host
vfs.umount("/")
vfs.mount(vfs.VfsPosix("/"), "/host")
sys.path[:] = ["/host" + FIRMWARE, "/host" + ROOT]
ROOT = "/host" + ROOT

from acu.drivers.flash_store import FlashStore  # noqa: E402
from acu.functions import reclosing as rc  # noqa: E402
from acu.ports import CLOSE  # noqa: E402
from acu.primitives.recording import Record  # noqa: E402
from acu.roles import auto_recloser  # noqa: E402
from host_sim.vm.cut_life import BLOCK, Noted, mount  # noqa: E402
from host_sim.vm.nor import Dice, NorFlash, PowerCut, apply, tear  # noqa: E402
from host_sim.vm.recl_life import Life, Line  # noqa: E402

_PAGE, _BLOCKS = 256, 64
_START_MS = 400             # past the self-test
_STATES = ("ready", "opening", "dead", "waiting", "closing", "reclaim", "open", "locked")


def _again(n):
    """Is the start after cut n itself cut?"""
    return n // 8 % 4 == 0


class Files:
    """Of a record, as a store that can be read."""

    def __init__(self, files):
        self.read = files.get


def stored(store):
    """(running, counts) of the newest record of the sequence, or None."""
    raw = Record(store, "recl").load()
    if raw is None:
        return None
    row = struct.unpack(auto_recloser._STORED, raw)
    return row[1], list(row[6:])


class Judge:
    def __init__(self, life, image, store, seed):
        self.life = life
        self.image = image
        self.memory = bytearray(image)      # of the present cut
        self.calls = store.calls
        self.seed = seed
        self.done = self.call = 0
        self.files = {}
        self.found = {"cuts": 0, "again": 0, "moved": 0, "closed_later": 0, "not_locked": 0,
                      "locked_needlessly": 0, "counts_lost": 0, "not_started": 0,
                      "looked_away": 0}
        self.states = {}
        self.wrong = []

    def _complain(self, key, text):
        self.found[key] += 1
        if len(self.wrong) < 20:
            self.wrong.append(key + ": " + text)

    def cut(self, mark, torn, n):
        """At this tick; torn: the operation after it is under way."""
        log = self.life.flash.log
        ops = self.life.marks[mark][0]
        while self.done < ops:
            apply(self.image, BLOCK, *log[self.done])
            self.done += 1
        while self.call < len(self.calls) and self.calls[self.call][1] <= ops:
            self._take(self.files, self.calls[self.call])
            self.call += 1
        after = dict(self.files)
        if torn and self.call < len(self.calls):
            self._take(after, self.calls[self.call])
        dice = Dice(self.seed * 1_000_003 + n)
        memory = self.memory
        memory[:] = self.image
        if torn:
            tear(memory, BLOCK, *log[ops], dice)
        state = self.life.marks[mark][1]
        name = _STATES[state]
        self.states[name] = self.states.get(name, 0) + 1
        self.found["cuts"] += 1
        try:
            if _again(n):
                self._cut_again(memory, mark, dice)
            flash = NorFlash(memory, _PAGE)
            mount(flash, _PAGE)
            try:
                self._look(mark, after, dice, n)
            finally:
                vfs.umount("/")
        except Exception as e:
            sys.print_exception(e, sys.stderr)
            self._complain("not_started", "tick %d, %s: %r" % (mark, name, e))

    def _take(self, files, call):
        if call[3] is None:
            files.pop(call[2], None)
        else:
            files[call[2]] = call[3]

    def _line(self, mark, dice):
        """The world as the cut left it: what was on its way arrives, or it does not."""
        _, _, _, closed, flying, _ = self.life.marks[mark]
        if flying and dice.below(2):
            closed = not closed
        return Line(self.life.board, self.life.made, FlashStore("/data"), closed)

    def _cut_again(self, memory, mark, dice):
        flash = NorFlash(memory, _PAGE)
        flash.dice = dice
        flash.cut_in = dice.below(10)
        line = None
        try:
            mount(flash, _PAGE)
            line = self._line(mark, Dice(mark))
            line.run(400)
        except PowerCut:
            self.found["again"] += 1
        flash.dead = True
        gc.collect()        # files that are still open close while their flash is there
        vfs.umount("/")

    def _look(self, mark, after, dice, n):
        _, state, running, _, _, cause = self.life.marks[mark]
        before = stored(Files(self.files))
        line = self._line(mark, Dice(mark) if _again(n) else dice)
        driven = line.run(_START_MS)
        acu = line.acu
        where = "tick %d, %s" % (mark, _STATES[state])
        if not acu.ready:
            self._complain("not_started", where + ": the self-test did not pass")
        if driven:
            self._complain("moved", "%s: %r" % (where, driven))
        locked = acu.recl.state == rc.LOCKED and acu.gate.locked
        fresh = not (before and before[0])      # nothing of this sequence is stored yet
        if fresh and not locked and state == rc.LOCKED and cause == rc.ON_FAULT:
            self.found["looked_away"] += 1
        elif (running or state == rc.LOCKED) and not locked and not (fresh and line.closed):
            self._complain("not_locked", "%s, stored %r" % (where, before))
        quiet = stored(Files(after)) == before and before and not before[0]
        if state == rc.READY and locked and quiet:
            self._complain("locked_needlessly", where)
        counts = list(acu.recl.counts)
        if before:
            newest = stored(Files(after)) or before
            for k in range(rc.NCOUNTS):
                if not before[1][k] <= counts[k] <= newest[1][k] + (k == rc.LOCKS):
                    self._complain("counts_lost", "%s: place %d is %d, stored %d" % (
                        where, k, counts[k], before[1][k]))
        if n // 2 % 4 == 0:         # torn ones and others
            line.fault = True
            if CLOSE in line.run(900):
                self._complain("closed_later", where)


def cuts(job):
    flash = NorFlash(bytearray(b"\xff" * (_BLOCKS * BLOCK)), _PAGE)
    mount(flash, _PAGE, True)
    flash.log = []
    flash.n = 0
    image = bytearray(flash.memory)
    store = Noted("/data", flash)
    life = Life(ROOT, flash, store, job["seconds"], job["seed"])
    vfs.umount("/")
    judge = Judge(life, image, store, job["seed"])
    dice = Dice(job["seed"] * 31)
    marks = life.marks
    # ticks after which an operation of the flash comes, for the cuts that tear one
    busy = [k for k in range(180, len(marks) - 1) if marks[k + 1][0] > marks[k][0]]
    chosen = []
    for n in range(job["cuts"]):
        torn = n & 1
        k = busy[dice.below(len(busy))] if torn else 180 + dice.below(len(marks) - 181)
        chosen.append((k, torn, n))
    for k, torn, n in sorted(chosen):
        judge.cut(k, torn, n)
    return {"found": judge.found, "states": judge.states, "wrong": judge.wrong,
            "operations": len(flash.log), "ticks": len(marks),
            "counts": list(life.line.acu.recl.counts), "causes": sorted(life.causes)}


JOB = json.loads(sys.argv[3])
print(json.dumps(cuts(JOB)))
