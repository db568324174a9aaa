"""Converters and transducers as the simulator has them: what they do to a wave, that they do it
the same each time, and what is said of a file that is no curve."""
import math
from dataclasses import replace

import numpy as np
import pytest

from acu.functions import adc_table
from host_sim.scenario.complaints import InputError
from host_sim.scenario.load import FILES, load
from host_sim.waveform import adc
from tests.host.street_kit import PERFECT, make, record

K = np.arange(adc.STEPS)


def test_the_parametric_rp2040_is_the_one_that_the_general_table_corrects():
    assert (adc.E11, adc.BITS, adc.BOW) == (adc_table.STEPS, adc_table.BITS, adc_table.BOW)
    codes = adc.rp2040() // adc.READINGS
    inside = slice(600, -600)

    def bent(y):
        line = np.polyfit(K[inside], y[inside], 1)
        return (y - np.polyval(line, K))[inside]

    corrected = np.array(adc_table.general())[codes] / 8
    assert np.ptp(bent(codes)) > 11 and bent(codes).std() > 2.5
    # half a step of a wide code remains: no table takes that away
    assert bent(corrected).std() < 0.5


def test_e11_steps_stand_where_the_erratum_says():
    widths = np.bincount(adc.rp2040() // adc.READINGS, minlength=4096) / 8
    wide = np.flatnonzero(widths > 5)
    assert [c for c in wide if 20 < c < 4070] == [511, 1535, 2559, 3583]
    assert widths[[511, 1535, 2559, 3583]].min() > 8
    codes = adc.rp2040() / adc.READINGS
    between = np.polyfit(K[4500:11_500] / 8, codes[4500:11_500], 1)[0]
    assert 1.005 < between / ((codes[-1600] - codes[1600]) / (adc.STEPS - 3200) * 8) < 1.02


def test_a_made_chip_is_another_each_time_and_as_bent_as_a_real_one():
    one, again, other = adc.made_chip(3), adc.made_chip(3), adc.made_chip(4)
    assert np.array_equal(one.sum_a, again.sum_a) and np.array_equal(one.sum_b, again.sum_b)
    apart = (one.sum_a - other.sum_a)[800:-800] / adc.READINGS
    assert 0.5 < apart.std() < 3
    assert 0.2 < (one.sum_a - one.sum_b).std() / adc.READINGS < 0.6      # noise of six readings


def write(tmp_path, **arrays):
    np.savez(tmp_path / "c.npz", **arrays)
    return tmp_path / "c.npz"


GOOD = np.clip(6 * (K // 8), 0, 24_570).astype("u2")


def test_a_good_file_is_taken(tmp_path):
    curve = adc.read_curve(write(tmp_path, sum_a=GOOD, sum_b=GOOD, made=np.array(1)))
    assert curve.name == "c" and np.array_equal(curve.sum_b, GOOD)


@pytest.mark.parametrize("arrays, said", [
    ({"sum_a": GOOD}, "sum_b is missing, there are sum_a. Give"),
    ({"sum_a": GOOD[:4096], "sum_b": GOOD}, "sum_a has the shape (4096,), a curve has (32768,)"),
    ({"sum_a": GOOD, "sum_b": GOOD / 6}, "sum_b holds float64"),
    ({"sum_a": GOOD, "sum_b": GOOD * 2}, "a sum of 6 readings is 0 to 24570"),
    ({"sum_a": GOOD // 6, "sum_b": GOOD}, "sum_a goes from 0 to 4095 only"),
    ({"sum_a": GOOD, "sum_b": GOOD[::-1]}, "sum_b falls back by 4095 codes"),
    ({"sum_a": np.array([None, {}]), "sum_b": GOOD}, "is no .npz file (ValueError)"),
])
def test_a_file_that_is_no_curve_is_refused_with_its_remedy(tmp_path, arrays, said):
    with pytest.raises(adc.CurveError) as refused:
        adc.read_curve(write(tmp_path, **arrays))
    assert refused.value.text.startswith("E150 ") and said in refused.value.text


def test_no_file_and_a_broken_one(tmp_path):
    (tmp_path / "text.npz").write_text("not a zip")
    for name, said in (("none.npz", "does not exist"), ("text.npz", "is no .npz file")):
        with pytest.raises(adc.CurveError, match=said):
            adc.read_curve(tmp_path / name)


# ---- in the street

STILL = replace(PERFECT, noise_lsb=0.5)


def street(**front):
    return make("wave", front_end=replace(STILL, **front), harmonics_pct=())


def test_an_uneven_converter_reads_what_its_curve_says():
    even, uneven = (record(street(inl=inl), "cd", 200) for inl in ("", "rp2040"))
    table = adc.passage_of("rp2040", 0.0)
    assert not np.array_equal(even, uneven)
    # the even code is the input within half a code, so its neighbours' codes bound the uneven one
    places = (even - adc.LOW) * 8
    low, high = table[places - 5], table[places + 5]
    assert ((low <= uneven) & (uneven <= high)).mean() > 0.99    # bits make some not monotonic
    assert np.array_equal(uneven, record(street(inl="rp2040"), "cd", 200))


def test_a_frozen_channel_keeps_the_code_that_it_had():
    s = street(inl="rp2040")
    last = record(s, "cd", 20)[-1, 0]
    s.set("adc.freeze", 1, acu="cd", channel=0)
    after = record(s, "cd", 20)
    assert set(after[:, 0]) == {last} and len(set(after[:, 1])) > 20


def test_jitter_moves_samples_where_the_wave_is_steep_only():
    still, shaken = (record(street(jitter_ns=jitter), "cd", 2000)[:, 1].astype(int)
                     for jitter in (0.0, 20_000.0))
    change = shaken - still
    steep = abs(still - 2048) < 200
    crest = abs(still - 2048) > 0.97 * abs(still - 2048).max()
    peak = abs(still - 2048).max()
    assert change[steep].std() == pytest.approx(peak * 2 * math.pi * 50 * 20e-6, rel=0.08)
    assert change[crest].std() < 0.4 * change[steep].std()


def test_a_saturating_transformer_bends_the_current_and_not_the_voltage():
    plain, bent = (record(make("wave", front_end=replace(STILL, i_sat_pct=5.0)
                               if sat else STILL, harmonics_pct=(),
                               loads=(("c1", 0, 8000),)), "cd", 400)
                   for sat in (False, True))
    assert np.array_equal(plain[:, 0], bent[:, 0])
    assert abs(plain[:, 3] - 2048.0).max() > 300
    knee = 2048 * 0.05
    assert knee < abs(bent[:, 3] - 2048.0).max() < knee + 205
    small = abs(plain[:, 3] - 2048.0) < knee - 3
    # inputs come in eighths of a code, so some are rounded the other way
    assert abs(plain[small, 3].astype(int) - bent[small, 3]).max() <= 1


def phase_of(rows, channel):
    x = rows[:1600, channel] - rows[:1600, channel].mean()
    return np.angle(x @ np.exp(-2j * np.pi * 50 * np.arange(len(x)) / 4000))


def test_a_transformer_leads_by_its_table():
    lead = ((5.0, 40_000.0), (50.0, 10_000.0))
    plain, ahead = (record(street(i_lead_urad=points), "cd", 600)[800:]
                    for points in ((), lead))
    codes = plain[:, 3].astype(float).std()
    wanted = np.interp(100 * codes * math.sqrt(2) / 2048, *zip(*lead, strict=True))
    found = (phase_of(ahead, 3) - phase_of(plain, 3)) * 1e6
    assert found == pytest.approx(wanted, abs=500) and wanted > 20_000
    assert abs(phase_of(ahead, 0) - phase_of(plain, 0)) < 1e-9


def test_warmth_moves_gain_and_middle():
    cold = record(street(), "cd", 400)[:, 0]
    warm = record(street(temperature_dc=650, gain_ppm_k=250.0, offset_lsb_k=0.5), "cd", 400)[:, 0]
    assert warm.mean() - cold.mean() == pytest.approx(20, abs=0.3)
    assert warm.std() / cold.std() == pytest.approx(1.01, abs=2e-4)


# ---- in a scenario

def assay(tmp_path, front, level="wave"):
    text = (FILES / "assay.toml").read_text()
    kept = [line for line in text.splitlines() if not line.startswith("level")]
    file = tmp_path / "s.toml"
    file.write_text(f'level = "{level}"\n' + "\n".join(kept) + f"\n[front_end]\n{front}\n")
    return load(str(file))


def test_a_scenario_sets_it(tmp_path):
    write(tmp_path, sum_a=GOOD, sum_b=GOOD)
    scenario = assay(tmp_path, 'inl = "c.npz"\ni_lead_urad = [[1, 5000], [50, 900]]\n'
                               "jitter_ns = 100\ni_sat_pct = 80")
    front = scenario.street.acus[0].front_end
    assert front.inl == str(tmp_path.resolve() / "c.npz")
    assert front.i_lead_urad == ((1, 5000), (50, 900)) and front.i_sat_pct == 80


@pytest.mark.parametrize("front, level, said", [
    ('inl = "rp2040"', "quantity", "E147 s.toml: [front_end] inl = 'rp2040' needs level wave"),
    ("jitter_ns = 5", "quantity", "E147 s.toml: [front_end] jitter_ns = 5"),
    ("i_lead_urad = [[1, 50]]", "phasor", "needs level wave or quantity"),
    ('inl = "nowhere.npz"', "wave", "E150 "),
    ("i_lead_urad = [[5, 50], [1, 50]]", "wave", "percents ascending"),
    ("i_lead_urad = [[5, 95000]]", "wave", "microradian -90000 to 90000"),
])
def test_a_scenario_that_cannot_have_it_is_told(tmp_path, front, level, said):
    with pytest.raises(InputError) as refused:
        assay(tmp_path, front, level)
    assert said in refused.value.text and len(refused.value.complaints) == 1
