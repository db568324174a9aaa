"""ISF-1, who may command: the code of RFC 2104, the record of keys, and what holds without."""
from acu.primitives.authentication import Keys, mac
from acu.primitives.key_record import load, parse
from acu.primitives.recording import Record
from host_sim.board.doors import SimStore

KEY = bytes(range(32))
OLD = b"o" * 32


def body(*rows):
    out = b"\x01"
    for name, keys in rows:
        out += bytes([len(name)]) + name + bytes([len(keys)]) + b"".join(keys)
    return out


def stored(raw, name="keys"):
    store = SimStore()
    Record(store, name).save(raw)
    return store


def test_the_code_is_hmac_sha256_cut_to_eight_bytes():
    assert mac(KEY, b"What do ya want for nothing?") == "9854e6bdeecf2edf"
    assert mac(b"\xaa" * 32, bytes(range(256))) == "6d5560224bc12a05"


def test_the_record_of_keys_is_read_and_anything_else_is_none():
    rows = ((b"", [KEY, OLD]), (b"*", [KEY]), (b"eu-1_x", [OLD]))
    assert parse(body(*rows)) == {"": [KEY, OLD], "*": [KEY], "eu-1_x": [OLD]}
    good = body(*rows)
    for n in range(len(good)):          # cut anywhere but between two rows
        keys = parse(good[:n])
        assert not keys or set(keys) < {"", "*", "eu-1_x"}, n
    assert parse(good + b"\x01") is None
    for raw in (None, b"", b"\x02" + good[1:], body((b"a b", [KEY])), body((b"x", [])),
                body((b"x", [KEY, KEY, KEY])), body((b"\xff", [KEY]))):
        assert parse(raw) is None


def test_without_keys_a_real_network_commands_nobody_and_a_simulated_one_everybody():
    for trusted in (True, False):
        auth, broken = load(SimStore(), trusted)
        assert auth.verify(b"x", "0" * 16, "eu1") == trusted
        assert not auth.verify(b"x", "1" * 16, "*")
        assert not broken and not auth.strict


def test_damaged_keys_open_no_door_not_even_in_a_simulation():
    for raw in (b"\x02", b"", b"\x01\x05abc"):
        auth, broken = load(stored(raw), True)
        assert broken and not auth.verify(b"x", "0" * 16, "eu1"), raw
    store = SimStore()
    store.files["keys.a"] = b"half"
    assert load(store, True)[1]


def test_a_record_makes_it_strict():
    auth, broken = load(stored(body((b"", [KEY]))), True)
    assert auth.strict and not broken and not auth.verify(b"x", "0" * 16, "eu1")
    assert auth.verify(b"x", mac(KEY, b"x"), "eu1")
    assert not auth.verify(b"x", mac(KEY, b"y"), "eu1")
    assert auth.sign(b"x", "eu2") == "0" * 16          # of whom we have none


def test_counters_of_senders_are_kept_in_blocks_and_of_few_of_them():
    store = SimStore()
    auth = Keys({"": [KEY]}, store)
    for k in range(1, 4096):
        auth.reserve("cd", k)
    assert auth.floor("cd") == 4095 and auth.unsaved
    auth.save()
    writes = dict(store.files)
    auth.reserve("cd", 4095)
    assert not auth.unsaved and store.files == writes
    for k in range(9):
        auth.reserve("x%d" % k, 10_000 + 4096 * k)
    auth.save()
    again = Keys({"": [KEY]}, store)
    assert again.floor("x8") == 10_000 + 4096 * 8 | 4095 and again.floor("cd") == -1


def test_a_store_that_fails_is_asked_again():
    store = SimStore()
    auth = Keys({"": [KEY]}, store)
    auth.reserve("cd", 1)
    store.write = lambda name, data: False
    auth.save()
    assert auth.unsaved


def test_a_nonce_tells_nothing_of_the_next():
    auth = Keys({"": [KEY]}, SimStore())
    seen = {auth.nonce(boots, n) for boots in range(20) for n in range(20)}
    assert len(seen) == 400 and all([0 < x < 1 << 46 for x in seen])
    assert Keys({"": [OLD]}, SimStore()).nonce(1, 1) != auth.nonce(1, 1)
