"""CSF-1: nothing is lost between the tiers, times are right, the store is spared, records
survive."""
import struct

from acu import events as ev
from acu.primitives.recording import Record, Recorder, iso
from host_sim.board.doors import SimStore

UTC0_MS = 1_772_345_000_000


class Time:
    """Clock and synchroniser in one; ticks wrap early."""

    def __init__(self):
        self.t_ms = 0

    def ticks_us(self):
        return ((1 << 30) - 50_000 + self.t_ms * 1000) & 0x3FFFFFFF

    def ticks_diff(self, a, b):
        return ((a - b + 0x20000000) & 0x3FFFFFFF) - 0x20000000

    def utc_ms(self, now_ms):
        return UTC0_MS + now_ms


def recorder():
    time, store = Time(), SimStore()
    return Recorder(store, time, time, "eu1"), time, store


def stored(store):
    """Numbers of the events in the store, oldest first."""
    raw = store.read("events") or b""
    size = struct.calcsize("<qHiii")
    return [struct.unpack("<qHiii", raw[k:k + size])[1] for k in range(0, len(raw), size)]


def test_iso_dates_are_those_of_the_calendar():
    for utc_ms, text in ((0, "1970-01-01T00:00:00.000Z"),
                         (951_782_400_000, "2000-02-29T00:00:00.000Z"),
                         (951_868_799_999, "2000-02-29T23:59:59.999Z"),
                         (1_772_345_420_231, "2026-03-01T06:10:20.231Z"),
                         (1_704_067_199_000, "2023-12-31T23:59:59.000Z"),
                         (4_107_542_400_000, "2100-03-01T00:00:00.000Z")):
        assert iso(utc_ms) == text


def test_an_event_of_the_fast_tier_gets_the_time_at_which_it_happened():
    log, time, _ = recorder()
    time.t_ms = 40
    log.fast(ev.OPENED, ev.WHY_OUT, 2, 17, time.ticks_us())
    time.t_ms = 75            # the ticks have wrapped meanwhile
    log.slow(75, False)
    assert log.rows == [(1, UTC0_MS + 40, ev.OPENED, ev.WHY_OUT, 2, 17)]


def test_the_fast_queue_holds_15_and_counts_what_it_drops():
    log, time, _ = recorder()
    for k in range(18):
        log.fast(ev.OV, k, 0, 0, time.ticks_us())
    log.slow(0, False)
    assert [row[3] for row in log.rows] == list(range(15)) and log.lost == 3
    for k in range(100):      # round and round the ring
        log.fast(ev.OV, k, 0, 0, time.ticks_us())
        log.slow(0, False)
    assert log.rows[-1][3] == 99 and log.lost == 3


def test_sixteen_events_are_one_append():
    log, _, store = recorder()
    for k in range(15):
        log.add(k, ev.BOOT)
        log.slow(k, True)
    assert stored(store) == []
    log.add(15, ev.RES)
    log.slow(15, True)
    assert stored(store) == [ev.BOOT] * 15 + [ev.RES]
    log.slow(16, True)
    assert len(stored(store)) == 16


def test_a_lonely_event_is_stored_after_a_minute_and_an_urgent_one_at_once():
    log, _, store = recorder()
    log.add(1000, ev.BOOT)
    log.slow(60_999, True)
    assert stored(store) == []
    log.slow(61_000, True)
    assert stored(store) == [ev.BOOT]
    log.add(62_000, ev.RES, 1, 2, 3, True)
    log.slow(62_000, True)
    assert stored(store) == [ev.BOOT, ev.RES]


def test_a_trip_is_stored_at_the_next_pass():
    log, time, store = recorder()
    log.fast(ev.OPENED, 1, 0, 0, time.ticks_us())
    log.slow(0, True)
    assert stored(store) == [ev.OPENED]


def test_no_write_while_the_role_forbids_it():
    log, _, store = recorder()
    for k in range(40):
        log.add(k, ev.BOOT, 0, 0, 0, True)
        log.slow(k, False)
    assert stored(store) == []
    log.slow(90_000, True)
    assert len(stored(store)) == 40


def test_the_log_in_memory_is_bounded_and_numbers_go_on():
    log, _, _ = recorder()
    for k in range(200):
        log.add(k, ev.BOOT, k)
        log.slow(k, True)
    assert len(log.rows) == 96 and log.rows[-1][0] == 200 and log.rows[0][0] == 105


def test_numbers_too_large_for_a_row_are_cut_not_fatal():
    """A clock without a battery is set by years; a message may hold any number."""
    log, _, store = recorder()
    log.add(0, ev.TIME_SET, 160_000_000_000)
    log.add(0, ev.CFG, 0, -(1 << 52), 1 << 31, True)
    log.slow(0, True)
    assert log.rows[0][3] == 0x7FFFFFFF and log.rows[1][4] == -0x80000000
    assert log.rows[1][5] == 0x7FFFFFFF
    assert stored(store) == [ev.TIME_SET, ev.CFG]


def test_a_line_names_its_arguments():
    log, _, _ = recorder()
    log.add(231, ev.OPENED, ev.WHY_OUT, 2, 17)
    log.add(231, ev.SELFTEST, 1, 0)
    assert log.line(log.rows[0]) == "2026-03-01T06:03:20.231Z eu1 1 OPENED why=OUT ph=2 u_dv=17"
    assert log.line(log.rows[1]) == "2026-03-01T06:03:20.231Z eu1 2 SELFTEST ok=1 failed_mask=0"


def test_every_event_can_be_a_line():
    log, _, _ = recorder()
    for number in ev.TABLE:
        for value in (0, 3, 11, -1, 99):
            log.add(0, number, value, value, value)
            assert log.line(log.rows[-1])


def test_a_record_comes_back_and_the_newest_wins():
    store = SimStore()
    r = Record(store, "state")
    assert r.load() is None
    for k in range(5):
        r.save(b"body %d" % k)
        assert r.load() == b"body %d" % k
        assert Record(store, "state").load() == b"body %d" % k
    assert sorted(store.files) == ["state.a", "state.b"]


def test_two_records_do_not_meet():
    store = SimStore()
    Record(store, "boot").save(b"1")
    Record(store, "state").save(b"2")
    assert Record(store, "boot").load() == b"1" and Record(store, "state").load() == b"2"


def test_a_restarted_record_writes_over_the_older_slot():
    store = SimStore()
    r = Record(store, "x")
    r.save(b"one")
    r.save(b"two")
    again = Record(store, "x")
    again.load()
    newest = dict(store.files)
    again.save(b"three")
    changed = [name for name in store.files if store.files[name] != newest[name]]
    assert len(changed) == 1 and Record(store, "x").load() == b"three"
    store.files[changed[0]] = b""          # that write never happened
    assert Record(store, "x").load() == b"two"


def test_zeros_are_no_record():
    store = SimStore()
    store.files["x.a"] = bytes(64)
    store.files["x.b"] = b"\xff" * 64
    assert Record(store, "x").load() is None
