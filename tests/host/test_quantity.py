"""Sums at quantity level, where nothing is sampled, against those of the same street's samples."""
import hashlib
from array import array

import numpy as np
import pytest

from host_sim.world.spec import FrontEndSpec, RelaySpec
from tests.host.street_kit import CUSTOMER_PAIRS, PERFECT, POST_PAIRS, make, run

PARTS = ((0, 20), (0, 7), (7, 13), (19, 1), (3, 5))
WHOLE = ((0, None),)
HARSH = ((3, 2.0), (5, 8.0), (11, 3.0))
EXACT = RelaySpec(scatter_ms=0)
BASIS = 5e-5                     # of a sum, what the 14 bits of the basis may cost
# blocks after which the wave meets the blocks at the same places again
CYCLE = {50_000: 4, 60_000: 10}


def ask(street, acu, pairs, k0=0, n=None):
    """Sums of a part of the block; the reference turns with the supply."""
    f_mhz = street.truth(acu)["f_mhz"]
    step = round(f_mhz * 2**24 / 4e6)
    phase = (f_mhz * street.now_us * 2**24 // 10**9 + k0 * step) & 0xFFFFFF
    out = array("i", [0] * (9 * len(pairs)))
    street.sums(acu, k0, street.n_frames(acu) - k0 if n is None else n, phase, step, pairs, out)
    return list(out)


def play(level, blocks, acu="cd", pairs=POST_PAIRS, parts=PARTS, **how):
    """Sums by block, part and place."""
    street = make(level, **how)
    rows: list = []
    run(street, 20)
    run(street, 5 * blocks,
        lambda s: rows.append([ask(s, acu, pairs, k0, n) for k0, n in parts]))
    return np.array(rows, dtype=float)


def both(blocks, **how):
    return play("wave", blocks, **how), play("quantity", blocks, **how)


def by_phase(sums, f_mhz=50_000):
    """By repetition, phase, part and place."""
    return sums.reshape(-1, CYCLE[f_mhz], *sums.shape[1:])


def assert_same_mean(wave, quantity):
    """Over the first axis."""
    error = (quantity - wave).std(axis=0) / np.sqrt(len(wave))
    allowed = 5 * error + BASIS * np.abs(wave).mean(axis=0) + 0.3
    assert (np.abs((quantity - wave).mean(axis=0)) < allowed).all()


@pytest.fixture(scope="module")
def usual():
    """Variance of the difference between the levels, by part and place, averaged over phases."""
    wave, quantity = both(800)
    return (by_phase(quantity) - by_phase(wave)).var(axis=0).mean(axis=0)


@pytest.mark.parametrize("harmonics_pct", [((3, 1.0), (5, 3.0), (7, 1.5)), HARSH])
@pytest.mark.parametrize("f_mhz", [50_000, 60_000])
def test_means_are_those_of_the_samples(f_mhz, harmonics_pct):
    wave, quantity = both(400, f_mhz=f_mhz, harmonics_pct=harmonics_pct)
    assert_same_mean(by_phase(wave, f_mhz), by_phase(quantity, f_mhz))


@pytest.mark.parametrize("harmonics_pct", [((3, 1.0), (5, 3.0), (7, 1.5)), HARSH])
@pytest.mark.parametrize("f_mhz", [49_000, 51_000, 50_730])
def test_sums_follow_the_samples_at_any_frequency(f_mhz, harmonics_pct, usual):
    """Phases do not repeat, so what the levels differ by must be noise in every block."""
    wave, quantity = both(800, f_mhz=f_mhz, harmonics_pct=harmonics_pct)
    assert_same_mean(wave, quantity)
    assert ((quantity - wave).var(axis=0) < 1.3 * usual + 1).all()


@pytest.mark.parametrize("how", [
    {"front_end": FrontEndSpec(slot_ns=20_000)},
    {"front_end": FrontEndSpec(offset_lsb=20.0, gain_err_pct=2.0, noise_lsb=3.0)},
    {"acu": "eu2", "pairs": CUSTOMER_PAIRS, "seed": 8},
    {"rate_hz": 3900, "parts": WHOLE},
    {"rate_hz": 12_000, "parts": ((0, None), (11, 37)), "harmonics_pct": HARSH},
    {"u_v": 10.0},
], ids=["skewed", "rough", "customer", "uneven", "long", "faint"])
def test_means_with_other_streets_and_front_ends(how):
    wave, quantity = both(400, **how)
    assert_same_mean(by_phase(wave), by_phase(quantity))


@pytest.mark.parametrize("how", [
    {"parts": ((0, 20), (7, 13))},
    {"parts": ((0, 20),), "front_end": FrontEndSpec(offset_lsb=20.0, noise_lsb=3.0)},
    {"parts": ((0, None), (11, 37)), "rate_hz": 12_000},
    {"parts": ((0, 20),), "loads": (("c1", 0, 13_000), ("c2", 1, 9000), ("c3", 2, 5000))},
], ids=["usual", "rough", "long", "loaded"])
def test_noise_varies_and_hangs_together_as_that_of_the_samples(how):
    wave, quantity = (by_phase(x) for x in both(2400, seed=4, **how))
    for part in range(wave.shape[2]):
        for k in (0, 9, 18):
            spread, correlation = [], []
            for x in (wave, quantity):
                covariance = np.array([np.cov(x[:, phase, part, k:k + 9].T) for phase in range(4)])
                sd = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
                spread.append((sd * sd).mean(axis=0))
                correlation.append(covariance / sd[:, :, None] / sd[:, None, :])
            assert np.abs(spread[1] / spread[0] - 1).max() < 0.2
            assert np.abs(correlation[1] - correlation[0]).mean(axis=0).max() < 0.15


def closing(street):
    """eu1 opens, closes into its inrush with a bounce, and the inrush ends."""
    street.drive("eu1", 0, 0, 0)
    street.drive("eu1", 0, 1, 20_300)


def troubles(street):
    for name, value, at_us in (("supply_pu", [0.8, 1.0, 0.4], 22_345), ("f_mhz", 49_500, 27_120),
                               ("phase_lost", "B", 33_001), ("harmonics_pct", [[7, 6.0]], 38_700),
                               ("phase_lost", "A", 41_100), ("phase_back", "A", 41_200)):
        street.set(name, value, at_us=at_us)


@pytest.mark.parametrize("trouble", [closing, troubles])
def test_blocks_that_hold_events(trouble):
    """One street with other noise each time, block by block."""
    found: dict = {"wave": [], "quantity": []}
    for level, rows in found.items():
        for seed in range(40):
            street = make(level, seed=seed, relay=EXACT, loads=(("c1", 0, 1500), ("c2", 1, 900)))
            trouble(street)
            rows.append([])
            run(street, 75, lambda s, row=rows[-1]: row.extend(
                ask(s, acu, pairs, k0, n) for k0, n in ((0, 20), (0, 9), (9, 11))
                for acu, pairs in (("cd", POST_PAIRS), ("eu1", CUSTOMER_PAIRS))))
    assert_same_mean(*(np.array(rows, dtype=float) for rows in found.values()))


@pytest.mark.parametrize("f_mhz", [49_000, 50_000, 51_000, 60_000])
def test_rms_p_and_q_meet_the_truth(f_mhz):
    street = make(front_end=PERFECT, f_mhz=f_mhz, harmonics_pct=((5, 8.0),))
    total = np.zeros(27)

    def add(s):
        total[:] += ask(s, "cd", POST_PAIRS)

    run(street, 1000, add)
    truth = street.truth("cd")
    for p in range(2):
        v, i, vv, ii, vi, vc, vs, ic, js = total[9 * p:9 * p + 9] / 4000
        floor = 0.25 + 1 / 12
        u_v = np.sqrt(vv - v * v - floor) * 450 / 2048
        i_a = np.sqrt(ii - i * i - floor) * 100 / 2048
        watts = 450 * 100 / 2048**2
        assert u_v == pytest.approx(truth["u_v"][p], rel=1e-3)
        assert i_a == pytest.approx(truth["i_a"][p], rel=1e-3)
        s_va = truth["s_va"][p]
        assert (vi - v * i) * watts == pytest.approx(truth["p_w"][p], abs=1e-3 * s_va)
        q1_var = 2 * (vc * js - vs * ic) / 4096**2 * watts
        assert q1_var == pytest.approx(truth["q1_var"][p], abs=1e-3 * s_va)


def test_a_frozen_channel_is_exactly_still_and_an_open_one_is_not():
    street = make()
    run(street, 50)
    street.set("adc.freeze", 1, acu="cd", channel="UA", at_us=52_500)
    street.set("adc.freeze", 1, acu="cd", channel="IB", at_us=52_500)
    street.set("adc.open", 1, acu="cd", channel="UC", at_us=52_500)
    run(street, 5)
    assert 20 * ask(street, "cd", POST_PAIRS)[2] > ask(street, "cd", POST_PAIRS)[0] ** 2
    held = set()
    for _ in range(40):
        street.step(street.now_us + 5000)
        for k0, n in PARTS:
            ua, ia, uu, _, ui = ask(street, "cd", POST_PAIRS, k0, n)[:5]
            held.add(ua / n)
            assert n * uu == ua * ua and n * ui == ua * ia
            ib = array("i", [0] * 9)
            street.sums("cd", k0, n, 0, 0, ((4, 4),), ib)    # a cosine that stays at its top
            assert n * ib[2] == ib[0] ** 2 and ib[5] == 4096 * ib[0]
        out = ask(street, "cd", POST_PAIRS)
        assert 0 < 20 * out[20] - out[18] ** 2 < 20 * 20 * 2 and abs(out[18]) < 20 * 6
    assert len(held) == 1
    street.set("adc.freeze", 0, acu="cd", channel="UA")
    run(street, 5)
    assert 20 * ask(street, "cd", POST_PAIRS)[2] > ask(street, "cd", POST_PAIRS)[0] ** 2 + 20_000


def test_a_channel_freezes_where_it_was():
    wave, quantity = make("wave", front_end=PERFECT), make(front_end=PERFECT)
    for street in (wave, quantity):
        street.set("adc.freeze", 1, acu="cd", channel="UB", at_us=52_500)
        run(street, 60)
    held = [ask(street, "cd", POST_PAIRS)[9] / 20 for street in (wave, quantity)]
    assert abs(held[0] - held[1]) <= 3 and abs(held[0]) > 100


def test_a_wrong_gain_scales_and_heals():
    street = make(front_end=PERFECT)

    def square():
        total = 0
        for _ in range(4):
            run(street, 5)
            total += ask(street, "eu1", CUSTOMER_PAIRS)[20]
        return total

    run(street, 20)
    before = square()
    street.set("adc.gain_pct", 10, acu="eu1", channel="UC")
    assert square() / before == pytest.approx(1.21, rel=1e-3)
    street.set("adc.gain_pct", 0, acu="eu1", channel="UC")
    assert square() / before == pytest.approx(1, rel=1e-3)


@pytest.mark.parametrize("u_v", [330.0, 500.0, 4000.0])
def test_a_clipped_channel_looks_clipped(u_v):
    """By mean square and fundamental of whole cycles; parts of a cycle may be off by a tenth."""
    wave, quantity = (x[:, 0] for x in both(40, u_v=u_v, parts=WHOLE))
    for k in (2, 4, 11, 20):
        assert quantity[:, k].sum() / wave[:, k].sum() == pytest.approx(1, abs=0.02)
    for k in (5, 6):
        sampled, computed = (by_phase(x)[:, :, k].mean(axis=0) for x in (wave, quantity))
        assert computed / sampled == pytest.approx(1, abs=0.12)
    assert quantity[:, 20].sum() / 800 > 1430**2 and quantity[:, 20].max() <= 20 * 2048**2 + 1
    assert np.abs(quantity).max() < 2**30


def test_a_healthy_channel_is_never_quite_still():
    street = make()
    street.set("supply", "lost")
    run(street, 5)
    spreads = []
    for _ in range(500):
        run(street, 5)
        for k0, n in ((0, 20), (2, 5)):
            out = ask(street, "cd", POST_PAIRS, k0, n)
            spread = [n * out[k + 2 + w] - out[k + w] ** 2 for k in (0, 9, 18) for w in (0, 1)]
            assert min(spread) > 0
            if n == 20:
                spreads += spread
    assert np.mean(spreads) / 20 / 19 == pytest.approx(0.25 + 1 / 12, rel=0.03)


def test_every_channel_has_noise_of_its_own():
    street = make(front_end=PERFECT)
    street.set("supply", "lost")
    rows: list = []
    run(street, 2000, lambda s: rows.append(
        [ask(s, acu, POST_PAIRS[:2])[k] for acu in ("cd", "eu1", "eu2") for k in (0, 1, 9, 10)]))
    correlation = np.corrcoef(np.array(rows[10:]).T) - np.eye(12)
    assert np.abs(correlation).max() < 0.25


def digest(seed, ask_more=False, loads=None):
    """Of 600 ms with a closing, an outage and faults in it."""
    street = make(seed=seed, loads=loads)
    hasher = hashlib.sha256()

    def each(s):
        if s.now_us in (30_000, 80_000):
            s.drive("eu1", s.now_us // 80_000, s.now_us // 80_000, s.now_us)
        for acu, pairs in (("cd", POST_PAIRS), ("eu1", CUSTOMER_PAIRS), ("eu2", CUSTOMER_PAIRS)):
            if ask_more:
                ask(s, acu, pairs[:1], 3, 11)
            for k0, n in ((0, 20), (0, 13), (13, 7)):
                hasher.update(array("i", ask(s, acu, pairs, k0, n)).tobytes())

    street.set("phase_lost", "B", at_us=50_123)
    street.set("supply_pu", [1.0, 1.0, 1.9], at_us=150_123)
    street.set("adc.freeze", 1, acu="eu2", channel="I", at_us=61_000, for_ms=20)
    run(street, 600, each)
    return hasher.hexdigest()


def test_same_seed_same_sums_whatever_was_asked_before():
    assert digest(7) == digest(7) == digest(7, ask_more=True)
    assert digest(7) != digest(8)


def test_the_sums_are_the_same_on_every_machine():
    """Recorded once; another processor, numpy or libm must give the same."""
    assert digest(7)[:16] == "5c4bf8b163ed9351"


def test_adding_a_controller_does_not_change_the_others():
    two, three = (("c1", 0, 2000), ("c2", 1, 0)), (("c1", 0, 2000), ("c2", 1, 0), ("c3", 2, 0))
    assert digest(7, loads=two) == digest(7, loads=three)


def test_there_are_no_codes():
    with pytest.raises(ValueError, match="'cd'.*quantity"):
        make().codes("cd")
