"""The rights that the keyring gives are those that the firmware needs: all that the controllers of
scenarios subscribe and publish is allowed, each by its own name."""
import dataclasses

import pytest

from host_sim.bench import spec_of
from host_sim.board.bus import Bus
from host_sim.net import access, rights
from host_sim.net.identities import CENTRE
from host_sim.net.keyring import Keyring
from host_sim.scenario import load
from host_sim.scenario.controllers import controllers
from host_sim.scenario.runner import run


def test_all_that_is_said_and_subscribed_in_a_street_is_allowed(monkeypatch):
    scenario = dataclasses.replace(load.load("assay_scd"), run_us=15_000_000)
    rules = access.read(Keyring.make(None, controllers("assay_scd")).acl())
    seen, wrong = set(), set()
    join, publish = Bus.join, Bus.publish

    def joining(self, node, filters, t_us):
        seen.add(node)
        wrong.update((node, "read", f) for f in filters
                     if not access.allows(rules, _user(node), "read", f))
        return join(self, node, filters, t_us)

    def publishing(self, t_us, node, topic, *rest):
        if not access.allows(rules, _user(node), "write", topic):
            wrong.add((node, "write", topic))
        return publish(self, t_us, node, topic, *rest)

    monkeypatch.setattr(Bus, "join", joining)
    monkeypatch.setattr(Bus, "publish", publishing)
    run(scenario, level="quantity")
    assert {acu.id for acu in scenario.acus} <= seen and wrong == set()


def _user(node):
    return node if node == CENTRE else f"sc1.{node}"


@pytest.mark.parametrize("role", ["operator", "meter", "recloser", "microgrid", "coordinator"])
def test_each_role_has_rights_and_no_wildcard_over_several_levels(role):
    config = spec_of(role)["config"] | {"members": [], "via": [], "prio": []}
    ring = Keyring.make(None, [config])
    for user, mine in rights.users(ring.identities(), "both").items():
        assert mine and not [t for _, t in mine if "#" in t or not t.startswith("slvg/1/")]
        if user.split(".")[-1] == config["id"] and role != "coordinator":
            assert not [t for way, t in mine if "/man/" in t]
            assert not [t for way, t in mine if way == "write" and "+" in t.split("/up/")[0]]
