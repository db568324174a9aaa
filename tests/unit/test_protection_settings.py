"""Settings of the protection: defaults fit, what contradicts itself is named, rows are right."""
from acu import config
from acu import protection_settings as settings
from acu.dsp import bay
from acu.functions import protection as pr
from acu.functions import protection_table as table

PEAKS = (30_000, 20_000)
KEYS = dict(settings.rules())


def complete(**given):
    full = {"fn_mhz": 50_000}
    for key, rule in KEYS.items():
        if not isinstance(rule[0], str):
            full[key] = rule[0]
    full.update(given)
    return full


def all_on(**given):
    full = complete()
    for group in settings.GROUPS:
        for name in settings.ELEMENTS:
            full[group + "_" + name + "_do"] = "trip"
    full.update(given)
    return full


def test_defaults_are_within_their_bounds_and_do_not_contradict_each_other():
    for key, rule in KEYS.items():
        if not isinstance(rule[0], str):
            assert rule[1] <= rule[0] <= rule[2], key
            assert config.wrong(key, rule[0], KEYS) == ""
    assert settings.wrong(complete()) == []
    assert settings.wrong(all_on()) == []


def told(**given):
    sentences = settings.wrong(all_on(**given))
    for one in sentences:
        assert ". Set " in one
    return [one[:4] for one in sentences]


def test_what_contradicts_itself_is_named():
    assert told(gr_50a_ma=4_000) == ["E180"]
    assert told(gr_50b_ma=900) == ["E180"]
    assert told(gr_27a_pm=800) == ["E180"]
    assert told(is_81ua_mhz=48_000) == ["E180"]
    assert told(gr_27a_pm=200) == ["E181"] and told(gr_dead_pm=500) == ["E181"]
    assert told(is_32_mw=999) == ["E182"] and told(is_32_mw=-1_000) == []
    assert told(gr_81o_mhz=50_020) == ["E183"] and told(gr_81ub_mhz=49_980) == ["E183"]
    assert config.wrong("gr_27a_t_ms", 59, KEYS)[:4] == "E107"
    assert told(gr_51_disc=1) == ["E184"] and told(gr_51_disc=1, gr_51_curve="ieee_ei") == []
    assert told(gr_46_curve="iec_ni", gr_46_tms_m=2_001) == ["E185"]
    assert told(gr_46_curve="ieee_mi", gr_46_tms_m=15_000) == []
    # what is off contradicts nothing
    assert settings.wrong(complete(gr_50a_ma=100, gr_51_disc=1, gr_50b_do="trip")) == []


def test_a_misspelt_key_and_a_value_out_of_bounds_are_refused_by_the_common_check():
    wrong = config.wrong
    assert wrong("gr_51_na", 1, KEYS)[:4] == "E101"
    assert wrong("gr_51_curve", "iec", KEYS)[:4] == "E105"
    assert wrong("gr_51_ma", 49, KEYS)[:4] == "E107"


def rows_of(full):
    rows, joined, count = table.build(full, *PEAKS)
    return [rows[k:k + pr.ROW] for k in range(0, len(rows), pr.ROW)], joined, count


def test_nothing_is_on_unless_it_is_set():
    rows, joined, count = rows_of(complete())
    assert count == 17 and len(rows) == 34 and len(joined) == 1
    for one in rows:
        assert one[pr.FLAGS] == 0


def test_each_place_is_a_quantity_and_each_channel_one_of_the_board():
    rows, _, _ = rows_of(all_on(is_side=2))
    for one in rows:
        places, channels = one[pr.PLACES], one[pr.CHANNELS]
        for k in range(one[pr.FLAGS] >> 8):
            assert 0 <= (places >> 8 * k & 255) < bay.NQ and channels >> 8 * k & 255
        assert places >> 8 * (one[pr.FLAGS] >> 8) == 0
        for k in (pr.BLOCK, pr.HOLD):
            assert 0 <= one[k] < bay.NQ


def test_rows_carry_the_settings():
    rows, joined, _ = rows_of(all_on(is_side=2, gr_51_curve="iec_ni", gr_51_do="alarm",
                                     gr_51n_curve="ieee_ei", gr_27_ph="all", is_51_rst_ms=250))
    name = settings.ELEMENTS.index
    one = rows[name("51")]
    assert one[pr.PICK] == 1000 and one[pr.DROP] == 950 and one[pr.RAIL] == 20_000
    assert one[pr.FLAGS] & pr.INVERSE and not one[pr.FLAGS] & pr.TRIP
    assert one[pr.CURVE] == 0 and joined[2] == one[pr.LIMIT]
    one = rows[name("51n")]
    assert one[pr.LIMIT] == joined[one[pr.CURVE] + 2] and one[pr.CURVE] > 100
    one = rows[name("27a")]
    assert one[pr.PICK] == -5_000 and one[pr.DROP] == -5_250 and one[pr.FLAGS] & pr.ALL
    assert one[pr.BLOCK] == bay.U1 and one[pr.LEVEL] == 2_000
    island = rows[17:]
    assert island[name("27a")][pr.BLOCK] == bay.U2 and not island[name("27a")][pr.FLAGS] & pr.ALL
    assert island[name("81ub")][pr.PLACES] == bay.F2
    assert island[name("81ub")][pr.PICK] == -48_000 and island[name("81ub")][pr.DROP] == -48_020
    assert island[name("81o")][pr.DROP] == 51_980
    assert island[name("51")][pr.RESET] == 250
    assert island[name("32")][pr.PICK] == 50_000 and island[name("32")][pr.DROP] == 45_000
