"""CSF-1: nothing is lost between the tiers, times are right, the store is spared, records
survive."""
from acu import events as ev
from acu.primitives import history
from acu.primitives.recording import ROW_SIZE, SEGMENT, SEGMENTS, Record, Recorder, iso
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


def recorder(store=None):
    time, store = Time(), store or SimStore()
    return Recorder(store, time, time, "eu1"), time, store


def rows(store):
    """(lasting number, utc_ms, event, a, b, c) of the events in the store, oldest first."""
    found = list(history.newest(None, store))
    found.reverse()
    return found


def stored(store):
    """Numbers of the events in the store, oldest first."""
    return [row[2] for row in rows(store)]


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
        log.slow(0, True)
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
    for k in (16, 32, 40, 40):
        log.slow(90_000, True)          # a batch a pass, since each is an erase
        assert len(stored(store)) == k


def test_the_log_in_memory_is_bounded_and_numbers_go_on():
    log, _, _ = recorder()
    for k in range(200):
        log.add(k, ev.BOOT, k)
        log.slow(k, True)
    assert len(log.rows) == 24 and log.rows[-1][0] == 200 and log.rows[0][0] == 177


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


# -- the ring in the store


def filled(n, store=None, first=0):
    """A log that has stored n events, numbered in their argument a."""
    log, _, store = recorder(store)
    for k in range(first, first + n):
        log.add(k, ev.CFG, k)
        log.slow(k, True)
    assert log.flush()
    return log, store


def test_at_least_2048_events_are_kept_however_many_there_were():
    for n in (2047, 2048, 2049, 2304, 2305, 5000):
        log, store = filled(n)
        found = list(history.newest(log))
        assert len(found) >= min(n, 2048) and [row[3] for row in found] == list(
            range(n - 1, n - 1 - len(found), -1))
        assert [row[0] for row in found] == list(range(n, n - len(found), -1))
        assert list(history.newest(None, store)) == found
        names = [name for name in store.names() if name[:2] == "ev"]
        assert len(names) <= SEGMENTS and max([store.size(name) for name in names]) <= SEGMENT


def test_numbers_go_on_after_a_restart_and_so_does_the_ring():
    store, n = None, 0
    for k in (5, 16, 130, 1, 2300, 77):
        log, store = filled(k, store, n)
        assert log.base == n and log.rows[-1][0] == k
        n += k
        assert rows(store)[-1][0] == n and rows(store)[-1][3] == n - 1
    assert len(rows(store)) >= 2048


def test_the_newest_come_first_and_also_those_not_yet_stored():
    log, _ = filled(100)
    log.add(0, ev.RES, 7)
    found = history.newest(log)
    assert next(found)[:3] == (101, UTC0_MS, ev.RES) and next(found)[3] == 99
    assert log.line((101, UTC0_MS, ev.RES, 7, 0, 0)).endswith("eu1 101 RES dur_ms=7 u_min_dv=0")


def test_a_reader_who_is_slow_meets_no_event_twice_and_none_of_the_future():
    log, _ = filled(2300)
    found = history.newest(log)
    seen = [next(found)[0] for _ in range(200)]
    for k in range(3000):       # the ring goes round under his hands
        log.add(k, ev.CFG, k)
        log.slow(k, True)
    seen += [row[0] for row in found]
    assert seen == sorted(seen)[::-1] and len(set(seen)) == len(seen) and seen[0] == 2300


def test_a_torn_row_is_no_row_and_those_beside_it_are():
    """Whatever stands there instead: nothing, half a row, erased flash, zeros, something else."""
    for n in (1, 40, 128, 129, 2310):
        for tail in (b"", b"\xff" * ROW_SIZE, bytes(ROW_SIZE), b"half a row", b"x" * 100):
            log, store = filled(n)
            name = "ev%d" % log.segment
            store.files[name] = (store.files[name][:-ROW_SIZE] + tail)[:SEGMENT]
            again, store = filled(300, store, n)
            assert again.base == n - 1
            found = rows(store)
            assert [row[3] for row in found if row[3] >= n] == list(range(n, n + 300))
            # those overwritten by the ring apart, only the torn one is missing
            old = [row[3] for row in found if row[3] < n]
            assert old == list(range(n - 1 - len(old), n - 1)), (n, tail, old)
            assert len(found) >= min(n + 299, 2048)


