"""Settings: each key bounded and with its unit; what is wrong is said in one sentence with a
remedy."""
from acu import config

GOOD = {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0"}


def complaints(**given):
    whole = dict(GOOD)
    whole.update(given)
    return config.check(whole)[1]


def test_identity_alone_is_enough_and_the_rest_are_defaults_within_their_bounds():
    cfg, errors = config.check(GOOD)
    assert errors == []
    assert sorted(cfg) == sorted(config.KEYS)
    for key in config.KEYS:
        rule = config.KEYS[key]
        if isinstance(rule, tuple) and not isinstance(rule[0], str):
            assert rule[1] <= cfg[key] == rule[0] <= rule[2], key
    assert cfg["members"] == [] and cfg["t_out_ms"] == 200 and cfg["dead_ms"] == 60


def test_defaults_are_not_shared_between_controllers():
    one, _ = config.check(GOOD)
    one["members"].append("eu9")
    assert config.check(GOOD)[0]["members"] == []


def test_every_number_is_refused_beyond_its_bounds_and_taken_at_them():
    for key in config.KEYS:
        rule = config.KEYS[key]
        if isinstance(rule, tuple) and not isinstance(rule[0], str):
            for value in (rule[1], rule[2]):
                assert config.wrong(key, value) == ""
            assert config.wrong(key, rule[1] - 1).startswith("E107 config: " + key)
            assert config.wrong(key, rule[2] + 1).startswith("E107 config: " + key)
            for value in (True, "1", None, [1]):
                assert config.wrong(key, value).startswith("E106 config: " + key)


def test_the_sentence_names_key_bound_unit_and_remedy():
    assert complaints(t_out_ms=20) == [
        "E107 config: t_out_ms = 20 is below its minimum of 100 ms. Set 100 to 5000."]
    assert complaints(u_ov_pm=9000) == [
        "E107 config: u_ov_pm = 9000 is above its maximum of 1500 per mille. Set 1050 to 1500."]


def test_an_unknown_key_is_an_error_and_the_nearest_one_is_offered():
    assert complaints(t_out_s=1) == ["E101 config: unknown key t_out_s. Did you mean t_out_ms?"]
    assert complaints(xyz=1)[0].startswith("E101 config: unknown key xyz. Remove it")


def test_identities_become_topics_so_only_plain_ones_are_taken():
    for word in ("eu1", "a", "x" * 16, "sc-1_b"):
        assert complaints(id=word) == []
    for word in ("", "x" * 17, "EU1", "a/b", "a+", "#", 'a"', "a b", "\xe9", 7, None, ["a"]):
        assert complaints(id=word)[0].startswith("E102 config: id = ")
    assert complaints(members=["eu1", "e/2"])[0].startswith("E104")
    assert complaints(members="eu1")[0].startswith("E103")


def test_what_a_controller_is_must_be_said():
    for key in ("id", "role", "sc", "uc"):
        given = dict(GOOD)
        del given[key]
        errors = config.check(given)[1]
        assert len(errors) == 1 and errors[0].startswith("E108 config: %s is missing" % key)
    assert complaints(role="boss") == [
        "E105 config: role = boss. Choose one of: operator subcoordinator coordinator "
        "meter recloser microgrid."]


def test_lists_belong_to_the_members():
    two = ["eu1", "eu2"]
    assert complaints(members=two, prio=[1, 0], via=["-", "sp1"]) == []
    assert complaints(members=two,
                      prio=[1])[0].startswith("E110 config: prio has 1 entries for 2 members")
    assert complaints(members=two, via=["-"])[0].startswith("E110 config: via")
    assert complaints(members=["eu1", "eu1"])[0].startswith("E111")
    for prio in (100, -1, "1", True, (1, 2)):
        assert complaints(members=["eu1"], prio=[prio])[0].startswith("E104 config: prio holds")


def test_nominal_frequency_is_50_or_60():
    assert complaints(fn_mhz=60_000) == []
    assert complaints(fn_mhz=55_000)[0].startswith("E109")


def test_a_relay_touches_well_before_the_dead_time_ends():
    """The drive is advanced by t_close: no setting of the two may leave no time at all between
    phases."""
    dead, close = config.KEYS["dead_ms"], config.KEYS["t_close_ms"]
    assert close[2] <= 25 and dead[1] - close[2] >= 15


def test_all_complaints_come_at_once_and_what_was_given_stays():
    given = dict(GOOD)
    given["t_out_ms"] = 1
    given["nonsense"] = 1
    before = dict(given)
    cfg, errors = config.check(given)
    assert [e[:4] for e in errors] == ["E101", "E107"] and given == before
    assert cfg["t_out_ms"] == 200


def test_a_slot_beyond_the_last_one_is_refused():
    given = {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0", "slot_i": 3, "slot_n": 3}
    assert config.check(given)[1] == [
        "E107 config: slot_i = 3 is above its maximum of 2. Set 0 to 2."]
    given["slot_i"] = 2
    assert config.check(given)[1] == []


def test_a_branchs_limits_must_fit_together():
    scd = "subcoordinator"
    assert complaints(role=scd) == []
    assert complaints(role=scd, i_trip_ma=200_000) == [
        "E114 config: i_shc_ma = 200000 is not above i_trip_ma. Set more than 200000."]
    assert complaints(role=scd, t_recl_ms=1000, t_out_ms=800) == [
        "E115 config: t_recl_ms = 1000 is below t_out_ms + 300. Set 1100 to 60000."]
    assert complaints(role=scd, t_recl_ms=1100, t_out_ms=800) == []
    assert complaints(t_out_ms=5000) == []
