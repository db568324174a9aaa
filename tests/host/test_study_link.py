"""`slvg study link`: a short sample against a real broker; and each of its counters is shown to
count, with a design that is wrong on purpose.

The trials of this file run side by side, since they mostly wait.
"""
import json
import os
import random
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from typer.testing import CliRunner

from acu import messages
from host_sim.net import mosquitto, packets
from host_sim.net.broker import BrokerError
from host_sim.net.faults import RST, STALL, Cut
from host_sim.study import link, link_attack, link_fuzz, link_many
from host_sim.study.link_centre import Receiver
from host_sim.study.link_plant import DOWN, NoUmqtt, drivers
from host_sim.study.link_trial import Design, Timeline, Trial
from slvg.study import study


class Wrapped:
    """A MqttLink of which one thing is wrong."""

    def __init__(self, link):
        self._link = link

    def __getattr__(self, name):
        return getattr(self._link, name)


class Forgetful(Wrapped):
    """Takes what it was given for delivered: nobody waits for a PUBACK."""

    def publish(self, topic, payload, qos, retain):
        return min(self._link.publish(topic, payload, qos, retain), 1)


class Sluggish(Wrapped):
    """Waits 11 s before it tries again."""

    def __init__(self, link):
        super().__init__(link)
        self._was_up, self._until = False, 0.0

    def poll(self, on_message):
        if self._was_up and not self._link.up:
            self._until = time.monotonic() + 11
        self._was_up = self._link.up
        if time.monotonic() >= self._until:
            self._link.poll(on_message)


def no_memory(acu):
    """A receiver that knows no number and no counter of what it has taken."""
    receive = acu.net.receive
    acu.net.auth.floor = lambda src: -1
    acu.net.auth.reserve = lambda src, k: None

    def forgetting(now_ms, raw, *more, **named):
        acu.net._seen.clear()
        return receive(now_ms, raw, *more, **named)
    acu.net.receive = forgetting


def no_keys(acu):
    """Takes anything for a code."""
    acu.net.auth.verify = lambda raw, h, dst: True


def deaf(acu):
    """Throws commands away."""
    accept = acu.accept

    def throws(now_ms, topic, raw):
        return None if topic.endswith("sw.req") else accept(now_ms, topic, raw)
    acu.accept = throws


def cut_pubacks(t):
    """The broker has the event, and the cabinet never hears so."""
    for _ in range(2):
        since, before = t.cabinet.sessions, t.proxy.counts["cuts"]
        t.proxy.down.cut = Cut(packets.PUBACK, 0, RST)
        t.wait(lambda n=before: t.proxy.counts["cuts"] > n, 10, "a PUBACK")
        t.back(since)


def cut_events(t):
    """The cabinet has sent the event, and the broker never got it."""
    since = t.cabinet.sessions
    t.proxy.up.cut = Cut(packets.PUBLISH, 40, STALL)
    t.run(2)
    t.proxy.kill()
    t.back(since)


def doubled(t):
    t.proxy.up.double = t.proxy.down.double = 1.0
    t.run(5)


def killed(t):
    t.run(1)
    since = t.cabinet.sessions
    t.proxy.kill()
    t.back(since)


def forged(t):
    with link_attack.Attacker(t) as he:
        for _ in range(5):
            he.say("forged", DOWN + "sw.req", he.sign("sw.req", None))
            t.run(0.3)


def group_key(t):
    """Every Operator has it: it must not do more than open what is dead, nor hinder the parent."""
    with link_attack.Attacker(t) as he:
        for kind in ("cfg", "phs.req", "sw.req", "cfg"):
            he.say("to all", link_attack.ALL + kind, he.sign(kind, t.group, "*"))
            t.run(0.3)
    before = t.cabinet.accepted.total()
    t.wait(lambda: t.cabinet.accepted.total() > before + 2, 5, "another command")


def slow(t):
    t.run(11)


# name: what happens, in which design
SAMPLE = {
    "good": (killed, Design()), "good, doubled": (doubled, Design()),
    "good, no PUBACK": (cut_pubacks, Design()), "good, attacked": (forged, Design()),
    "good, group key": (group_key, Design()),
    "good, event cut": (cut_events, Design()),
    "forgetful": (cut_events, Design(link=Forgetful)),
    "blind": (doubled, Design(blind=True)),
    "no memory": (doubled, Design(twist=no_memory)),
    "no keys": (forged, Design(twist=no_keys)),
    "deaf": (slow, Design(twist=deaf)),
    "sluggish": (killed, Design(link=Sluggish)),
}


