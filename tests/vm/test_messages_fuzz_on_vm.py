"""10,000 bent and random messages to an Operator inside the 32-bit MicroPython: no exception, no
command taken, no change of state, and as much memory afterwards as before.

The messages come from the fuzz of `slvg study link`, which plays 10^6 of them on CPython. A run in
which no code is checked shows that the script would see it.
"""
import random
import subprocess
from pathlib import Path

import pytest

from host_sim.study import link_fuzz
from host_sim.study.link_plant import keys_record

ROOT = Path(__file__).resolve().parents[2]
N = 10_000
SCRIPT = """
import gc
import sys
sys.path[:] = [sys.argv[1], sys.argv[2]] + sys.path
from binascii import unhexlify
from acu import messages
from acu.primitives.recording import Record
from host_sim.board.doors import SimStore
from tests.unit.cabinet import Cabinet, DOWN

lines = open(sys.argv[3])
store = SimStore()
Record(store, "keys").save(unhexlify(lines.readline().strip()))
c = Cabinet(store=store).started()
acu = c.acu
now_ms = c.ms()
acu.sync.set(now_ms, int(lines.readline()), 1, True)
taken = []
handle = acu.handle


def watched(now_ms, topic, msg):
    if messages.command(msg["t"]):
        taken.append(1)
    handle(now_ms, topic, msg)


acu.handle = watched
if sys.argv[4] == "wrong":
    acu.net.auth.verify = lambda raw, h, dst: True


def state():
    files = {}
    for name in store.files:
        if name[:2] != "ev":
            files[name] = store.files[name]
    return (len(c.drives), acu.gate.mask(), acu.phase, acu.why, acu.gate.locked,
            acu.gate.operations, acu.moves, acu.local, bool(acu._engaged()), acu._selected,
            acu._lease_utc, acu.sync.utc_ms(0), len(acu.net.outbox.live), files)


before = state()
changes = exceptions = n = grown = 0
used = []
topic = DOWN + "eu1/dn/sw.req"
for line in lines:
    raw = unhexlify(line.strip())
    n += 1
    try:
        acu.on_message(topic, raw)
    except Exception as e:
        exceptions += 1
        sys.print_exception(e)
    if n % 50 == 0:
        c.run(10)
        c.mail = []
        if state() != before:
            changes += 1
            before = state()
    if n % 1000 == 0:
        gc.collect()
        used.append(gc.mem_alloc())
print(n, len(taken), exceptions, changes, acu.net.dropped[5], *used)
"""


def played(vm, tmp_path, n, design):
    target = link_fuzz.Target(1)
    r = random.Random(20_260_301)
    lines = [keys_record(target.own, target.group).hex(), str(target.clock.utc_ms())]
    lines += [raw.hex() for _, raw in link_fuzz.frames(target, r, n)]
    (tmp_path / "frames").write_text("\n".join(lines) + "\n")
    (tmp_path / "play.py").write_text(SCRIPT)
    done = subprocess.run(
        [vm, "-X", "heapsize=4M", str(tmp_path / "play.py"), str(ROOT / "firmware"), str(ROOT),
         str(tmp_path / "frames"), design], capture_output=True, text=True, timeout=300,
        check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    last = done.stdout.rstrip().rpartition("\n")[2]
    return [int(word) for word in last.split()], done.stdout


def test_10_000_bent_messages_change_nothing_and_leave_nothing(vm, tmp_path):
    (n, taken, exceptions, changes, unauthentic, *used), said = played(vm, tmp_path, N, "right")
    assert (n, taken, exceptions, changes) == (N, 0, 0, 0), said
    assert unauthentic > 100            # not only the decoder has refused them
    # the log fills up at first
    assert max(used[4:]) - min(used[4:]) < 1024, used


@pytest.mark.parametrize("design", ["wrong"])
def test_a_receiver_that_checks_no_code_is_noticed(vm, tmp_path, design):
    (_, taken, exceptions, changes, *_), _ = played(vm, tmp_path, 1500, design)
    assert taken > 0 and changes > 0 and exceptions == 0
