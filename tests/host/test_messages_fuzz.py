"""Frames that are bent in every way: no exception, and nothing is taken but the form that encode()
writes; and nothing at all happens to a controller that gets them.

That both Pythons judge alike is asked in tests/vm/test_messages_alike.py.
"""
import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acu import messages
from acu.primitives.messaging import UNAUTHENTIC
from host_sim.study import link_fuzz
from host_sim.study.link_bend import MUTATIONS, truncations

TS = 1_772_345_678_901


def whole(t: str, r: random.Random) -> bytes:
    """A good frame of type t with random contents."""
    def value(kind):
        def number():
            return r.choice((0, 1, -1, r.randrange(-10**6, 10**6)))
        return {"i": number(), "u": r.randrange(128), "f": r.randrange(2),
                "n": r.choice((None, number())), "s": r.choice(("eu1", "ub_en", "x")),
                "a": [r.choice((None, number())) for _ in range(3)],
                "l": [["eu1", number(), None]][:r.randrange(2)],
                "b": None}[kind]

    def body(t):
        kinds, *keys = messages.form(t)
        return {k: body("meas") if kind == "b" else value(kind)
                for k, kind in zip(keys, kinds, strict=True)}

    return messages.encode(t, "eu1", "cd", r.randrange(65536), r.randrange(65536), TS,
                           body(t),
                           lambda raw: f"{r.getrandbits(64):016x}", r.randrange(1 << 30),
                           TS + 10_000)


BITS = [b"{", b"}", b"[", b"]", b'"', b",", b":", b" ", b"\n", b"-", b"0", b"00", b"1", b".5",
        b"e3", b"null", b"true",
        b"NaN", b"Infinity", b"\\", b"\\u0041", b"\xff", b"\xc3\xa9", b"\x00", b"\x7f", b'"n":1,',
        b'"v":1,', b"//",
        b"9" * 30, b"_", b"'", b"\t", b"{}", b"[]"]


def bent(raw: bytes, r: random.Random) -> bytes:
    """One to three small injuries."""
    data = bytearray(raw)
    for _ in range(r.choice((1, 1, 2, 3))):
        at = r.randrange(len(data) + 1)
        how = r.randrange(7)
        if how == 0:
            data[at:at] = r.choice(BITS)
        elif how == 1:
            data[at:at + r.randrange(1, 4)] = b""
        elif how == 2:
            data[at:at + 1] = bytes([r.randrange(256)])
        elif how == 3:
            data[at:at + 1] = r.choice(BITS)
        elif how == 4:
            del data[at:]
        elif how == 5:
            to = r.randrange(len(data) + 1)
            data[at:at] = data[min(at, to):max(at, to)][:20]
        else:
            for place in range(at, len(data)):       # a number or a word changes where it stands
                if chr(data[place]).isalnum():
                    data[place] = r.choice(b"0123456789az")
                    break
    return bytes(data)


def judged(raw: bytes):
    """decode()'s verdict, after checking that what it takes is exactly what encode() would
    write."""
    msg = messages.decode(raw)
    if msg is not None:
        again = messages.encode(msg["t"], msg["s"], msg["d"], msg["n"], msg["c"], msg["ts"],
                                msg["b"],
                                lambda _: msg["h"], msg.get("k", 0), msg.get("x", 0))
        assert again == raw
        assert messages.decode(again) == msg
        assert list(msg) == list(json.loads(raw))
    return msg


@settings(max_examples=500, deadline=None)
@given(st.binary(max_size=600))
def test_any_bytes_are_judged_without_an_exception(raw):
    judged(raw)
    judged(b'{"v":1,' + raw)
    judged(b'{"v":1,' + raw + b"}")


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(messages.TABLE)), st.integers(0, 1 << 30))
def test_bent_frames_are_refused_or_whole(t, seed):
    r = random.Random(seed)
    good = whole(t, r)
    assert judged(good) is not None
    judged(bent(good, r))


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                    lambda inner: st.lists(inner,
                                           max_size=4) | st.dictionaries(st.text(max_size=4),
                                                                         inner, max_size=3),
                    max_leaves=12)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(sorted(messages.TABLE)), st.integers(0, 1 << 30), st.data())
def test_any_json_in_any_place_is_judged_without_an_exception(t, seed, data):
    msg = json.loads(whole(t, random.Random(seed)))
    place = data.draw(st.sampled_from([msg, msg["b"]]))
    key = data.draw(st.sampled_from(sorted(place)))
    place[key] = data.draw(JSON)
    judged(json.dumps(msg, separators=(",", ":")).encode())
    judged(json.dumps(msg, separators=(",", ":"), ensure_ascii=False).encode("utf-8",
                                                                             "surrogatepass"))


# -- to a controller at work; 10^6 of them: slvg study link --full, in the VM: tests/vm

def test_20_000_bent_messages_to_an_operator_change_nothing():
    told = link_fuzz.run(link_fuzz.SAMPLE, 1, 1)
    assert told["wrong"] == []
    assert (told["messages"], told["taken"], told["exceptions"], told["changes"]) == (
        link_fuzz.SAMPLE, 0, 0, 0)
    assert set(told["kinds"]) == {*MUTATIONS, "other messages", "random bytes"}
    assert min(told["kinds"].values()) > 500
    assert told["grown_bytes"] < 20_000


@pytest.mark.parametrize("kind", sorted(MUTATIONS))
def test_each_mutation_bends(kind):
    target = link_fuzz.Target(2)
    r = random.Random(2)
    bent_ones = 0
    for _ in range(200):
        good = target.command(r)
        bent_ones += MUTATIONS[kind](good, r) != good
    assert bent_ones > 100
    assert len(list(truncations(good))) == len(good)


def test_mutants_reach_the_code_and_not_only_the_decoder():
    """Else the decoder alone would be tested: it must take some, and the code refuse them."""
    told = link_fuzz.play(link_fuzz.Target(3), 5000, 3)
    assert told["taken"] == 0 and told["dropped"][UNAUTHENTIC] > 100
