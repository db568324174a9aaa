"""slvg flash on virtual boards: from blank to measuring, refusals that touch nothing, versions
that do not become good, cables and supplies that go. SLVG_UNPLUG=200: the full number of cuts."""
import json
import os
import random
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pytest

from host_sim.virtual.board import VirtualBoard
from slvg import flash_sim
from slvg.flash import example, failure, flash, settings_of
from slvg.flash_job import Job
from slvg.flash_link import FlashError, Link, choose

BOARD = "pico_w_operator"


def flashed(board, built, settings=None, **more):
    link = Link(board.port)
    try:
        return flash(link, built, settings, maint_s=flash_sim.MAINT_S, **more)
    finally:
        link.close()


def on_board(board, code) -> str:
    link = Link(board.port)
    try:
        link.repl(fresh=False)
        return link.run(code, "a test looked", 60.0).strip()
    finally:
        link.close()


def described(board, name):
    """A slot that is whole by its names, of another board."""
    on_board(board, f"""
import os
os.mkdir("/a")
for n, t in (("manifest.json", '{{"board": "{name}"}}'), ("board.json", "{{}}"),
             ("pins.py", "OUTPUTS = ()")):
    with open("/a/" + n, "w") as f:
        f.write(t)
""")


def test_a_blank_board_measures_and_reports_within_a_minute(first, built):
    _, receipt = first
    assert receipt["good"] and receipt["self_test"] == "passed", failure(receipt)
    assert receipt["slot"] == "a" and receipt["version"] == built.version
    assert receipt["seconds"] <= 60 and receipt["copied"] == len(built.slot) + 2
    assert receipt["files"].keys() == {f"/a/{path}" for path in built.slot}
    text = json.dumps(receipt)
    assert "un_dv" not in text and "password" not in text       # hashes of settings, no settings


def test_a_new_version_that_fails_gives_way_to_the_old_one(first, built, tmp_path):
    """It went to the other slot, and copied only what differs from what lay there."""
    image = shutil.copy(first[0], tmp_path / "flash.img")
    broken = flash_sim.variant(built, {"acu/start.mpy": None,
                                       "acu/start.py": b"raise ValueError('broken')\n"}, "bad")
    with VirtualBoard(BOARD, image) as board:
        assert flash_sim.started(board)
        receipt = flashed(board, broken)
        assert receipt["slot"] == "b" and receipt["was"] == "console"
        assert not receipt["good"] and receipt["runs_version"] == built.version
        assert receipt["runs_slot"] == "a" and "E260" in failure(receipt)
        assert not any(contact.moves for contact in board.cabinet.contacts.values())
        assert not board.cabinet.closings       # no coil closed anything in all these starts


def test_cut_flashes_leave_a_board_that_starts_and_can_be_flashed(first, built, tmp_path):
    old = built
    new = flash_sim.older(built)            # another stage 0 as well
    settings = example(BOARD, "operator")
    cuts = int(os.environ.get("SLVG_UNPLUG", "0"))
    dice = random.Random(os.environ.get("SLVG_UNPLUG_SEED", "5"))
    for k in range(max(1, cuts)):
        image = shutil.copy(first[0], tmp_path / "flash.img")
        result = flash_sim.one(image, old, new, settings, dice.uniform(0, 7),
                               "power" if k % 2 == 0 else "cable",
                               "" if cuts else "acu/roles/operator.mpy")
        assert not result["bricked"], result


def test_the_supply_goes_at_a_block_write_and_the_same_command_goes_on(blank, built):
    blank.cut = 170
    blank.power_cycle()
    with pytest.raises(FlashError, match="E246 cable"):
        flashed(blank, built, await_good=False)
    assert not blank.on
    blank.power_on()
    receipt = flashed(blank, built, await_good=False)
    assert receipt["keep"] > 5 and receipt["slot"] == "a"


def test_the_cable_goes(blank, built):
    def pull(done, of, what):
        if what == "acu/dsp/ring.mpy":
            blank.unplug()

    with pytest.raises(FlashError, match=r"E246 cable: .* same command again"):
        flashed(blank, built, progress=pull, await_good=False)
    blank.plug()
    assert flashed(blank, built, await_good=False)["keep"] > 5


def test_a_forgotten_password_is_said_with_the_way_out_and_stops_nothing(first, built, tmp_path):
    image = shutil.copy(first[0], tmp_path / "flash.img")
    with VirtualBoard(BOARD, image) as board:
        flash_sim.started(board)
        link = Link(board.port)
        link.say("2AC")
        for line in ("PAS 2", "hunter22", "hunter22"):
            text = link.say(line, ("? ", "=>>"))
        link.say("QUI")
        link.close()
        for password in ("", "hunter21"):
            with pytest.raises(FlashError, match=r"E247 password: .*recovery button"):
                flashed(board, built, password=password)
        assert flash_sim.started(board)["MODE"] == "run", text
        receipt = flashed(board, built, password="hunter22", dry=True)
        assert receipt["was"] == "console" and "hunter22" not in json.dumps(receipt)


