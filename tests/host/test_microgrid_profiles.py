"""Profiles of a microgrid: a file that cannot be used is refused with its line and a remedy, one
that can is read the same in every form, and made-up years are like real ones."""
import gzip
import os
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from host_sim.scenario.complaints import InputError
from host_sim.study import microgrid_profiles as mp

SHARED = Path(os.environ.get("SLVG_SHARED", Path(__file__).resolve().parents[3] / "shared"))
DATA = SHARED / "data" / "microgrid"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the specification's data are absent")
HOUR_S = 3600


def csv(*lines: str) -> str:
    return "\n".join(lines) + "\n"


DAY = [f"{k},0.1,0.5" for k in range(24)]


def with_line(k: int, line: str) -> str:
    return csv("hour,pv_pu,load_kw", *DAY[:k], line, *DAY[k + 1:])


# what is wrong, the file, what the complaint must name
BAD = (
    ("empty", "", "E412"),
    ("no rows", csv("hour,pv_pu,load_kw"), "E416 p.csv: has no rows"),
    ("gap", with_line(5, "6,0.1,0.5"), "E415 p.csv: line 7: hour 6 follows 4"),
    ("nan", with_line(3, "3,nan,0.5"), "E413 p.csv: line 5: pv_pu = nan"),
    ("word", with_line(3, "3,0.1,n/a"), "E413 p.csv: line 5: load_kw = 'n/a'"),
    ("missing", with_line(3, "3,,0.5"), "E413 p.csv: line 5: pv_pu = ''"),
    ("negative", with_line(9, "9,-0.01,0.5"), "E414 p.csv: line 11: pv_pu = -0.01"),
    ("negative load", with_line(9, "9,0.1,-2"), "E414 p.csv: line 11: load_kw = -2"),
    ("above peak", with_line(12, "12,1.3,0.5"), "E414 p.csv: line 14: pv_pu = 1.3 is above 1.2"),
    ("load in W", with_line(12, "12,0.5,1300"), "E414 p.csv: line 14: load_kw = 1300"),
    ("load in MW", csv("pv_pu,load_kw", *["0.1,0.0005"] * 24), "E414 p.csv: load_kw is never"),
    ("fields", with_line(4, "4,0.1"), "E416 p.csv: line 6 has 2 fields"),
    ("part of a day", csv("hour,pv_pu,load_kw", *DAY[:23]), "E416 p.csv: 23 rows"),
    ("column", csv("hour,pv_pu,load_kw,wind", "0,0,1,2"), "E412 p.csv: unknown column 'wind'"),
    ("typed wrong", csv("hour,pv_pu,load_kv", "0,0,1"), "Did you mean load_kw?"),
    ("twice", csv("load_kw,pv_pu,load_kw", "0,0,1"), "E412 p.csv: column 'load_kw' is there 2"),
    ("no load", csv("hour,pv_pu", "0,0"), "E412 p.csv: no column load_kw"),
    ("no PV", csv("hour,load_kw", "0,0"), "E412 p.csv: no PV column"),
    ("two PV", csv("pv_pu,pv_kw,load_kw", "0,0,1"), "E412 p.csv: both pv_pu and pv_kw"),
    ("time", csv("time,pv_kw,load_kw", *[f"{k} o'clock,1,1" for k in range(24)]),
     "E415 p.csv: line 2: time = \"0 o'clock\""),
    ("time gap", csv("time,pv_kw,load_kw", *[f"2015-01-01T{k:02d}:00,1,1" for k in range(24)
                                             if k != 7]), "E415 p.csv: line 9: 7200 s after"),
    ("step", csv("time,pv_kw,load_kw", *[f"2015-01-{k:02d},1,1" for k in range(1, 9)]),
     "E415 p.csv: steps of 86400 s"),
)


@pytest.mark.parametrize(("text", "says"), [case[1:] for case in BAD],
                         ids=[case[0] for case in BAD])
def test_bad_profiles_are_refused_with_the_line_and_a_remedy(tmp_path, text, says):
    path = tmp_path / "p.csv"
    path.write_text(text)
    with pytest.raises(InputError) as e:
        mp.read(path)
    assert says in e.value.text
    assert e.value.text.rstrip().endswith(".")
    assert str(tmp_path) not in e.value.text.replace(path.name, "")


