"""ISF-1, the frames: one form on the wire for both Pythons, and nothing else is taken for a
message."""
from acu import messages as m

TS = 1_772_345_678_901
ID = "w" * 16
MEAS = {"u_dV": [2300, 2301, None], "i_mA": [8000, None, None], "p_W": [-1840, None, None],
        "q_var": [0, None, None], "s_VA": [1840, None, None], "f_mHz": 49_998, "e_Wh": 12_345,
        "t_dC": None,
        "gnd": None, "dofc": None, "ph": 0, "on": 1, "fl": 0}


def sign(raw):
    return "0123456789abcdef"


def body_of(t, number=1, word="ab"):
    body = {}
    kinds, *keys = m.form(t)
    for key, kind in zip(keys, kinds):
        body[key] = {"i": number, "u": abs(number) & 127, "f": number & 1, "n": None, "s": word,
                     "a": [number, None, 0], "l": [["eu1", number, None]], "b": MEAS}[kind]
    return body


def frame(t, body=None, **envelope):
    e = {"src": "eu1", "dst": "cd", "n": 17, "c": 3, "ts": TS, "k": 9, "x": TS + 10_000}
    e.update(envelope)
    body = body_of(t) if body is None else body
    return m.encode(t, e["src"], e["dst"], e["n"], e["c"], e["ts"], body, sign, e["k"], e["x"])


HB = b'{"v":1,"t":"sc.ack","s":"cd","d":"scc","n":17,"c":3,"ts":5,"b":{"ok":1,"e":0}}'
CFG = (b'{"v":1,"t":"cfg","s":"scc","d":"cd","n":1,"c":2,"ts":5,"b":{"k":"ub_en","val":1},'
       b'"k":7,"x":9,"h":"0123456789abcdef"}')


def test_bytes_on_the_wire_are_these_in_either_python():
    assert m.encode("sc.ack", "cd", "scc", 17, 3, 5, {"e": 0, "ok": 1}) == HB
    assert m.encode("cfg", "scc", "cd", 1, 2, 5, {"val": 1, "k": "ub_en"}, sign, 7, 9) == CFG
    assert frame("meas", MEAS, src="eu1") == (
        b'{"v":1,"t":"meas","s":"eu1","d":"cd","n":17,"c":3,"ts":1772345678901,'
        b'"b":{"u_dV":[2300,2301,null],"i_mA":[8000,null,null],"p_W":[-1840,null,null],'
        b'"q_var":[0,null,null],"s_VA":[1840,null,null],'
        b'"f_mHz":49998,"e_Wh":12345,"t_dC":null,"gnd":null,"dofc":null,"ph":0,"on":1,"fl":0}}')


def test_the_code_covers_every_byte_before_it():
    seen = []

    def keep(raw):
        seen.append(raw)
        return "f" * 16

    raw = m.encode("cfg", "scc", "cd", 1, 2, 5, {"k": "ub_en", "val": 1}, keep, 7, 9)
    assert seen == [raw[:-m.H_TAIL]] and raw[-m.H_TAIL:] == b',"h":"ffffffffffffffff"}'


def test_every_type_comes_back_as_it_was():
    for t in m.TABLE:
        for number in (0, -1, 123_456):
            raw = frame(t, body_of(t, number))
            msg = m.decode(raw)
            assert msg is not None, t
            assert msg["t"] == t and msg["s"] == "eu1" and msg["d"] == "cd"
            assert msg["b"] == body_of(t, number)
            assert (msg["n"], msg["c"], msg["ts"]) == (17, 3, TS)
            if m.command(t):
                assert (msg["k"], msg["x"], msg["h"]) == (9, TS + 10_000, "0123456789abcdef")


def test_frames_keep_their_bounds_with_the_longest_names_and_largest_plausible_numbers():
    """240 bytes, so that it fits links other than MQTT; pages of meas, tele and ub.res 480."""
    big = {"lease_s": 31_536_000, "t_ms": TS, "utc_ms": TS, "t0_ms": TS, "up_s": 10**9,
           "boot": 10**6, "drf": 15,
           "val": 10**9, "dur_s": 10**7, "role": "scd", "dom": "tp", "fw": "10.10.10",
           "un_dV": 4000, "t0": TS}
    for t in m.TABLE:
        body = body_of(t, -99_999, "w" * 13)
        for key in body:
            if key in big:
                body[key] = big[key]
            elif key in ("on", "sel", "ph", "ok", "e", "sw"):
                body[key] = 1
            elif key in ("why", "rssi", "q", "err", "nops", "pg", "pgs", "st", "n_ok", "n_all",
                         "dead_ms"):
                body[key] = 99
        raw = frame(t, body, src=ID, dst=ID, n=65_535, c=65_535, k=1 << 28, x=TS)
        assert len(raw) <= (m.PAGE_MAX if t in m.PAGED else m.FRAME_MAX), (t, len(raw))
        assert m.decode(raw) is not None, t


