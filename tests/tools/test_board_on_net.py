"""A virtual board with keys at a real mosquitto, over TLS, after `slvg flash --keys`."""
import time

import pytest

from host_sim.build import UMQTT, build
from host_sim.net import broker, bundle
from host_sim.net.keyring import Keyring
from host_sim.net.mosquitto import find
from host_sim.net.nets import Nets, Wifi
from host_sim.virtual.board import VirtualBoard
from slvg.flash import failure, flash, keys_of
from slvg.flash_link import Link
from slvg.flash_sim import MAINT_S

BOARD = "pico_w_operator"
SETTINGS = {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0"}


def wait_for(text, there, wait_s):
    end_s = time.monotonic() + wait_s
    while text not in there.log:
        assert time.monotonic() < end_s, f"no {text!r} in {wait_s} s: {there.log[-1500:]}"
        time.sleep(0.2)


@pytest.mark.skipif(not find(), reason="no mosquitto")
def test_a_flashed_board_connects_and_comes_again_when_the_broker_does(vm, tmp_path):
    built = build(BOARD, ("operator",), "x86")
    if UMQTT not in built.slot:
        pytest.skip("no umqtt.simple: run `make setup`")
    ring = Keyring.make(None, [SETTINGS], client_certs=True)
    with broker.start("mosquitto", keyring=ring, tls=True) as there, \
            VirtualBoard(BOARD, tmp_path / "flash.img") as board:
        nets = Nets.local(there.tls_port)
        nets.wifi = Wifi(ssid="post", password="password", country="ES")
        ring.nets = nets
        bundle.write(tmp_path / "eu1.json", ring.bundle("eu1"))
        link = Link(board.port)
        try:
            receipt = flash(link, built, SETTINGS, maint_s=MAINT_S,
                            records=keys_of(tmp_path / "eu1.json", SETTINGS))
        finally:
            link.close()
        assert receipt["good"], failure(receipt)
        wait_for(" as sc1.eu1 ", there, 30)
        there.kill()
        before = there.log.count(" as sc1.eu1 ")
        there.restart()
        began_s = time.monotonic()
        while there.log.count(" as sc1.eu1 ") == before:
            assert time.monotonic() - began_s < 15, there.log[-1500:]
            time.sleep(0.1)
