"""firmware/pack.py: a package in one file is imported like a folder, on a real littlefs."""
import subprocess
from pathlib import Path

from host_sim.build import build

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = r"""
import os, sys, vfs
sys.path[:] = [sys.argv[1]]
import pack
with open(sys.argv[2] + "/slot", "rb") as f:
    data = f.read()

class Ram:
    def __init__(self):
        self.data = bytearray(b"\xff" * (4096 * 32))
    def readblocks(self, block, buf, off=0):
        at = block * 4096 + off
        buf[:] = self.data[at:at + len(buf)]
    def writeblocks(self, block, buf, off=0):
        at = block * 4096 + off
        self.data[at:at + len(buf)] = buf
    def ioctl(self, op, arg):
        return {4: 32, 5: 4096}.get(op, 0)

ram = Ram()
vfs.VfsLfs2.mkfs(ram)
vfs.umount("/")
vfs.mount(vfs.VfsLfs2(ram), "/")
os.mkdir("/a")
os.mkdir("/a/acu")
with open("/a/acu/__init__.py", "w") as f:
    f.write("")
with open("/a/acu/slot.pack", "wb") as f:
    f.write(data)
sys.path[:] = ["/a"]
pack.mount("/a/acu")
import acu.slot.one
from acu.slot import two
print(acu.slot.one.VALUE, two.VALUE, acu.slot.one.__file__)
for path in ("/a/acu/slot/three.mpy", "/a/acu/slot/on", "/a/acu/slot/one.mpy/x"):
    try:
        os.stat(path)
        print("there", path)
    except OSError as e:
        print("none", e.errno)
f = open("/a/acu/slot/two.mpy", "rb")
print("read", f.readinto(bytearray(4)))
"""


def test_modules_of_a_pack_are_imported_as_from_a_folder(vm, tmp_path):
    from host_sim.build import packed
    from host_sim.modules import plain
    modules = {}
    for name, text in (("__init__", ""), ("one", "VALUE = 'a' * 3000\nVALUE = 11\n"),
                       ("two", "VALUE = 22\n")):
        source = tmp_path / f"{name}.py"
        source.write_text(text)
        modules[f"acu/drivers/{name}.mpy"] = plain(source, tmp_path, "x86")
    whole = packed(modules)["acu/drivers.pack"]
    (tmp_path / "slot").write_bytes(whole)
    (tmp_path / "t.py").write_text(SCRIPT)
    done = subprocess.run([vm, "t.py", str(ROOT / "firmware"), str(tmp_path)], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    said = done.stdout.splitlines()
    assert said[0] == "11 22 /a/acu/slot/one.mpy" and said[1:4] == ["none 2"] * 3
    assert said[4] == "read 4"


def test_a_pack_of_a_build_is_smaller_on_flash_than_its_folder():
    built = build("pico_w_operator", ("operator",))
    inside = [data for path, data in built.modules.items() if path.startswith("acu/drivers/")]
    blocks = sum(-(-len(data) // 4096) for data in inside if len(data) > 512) + 2
    assert -(-len(built.slot["acu/drivers.pack"]) // 4096) * 2 < blocks
