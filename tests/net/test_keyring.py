"""A utility's keyring: who holds which key, what a second make, a rotation and a revocation
change, and that nothing secret is ever shown."""
import base64
import json
import re
import stat
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from acu.primitives import recording
from host_sim.board.doors import SimStore
from host_sim.net import bundle, certificates, stored
from host_sim.net.identities import CENTRE
from host_sim.net.keyring import Keyring, fingerprint
from host_sim.scenario.complaints import InputError
from slvg.cli import app
from tests.net.parties import STREET

NET = """[wifi]
ssid = "post"
password = "correct horse"
[lan]
host = "post1"
[man]
host = "u"
"""
call = CliRunner().invoke


def secrets_of(folder):
    """Every secret of a keyring, in each form in which it could slip out."""
    raw = json.loads((folder / stored.FILE).read_text())
    found = {"correct horse"}

    def walk(what, key=""):
        if isinstance(what, dict):
            for k, v in what.items():
                walk(v, k if key not in ("passwords", "keys") else key)
        elif isinstance(what, list):
            for v in what:
                walk(v, key)
        elif key in ("keys", "passwords"):
            found.add(what)
            if key == "keys":
                found.add(base64.b64encode(bytes.fromhex(what)).decode())
        elif key == "key":
            found.add(what[40:80])
    walk(raw)
    assert len(found) > 20
    return found


@pytest.fixture()
def folder(tmp_path):
    settings = tmp_path / "street"
    settings.mkdir()
    for one in STREET[:7]:
        (settings / f"{one['id']}.json").write_text(json.dumps(one))
    made = tmp_path / "keys"
    done = call(app, ["keys", "make", str(settings), "--keyring", str(made), "--client-certs",
                      "--name", "post1", "--man-name", "u"])
    assert done.exit_code == 0, done.output
    (made / "net.toml").write_text(NET)
    return made


def test_who_holds_what():
    ring = Keyring.make(None, STREET)

    def names(who):
        return set(ring.bundle(who)["keys"])

    assert names("eu1") == names("m1") == names("s1") == {"", "*"}
    assert names("r1") == {"", "*", "r2", "gen"} and names("r2") == {"", "*", "r1"}
    assert names("sc1.cd") == {"", "*", "eu1", "eu2", "m1", "s1", "r1", "r2", "mg1"}
    assert names("mg1") == {"", "*", "bat"}
    assert names("bat") == names("gen") == {""}
    assert names(CENTRE) == {"", "sc1.cd", "sc2.cd"}
    eu1, cd = ring.bundle("eu1")["keys"], ring.bundle("sc1.cd")["keys"]
    assert eu1[""] == cd["eu1"] and eu1["*"] == cd["*"] and cd["*"] != ring.bundle(
        "sc2.cd")["keys"]["*"]
    assert ring.scc_keys("sc1")["cd"] == [bytes.fromhex(cd[""][0])]
    every = [key for who in ("sc1.cd", "eu1", "eu2", "s1", "r1", "r2", "m1", "mg1", "bat", "gen",
                                CENTRE)
             for key in ring.bundle(who)["keys"][""]]
    assert len(set(every)) == len(every) == 11


def test_the_boards_files_are_what_the_firmware_reads():
    ring = Keyring.make(None, STREET, client_certs=True)
    ring.rotate("eu1")
    made = bundle.files(ring.bundle("sc1.cd"))
    store = SimStore()
    store.files = made
    body = recording.Record(store, "keys").load()
    assert body[0] == 1 and body[1] == 0 and body[2] == 1
    found, at = {}, 1
    while at < len(body):
        name = body[at + 1:at + 1 + body[at]].decode()
        at += 1 + body[at]
        found[name] = [body[at + 1 + 32 * k:at + 33 + 32 * k].hex() for k in range(body[at])]
        at += 1 + 32 * body[at]
    assert found == ring.bundle("sc1.cd")["keys"] and len(found["eu1"]) == 2
    net = recording.Record(store, "keys.net").load()
    assert net[0] == 1 and json.loads(net[1:])["lan"]["user"] == "sc1.cd"
    assert certificates.common_name(made["keys.crt"]) == "sc1.cd"
    assert sorted(made) == ["keys.a", "keys.ca", "keys.crt", "keys.key", "keys.net.a"]


