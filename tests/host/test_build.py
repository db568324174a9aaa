"""slvg build: the same bytes twice, nothing missing, nothing of others, a manifest that holds."""
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from host_sim import boards, modules
from host_sim import build as building
from host_sim.build import ROLES, build
from host_sim.scenario.complaints import InputError
from slvg.cli import app

ROOT = Path(__file__).resolve().parents[2]
OPERATOR = "pico_w_operator"
BUILDABLE = boards.names()
# architecture in the third byte of a .mpy with machine code
ARCH = {"x86": 1, "armv6m": 4, "xtensawin": 10}

_ELSEWHERE = """
import hashlib, sys
from host_sim.build import build
for path, data in sorted(build(sys.argv[1]).files().items()):
    print(path, hashlib.sha256(data).hexdigest())
"""


def test_the_same_bytes_twice_in_another_process_and_folder(tmp_path):
    here = {path: hashlib.sha256(data).hexdigest()
            for path, data in build(OPERATOR).files().items()}
    done = subprocess.run(
        [sys.executable, "-c", _ELSEWHERE, OPERATOR], cwd=tmp_path, capture_output=True,
        text=True, check=True, timeout=120, env=os.environ | {
            "PYTHONHASHSEED": "7", "TMPDIR": str(tmp_path), "TZ": "Asia/Tokyo",
            "PYTHONPATH": os.pathsep.join(str(ROOT / one) for one in (".", "firmware"))})
    assert dict(line.split() for line in done.stdout.splitlines()) == here


@pytest.mark.parametrize("name", BUILDABLE)
def test_a_build_is_whole_and_its_own(name):
    board, pins = boards.load(name)
    built = build(name)
    assert list(built.slot) == sorted(built.slot)
    assert built.slot["board.json"] == (boards.BOARDS / name / "board.json").read_bytes()
    assert built.slot["pins.py"] == (boards.BOARDS / name / "pins.py").read_bytes()
    own = {path.removesuffix(".mpy").replace("/", ".") for path in built.modules
           if path.startswith("acu/")}
    assert {f"acu.roles.{role}" for role in board["roles"]} <= own
    # every import of every module is there, or belongs to a role or driver that is not chosen
    driver = building.CHOSEN[pins["CONVERTER"]["driver"]]
    others = {*building.CHOSEN.values(), "ds18b20"} - {driver}
    left_out = building.RECLOSER if "recloser" not in board["roles"] else building.NOT_RECLOSER
    if "microgrid" not in board["roles"]:
        left_out += building.MICROGRID
    for module in own:
        package = module.removesuffix(".__init__")
        for needed in modules.imports(package, True):
            if needed not in own and f"{needed}.__init__" not in own:
                last = needed.rpartition(".")[2]
                assert (last in ROLES or last in others or last == "kernels_thumb"
                        or last == "links" and board["mcu"] == "rp2040"
                        or last == "ntp" and "coordinator" not in board["roles"]
                        or needed in left_out), needed
    for role in set(ROLES) - set(board["roles"]):
        inherited = modules.in_order([f"acu.roles.{one}" for one in board["roles"]])
        assert f"acu.roles.{role}" not in own - set(inherited)
    for other in others - ({"ds18b20"} if b"ds18b20" in built.slot["pins.py"] else set()):
        assert f"acu.drivers.{other}" not in own
    assert ("acu.dsp.kernels_thumb" in own) == (board["mcu"] == "rp2040")
    if modules.exists("acu.console"):
        assert {f"acu.console.{path.stem}" for path in
                (modules.FIRMWARE / "acu" / "console").glob("*.py")} - set(left_out) <= own


@pytest.mark.parametrize(("name", "march"), [(OPERATOR, "armv6m"), (OPERATOR, "x86"),
                                             ("esp32_coordinator", "xtensawin")])
def test_the_files_are_for_the_chip_and_name_no_path(name, march):
    built = build(name, (), "x86" if march == "x86" else "")
    assert built.march == march
    for path, data in built.modules.items():
        assert data[:2] == bytes([ord("M"), building.MPY])
        module = path.removesuffix(".mpy").removesuffix("/__init__").replace("/", ".")
        assert module.encode() in data, path
        assert b"/tmp" not in data and str(ROOT).encode() not in data
    assert built.slot["acu/dsp/kernels.mpy"][2] >> 2 == ARCH[march]


