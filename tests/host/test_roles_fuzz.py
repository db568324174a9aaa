"""Well-formed messages with senseless contents, to every role: nothing is raised, nothing is
driven twice.

An exception in the slow tier would reset the controller; a message must not be able to do that.
"""
import random

import pytest

from acu import app, messages
from acu.dsp.ring import RingSampler
from host_sim.board.doors import SimClock, SimLink, SimStore, SimSwitchgear, SimWatchdog
from tests.unit import box, spot
from tests.unit.box import Box
from tests.unit.cabinet import DOWN, Cabinet
from tests.unit.isle import NET as ISLE
from tests.unit.isle import Isle
from tests.unit.mast import Mast
from tests.unit.spot import Spot
from tests.unit.test_fast_alloc import Post

NUMBERS = (0, 0, 1, 1, 2, 3, 5, 7, 99, -1, -2, 60_000, 65_536, 1 << 31, -(1 << 31) - 1,
           (1 << 53) - 1, 1 - (1 << 53))
WORDS = ("eu1", "eu2", "cd", "scc", "", "ub_en", "lockout", "sw", "phs", "unlock", "tele", "x")


def body_of(t, r):
    def value(kind):
        return {"i": r.choice(NUMBERS), "u": r.choice((*range(13), 99, 127)), "f": r.randrange(2),
                "n": r.choice((None, *NUMBERS)), "s": r.choice(WORDS),
                "a": [r.choice((None, *NUMBERS)) for _ in range(3)], "b": None,
                "l": [r.choice((r.choice(WORDS), r.choice(NUMBERS), None,
                                [1, "a"])) for _ in range(r.randrange(4))]}[kind]
    kinds, *keys = messages.form(t)
    return {k: body_of("meas", r) if kind == "b" else value(kind)
            for k, kind in zip(keys, kinds, strict=True)}


def frames(r, n, sources, targets, ts):
    for k in range(n):
        t = r.choice(sorted(messages.TABLE))
        try:
            yield t, messages.encode(t, r.choice(sources), r.choice(targets), k & 0xFFFF,
                                     r.choice((0, 1, 7)), ts(),
                                     body_of(t, r), lambda _: "0" * 16, k,
                                     ts() + 10_000)
        except ValueError:
            pass      # too long to be sent


@pytest.mark.parametrize("seed", range(3))
def test_an_operator_takes_anything(seed):
    r = random.Random(seed)
    c = Cabinet().started()
    for t, raw in frames(r, 1500, ("cd", "scc"), ("eu1", "eu1", "*"), c.utc_ms):
        c._post.append((DOWN + "eu1/dn/" + t, raw))
        c.run(r.choice((5, 10, 30)))
        assert sum(c.closed) <= 1 and c.acu.log.seq - c.acu.log._saved < 100


@pytest.mark.parametrize("seed", range(3))
def test_a_coordinator_takes_anything(seed):
    r = random.Random(seed)
    p = Post()
    p.run(500)
    for t, raw in frames(r, 1500, ("eu1", "eu2", "scc", "eu1"), ("cd", "cd", "*"), p.clock.utc_ms):
        src = messages.decode(raw)["s"]
        net = "slvg/1/man/sc1/dn/" if src == "scc" else f"slvg/1/slv/sc1/uc0/{src}/up/"
        p.acu.on_message((net if r.random() < 0.9 else "slvg/1/mst/sc1/sp9/up/") + t, raw)
        p.run(10)
        p.switchgear.levels[2] = r.choice((0, 500, 2000))
    p.link.up = True
    p.run(200)


def test_a_sub_coordinator_takes_anything():
    class Doors:
        clock = SimClock(1_772_345_000_000)
        sampler = RingSampler(6, Post.PAIRS, 512, 4000)
        switchgear, link, store = SimSwitchgear(0, 3), SimLink(), SimStore()
        watchdog = SimWatchdog(clock)

    Doors.clock.boot(0)
    acu = app.build({**Post.BOARD, "roles": ("subcoordinator",)}, {
        "id": "sp1", "role": "subcoordinator", "sc": "sc1", "uc": "uc1",
        "members": ["eu1", "eu2"]}, Doors)
    r = random.Random(1)
    for k, (t, raw) in enumerate(frames(r, 3000, ("cd", "eu1", "eu2", "eu9"),
                                        ("sp1", "eu1", "*", "cd"), Doors.clock.utc_ms)):
        topic = r.choice(("slvg/1/slv/sc1/uc1/eu1/up/", "slvg/1/mst/sc1/sp1/dn/",
                          "slvg/1/mst/sc1/all/dn/"))
        Doors.clock.set(k * 10_000)
        acu.fast(Doors.clock.ticks_us())
        acu.on_message(topic + t, raw)
        acu.slow(Doors.clock.now_ms())