def test_a_second_make_changes_nothing_and_a_third_adds_the_newcomer(folder, tmp_path):
    before = (folder / stored.FILE).read_bytes()
    again = ["keys", "make", str(tmp_path / "street"), "--keyring", str(folder), "--client-certs",
             "--name", "post1", "--man-name", "u"]
    assert call(app, again).exit_code == 0
    assert (folder / stored.FILE).read_bytes() == before
    (tmp_path / "street" / "eu9.json").write_text(json.dumps(STREET[1] | {"id": "eu9"}))
    assert "sc1.eu9" in call(app, again).output
    old, new = json.loads(before), json.loads((folder / stored.FILE).read_text())
    del new["circuits"]["sc1"]["held"]["eu9"]
    assert old == new
    assert (folder / "net.toml").read_text() == NET


def test_secrets_are_for_their_owner_alone_and_never_shown(folder, tmp_path):
    for path in (folder, *folder.iterdir()):
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600) or (
            path.name == "net.toml")        # which the test wrote
    there, secret = ["--keyring", str(folder)], secrets_of(folder)
    said = ""
    out = tmp_path / "b.json"
    for words in (["show"], ["show", "--json", "-"], ["rotate", "eu1", "--json", "-"],
                  ["rotate", "eu1"], ["rotate", "nobody"], ["bundle", "eu1", "--out", str(out)],
                  ["bundle", "all", "--out", str(tmp_path / "all")], ["acl"], ["revoke", "eu2"],
                  ["bundle", "eu2", "--out", str(out)], ["bundle", "cd", "--out", "/nowhere/b"]):
        done = call(app, ["keys", *words, *there])
        said += done.output + repr(done.exception)
        secret |= secrets_of(folder)
    said += call(app, ["broker", *there, "--folder", str(tmp_path / "b"), "--net", "lan",
                       "--json", "-"]).output
    for path in [out, *(tmp_path / "all").iterdir(), *(tmp_path / "b").rglob("*")]:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600)
    assert not [one for one in secret if one in said]
    assert not [one for one in secret if one in (tmp_path / "b" / "passwords").read_text()]
    ring = Keyring.load(folder)
    shown = repr(ring) + repr(ring.material("lan")) + repr(ring._what) + repr(ring._what.ca) + \
        repr(ring._held(ring.find("eu1")))
    assert not [one for one in secret if one in shown]


@pytest.mark.parametrize("spoil", [
    lambda raw: raw[:-40], lambda raw: raw.replace('"v": 1', '"v": 2'),
    lambda raw: re.sub(r'"keys": \[\s*"..', '"keys": ["', raw), lambda raw: "[]"])
def test_a_damaged_keyring_is_refused_without_telling_of_it(folder, spoil):
    secret = secrets_of(folder)
    path = folder / stored.FILE
    path.write_text(spoil(path.read_text()))
    done = call(app, ["keys", "show", "--keyring", str(folder)])
    assert done.exit_code == 2 and "E443" in done.output
    assert not [one for one in secret if one in done.output]


def test_a_wrong_net_toml_is_told_by_its_key_and_not_by_what_stands_there(folder, tmp_path):
    for text, where in (('[wifi]\nssid = "post"\npassword = 12345678\n', "password"),
                        ('[wifi]\nssid = "post"\npasword = "12345678"\n', "pasword"),
                        ('[wifi]\nssid = ""\npassword = "12345678"\n', "ssid"),
                        ('[wifi]\nssid = "post"\npassword = "123"\n', "password"),
                        (NET + "port = 99999\n", "port")):
        (folder / "net.toml").write_text(text)
        done = call(app, ["keys", "bundle", "eu1", "--keyring", str(folder), "--out",
                          str(tmp_path / "b")])
        assert done.exit_code == 2 and "E446" in done.output and where in done.output
        assert "1234" not in done.output and "correct" not in done.output


def test_a_rotation_keeps_the_older_key_until_it_is_finished():
    ring = Keyring.make(None, STREET)
    old = ring.bundle("eu1")["keys"][""]
    assert ring.rotate("eu1") == ["sc1.eu1", "sc1.cd"]         # the device first
    now = ring.bundle("eu1")["keys"][""]
    assert now[1:] == old and now[0] not in old
    assert ring.bundle("sc1.cd")["keys"]["eu1"] == now
    with pytest.raises(InputError, match="E448"):
        ring.rotate("eu1")
    ring.rotate("eu1", finish=True)
    assert ring.bundle("eu1")["keys"][""] == now[:1]
    with pytest.raises(InputError, match="E448"):
        ring.rotate("eu1", finish=True)
    assert ring.rotate("sc1.cd") == ["sc1.cd", CENTRE]
    ring.rotate("sc1.cd", finish=True)
    before = {who.user: ring.bundle(who.user)["keys"] for who in ring.identities()}
    order = ring.rotate("all")
    assert order[-1] == CENTRE and order.index("sc1.cd") > order.index("sc1.eu2")
    for user, keys in before.items():
        assert all(ring.bundle(user)["keys"][name][1:] == own for name, own in keys.items())


