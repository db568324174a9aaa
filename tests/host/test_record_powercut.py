"""A record survives a power cut at any byte of its writing: the old body or the new one, never
anything else."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acu.primitives.recording import Record


class Flash:
    """Small named files. The write that is cut leaves `keep` bytes of the new content; after them
    nothing, what was there before, or erased flash."""

    def __init__(self):
        self.files = {}
        self.cut_at = None
        self.rest = "nothing"

    def read(self, name):
        return self.files.get(name)

    def write(self, name, data):
        if self.cut_at is not None:
            old = self.files.get(name, b"")
            k = self.cut_at
            rest = {"nothing": b"", "old": old[k:], "erased": b"\xff" * (len(data) - k)}[self.rest]
            self.files[name] = data[:k] + rest
            raise KeyboardInterrupt     # the supply is gone
        self.files[name] = data


def saved(bodies):
    flash = Flash()
    record = Record(flash, "state")
    for body in bodies:
        record.save(body)
    return flash


REST = pytest.mark.parametrize("rest", ["nothing", "old", "erased"])


@REST
@pytest.mark.parametrize("before", [1, 2, 3, 300])
def test_a_cut_at_every_byte_leaves_old_or_new(rest, before):
    bodies = [b"%020d" % k for k in range(before)]
    new = b"NEW STATE OF 20 BYTES"
    for cut in range(len(new) + 11):
        flash = saved(bodies)
        record = Record(flash, "state")
        assert record.load() == bodies[-1]
        flash.cut_at, flash.rest = cut, rest
        with pytest.raises(KeyboardInterrupt):
            record.save(new)
        flash.cut_at = None
        after = Record(flash, "state")
        found = after.load()
        whole = cut == len(new) + 10
        assert found == (new if whole else bodies[-1]) or found == new, (cut, found)
        after.save(b"and on")       # and the record goes on working
        assert Record(flash, "state").load() == b"and on"


@REST
def test_the_very_first_write_cut_leaves_nothing_or_the_new(rest):
    for cut in range(31):
        flash = Flash()
        flash.cut_at, flash.rest = cut, rest
        with pytest.raises(KeyboardInterrupt):
            Record(flash, "state").save(b"x" * 20)
        flash.cut_at = None
        assert Record(flash, "state").load() in (None, b"x" * 20)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(st.binary(min_size=1, max_size=12), st.none() | st.integers(0, 22)),
                max_size=12),
       st.sampled_from(["nothing", "old", "erased"]))
def test_any_number_of_cuts_in_a_row(writes, rest):
    """Each write is whole or cut; after each the newest whole body is found, or a cut one that was
    whole enough."""
    flash = Flash()
    flash.rest = rest
    last = None
    for body, cut in writes:
        record = Record(flash, "state")
        assert record.load() == last
        flash.cut_at = None if cut is None else min(cut, len(body) + 10)
        try:
            record.save(body)
            last = body
        except KeyboardInterrupt:
            found = Record(flash, "state").load()
            assert found in (last, body)
            last = found


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60), st.binary(max_size=60))
def test_garbage_in_both_slots_is_nothing_or_a_valid_record(a, b):
    flash = Flash()
    flash.files = {"state.a": a, "state.b": b}
    assert Record(flash, "state").load() is None