def test_the_manifest_holds():
    built = build(OPERATOR)
    text = built.slot["manifest.json"]
    manifest = json.loads(text)
    assert manifest == built.manifest
    assert hashlib.sha256(text).hexdigest() == built.sha256
    assert set(manifest["files"]) == set(built.slot) - {"manifest.json"}
    for path, (size, digest) in manifest["files"].items():
        data = built.slot[path]
        assert size == len(data) and digest == hashlib.sha256(data).hexdigest()
    assert manifest["board"] == OPERATOR and manifest["roles"] == ["operator"]
    assert re.fullmatch(r"\d+\.\d+\.\d+\+[0-9a-f]{8}", manifest["version"])
    # a board reads the head alone
    head = json.loads(text.split(b"\n")[0].rstrip(b",") + b"}")
    assert head == {key: value for key, value in manifest.items() if key != "files"}


def test_another_content_is_another_version(tmp_path):
    folder = tmp_path / OPERATOR
    folder.mkdir()
    for name in ("board.json", "pins.py"):
        (folder / name).write_bytes((boards.BOARDS / OPERATOR / name).read_bytes())
    same = build(str(folder))
    assert same.version == build(OPERATOR).version
    pins = folder / "pins.py"
    pins.write_text(pins.read_text() + "# another clip\n")
    assert build(str(folder)).version != same.version


def test_one_role_of_many():
    only = build("pico_w_coordinator", ("meter",))
    everything = build("pico_w_coordinator")
    assert only.manifest["roles"] == ["meter"] and len(only.slot) < len(everything.slot)
    assert "acu/roles/coordinator.mpy" not in only.slot
    assert everything.manifest["roles"] == ["coordinator", "subcoordinator", "meter"]


def test_package_and_freezing_list_are_the_same_list(tmp_path):
    built = build("pico_w_meter")
    built.write(tmp_path)
    urls = json.loads((tmp_path / "package.json").read_text())["urls"]
    assert urls[-1] == ["a/manifest.json", "slot/manifest.json"]       # a slot is whole with it
    assert {on_board for on_board, _ in urls} == {
        *built.root, *(f"a/{path}" for path in built.slot)}
    assert all((tmp_path / file).is_file() for _, file in urls)
    frozen = []
    scope = {"package": lambda name, base_path, files: frozen.extend(
        f"{name}/{file}" for file in files if (tmp_path / base_path / name / file).is_file())}
    exec((tmp_path / "manifest.py").read_text(), scope)
    assert frozen == list(built.modules)


@pytest.mark.parametrize("name", BUILDABLE)
def test_a_boards_freezing_manifest_names_its_build(name):
    included = []
    exec((boards.BOARDS / name / "manifest.py").read_text(), {"include": included.append})
    port = "$(PORT_DIR)/boards/"
    assert included[0].startswith(port) and included[0].endswith("manifest.py")
    assert included[1] == f"../../build/{name}/manifest.py"