def test_a_torn_segment_costs_its_own_rows_only():
    log, store = filled(1000)
    name = "ev%d" % ((log.segment - 2) % SEGMENTS)
    store.files[name] = b"\xff" * 700
    assert len(rows(store)) == 1000 - 128
    again, store = filled(10, store, 1000)
    assert again.base == 1000 and len(rows(store)) == 1010 - 128
    # the one that was just begun
    log, store = filled(1024 + 3)
    store.files["ev%d" % log.segment] = b"\x00" * 96
    again, store = filled(10, store, 1027)
    assert again.base == 1024 and [row[3] for row in rows(store)][-11:] == [1023] + list(
        range(1027, 1037))


def test_what_the_store_did_not_take_is_tried_again_a_minute_later_and_not_in_each_pass():
    log, _, store = recorder()
    tried = []
    write = store.write
    store.write = lambda name, data: bool(tried.append(name))
    for k in range(40):
        log.add(k, ev.CFG, k, 0, 0, True)
        log.slow(k, True)
    assert tried == ["ev0"] and log.rest_ms(39) > 50_000
    store.write = write
    for _ in range(3):
        log.slow(60_000, True)
    assert [row[3] for row in rows(store)] == list(range(40)) and log.rest_ms(60_000) > 60_000


def test_without_a_store_the_newest_stay_and_the_others_are_counted():
    log, _, store = recorder()
    store.write = lambda name, data: False
    for k in range(500):
        log.add(k, ev.CFG, k)
        log.slow(k, True)
    assert len(log.rows) == 96 and log.rows[-1][3] == 499 and log.lost == 500 - 96


def test_a_failure_of_the_store_is_an_event_at_the_1st_10th_100th():
    log, _, store = recorder()
    store.code = 381
    for k in range(120):
        store.failed = k
        log.slow(k, True)
    assert [row[2:5] for row in log.rows] == [(ev.STORE, 381, 1), (ev.STORE, 381, 10),
                                             (ev.STORE, 381, 100)]


# -- records


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


def test_a_record_that_the_store_does_not_take_leaves_the_newest_alone():
    """A second attempt must not go over the only valid slot."""
    store = SimStore()
    r = Record(store, "x")
    r.save(b"one")
    r.save(b"two")
    write = store.write
    tried = []
    store.write = lambda name, data: bool(tried.append(name))
    for _ in range(3):
        assert r.save(b"three") is False
    assert tried == ["x.a"] * 3 and Record(store, "x").load() == b"two"
    store.write = write
    assert r.save(b"three") and Record(store, "x").load() == b"three"


def test_a_record_knows_whether_it_is_damaged_or_was_never_there():
    store = SimStore()
    r = Record(store, "x")
    assert r.load() is None and not r.damaged
    store.files["x.a"] = b"garbage"
    assert r.load() is None and r.damaged
    r.save(b"new")
    assert r.load() == b"new" and not r.damaged


def test_a_record_with_a_version_grows_at_its_end():
    store = SimStore()
    r = Record(store, "x")
    assert r.load_of(7, 2, 4) is None and not r.damaged
    for body, found in ((b"\x07a", b"\x07a\0\0"), (b"\x07abc", b"\x07abc"),
                        (b"\x07abcde", b"\x07abc"), (b"\x07", None), (b"\x06abc", None),
                        (b"", None)):
        r.save(body)
        assert r.load_of(7, 2, 4) == found and r.damaged == (found is None), body
