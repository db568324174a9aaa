"""Who may say and hear what, at a real mosquitto with the keyring's own access list: each says his
own, hears his own, and nothing else arrives anywhere."""
import dataclasses

import pytest

from host_sim.net import broker, rights
from host_sim.net.identities import CENTRE
from host_sim.net.keyring import Keyring
from tests.net.parties import STREET, Parties, need_mosquitto

SLV, MST, MAN = "slvg/1/slv/sc1/", "slvg/1/mst/sc1/", "slvg/1/man/sc1/"
EU1, EU2, S1, CD = SLV + "uc0/eu1/", SLV + "uc1/eu2/", MST + "s1/", MAN
# user, topic: what each has to be able to say, and who has to hear it
LEGITIMATE = [
    ("sc1.eu1", EU1 + "up/meas", ["sc1.cd"]), ("sc1.m1", SLV + "uc0/m1/up/pq", ["sc1.cd"]),
    ("sc1.eu2", EU2 + "up/sw.ack", ["sc1.s1"]), ("sc1.s1", S1 + "up/hb", ["sc1.cd"]),
    ("sc1.s1", EU2 + "dn/sw.req", ["sc1.eu2"]), ("sc1.s1", SLV + "uc1/all/dn/time", ["sc1.eu2"]),
    ("sc1.cd", EU1 + "dn/sw.req", ["sc1.eu1"]), ("sc1.cd", S1 + "dn/phs.req", ["sc1.s1"]),
    ("sc1.cd", SLV + "uc0/all/dn/time", ["sc1.eu1", "sc1.m1"]),
    ("sc1.cd", MST + "r1/dn/sw.req", ["sc1.r1"]), ("sc1.r1", MST + "r1/up/hb", ["sc1.cd"]),
    ("sc1.mg1", SLV + "uc2/bat/dn/mg.set", ["sc1.bat"]),
    ("sc1.bat", SLV + "uc2/bat/up/mg.st", ["sc1.mg1"]),
    ("sc1.cd", MST + "all/dn/time", ["sc1.r1", "sc1.r2", "sc1.s1"]),
    ("sc1.r1", MST + "r2/dn/rc.st", ["sc1.r2"]), ("sc1.r2", MST + "r1/dn/rc.st", ["sc1.r1"]),
    ("sc1.r1", SLV + "uc0/gen/dn/gen.set", ["sc1.gen"]),
    ("sc1.gen", SLV + "uc0/gen/up/gen.st", ["sc1.r1", "sc1.cd"]),
    ("sc1.cd", MAN + "up/tele", [CENTRE]), ("sc1.cd", MAN + "st", [CENTRE]),
    (CENTRE, MAN + "dn/sc.cmd", ["sc1.cd"]), (CENTRE, "slvg/1/man/sc2/dn/sc.cmd", ["sc2.cd"]),
]
# what nobody hears when this one says it
FORBIDDEN = [
    ("sc1.eu1", topic) for topic in (
        EU2 + "up/meas", SLV + "uc0/m1/up/meas", EU2 + "dn/sw.req", EU1 + "dn/sw.req",
        SLV + "uc0/all/dn/sw.req", SLV + "uc1/all/dn/sw.req", S1 + "up/hb", S1 + "dn/sw.req",
        MST + "all/dn/time", MAN + "up/tele", MAN + "dn/sc.cmd", MAN + "st",
        EU1 + "up", EU1 + "up/a/b", "other", "slvg/1/man/sc2/st")
] + [
    ("sc1.s1", MAN + "up/tele"), ("sc1.s1", EU1 + "dn/sw.req"), ("sc1.s1", MST + "r1/up/hb"),
    ("sc1.s1", MST + "r1/dn/sw.req"), ("sc1.s1", EU2 + "up/meas"), ("sc1.r1", S1 + "dn/sw.req"),
    ("sc1.r1", MST + "r2/dn/sw.req"), ("sc1.r1", MST + "r2/up/hb"),
    ("sc1.r1", MST + "s1/dn/rc.st"),
    ("sc1.r2", SLV + "uc0/gen/dn/gen.set"), ("sc1.eu1", MST + "r1/dn/rc.st"),
    ("sc1.gen", MST + "r1/dn/rc.st"),
    ("sc1.bat", SLV + "uc2/bat/dn/mg.set"), ("sc1.mg1", EU1 + "dn/sw.req"),
    ("sc1.mg1", SLV + "uc2/bat/up/mg.st"), ("sc1.mg1", MAN + "up/mg.rep"),
    ("sc1.cd", MAN + "dn/sc.cmd"), ("sc1.cd", EU1 + "up/meas"), ("sc1.cd", EU2 + "dn/sw.req"),
    ("sc1.cd", "slvg/1/man/sc2/up/tele"), ("sc1.cd", "slvg/1/mst/sc2/s1/dn/sw.req"),
    ("sc2.cd", MAN + "up/tele"), (CENTRE, MAN + "up/tele"), (CENTRE, S1 + "dn/sw.req"),
    (CENTRE, EU1 + "dn/sw.req"),
]


@pytest.fixture(scope="module")
def ring():
    return Keyring.make(None, STREET)


@pytest.fixture(scope="module", params=["mosquitto", "amqtt"])
def there(request, ring):
    if request.param == "mosquitto":
        need_mosquitto()
    with broker.start(request.param, keyring=ring) as one:
        yield one


def filters(ring, user):
    """What a controller subscribes to: amqtt refuses more, mosquitto delivers no more."""
    known = rights.users(ring.identities(), "both")
    return [topic for way, topic in known[user] if way == "read"]


