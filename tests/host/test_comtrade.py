"""COMTRADE files: ours are read by others, others' by us, and broken ones are named."""
import random
import struct
from pathlib import Path

import comtrade
import numpy as np
import pytest

from host_sim.comtrade import write
from host_sim.comtrade.check import RecordError
from host_sim.comtrade.read import read, unit
from host_sim.comtrade.wave import Wave, period
from tests.host.records import US0, rewrite, save, three, times, wave


@pytest.mark.parametrize("revision", write.REVISIONS)
@pytest.mark.parametrize("form", write.FORMS)
def test_what_we_write_the_comtrade_package_reads(tmp_path, revision, form):
    rng = np.random.default_rng(3)
    codes = rng.integers(0, 4096, (300, 3))
    status = rng.integers(0, 2, (300, 18))
    lines = [write.Line("U, A", "A", "V", 0.25, -512.5), write.Line("IA", "A", "A", 0.01, 0, 2.0),
             write.Line("IB", "B", "A", 3.0, 7.25, 4.0)]
    sheet = write.Sheet("Nord", "m1", US0, US0 + 12_345, 4000, 50, lines,
                        [f"trip{k}" for k in range(18)])
    cfg, dat = write.write(tmp_path / "x.cfg", sheet, codes, status, revision, form)
    there = comtrade.load(str(cfg), str(dat), use_double_precision=True)
    assert (there.station_name, there.rec_dev_id, there.rev_year) == ("Nord", "m1", revision)
    assert (there.ft, there.frequency, there.total_samples) == (form, 50.0, 300)
    assert there.analog_channel_ids == ["U  A", "IA", "IB"]
    for c, line in enumerate(lines):
        assert np.allclose(there.analog[c], codes[:, c] * line.a + line.b, atol=1e-9)
        assert there.cfg.analog_channels[c].skew == line.skew_us
        assert there.cfg.analog_channels[c].pors == "P"
    for k in range(18):
        assert list(there.status[k]) == list(status[:, k])
    assert np.allclose(there.time, times(300, 4000), atol=1e-9)
    assert there.start_timestamp.isoformat() == "2026-03-01T06:03:20"
    assert there.trigger_time == pytest.approx(0.012345)


@pytest.mark.parametrize("revision", write.REVISIONS)
@pytest.mark.parametrize("form", write.FORMS)
def test_and_so_do_we(tmp_path, revision, form):
    record = read(three(tmp_path / "x.cfg", form=form, revision=revision))
    t = times(len(record.time_s), 4800)
    assert np.allclose(record.time_s, t, atol=1e-9)
    assert [c.quantity for c in record.channels] == ["V"] * 3 + ["A"] * 3
    assert np.abs(record.channels[1].values - wave(t, 230, phase=1)).max() < 0.01
    assert (record.f_hz, record.trigger_s, record.notes) == (50.0, 0.5, [])


def test_kilovolts_and_secondary_values_become_volts_of_the_primary_side(tmp_path):
    def secondary(lines):
        fields = lines[2].split(",")
        fields[10:] = ["20000", "100", "S"]
        lines[2] = ",".join(fields)
        fields = lines[5].split(",")
        fields[4] = "kA"
        lines[5] = ",".join(fields)

    record = read(rewrite(three(tmp_path / "x.cfg", u_v=57.7, i_a=1.0), secondary))
    rms = [np.sqrt((c.values[:960]**2).mean()) for c in record.channels]
    assert rms[0] == pytest.approx(11_540, rel=1e-4)
    assert rms[1] == pytest.approx(57.7, rel=1e-4)
    assert rms[3] == pytest.approx(1000, rel=1e-4)


def test_units_as_recorders_write_them():
    for text, name, expected in (("kV", "x", ("V", 1e3)), ("KV", "x", ("V", 1e3)),
                                 ("mA", "x", ("A", 1e-3)), ("a", "x", ("A", 1.0)),
                                 ("", "Va", ("V", 1.0)), ("", "I L1", ("A", 1.0)),
                                 ("", "freq", ("", 1.0)), ("Hz", "V", ("", 1.0)),
                                 ("MVA", "S", ("", 1.0)), ("deg", "VA", ("", 1.0))):
        assert unit(text, name) == expected, text


