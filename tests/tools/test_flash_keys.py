"""slvg flash --keys: a controller's bundle reaches a virtual board's store whole, and nothing of
it the receipt; another's, or one that is none, is refused before."""
import json

import pytest
from typer.testing import CliRunner

from host_sim.build import build
from host_sim.net import bundle
from host_sim.net.keyring import Keyring
from host_sim.scenario.complaints import InputError
from host_sim.virtual.board import VirtualBoard
from slvg.cli import app
from slvg.flash import failure, flash, keys_of
from slvg.flash_link import FlashError, Link
from slvg.flash_sim import MAINT_S

BOARD = "pico_w_operator"
SETTINGS = {"id": "eu1", "role": "operator", "sc": "sc1", "uc": "uc0"}


@pytest.fixture()
def ring():
    return Keyring.make(None, [SETTINGS, SETTINGS | {"id": "eu2"}], client_certs=True)


def test_a_bundle_is_placed_and_the_receipt_tells_no_secret(vm, tmp_path, ring):
    file, said = tmp_path / "eu1.json", []
    one = ring.bundle("eu1")
    bundle.write(file, one)
    records = keys_of(file, SETTINGS)
    with VirtualBoard(BOARD, tmp_path / "flash.img") as board:
        link = Link(board.port)
        try:
            receipt = flash(link, build(BOARD, ("operator",), "x86"), SETTINGS, maint_s=MAINT_S,
                            records=records, say=said.append)
            assert receipt["good"], failure(receipt)
            assert receipt["records"] == ["/data/keys.a", "/data/keys.ca", "/data/keys.crt",
                                          "/data/keys.key", "/data/keys.net.a"]
            link.maintenance("")
            link.repl(fresh=True)
            for name, data in records.items():
                there = link.run(f'import binascii; print(binascii.hexlify(open("/data/{name}", '
                                 '"rb").read()).decode())', "it was read")
                assert there.strip() == data.hex()
        finally:
            link.close()
    told = json.dumps(receipt) + "".join(said)
    secret = [key for keys in one["keys"].values() for key in keys] + [
        one["net"]["lan"]["password"], one["key"][40:80]]
    assert not [word for word in secret if word in told]


def test_anothers_bundle_or_none_is_refused_before(tmp_path, ring):
    file = tmp_path / "b.json"
    bundle.write(file, ring.bundle("eu1"))
    assert keys_of(None, SETTINGS) == {}
    assert sorted(keys_of(file, SETTINGS))[0] == "keys.a"
    for settings in (None, SETTINGS | {"id": "eu2"}, SETTINGS | {"role": "meter"},
                     SETTINGS | {"sc": "sc2"}):
        with pytest.raises(FlashError, match="E453"):
            keys_of(file, settings)
    with pytest.raises(InputError, match="E450"):
        keys_of(tmp_path / "none", SETTINGS)
    file.write_text("{}")
    with pytest.raises(InputError, match="E450"):
        keys_of(file, SETTINGS)


def test_the_command_refuses_it_with_code_2(tmp_path, ring):
    settings, file = tmp_path / "eu2.json", tmp_path / "b.json"
    settings.write_text(json.dumps(SETTINGS | {"id": "eu2"}))
    one = ring.bundle("eu1")
    bundle.write(file, one)
    done = CliRunner().invoke(app, ["flash", "--sim", "--board", BOARD, "--settings",
                                    str(settings), "--keys", str(file)])
    assert done.exit_code == 2 and "E453" in done.output
    assert one["keys"][""][0] not in done.output