def play(name):
    """What came of it. One that never began, on a machine that had no time for it, is no trial:
    once more then."""
    happens, design = SAMPLE[name]
    for _ in range(2):
        with Trial(7, design=design, kind="mosquitto") as trial:
            happens(trial)
            one = trial.finish(6)
        if not any("first connection" in failure for failure in one["failures"]):
            break
    return one


@pytest.fixture(scope="module")
def found():
    try:
        drivers()
        link.check()
    except (NoUmqtt, BrokerError) as e:
        if os.environ.get("SLVG_REQUIRE_BROKER") == "1":
            pytest.fail(str(e))
        pytest.skip(str(e))
    # a few at once: each is a whole cabinet in real time, and this is one interpreter
    with ThreadPoolExecutor(3) as side_by_side:
        return dict(zip(SAMPLE, side_by_side.map(play, SAMPLE), strict=True))


def losses(one):
    return {key: one[key] for key, most in link.GOALS.items() if one[key] > most}


@pytest.mark.parametrize("name", [name for name in SAMPLE if name.startswith("good")])
def test_the_firmware_loses_and_doubles_nothing(found, name):
    one = found[name]
    assert one["failures"] == [] and losses(one) == {}
    assert one["executed"] >= 1 and one["events"] >= 3


def test_what_was_to_go_wrong_did(found):
    assert found["good"]["reconnects"] == 1 and found["good"]["reconnect_s_max"] > 0
    assert found["good, doubled"]["events_raw_doubled"] > 0
    assert found["good, doubled"]["dropped"]["DOUBLED"] > 0
    assert found["good, no PUBACK"]["events_raw_doubled"] > 0
    assert found["good, attacked"]["dropped"]["UNAUTHENTIC"] == 5
    assert found["good, group key"]["dropped"]["UNAUTHENTIC"] == 3
    # refused for its own voltage, or, while a contact moves, since its counter could not be stored
    one = found["good, group key"]
    assert one["foreign_refused"] + one["dropped"].get("UNKEPT", 0) == 1
    assert found["good, event cut"]["proxy"]["cuts"] == 1


@pytest.mark.parametrize("name, key", [
    ("forgetful", "events_lost"), ("blind", "events_doubled"), ("no memory", "commands_doubled"),
    ("no keys", "unauthorised"), ("deaf", "commands_lost"), ("sluggish", "reconnect_s_max")])
def test_a_wrong_design_is_counted(found, name, key):
    assert key in losses(found[name])


def test_more_messages_than_packet_numbers_need_numbers_that_wrap(found):
    """Not 66,000 of them here: the link begins shortly before its numbers end."""
    mqtt_link, _ = drivers()

    def late(*given):
        made = mqtt_link.MqttLink(*given)
        made._client.pid = 65_400
        return made
    told = link_many.play(1, 400, make=late)
    assert (told["events_lost"], told["events_doubled"], told["failures"]) == (0, 0, [])

    class Ending(mqtt_link.MqttLink):
        def publish(self, *what):
            return super().publish(*what) if self._client.pid < 65_535 else 0

    def never(*given):
        made = Ending(*given)
        made._client.pid = 65_400
        return made
    link_many._STUCK_S, kept = 1.0, link_many._STUCK_S
    try:
        assert link_many.play(1, 400, make=never)["failures"] != []
    finally:
        link_many._STUCK_S = kept


# -- accounts, without a network

def test_a_timeline_knows_its_longest_good_stretch():
    t = Timeline()
    for at, good in ((1.0, True), (4.0, False), (5.0, True), (7.0, False), (9.0, True)):
        t.note(good, at)
    assert t.longest_s(0.0, 10.0) == 3.0 and t.longest_s(3.0, 10.0) == 2.0
    assert t.longest_s(9.5, 12.0) == 2.5 and t.longest_s(7.5, 8.5) <= 0


def event(n, ts, serial):
    return {"s": "eu1", "n": n, "ts": ts, "t": "evt", "b": {"code": "TST", "val": serial}}


def test_the_receiver_takes_each_once_though_numbers_come_again_in_a_day():
    r = Receiver()
    assert [r.take(event(*one)) for one in ((1, 10, 0), (1, 10, 0), (1, 99, 1), (2, 10, 2))] == [
        True, False, True, True]
    assert (sum(r.got.values()), r.raw_doubles) == (3, 1)
    r = Receiver(blind=True)
    for _ in range(2):
        r.take(event(1, 10, 0))
    assert r.got[0] == 2