@pytest.mark.parametrize("seed", range(2))
def test_a_branch_with_a_breaker_takes_anything_and_closes_only_when_selected(seed):
    r = random.Random(seed)
    s = Spot().started()
    s.switch(0)
    for t, raw in frames(r, 1500, ("cd", "cd2", "eu1", "scc"), ("sp1", "sp1", "eu1", "*", "cd"),
                         s.utc_ms):
        msg = messages.decode(raw)
        if msg["t"] == "sw.req" and msg["b"]["sel"]:
            continue                # without a select nothing may close
        s._post.append((r.choice((spot.DOWN, spot.ALL, spot.SLAVE + "eu1/up/")) + t, raw))
        s.run(r.choice((5, 10, 30)))
        assert not s.closed and s.acu.log.seq - s.acu.log._saved < 100


@pytest.mark.parametrize("seed", range(2))
def test_a_coordinator_with_branches_takes_anything(seed):
    r = random.Random(seed)
    m = Mast().started()
    m._sent = lambda topic, raw: None
    for t, raw in frames(r, 1500, ("s1", "s2", "eu0", "eu3", "scc"), ("cd", "cd", "*"), m.utc_ms):
        src = messages.decode(raw)["s"]
        via = "s1" if src in ("s1", "eu0") else "s2"
        m._post.append(("slvg/1/" + ("man/sc1/dn/" if src == "scc" else f"mst/sc1/{via}/up/") + t,
                        raw))
        m.acu.cycle = r.choice((0, 1, 7))
        m.run(10)
    m.run(2000)


@pytest.mark.parametrize("policy", ["naive", "table"])
def test_a_dispatching_acu_takes_anything_and_keeps_its_gate(policy):
    r = random.Random(1)
    s = Isle(mg_policy=policy, mg_start_s=2, mg_retry_s=10, mg_run_s=5, mg_stop_s=2).started()
    s._sent = lambda topic, raw: None
    for t, raw in frames(r, 1500, ("cd", "scc", "bat", "h2", "die", "pv", "load", "eu1"),
                         ("mg", "mg", "*"), s.utc_ms):
        src = messages.decode(raw)["s"]
        s._post.append((ISLE + r.choice((f"{src}/up/", "bat/up/", "mg/dn/")) + t, raw))
        s.p_w = [r.choice((0, 500, 3000, -100, 9000)) for _ in range(3)]
        s.inputs = [r.randrange(2), *r.choice(((0, 1, 0), (0, 1, 0), (1, 1, 0), (0, 0, 1)))]
        s.frozen = r.choice(((), (), (), (1,), (0,)))
        s.starts = r.random() < 0.8
        s.run(r.choice((5, 10, 30, 300)))
        assert not (s.closed[1] and s.closed[2]) and (not s.inputs[3] or s.closed == [0, 0, 0, 0])
        assert s.acu.log.seq - s.acu.log._saved < 100
    s.frozen, s.starts, s.inputs[1:] = (), True, [0, 1, 0]
    s.p_w = [0, 500, 0]
    s.run(40_000)
    assert s.acu.stale == 0 and s.closed[3]


@pytest.mark.parametrize("kind", ["post", "single"])
def test_a_meter_takes_anything_and_any_clock(kind):
    r = random.Random(1)
    b = Box(kind).started()
    for t, raw in frames(r, 1000, ("cd", "scc", "eu1"), ("m1", "m1", "*"), b.utc_ms):
        b._post.append((r.choice((box.NET + "m1/dn/", box.NET + "all/dn/")) + t, raw))
        b.u_dv = [r.choice((2300, 2300, 2300, 0, 1200, 2700)) for _ in b.u_dv]
        b.i_ma = [r.choice((10_000, -10_000, 0, 90_000)) for _ in b.i_ma]
        b.inputs[:2] = r.choice(((0, 0), (1, 0), (0, 1)))
        b.frozen = r.choice(((), (), (), (0,), (1,)))
        b.run(r.choice((5, 10, 30, 300)))
        assert b.acu.log.seq - b.acu.log._saved < 100
    b.frozen = ()
    b.u_dv = [2300] * b.n
    b.run(2000)
    assert not b.acu._dead() and not b.acu.voltage.active