def test_a_frame_that_is_too_long_is_not_sent_but_said():
    try:
        m.encode("sc.cmd", "scc", "cd", 1, 1, TS, {"cmd": "sw", "args": ["eu1"] * 40}, sign)
        raise RuntimeError("sent")
    except ValueError as e:
        assert str(e).startswith("E201 message sc.cmd is ")


def test_a_missing_key_or_a_wrong_kind_is_no_message():
    for t in m.TABLE:
        kinds, *keys = m.form(t)
        for key, kind in zip(keys, kinds):
            body = body_of(t)
            del body[key]
            assert m.decode(frame(t, body)) is None
            bad = {"u": (-1, 128), "f": (-1, 2)}.get(kind, ())
            for value in ("x" * 17, [1, 2], [[[1]]], 1 << 53) + bad:
                body = body_of(t)
                body[key] = value
                if kind != "b" and (kind != "l" or value != [1, 2]):
                    assert m.decode(frame(t, body)) is None, (t, key, value)
    for value in (b"7", b"[1]", b"{}", b"null"):
        raw = frame("tele")
        assert m.decode(raw) is not None
        at = raw.index(b'"tp":') + 5
        wrong(raw[:at] + value + raw[raw.index(b',"st"'):])


def wrong(raw):
    assert m.decode(raw) is None, raw


def test_only_the_one_form_is_taken():
    assert m.decode(HB) is not None and m.decode(CFG) is not None
    for old, new in ((b'"n":17', b'"n":017'), (b'"n":17', b'"n":1.7e1'), (b'"n":17', b'"n":17.0'),
                     (b'"n":17', b'"n":"17"'), (b'"n":17', b'"n":true'), (b'"n":17', b'"n":null'),
                     (b'"n":17', b'"n": 17'), (b'"n":17', b'"n":+17'), (b'"n":17', b'"n":NaN'),
                     (b'"n":17', b'"n":17,"n":17'), (b'"n":17,', b'"n":17'),
                     (b'"n":17', b'"n":9007199254740992'),
                     (b'"e":0}', b'"e":0,"f":1}'), (b'"e":0}}', b'"e":0}'),
                     (b'"e":0}}', b'"e":0}}}'),
                     (b'"e":0}}', b'"e":0},"z":1}'), (b'"ok":1,"e":0', b'"e":0,"ok":1'),
                     (b'"s":"cd"', b'"s":"c\\u0064"'), (b'"s":"cd"', b'"s":"c\xc3\xa9"'),
                     (b'"s":"cd"', b'"s":"c\n"'),
                     (b'"s":"cd"', b'"s":"CD"'), (b'"s":"cd"', b'"s":""'),
                     (b'"s":"cd"', b'"s":"*"'),
                     (b'"s":"cd"', b'"s":"aaaaaaaaaaaaaaaaa"'), (b'"s":"cd"', b'"s":"a/b"'),
                     (b'"d":"scc"', b'"d":"+"'), (b'"t":"sc.ack"', b'"t":"nope"'),
                     (b'"t":"sc.ack"', b'"t":["hb"]'),
                     (b'{"ok":1,"e":0}', b'[1,0]'), (b'"v":1', b'"v":2'),
                     (b'"ok":1', b'"ok":false')):
        assert HB.count(old) == 1
        wrong(HB.replace(old, new))
    wrong(HB + b" ")
    wrong(b" " + HB)
    wrong(HB + HB)


def test_the_code_is_sixteen_digits_at_the_very_end():
    for old, new in ((b',"h":"0123456789abcdef"', b''),
                     (b'"0123456789abcdef"', b'"0123456789abcde"'),
                     (b'"0123456789abcdef"', b'"0123456789abcdef0"'),
                     (b'"0123456789abcdef"', b'1234567890123456'),
                     (b'"k":7,"x":9', b'"x":9,"k":7'), (b'"k":7,', b''), (b'"k":7', b'"k":"7"'),
                     (b'"h":"0123456789abcdef"}', b'"h":"0123456789abcdef","z":0}'),
                     (b"ub_en", b"ub\nen"), (b"ub_en", b"ub\xc3\xa9"), (b"ub_en", b"ub\x7f"),
                     (b"ub_en", b'ub\\"')):
        wrong(CFG.replace(old, new))


def test_what_is_no_frame_at_all():
    for raw in (b"", b"{", b"{}", b"null", b"[]", b'{"v":1,', b'{"v":1,}', b'{"v":1,"t":"hb"}',
                b"\x00" * 40,
                b'{"v":1,' + b"[" * 400, b'{"v":1,"t":' + b"[" * 200 + b"]" * 200 + b"}",
                b'{"v":1,' + b"1" * 400,
                b'{"v":1,' + b" " * 460 + b"}", HB[:-1], HB[1:]):
        wrong(raw)


def test_every_cut_of_a_frame_is_refused():
    for raw in (HB, CFG, frame("meas", MEAS)):
        for k in range(len(raw)):
            wrong(raw[:k])