def test_a_record_of_several_rates_and_one_of_its_own_times(tmp_path):
    t = np.concatenate([times(960, 4800), 0.2 + times(200, 1000)])
    y = wave(t, 230)
    cfg = save(tmp_path / "x.cfg", [("VA", "A", "V", y)])

    def two_rates(lines):
        at = lines.index("4800,1160")
        lines[at - 1:at + 1] = ["2", "4800,960", "1000,1160"]

    record = read(rewrite(cfg, two_rates))
    step = np.diff(record.time_s)
    assert step[:958] == pytest.approx(1 / 4800)
    assert step[961:] == pytest.approx(1 / 1000)

    dat = cfg.with_suffix(".dat")
    raw = bytearray(dat.read_bytes())
    for k in range(len(t)):
        struct.pack_into("<I", raw, k * 10 + 4, round(t[k] * 1e6) + 77)
    dat.write_bytes(raw)

    def own_times(lines):
        at = lines.index("2", 3)
        lines[at:at + 3] = ["0", "0,1160"]

    record = read(rewrite(cfg, own_times))
    assert np.abs(record.time_s - t).max() < 2e-6
    assert np.abs(record.channels[0].values - y).max() < 0.02


def test_the_first_revision_has_shorter_lines(tmp_path):
    def old(lines):
        lines[0] = "station,device"
        for k in range(2, 8):
            lines[k] = ",".join(lines[k].split(",")[:10])
        at = lines.index("BINARY")
        lines[at - 2:] = ["03/01/26,06:03:20.000000", "03/01/26,06:03:20.500000", "BINARY"]

    record = read(rewrite(three(tmp_path / "x.cfg", revision="1999"), old))
    assert record.revision == "1991" and record.trigger_s == 0.5
    assert np.sqrt((record.channels[0].values[:960]**2).mean()) == pytest.approx(230, rel=1e-4)


def test_what_recorders_write_against_the_standard_is_read(tmp_path):
    """Years that are no revision, and channel numbers that skip."""
    for year, revision in (("1997", "1991"), ("2000", "1999"), ("2001", "1999"), ("2017", "2013")):
        def odd(lines, year=year):
            lines[0] = f"s,d,{year}"
            for k in range(5, 8):
                lines[k] = "1" + lines[k]

        record = read(rewrite(three(tmp_path / "x.cfg"), odd))
        assert record.revision == revision
        assert np.sqrt((record.channels[4].values[:960]**2).mean()) == pytest.approx(10, rel=1e-4)


def test_few_missing_values_are_bridged_and_said(tmp_path):
    cfg = three(tmp_path / "x.cfg")
    dat = cfg.with_suffix(".dat")
    raw = bytearray(dat.read_bytes())
    struct.pack_into("<h", raw, 20 * 100 + 8, -32768)
    dat.write_bytes(raw)
    record = read(cfg)
    assert "1 missing" in record.notes[0] and np.isfinite(record.channels[0].values).all()
    for k in range(500):
        struct.pack_into("<h", raw, 20 * k + 8, -32768)
    dat.write_bytes(raw)
    with pytest.raises(RecordError, match="^E174 .*500 of 5760 values of VA.*at most 5 %"):
        read(cfg)


def _line(n, k, text):
    """Field k of line n becomes text; k None: the whole line."""
    def change(lines):
        fields = lines[n - 1].split(",")
        fields[k if k is not None else 0] = text
        lines[n - 1] = ",".join(fields) if k is not None else text
    return change


def _cut(n):
    return lambda lines: lines[:n]


BROKEN = [
    (_cut(1), "E171 .*ends after 1 lines, before its line of numbers of channels"),
    (_cut(5), "E171 .*before its line of analog channel 4 of 6"),
    (_cut(11), "E171 .*before its line of the first sample's time"),
    (_line(1, 2, "second"), "E171 x.cfg line 1: revision = 'second' is no number. Set 1991 to"),
    (_line(1, 2, "20"), "E171 .*revision = 20 is outside 1991 to 2099"),
    (_line(2, None, "6,6A"), "E171 .*2 fields, a line of numbers of channels has at least 3"),
    (_line(2, None, "7,6A,0D"), "E172 .*7 channels are not 6 analog and 0 status"),
    (_line(2, None, "5,5A,0D"), "E172 .*line 8: describes a channel; line 2 promises 5"),
    (_line(2, None, "7,7A,0D"), "E171 .*line 9: 1 fields, a line of analog channel 7 of 7"),
    (_line(2, None, "6,6,0"), "E171 .*write 6A,0D"),
    (_line(2, None, "xA,1,2"), "E171 .*number of channels = 'xA' is no number"),
    (_line(4, 0, "b"), "E172 .*begins with 'b', the number of analog channel 2 was expected"),
    (_line(3, 5, "0"), "E176 .*factor a of VA is 0"),
    (_line(3, 5, "nan"), "E171 .*factor a = nan is outside"),
    (_line(3, 5, "abc"), "E171 .*factor a = 'abc' is no number"),
    (_line(3, 12, "X"), "E176 .*Write P for primary or S"),
    (_line(3, None, "1,VA,A,,V,1,0,0,-1,1,0,100,S"), "E176 .*the ratio 0:100"),
    (_line(9, None, "-3"), "E171 .*line frequency = -3 is outside 0 to 1000"),
    (_line(10, None, "two"), "E171 .*number of rates = 'two'"),
    (_line(11, None, "0,5760"), "E173 .*a rate of 0 Hz needs 0 rates"),
    (_line(11, None, "4800,0"), "E171 .*last sample at this rate = 0 is outside"),
    (lambda lines: lines[:9] + ["2", "4800,5760", "1000,5760"] + lines[11:],
     "E173 .*rate 2 ends at sample 5760, the one before at 5760"),
    (_line(11, None, "4800,5761"), "E174 .*5760 samples, the .cfg promises 5761"),
    (_line(12, None, "2026-03-01,06:00:00"), "E171 .*Write dd/mm/yyyy"),
    (_line(14, None, "TEXT"), "E179 .*'TEXT' is not known. There are: ASCII, BINARY"),
    (_line(14, None, "BINARY32"), "E174 .*3600 samples, the .cfg promises 5760"),
    (_line(14, None, "ASCII"), "E174 "),
    (_line(15, None, "much"), "E171 .*time stamps' factor = 'much'"),
]


