"""package.json onto an empty board, by the real mpremote: every file arrives, slot a is whole."""
import subprocess
import sys
from pathlib import Path

from host_sim.build import build
from host_sim.virtual.board import VirtualBoard

_CHECK = """
import hashlib, json
with open('/a/manifest.json') as f:
    files = json.load(f)['files']
good = 0
for path in files:
    with open('/a/' + path, 'rb') as f:
        data = f.read()
    hexes = ''.join('%02x' % one for one in hashlib.sha256(data).digest())
    good += [len(data), hexes] == files[path]
print('good', good, 'of', len(files))
"""


def test_mip_installs_a_build_on_an_empty_board(vm, tmp_path):
    built = build("pico_w_operator", (), "x86")
    built.write(tmp_path / "out")
    mpremote = Path(sys.executable).with_name("mpremote")
    with VirtualBoard("pico_w_operator", tmp_path / "flash.img") as board:
        done = subprocess.run(
            [mpremote, "connect", board.port, "mip", "install", "--target", "/",
             str(tmp_path / "out" / "package.json"), "+", "exec", _CHECK],
            capture_output=True, text=True, timeout=180, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    n = len(built.manifest["files"])
    assert f"good {n} of {n}" in done.stdout