def test_bad_archives_are_refused(tmp_path):
    one = np.ones(24)
    for arrays, says in (({"pv_kw": one, "load_kw": one[:23]}, "E416 p.npz: arrays of different"),
                         ({"pv_kw": one, "load_kw": one * np.nan}, "E413 p.npz: row 0: load_kw"),
                         ({"pv_kw": one, "load": one}, "E412 p.npz: unknown column 'load'"),
                         ({"pv_kw": one, "load_kw": np.array([None] * 24)}, "E413 p.npz: load_kw"),
                         ({"pv_kw": one, "load_kw": one * 101}, "E414 p.npz: row 0: load_kw")):
        np.savez(tmp_path / "p.npz", **arrays)
        with pytest.raises(InputError) as e:
            mp.read(tmp_path / "p.npz")
        assert says in e.value.text


def test_files_that_are_none_are_refused(tmp_path):
    (tmp_path / "p.npz").write_bytes(b"PK no")
    (tmp_path / "p.csv.gz").write_bytes(b"no gzip")
    (tmp_path / "half.csv.gz").write_bytes(gzip.compress(b"pv_kw,load_kw\n" * 9)[:20])
    (tmp_path / "p.csv").write_bytes(b"\xff\xfe\x00")
    (tmp_path / "p.txt").write_text("pv")
    for name in ("p.npz", "p.csv.gz", "half.csv.gz", "p.csv", "p.txt", "absent.csv"):
        with pytest.raises(InputError) as e:
            mp.read(tmp_path / name)
        assert e.value.code == "E411", name
    with pytest.raises(InputError) as e:
        mp.read(tmp_path)
    assert "holds 4 files" in e.value.text
    (tmp_path / "sub").mkdir()
    with pytest.raises(InputError) as e:
        mp.read(tmp_path / "sub")
    assert "holds no file" in e.value.text


def test_the_same_profiles_in_every_form(tmp_path):
    rows = [(k, 0.1 * (k % 7), 0.25 * (k % 3 + 1)) for k in range(48)]
    text = csv("hour,year,pv_pu,load_kw", *[f"{h},1,{p},{d}" for h, p, d in rows])
    (tmp_path / "a.csv").write_text(text)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress(text.encode()))
    pv, load = np.array([6 * p for _, p, _ in rows]), np.array([d for _, _, d in rows])
    np.savez(tmp_path / "c.npz", pv_kw=pv, load_kw=load)
    every = [mp.read(tmp_path / name) for name in ("a.csv", "b.csv.gz", "c.npz")]
    for one in every:
        assert one.pv_mw.dtype == np.int64 and one.pv_mw[1] == 600_000
        assert np.array_equal(one.pv_mw, every[0].pv_mw)
        assert np.array_equal(one.load_mw, every[0].load_mw)
        assert (one.years, one.rest_h, one.parts) == (0, 48, [slice(0, 48)])
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "only.csv").write_text(text)
    (folder / "README").write_text("of somebody")
    assert len(mp.read(folder)) == 48


def test_a_time_without_a_zone_is_utc_wherever_the_machine_stands(tmp_path, monkeypatch):
    (tmp_path / "p.csv").write_text(csv("time,pv_kw,load_kw", *[
        f"2015-06-01T{k:02d}:00,1,1" for k in range(24)]))
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert mp.read(tmp_path / "p.csv").start_s == 1_433_116_800
    finally:
        monkeypatch.undo()
        time.tzset()


def test_quarter_hours_with_their_own_clock(tmp_path):
    lines = [f"2015-06-0{1 + k // 96}T{k // 4 % 24:02d}:{k % 4 * 15:02d}+00:00,1,1"
             for k in range(192)]
    (tmp_path / "p.csv").write_text(csv("time,pv_kw,load_kw", *lines))
    one = mp.read(tmp_path / "p.csv")
    assert (one.step_s, one.start_s, one.rest_h) == (900, 1_433_116_800, 48)
    with pytest.raises(InputError) as e:
        one.held(HOUR_S)
    assert "E417 --step-s 3600" in e.value.text
    assert one.held(300).pv_mw.tolist() == [1_000_000] * 576