def test_a_folder_that_is_built_into_again_holds_nothing_old(tmp_path):
    build("pico_w_meter").write(tmp_path)
    (tmp_path / "notes.txt").write_text("mine")
    build(OPERATOR).write(tmp_path)
    found = {path.relative_to(tmp_path / "slot").as_posix()
             for path in (tmp_path / "slot").rglob("*") if path.is_file()}
    assert found == set(build(OPERATOR).slot)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_the_estimates_are_of_whole_blocks():
    built = build("pico_w_meter")
    told = built.figures()
    assert told["files"] == len(built.slot) and told["sha256"] == built.sha256
    assert told["bytes"] == sum(map(len, built.slot.values()))
    large = sum(-(-len(data) // 4096) for data in built.slot.values() if len(data) > 512)
    folders = {path.rpartition("/")[0] for path in built.slot}
    assert told["flash"]["slot_bytes"] == 4096 * (large + 2 * len(folders))
    assert told["flash"]["left_bytes"] == 848 * 1024 - 2 * told["flash"]["slot_bytes"]
    assert told["ram"]["code_bytes"] == 19 * told["ram"]["lines"]


@pytest.mark.parametrize(("name", "role"), [(name, role) for name in BUILDABLE
                                            for role in boards.load(name)[0]["roles"]])
def test_two_slots_leave_room_for_logs_and_records(name, role):
    """Of 848 KiB on a Pico W: 2048 events and records of disturbances need some 120 KiB. A
    recloser has 72 KiB for the events and room for one record; more need a frozen build."""
    least = 96 if role == "recloser" else 128
    assert build(name, (role,)).figures()["flash"]["left_bytes"] >= least * 1024


@pytest.mark.parametrize(("name", "roles", "march", "sentence"), [
    (OPERATOR, ("meter",), "", "E212 board pico_w_operator runs no meter. It is for: operator."),
    (OPERATOR, (), "xtensawin",
     "E221 board pico_w_operator: --march xtensawin is not of its chip. Leave it out (armv6m), or "
     "give x86 for the virtual board."),
    ("pico_operator", (), "", "E211 board 'pico_operator' is not in boards/. Did you mean "
     "pico_w_operator? There are: "),
])
def test_what_cannot_be_built_is_said(name, roles, march, sentence):
    with pytest.raises(InputError) as e:
        build(name, roles, march)
    assert e.value.text.startswith(sentence)


def test_a_source_that_does_not_compile_is_said(monkeypatch):
    def broken(path, base, march):
        raise modules.CompileError("acu/app.py: SyntaxError: invalid syntax")
    monkeypatch.setattr(building, "compiled", broken)
    with pytest.raises(InputError) as e:
        build(OPERATOR)
    assert e.value.text == ("E222 build pico_w_operator: acu/app.py: SyntaxError: invalid syntax. "
                            "Mend the source.")


def test_asserts_of_libraries_are_kept(tmp_path):
    """-O would strip them, and they are the only checks of protocol in umqtt."""
    sizes = []
    for body in ("assert a", "pass"):
        (tmp_path / "x.py").write_text(f"def f(a):\n    {body}\n")
        sizes.append(len(modules.plain(tmp_path / "x.py", tmp_path, "armv6m")))
    assert sizes[0] > sizes[1]


def command(*words):
    return CliRunner().invoke(app, list(words))


def test_the_command(tmp_path):
    told = tmp_path / "told.json"
    done = command("build", "--board", OPERATOR, "--out", str(tmp_path / "o"), "--json", str(told))
    assert done.exit_code == 0, done.output
    figures = json.loads(told.read_text())
    assert {"files", "bytes", "sha256"} <= set(figures)
    assert figures["sha256"] == hashlib.sha256(
        (tmp_path / "o/slot/manifest.json").read_bytes()).hexdigest()
    assert "KiB a slot" in done.output
    done = command("build", "--board", OPERATOR, "--vm", "--out", str(tmp_path / "v"))
    assert done.exit_code == 0 and "(x86)" in done.output
    (tmp_path / "file").write_text("")
    done = command("build", "--board", OPERATOR, "--out", str(tmp_path / "file"))
    assert done.exit_code == 2 and "E132" in done.output
    done = command("build", "--board", "pico_w_meter", "--role", "recloser")
    assert done.exit_code == 2, done.output
    done = command("check", str(boards.BOARDS / OPERATOR))
    assert done.exit_code == 0 and "good (board, 5 channels, 15 pins" in done.output


def test_umqtt_is_in_a_slot_where_it_was_fetched_and_told_missing_where_not(tmp_path, monkeypatch):
    (tmp_path / "umqtt").mkdir()
    (tmp_path / "umqtt" / "simple.py").write_text("class MQTTClient:\n    pass\n")
    monkeypatch.setenv("SLVG_UMQTT", str(tmp_path))
    built = build(OPERATOR)
    data = built.modules["umqtt/simple.mpy"]
    assert built.slot["umqtt/simple.mpy"] == data
    assert built.manifest["files"]["umqtt/simple.mpy"] == [len(data),
                                                           hashlib.sha256(data).hexdigest()]
    assert built.figures()["network"] and b"/tmp" not in data
    monkeypatch.setenv("SLVG_UMQTT", str(tmp_path / "elsewhere"))
    done = CliRunner().invoke(app, ["build", "--board", OPERATOR, "--out", str(tmp_path / "out")])
    assert done.exit_code == 0 and "E430 network: umqtt.simple is not in it" in done.output
    assert not (tmp_path / "out" / "slot" / "umqtt").exists()
    assert build(OPERATOR).version != built.version


def test_a_pack_holds_every_module_of_its_folder():
    """Read as firmware/pack.py reads it."""
    built = build(OPERATOR)
    found = {path: data for path, data in built.slot.items() if path.endswith(".mpy")}
    for folder in building.PACKED:
        data = built.slot[f"{folder}.pack"]
        at = 2
        for _ in range(int.from_bytes(data[:2], "little")):
            end = at + 1 + data[at]
            name = data[at + 1:end].decode()
            place, n = (int.from_bytes(data[k:k + 4], "little") for k in (end, end + 4))
            found[f"{folder}/{name}"] = data[place:place + n]
            at = end + 8
    assert found.pop("pack.mpy") and found == built.modules