def leaks(there, ring, wide):
    """(what is legitimate and does not arrive, what is forbidden and does)."""
    words = ring.passwords()
    users = sorted(words)
    with Parties(there, words) as all_:
        # everybody asks for everything as well, retained or not
        at = {u: all_.party(u).hear(*filters(ring, u), *(["slvg/1/#"] if wide else []))
              for u in users}
        assert all(one.up for one in at.values())
        for number, (user, topic) in enumerate(FORBIDDEN):
            at[user].say(topic, b"bad%d" % number, number % 2 == 1)
        missing = []
        for number, (user, topic, hearers) in enumerate(LEGITIMATE):
            at[user].say(topic, b"good%d" % number)
            missing += [(user, topic, h) for h in hearers
                        if not at[h].wait(topic, b"good%d" % number)]
        heard = {(h, topic) for h, one in at.items() for topic, raw in one.heard}
        bad = {(h, t) for h, one in at.items() for t, raw in one.heard if raw[:3] == b"bad"}
        allowed = {(h, t) for _, t, hs in LEGITIMATE for h in hs}
    with Parties(there, words) as all_:     # retained poison lies in wait for who comes later
        for user in users:
            late = all_.party(user).hear(*filters(ring, user))
            late.wait("", wait_s=0.05)
            bad |= {(user, t) for t, raw in late.heard if raw[:3] == b"bad"}
    return missing, bad | (heard - allowed)


def test_each_says_and_hears_his_own_and_nothing_else_arrives(there, ring):
    missing, leaked = leaks(there, ring, there.kind == "mosquitto")
    assert missing == [] and leaked == set()


@pytest.mark.parametrize("line", [
    "topic write slvg/1/slv/sc1/+/+/up/+", "topic write slvg/1/slv/sc1/uc0/+/dn/+",
    "topic readwrite slvg/1/man/#", "topic read slvg/1/slv/sc1/uc0/+/up/+"])
def test_an_access_list_with_a_wildcard_too_many_is_found_out(ring, line):
    need_mosquitto()
    good = ring.material()
    wide = good.acl.replace("user sc1.eu1\n", f"user sc1.eu1\n{line}\n")
    assert wide != good.acl
    with broker.start("mosquitto", material=dataclasses.replace(good, acl=wide)) as one:
        assert leaks(one, ring, True)[1]


def test_nobody_connects_as_another_or_as_nobody(there, ring):
    words = ring.passwords()
    with Parties(there, words) as all_:
        for user, word in (("", ""), ("sc1.eu1", ""), ("sc1.eu1", words["sc1.eu2"]),
                           ("sc1.cd", words["sc1.eu1"]), ("eu1", words["sc1.eu1"]),
                           (CENTRE, words["sc1.cd"])):
            assert not all_.party(user, word=word).up


def test_an_operator_leaves_no_will_in_man(there, ring):
    with Parties(there, ring.passwords()) as all_:
        centre = all_.party(CENTRE).hear(*filters(ring, CENTRE))
        bad = all_.party("sc1.eu1", will=MAN + "st")
        bad.vanish()
        assert not centre.wait(MAN + "st", b"poison", 1.0)
        good = all_.party("sc1.cd", will=MAN + "st")
        assert good.up
        good.vanish()
        assert centre.wait(MAN + "st", b"poison")
    with Parties(there, ring.passwords()) as all_:
        all_.party("sc1.cd").say(MAN + "st", b"", True)     # retained no longer


def test_an_operator_throws_nobody_out_by_his_client_id(there, ring):
    if there.kind == "amqtt":
        pytest.skip("amqtt knows clients by their id alone, and says so")
    with Parties(there, ring.passwords()) as all_:
        victim = all_.party("sc1.eu2", client_id="eu2").hear(EU2 + "dn/+")
        for name in ("eu2", "sc1.eu2"):
            all_.party("sc1.eu1", client_id=name)
        assert not victim.ended(0.5) and victim.up
        s1 = all_.party("sc1.s1")
        s1.say(EU2 + "dn/sw.req", b"still there")
        assert victim.wait(EU2 + "dn/sw.req", b"still there")


def test_a_revoked_one_is_thrown_out_at_once_and_stays_out():
    need_mosquitto()
    ring = Keyring.make(None, STREET)
    with broker.start("mosquitto", keyring=ring) as one, Parties(one, ring.passwords()) as all_:
        lost = all_.party("sc1.eu1")
        other = all_.party("sc1.eu2").hear(EU2 + "dn/+")
        assert lost.up
        ring.revoke("sc1.eu1")
        one.change(ring.material())
        assert lost.ended()                 # thrown out while he is connected
        assert not all_.party("sc1.eu1").up
        all_.party("sc1.s1").say(EU2 + "dn/sw.req")
        assert other.wait(EU2 + "dn/sw.req")        # the others stay as they are


def test_the_broker_of_one_net_knows_nobody_of_the_other(ring):
    assert set(ring.passwords("man")) == {"sc1.cd", "sc2.cd", CENTRE}
    assert CENTRE not in ring.passwords("lan") and "/man/" not in ring.acl("lan")
    assert "/slv/" not in ring.acl("man") and "/mst/" not in ring.acl("man")
    assert ring.passwords("man")["sc1.cd"] != ring.passwords("lan")["sc1.cd"]
    assert not [user for user in ring.passwords("lan", "sc1") if user.startswith("sc2")]