@pytest.mark.parametrize("change,expected", BROKEN, ids=[str(k) for k in range(len(BROKEN))])
def test_a_broken_cfg_is_named_with_its_line_and_the_remedy(tmp_path, change, expected):
    cfg = rewrite(three(tmp_path / "x.cfg"), change)
    with pytest.raises(RecordError, match=f"^{expected}") as e:
        read(cfg)
    assert e.value.text.endswith(".")


def test_parts_that_are_missing_or_of_another_record(tmp_path):
    cfg = three(tmp_path / "x.cfg")
    dat = cfg.with_suffix(".dat")
    raw = dat.read_bytes()
    for broken, expected in ((raw[:-1], "E174 x.dat: 115199 bytes are no whole number of samples "
                                        "of 20 bytes"),
                             (raw[:2000], "E174 x.dat: 100 samples, the .cfg promises 5760"),
                             (b"", "E174 x.dat: 0 samples")):
        dat.write_bytes(broken)
        with pytest.raises(RecordError, match=expected):
            read(cfg)
    dat.rename(tmp_path / "X.DAT")               # from a file system that does not mind
    (tmp_path / "X.DAT").write_bytes(raw)
    assert read(cfg).length_s == pytest.approx(1.2, rel=1e-3)
    (tmp_path / "X.DAT").unlink()
    with pytest.raises(RecordError, match="E170 x.cfg: its x.dat is missing"):
        read(cfg)
    with pytest.raises(RecordError, match="E170 .*nix.cfg: no such file"):
        read(tmp_path / "nix.cfg")
    with pytest.raises(RecordError, match="E170 .*is no .cfg or .cff file"):
        read(tmp_path / "x.dat")


@pytest.mark.parametrize("form", ("ASCII", "BINARY"))
def test_a_record_in_one_file(tmp_path, form):
    cfg = three(tmp_path / "x.cfg", length_s=0.1, form=form)
    raw = cfg.with_suffix(".dat").read_bytes()
    text = cfg.read_bytes()
    size = f": {len(raw)}" if form == "BINARY" else ""
    one = tmp_path / "y.CFF"
    head = b"--- file type: CFG ---\r\n", b"--- file type: INF ---\r\nx\r\n"
    mark = f"--- file type: DAT {form}{size} ---\r\n".encode()
    one.write_bytes(head[0] + text + head[1] + mark + raw)
    there, here = read(cfg), read(one)
    assert (here.time_s == there.time_s).all() and here.name == "y"
    for a, b in zip(here.channels, there.channels, strict=True):
        assert (a.values == b.values).all()
    one.write_bytes(head[0] + text)
    with pytest.raises(RecordError, match="E170 y.CFF: has no part '--- file type: DAT ---'"):
        read(one)
    one.write_bytes(head[0] + text + mark + raw[:-9])
    with pytest.raises(RecordError, match="E174 y.CFF .DAT."):
        read(one)


def test_an_ascii_dat_of_other_columns_or_words(tmp_path):
    cfg = three(tmp_path / "x.cfg", form="ASCII")
    dat = cfg.with_suffix(".dat")
    rows = dat.read_text().splitlines()
    for row, expected in ((rows[7] + ",5", "E174 x.dat line 8: 9 fields, .* need 8"),
                          (rows[7].replace(",", ",z", 1), "E174 x.dat line 8: holds something")):
        dat.write_text("\n".join([*rows[:7], row, *rows[8:]]))
        with pytest.raises(RecordError, match=expected):
            read(cfg)