def test_years_are_of_8760_hours_and_the_rest_is_told():
    one = mp.synthetic(2, 1)
    assert (one.years, one.rest_h, len(one.parts)) == (2, 0, 2)
    assert one.first(1).parts == [slice(0, 8760)]
    odd = replace(one, pv_mw=one.pv_mw[:9000], load_mw=one.load_mw[:9000])
    assert (odd.years, odd.rest_h, odd.parts) == (1, 240, [slice(0, 8760), slice(8760, 9000)])
    with pytest.raises(InputError, match="E416"):
        one.first(3)
    assert mp.START_S % 86_400 == 0


def test_made_up_years_are_the_same_for_a_seed_and_others_for_another():
    a, b, c = mp.synthetic(2, 5), mp.synthetic(2, 5), mp.synthetic(2, 6)
    assert np.array_equal(a.pv_mw, b.pv_mw) and np.array_equal(a.load_mw, b.load_mw)
    assert not np.array_equal(a.pv_mw, c.pv_mw) and not np.array_equal(a.load_mw, c.load_mw)
    assert a.load_mw.max() <= 2_100_001 and a.pv_mw.min() >= 0 and a.pv_mw.max() <= 6_000_000


def daily_pu(profiles: mp.Profiles) -> np.ndarray:
    return profiles.pv_mw.reshape(-1, 24).sum(axis=1) / 6e6


def by_month(daily: np.ndarray, what) -> np.ndarray:
    ends = np.cumsum([31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31])
    month = np.searchsorted(ends, np.arange(len(daily)) % 365, side="right")
    return np.array([what(daily[month == m]) for m in range(12)])


def remembered(profiles: mp.Profiles) -> float:
    """Correlation of the clearness of an hour with the next one's, by day."""
    clear = np.tile(mp.clear_pu(np.arange(8760)), profiles.years)
    day = clear > 0.08
    k = np.where(day, profiles.pv_mw / 6e6 / np.maximum(clear, 1e-9), 0)
    both = day[1:] & day[:-1]
    return float(np.corrcoef(k[:-1][both], k[1:][both])[0, 1])


MADE_UP = mp.synthetic(12, 2)
# PV of a month, p.u. h a day: mean and standard deviation, as Belgium has them
LIKE = ((0.7, 1.3), (0.9, 1.9), (2.7, 4.2), (3.9, 5.0), (3.9, 5.1), (4.0, 5.2), (4.0, 5.1),
        (3.8, 4.8), (3.4, 4.5), (1.6, 3.3), (0.7, 1.7), (0.5, 1.2))


def test_made_up_years_are_belgian():
    daily = daily_pu(MADE_UP)
    yearly_kwh = 6 * daily.reshape(-1, 365).sum(axis=1)
    assert 6300 < yearly_kwh.mean() < 7000 and 80 < yearly_kwh.std() < 500
    load_kwh = MADE_UP.load_mw.reshape(-1, 24).sum(axis=1) / 1e6
    assert 18.0 < load_kwh.mean() < 18.6 and 13 < load_kwh.min() and load_kwh.max() < 23
    for mean, (low, high) in zip(by_month(daily, np.mean), LIKE, strict=True):
        assert low <= mean <= high
    assert 0.8 < remembered(MADE_UP) < 0.9


@needs_data
def test_made_up_years_are_like_the_real_ones():
    real = mp.read(DATA)
    assert abs(remembered(real) - remembered(MADE_UP)) < 0.04
    a, b = daily_pu(real), daily_pu(MADE_UP)
    assert abs(a.mean() / b.mean() - 1) < 0.06
    deviations = by_month(b, np.std) / by_month(a, np.std)
    assert 0.65 < deviations.min() and deviations.max() < 1.35, deviations
    means = by_month(a, np.mean) - by_month(b, np.mean)
    assert abs(means).max() < 0.8, means
    share = real.load_mw.reshape(-1, 24).sum(axis=0) / real.load_mw.sum()
    made = MADE_UP.load_mw.reshape(-1, 24).sum(axis=0) / MADE_UP.load_mw.sum()
    assert abs(share - made).max() < 0.001