def test_with_full_each_byte_of_each_packet_is_cut_once():
    for name in ("cut_command", "cut_publish", "cut_connack", "cut_puback"):
        size = link.BY_NAME[name].bytes
        jobs = link.jobs_of([name], True, 1)
        assert sorted(k for job in jobs for k in job[2]) == list(range(size + 1))
        assert link.jobs_of([name], False, 1) == link.jobs_of([name], False, 1)
    # as long as the packets are: topic, number, message
    frame = messages.encode("sw.req", "cd", "eu1", 65535, 65535, 1_795_881_404_774, {
        "on": 1, "sel": 1, "why": 3, "t_ms": 0, "lease_s": 0}, lambda raw: "0" * 16, 1 << 20,
        1_795_881_414_774)
    assert 0 <= link.BY_NAME["cut_command"].bytes - (len(frame) + len(DOWN + "sw.req") + 7) < 20


def trial(**more):
    return dict.fromkeys(link.SUMS, 0) | {"reconnect_s_max": 1.5, "wall_s": 10.0, "dropped": {},
                                            "proxy": {"cuts": 2}, "failures": []} | more


def test_parts_add_up_and_each_loss_misses_a_goal():
    told = link.figures({"cut_command": [trial(sent=3), trial(sent=4, reconnect_s_max=2.5)],
                         "none": [trial(dropped={"STALE": 1})]})
    assert told["faults"]["cut_command"] | {"sent": 7, "reconnect_s_max": 2.5, "trials": 2} == (
        told["faults"]["cut_command"])
    assert told["total"]["sent"] == 7 and told["total"]["proxy"] == {"cuts": 6}
    assert told["goals_missed"] == [] and list(told["faults"]) == ["none", "cut_command"]
    for key in ("commands_lost", "commands_doubled", "events_lost", "events_doubled",
                "unauthorised"):
        assert link.figures({"none": [trial(**{key: 1})]})["goals_missed"] == [f"none {key} = 1"]
    assert link.figures({"none": [trial(reconnect_s_max=10.1)]})["goals_missed"] != []


def test_the_command_says_what_was_lost_and_ends_with_1(monkeypatch, tmp_path):
    found = link.figures({"loss": [trial(events_lost=2, failures=["no link within 20 s"])]})
    monkeypatch.setattr(link, "run", lambda *args: found)
    monkeypatch.setattr(link, "check", lambda: None)
    out = tmp_path / "x.json"
    done = CliRunner().invoke(study, ["link", "--fault", "loss", "--fuzz", "300",
                                    "--json", str(out), "--report", str(tmp_path / "r")])
    assert done.exit_code == 1
    assert "E463 study link: loss events_lost = 2. Play it again" in done.output
    assert "E464 study link: loss: no link within 20 s" in done.output
    told = json.loads(out.read_text())
    assert told["total"]["events_lost"] == told["faults"]["loss"]["events_lost"] == 2
    assert (told["fuzz"]["messages"], told["fuzz"]["taken"]) == (300, 0)
    page = (tmp_path / "r/link.html").read_text()
    assert "FAIL" in page and "30 % of the segments are lost" in page


def test_bad_input_is_told_before_anything_is_played(monkeypatch):
    done = CliRunner().invoke(study, ["link", "--fault", "flood"])
    assert done.exit_code == 2 and "E462 study link: --fault flood" in done.output
    monkeypatch.setattr(mosquitto, "find", lambda: "")
    done = CliRunner().invoke(study, ["link"])
    assert done.exit_code == 2 and ("E461" in done.output or "E460" in done.output)


# -- fuzz: see also test_messages_fuzz.py

def test_the_fuzz_would_notice():
    target = link_fuzz.Target(1)
    target.acu.net.auth.verify = lambda raw, h, dst: True       # no code is checked
    told = link_fuzz.play(target, 3000, 1)
    assert told["taken"] > 0 and told["changes"] > 0 and told["exceptions"] == 0
    target = link_fuzz.Target(1)
    target.acu.handle = lambda now_ms, topic, msg: msg["b"]["nothing"]
    assert link_fuzz.play(target, 3000, 1)["exceptions"] > 0
    target = link_fuzz.Target(1)
    target.acu.on_message(DOWN + "sw.req", target.command(random.Random(1)))
    target.instant()
    assert target.state() != link_fuzz.Target(1).state()        # a good command does something