def test_no_damage_ends_in_anything_but_a_sentence(tmp_path):
    """400 records with bytes changed, lost and doubled in either file."""
    rng = random.Random(11)
    good = {}
    for form in ("BINARY", "ASCII"):
        cfg = three(tmp_path / f"{form}.cfg", length_s=0.05, form=form)
        good[form] = cfg.read_bytes(), cfg.with_suffix(".dat").read_bytes()
    refused = 0
    for n in range(400):
        form = rng.choice(list(good))
        files = [bytearray(part) for part in good[form]]
        file = files[0 if rng.random() < 0.8 else 1]
        for _ in range(rng.choice((1, 1, 2, 8))):
            at = rng.randrange(len(file))
            deed = rng.randrange(4)
            if deed == 0:
                file[at] = rng.choice(b"0159,-.eE/:AVx \n\r\x00\xff")
            elif deed == 1:
                del file[at:at + rng.randrange(1, 9)]
            elif deed == 2:
                file[at:at] = file[at:at + rng.randrange(1, 30)]
            else:
                del file[at:]
                break
            if not file:
                break
        cfg = tmp_path / f"f{n}.cfg"
        cfg.write_bytes(files[0])
        cfg.with_suffix(".dat").write_bytes(files[1])
        try:
            record = read(cfg)
            assert all(np.isfinite(c.values).all() for c in record.channels)
        except RecordError as e:
            refused += 1
            assert e.text[:3] == "E17" and e.text.endswith("."), e.text
    assert 150 < refused < 400


def test_we_write_nothing_that_does_not_fit(tmp_path):
    sheet = write.Sheet("s", "d", US0, US0, 4000, 50, [write.Line("U", "A", "V", 1, 0)])
    for codes, form, revision, code in (
            (np.full((4, 1), 40_000), "BINARY", "2013", "E174"), (np.zeros((4, 2)), "BINARY",
             "2013", "E172"), (np.zeros((0, 1)), "BINARY", "2013", "E172"),
            (np.zeros((4, 1)), "FLOAT32", "2013", "E179"), (np.zeros((4, 1)), "BINARY", "1991",
             "E179")):
        with pytest.raises(RecordError, match=f"^{code}"):
            write.write(tmp_path / "x.cfg", sheet, codes, None, revision, form)
    assert not list(Path(tmp_path).iterdir())


@pytest.mark.parametrize("rate_hz", (1000.0, 1200.0, 6400.0, 15_360.0, 102_400.0))
def test_a_wave_is_the_same_between_its_samples_whatever_its_rate(rate_hz):
    """50 Hz, its third and, where the rate has it, its 25th harmonic; lead and tail as well."""
    def truth(t):
        y = np.cos(2 * np.pi * 50 * t) + 0.1 * np.cos(2 * np.pi * 150 * t + 1)
        return y + 0.05 * np.cos(2 * np.pi * 1250 * t) if rate_hz > 6000 else y

    t = times(round(0.4 * rate_hz) + 1, rate_hz)
    w = Wave(t, np.array([truth(t)]), 0.02, 0.5, 0.3)
    at = -0.4 + times(4400, 4000)
    allowed = 2e-3 if rate_hz < 1200 else 6e-4
    assert np.abs(w.at(0, at, 4000.0) - truth(at)).max() < allowed


def test_what_lies_above_the_meters_band_does_not_come_back_below_it():
    t = times(40_000, 40_000)
    w = Wave(t, np.array([np.cos(2 * np.pi * 50 * t) + 0.3 * np.cos(2 * np.pi * 3950 * t)]), 0.02,
             0.1, 0.1)
    at = 0.2 + times(2000, 4000)                    # 3950 Hz would look like 50 Hz
    assert np.abs(w.at(0, at, 4000.0) - np.cos(2 * np.pi * 50 * at)).max() < 1e-3


def test_the_cycle_of_the_beginning_is_found_or_said_to_be_none():
    t = times(4800, 4800)
    for f_hz in (47.6, 49.97, 50.0, 51.9):
        period_s, found = period(t, np.array([wave(t, 230, f_hz, k) for k in range(3)]), 50.0)
        assert found and 1 / period_s == pytest.approx(f_hz, abs=2e-4)
    assert period(t, np.zeros((1, 4800)), 50.0) == (0.02, False)
    assert period(t, np.array([wave(t, 230, dip=(0.01, 1, 0.2))]), 60.0)[1] is False
