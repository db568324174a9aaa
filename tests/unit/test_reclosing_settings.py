"""Settings of automatic reclosing: bounds, and what contradicts itself or the protection."""
from acu import config, recloser_settings
from acu import reclosing_settings as rs
from acu.protection_settings import ELEMENTS

GOOD = {"id": "rc1", "role": "recloser", "sc": "sc1", "uc": "uc1", "gr_50b_do": "trip",
        "rc_shots": 3}


def codes(**changed):
    given = dict(GOOD)
    given.update(changed)
    return [sentence[:4] for sentence in config.check(given)[1]]


def test_off_is_the_default_and_then_nothing_contradicts():
    full, errors = config.check({key: GOOD[key] for key in ("id", "role", "sc", "uc")})
    assert errors == [] and full["rc_shots"] == 0
    assert recloser_settings.more(full) is None
    assert codes(rc_shots=0, rc_init=0, rc_line="dead", rc_t1_ms=300, gr_50b_do="off") == []
    keys = {key: recloser_settings.KEYS[key] for key in recloser_settings.KEYS
            if key[:3] == "rc_"}
    assert len(keys) == 16 and keys["rc_line"] == ("any", "dead")
    for key, rule in keys.items():
        assert isinstance(rule[0], str) or config.wrong(key, rule[0], keys) == "", key


def test_defaults_with_an_element_are_a_whole_reclosing():
    assert codes() == []
    full, _ = config.check(GOOD)
    starts, given = recloser_settings.more(full).tables(full)
    assert given[0] == [2_000, 15_000, 30_000]
    assert [ELEMENTS[k] for k in range(len(ELEMENTS)) if starts >> k & 1] == [
        "50a", "50b", "51", "50na", "51n"]
    assert not [key for key in recloser_settings.kept(full) if key[:3] == "rc_"]


def test_every_contradiction_is_refused_by_its_own_code():
    for code, changed in (
            ("E500", {"gr_50b_do": "alarm"}),
            ("E500", {"rc_init": 0}),
            ("E500", {"rc_init": 2}),                       # 51, which is off
            ("E501", {"gr_51_do": "trip", "gr_51_t_ms": 40_000}),
            ("E501", {"gr_51_do": "trip", "gr_51_curve": "iec_ei", "gr_51_tms_m": 1_500}),
            ("E501", {"is_51_do": "trip", "is_51_t_ms": 40_000}),
            ("E502", {"rc_t2_ms": 300, "rc_open_ms": 300}),
            ("E503", {"rc_t1_ms": 1_200, "dead_mode": 2, "dead_ms": 1_000}),
            ("E504", {"rc_line": "dead"}),
            ("E506", {"rc_close_ms": 80, "t_close_ms": 60}),
            ("E507", {"rc_discr_ms": 30_000}),
            ("E508", {"rc_freq_n": 2}),
            ("E509", {"rc_wait_ms": 1_000, "dead_mode": 2, "dead_ms": 1_200})):
        assert code in codes(**changed), (code, changed, codes(**changed))


def test_two_never_close_the_same_breaker():
    full, _ = config.check(GOOD)
    full["il_duty"] = "lead"
    assert [sentence[:4] for sentence in rs.wrong(full)] == ["E505"]
    del full["il_duty"]
    assert rs.wrong(full) == []


def test_what_just_does_not_contradict():
    assert codes(rc_t1_ms=1_400, dead_mode=2, dead_ms=1_000) == []
    assert codes(rc_shots=1, rc_t2_ms=300, rc_open_ms=300) == []      # not used
    assert codes(rc_freq_n=3) == [] and codes(rc_discr_ms=29_999) == []
    assert codes(gr_51_do="trip", gr_51_t_ms=29_300) == []
    assert codes(gr_51_do="trip", gr_51_t_ms=29_301) == ["E501"]
    assert codes(gr_51_do="trip", gr_51_t_ms=40_000, rc_init=1) == []  # does not start it


def test_every_sentence_names_key_value_and_remedy():
    for changed in ({"rc_init": 0}, {"rc_t1_ms": 300, "rc_open_ms": 300}, {"rc_line": "dead"},
                    {"rc_freq_n": 2}, {"rc_discr_ms": 99_000}):
        given = dict(GOOD)
        given.update(changed)
        for sentence in config.check(given)[1]:
            assert "config: rc_" in sentence and ". Set " in sentence, sentence