def test_a_board_of_another_kind_is_refused_and_nothing_is_written(blank, built):
    described(blank, "pico_w_meter")
    with pytest.raises(FlashError, match=r"E254 board: e6614c775b8a1234 is a pico_w_meter"):
        flashed(blank, built)
    with Holding(blank):
        assert on_board(blank, "import os; print(sorted(os.listdir('/')))") == "['a']"


class Holding:
    """The hard reset after a refusal is over."""

    def __init__(self, board):
        self.board = board

    def __enter__(self):
        link = Link(self.board.port)
        link.who()
        link.close()

    def __exit__(self, *what):
        pass


def test_a_full_flash_is_refused_before_anything_is_written(blank, built):
    on_board(blank, "f = open('/big', 'wb')\nfor _ in range(600): _ = f.write(bytes(1024))\n"
                    "f.close()")
    with pytest.raises(FlashError, match=r"E255 flash: \d+ KiB are needed, \d+ KiB are free"):
        flashed(blank, built)
    with Holding(blank):
        assert on_board(blank, "import os; print(sorted(os.listdir('/')))") == "['big']"


def test_a_dry_run_writes_nothing(blank, built):
    receipt = flashed(blank, built, dry=True)
    assert len(receipt["copy"]) == len(built.slot) + 2
    with Holding(blank):
        assert on_board(blank, "import os; print(os.listdir('/'))") == "[]"


def test_a_chip_or_an_image_of_another_kind_is_refused(built):
    job = Job(None, built)
    job.seen.chip, job.seen.version, job.seen.machine = "esp32", (1, 25, 0), "ESP32"
    with pytest.raises(FlashError, match="E251 chip: this is ESP32"):
        job.judge()
    job.seen.chip, job.seen.arch = "rp2040", 7
    with pytest.raises(FlashError, match="E252 chip"):
        job.judge()
    job.seen.arch, job.seen.version = 1, (1, 25, 0)       # of a real one
    with pytest.raises(FlashError, match=r"E253 MicroPython 1\.25\.0: 1\.26\.0"):
        job.judge()


def test_a_file_that_reads_back_differently_is_not_committed(built):
    class Worn:
        def run(self, code, what, wait_s=20.0):
            return "0" * 64 if "print(h(" in code else ""

    job = Job(Worn(), built)
    with pytest.raises(FlashError, match="E256 /a/"):
        job.copy()


def usb(device, serial, vid=0x2E8A):
    return SimpleNamespace(device=device, serial_number=serial, description="Board", vid=vid)


def test_the_port_is_found_and_doubt_is_refused(tmp_path):
    one, two = usb("/dev/ttyACM0", "E661"), usb("/dev/ttyACM1", "E662")
    mouse = usb("/dev/ttyS0", None, None)
    assert choose("", "", lambda: [mouse, one]) == "/dev/ttyACM0"
    assert choose("", "e662", lambda: [one, two]) == "/dev/ttyACM1"
    for port, serial, found, code in (
            ("", "", [one, two], r"E244 board: 2 .*ttyACM0 \(serial E661\), /dev/ttyACM1"),
            ("", "", [mouse], "E243 board: none found"),
            ("", "E999", [one], "E242 board E999: no port"),
            (str(tmp_path / "none"), "", [one], r"E241 port .*Now here: /dev/ttyACM0")):
        with pytest.raises(FlashError, match=code):
            choose(port, serial, lambda found=found: found)


def test_a_port_in_use_is_said(blank):
    first = Link(blank.port)
    try:
        with pytest.raises(FlashError, match=r"E245 port .*: is used by another program"):
            Link(blank.port)
    finally:
        first.close()


def test_settings_are_judged_before_the_board_is_touched(tmp_path):
    file = tmp_path / "s.json"
    good = example(BOARD, "operator")
    file.write_text(json.dumps(good))
    assert settings_of(BOARD, file, "eu7")["id"] == "eu7"
    assert settings_of(BOARD, None, "") is None
    file.write_text(json.dumps({**good, "t_outt_ms": 5}))
    with pytest.raises(Exception, match=r"E\d+ s.json: .*t_outt_ms"):
        settings_of(BOARD, file, "")
    with pytest.raises(FlashError, match="E261"):
        settings_of(BOARD, None, "eu7")


def test_the_command_refuses_in_one_line():
    done = subprocess.run([sys.executable, "-c", "from slvg.cli import main; main()", "flash",
                           "--board", "nope"],
                          capture_output=True, text=True, timeout=60, check=False,
                          env={**os.environ, "PYTHONPATH": ".:firmware:tools"})
    assert done.returncode == 2 and "Traceback" not in done.stderr
    assert done.stderr.startswith("E2"), done.stderr
