"""Inside the VM: FlashStore on a small littlefs that fills up, and on one that fails. Prints what
a test reads: `ok NAME` a line. Argument: the project's folder."""
import sys

import vfs

ROOT = sys.argv[1]
sys.path[:0] = [ROOT + "/firmware", ROOT]

from acu.drivers.flash_store import FlashStore  # noqa: E402
from acu.primitives import history  # noqa: E402
from acu.primitives.recording import Record, Recorder  # noqa: E402
from host_sim.vm.nor import NorFlash  # noqa: E402


class Failing(NorFlash):
    fails = False

    def writeblocks(self, n, buffer, offset=0):
        if self.fails:
            raise OSError(5)
        super().writeblocks(n, buffer, offset)


class Time:
    def ticks_us(self):
        return 0

    def utc_ms(self, now_ms):
        return now_ms


def fresh(blocks):
    flash = Failing(bytearray(b"\xff" * (blocks * 4096)), 256)
    vfs.VfsLfs2.mkfs(flash, progsize=256)
    vfs.mount(vfs.VfsLfs2(flash, progsize=256), "/f")
    return flash, FlashStore("/f/data")


def capture(store, k, size=12_000):
    head = b"SLG1" + bytes([k, 0, 0, 0])
    done = store.write(f"cap{k}", head + bytes(1000))
    for _ in range(size // 1000 - 1):
        done = done and store.append(f"cap{k}", bytes(1000))
    return done


def good(what, name):
    print("ok" if what else "FAILED", name)


KEPT = (("settings", b"s" * 700), ("cal", b"c" * 300), ("energy", b"e" * 16), ("keys", b"k" * 32))

flash, store = fresh(36)
for name, body in KEPT:
    Record(store, name).save(body)
for n in range(6):
    for k in range(8):
        store.append(f"ev{n}", bytes([1 + n * 8 + k, 0, 0, 0]) + bytes(508))
k = 0
while k < 9 and not store.failed:
    capture(store, k)
    k += 1
good(k > 2 and store.code == 380 and store.shed >= 1, "a full flash is noticed")
good("cap0" not in store.names() and f"cap{k - 1}" in store.names(),
     "the oldest capture makes room for the newest")
good(capture(store, 20, 120_000) is False and "ev0" in store.names(),
     "a capture that is too large takes no event with it")
store.remove("cap20")
good([name for name in store.names() if name[:3] == "cap"] == [], "but all older captures")
for n in range(40):
    if not store.write(f"big{n}", bytes(4000)):
        break
good("ev0" not in store.names() and "ev5" in store.names(), "then the oldest events go, not all")
good(not store.write("more", bytes(4000)), "and then nothing more is taken")
for name, body in KEPT:
    good(Record(store, name).load() == body, "kept: " + name)
good(store.complaint()[:5] == "E380 ", store.complaint())
record = Record(store, "energy")
record.load()
good(record.save(b"f" * 16) and Record(store, "energy").load() == b"f" * 16,
     "energy is stored on a flash that is full")
vfs.umount("/f")

flash, store = fresh(64)
time = Time()
log = Recorder(store, time, time, "eu1")
for k in range(200):
    log.add(k, 35, k)
    log.slow(k, True)
record = Record(store, "state")
record.save(b"before")
flash.fails = True
good(record.save(b"after") is False and store.code == 381, "a flash that fails is no exception")
for k in range(200, 230):
    log.add(k, 35, k, 0, 0, True)
    log.slow(k, True)
good(store.failed < 6, "and it is not tried in each pass")
flash.fails = False
good(Record(store, "state").load() == b"before", "what was stored is still there")
for _ in range(9):
    log.slow(100_000, True)
found = [row[3] for row in history.newest(None, store) if row[2] == 35]
good(found == list(range(229, -1, -1)), "events that waited are stored later")
good([row[3:5] for row in history.newest(None, store) if row[2] == 77] == [(381, 1)],
     "and the failure is an event")
good(store.complaint()[:5] == "E381 ", store.complaint())
good(Record(store, "state").save(b"x") and store.read("none") is None and store.size("none") == -1
     and not store.remove("none"), "what is not there is no failure")
good(store.read("ev0", 32, 4) == b"\2\0\0\0" and len(store.read("ev0")) == 4096, "read in pieces")
