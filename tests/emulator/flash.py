# Run by the VM: flash.py FOLDER IMAGE; the files of a folder as the file system of a Pico's flash.
import os
import sys

import vfs

BLOCK = 4096
BLOCKS = 352            # 1408 KiB, boards/RPI_PICO of MicroPython


class Memory:
    def __init__(self):
        self.data = bytearray(BLOCKS * BLOCK)

    def readblocks(self, block, into, offset=0):
        at = block * BLOCK + offset
        into[:] = self.data[at:at + len(into)]

    def writeblocks(self, block, what, offset=0):
        at = block * BLOCK + offset
        self.data[at:at + len(what)] = what

    def ioctl(self, op, arg):
        if op == 4:
            return BLOCKS
        if op == 5:
            return BLOCK
        return 0


def copy(path):
    for name, kind, *_ in os.ilistdir(sys.argv[1] + path):
        if kind == 0x4000:
            os.mkdir("/flash" + path + "/" + name)
            copy(path + "/" + name)
        else:
            with open(sys.argv[1] + path + "/" + name, "rb") as f:
                with open("/flash" + path + "/" + name, "wb") as g:
                    g.write(f.read())


memory = Memory()
vfs.VfsLfs2.mkfs(memory, progsize=256)
vfs.mount(vfs.VfsLfs2(memory, progsize=256), "/flash")
copy("")
vfs.umount("/flash")
with open(sys.argv[2], "wb") as f:
    f.write(memory.data)
