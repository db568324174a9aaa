"""`slvg sim --broker`: a circuit over real brokers, with keys, rights and the boards' own links.

The assay as a whole, over mosquitto with TLS and over amqtt; and that what a broker withholds is
seen. Skipped without umqtt.simple or, for mosquitto, without one, but not in CI.
"""
import json
import os

import pytest
from typer.testing import CliRunner

from host_sim.net import board_link, mosquitto
from host_sim.net.keyring import Keyring
from host_sim.scenario import load
from host_sim.scenario.complaints import InputError
from host_sim.scenario.over_broker import OverBroker
from host_sim.scenario.runner import Run
from slvg.cli import app


@pytest.fixture(autouse=True)
def umqtt():
    try:
        board_link.drivers()
    except InputError as e:
        if os.environ.get("SLVG_REQUIRE_BROKER") == "1":
            raise
        pytest.skip(str(e))


@pytest.fixture(params=["mosquitto", "amqtt"])
def kind(request):
    if request.param == "mosquitto" and not mosquitto.find():
        if os.environ.get("SLVG_REQUIRE_BROKER") == "1":
            pytest.fail("no mosquitto")
        pytest.skip("no mosquitto")
    return request.param


def test_the_assay_is_the_same_over_a_broker(kind, tmp_path):
    file = tmp_path / "a.json"
    tls = ["--tls"] if kind == "mosquitto" else []
    done = CliRunner().invoke(app, ["sim", "assay", "--level", "quantity", "--broker", kind, *tls,
                                    "--json", str(file), "-q"])
    assert done.exit_code == 0, done.output
    through = json.loads(file.read_text())["broker"]
    assert through["kind"] == kind and through["tls"] == bool(tls)
    assert through["same_log"] and through["same_panel"] and through["withheld"] == 0
    # the Coordinator is on both brokers, the centre on MAN's, the three Operators on the LAN's
    assert through["sessions"] == 6 and through["delivered"] > 250


def test_what_a_broker_withholds_is_seen(monkeypatch):
    """A right too few, and a right that is somebody else's."""
    whole = Keyring.acl
    monkeypatch.setattr(Keyring, "acl", lambda self, net="both", sc="": whole(
        self, net, sc).replace("topic write slvg/1/slv/sc1/uc0/eu2/up/+",
                               "topic write slvg/1/slv/sc1/uc0/eu3/up/+"))
    monkeypatch.setattr("host_sim.scenario.brokered._PATIENCE_S", 0.5)
    scenario = load.load("assay")
    one = Run(scenario, level="quantity", net=OverBroker(scenario, "auto"))
    while one.t_us < 1_000_000:
        one.step()
    figures = one.finish().broker
    assert figures["withheld"] and all(
        where.startswith("slvg/1/slv/sc1/uc0/eu2/up/") for where in figures["missing"])


def test_a_circuit_whose_keys_do_not_fit_is_told(monkeypatch):
    """Signed with another key, no command moves anything: the panel is not the same."""
    scenario = load.load("assay")
    net = OverBroker(scenario, "auto")
    net._keys = {name: [b"x" * 32] for name in net._keys}
    one = Run(scenario, level="quantity", net=net)
    while one.t_us < 2_000_000:
        one.step()
    cd = one.firmware.units[scenario.coordinator().id].acu
    assert not cd.sync.synchronised(cd.clock.now_ms())      # the centre's time is refused
    one.finish()


def test_options_that_need_a_broker():
    done = CliRunner().invoke(app, ["sim", "assay", "--tls"])
    assert done.exit_code == 2 and "--broker" in done.output
    done = CliRunner().invoke(app, ["sim", "recloser", "--broker", "auto"])
    assert done.exit_code == 2