def test_a_revoked_one_is_in_nobodys_bundle_and_what_he_held_is_changed():
    ring = Keyring.make(None, STREET, client_certs=True)
    group, serial = ring.bundle("eu1")["keys"]["*"], certificates.serial(
        ring._held(ring.find("eu1")).pair.crt)
    flash = ring.revoke("eu1")
    assert "sc1.eu1" not in flash and flash[-1] == "sc1.cd"
    assert "eu1" not in ring.bundle("sc1.cd")["keys"] and "eu1" not in ring.acl()
    assert "sc1.eu1" not in ring.passwords()
    assert ring.bundle("eu2")["keys"]["*"][1:] == group
    crl = certificates.x509.load_pem_x509_crl(ring.material("lan", "sc1").crl)
    assert crl.get_revoked_certificate_by_serial_number(serial) is not None
    with pytest.raises(InputError, match="E445 eu1: is revoked"):
        ring.bundle("eu1")
    before = ring.bundle("eu2")["keys"][""]
    ring.revoke("sc1.cd")           # he held all keys: none of them is good any longer
    assert len(ring.bundle("eu2")["keys"][""]) == 1 and ring.bundle("eu2")["keys"][""] != before
    assert set(ring.bundle(CENTRE)["keys"]) == {"", "sc2.cd"}


def test_a_revoked_ones_place_gets_new_keys_only_when_that_is_said(tmp_path):
    ring = Keyring.make(tmp_path / "k", STREET)
    was = fingerprint(ring._held(ring.find("eu1")).own.keys[0])
    ring.revoke("eu1")
    assert any("stays revoked" in line for line in Keyring.make(tmp_path / "k", STREET).added)
    again = Keyring.make(tmp_path / "k", STREET, readmit=("eu1",))
    assert fingerprint(again._held(again.find("eu1")).own.keys[0]) != was


@pytest.mark.parametrize("change, text", [
    (lambda s: s[:1], "names eu1"), (lambda s: [*s, s[1]], "twice"),
    (lambda s: [], "no controller"),
    (lambda s: [*s, s[0] | {"id": "cd2"}], "2 Coordinators"),
    (lambda s: [s[1] | {"id": "scc"}], "cannot be"), (lambda s: [s[1] | {"id": "a/+"}], "cannot"),
    (lambda s: [s[1] | {"uc": "all"}], "cannot be"), (lambda s: [s[1] | {"role": "x"}], "role")])
def test_a_street_that_cannot_be_is_refused(change, text):
    with pytest.raises(InputError, match=text) as e:
        Keyring.make(None, change(list(STREET)))
    assert e.value.code == "E444"


def test_a_bundle_that_is_none_is_refused_by_its_part(tmp_path):
    ring = Keyring.make(None, STREET, client_certs=True)
    good = ring.bundle("sc1.cd")
    assert bundle.wrong(good) == ""
    key = good["keys"][""][0]
    for change in ({"v": 2}, {"keys": {}}, {"keys": {"": [key[:-1]]}}, {"keys": {"": [key] * 3}},
                   {"keys": {"": "x"}}, {"net": {}}, {"net": {"t0_s": 1, "lan": {}}}, {"ca": "x"},
                   {"ca": good["ca"][:-8]}, {"id": 3}, {"net": [], "role": "x"}):
        file = tmp_path / "b.json"
        file.write_text(json.dumps(good | change))
        with pytest.raises(InputError) as e:
            bundle.read(file)
        assert e.value.code == "E450" and key[:16] not in e.value.text


def test_a_board_without_the_time_takes_a_certificate_that_is_newer_than_its_keys():
    """It sets its clock to t0_s of its bundle."""
    then = datetime(2026, 3, 1, tzinfo=UTC)
    ring = Keyring.make(None, STREET, now=then)
    t0_s = ring.bundle("eu1", then)["net"]["t0_s"]
    ring.rotate("broker")           # long after
    made = certificates.x509.load_der_x509_certificate(ring._what.circuits["sc1"].pair.crt)
    assert made.not_valid_before_utc.timestamp() < t0_s < made.not_valid_after_utc.timestamp()


def test_names_of_a_broker_end_in_its_certificate():
    ring = Keyring.make(None, STREET, names=["post1.example", "10.0.0.7", "::1"])
    pair = ring._what.circuits["sc1"].pair
    assert certificates.names_of(pair.crt) == ["post1.example", "10.0.0.7", "::1"]
    for name in ("pöst", "a b", ""):
        with pytest.raises(InputError, match="E447"):
            Keyring.make(None, STREET, names=[name])
