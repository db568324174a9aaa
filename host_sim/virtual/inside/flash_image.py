"""The flash of a virtual board: a file of 4096-byte blocks as a block device. Runs in the VM only.

Erased is 0xFF, as on the chip, and a block is erased before it is written again. A Ctrl-C never
tears a block, as it never does on a chip: it is delivered when the block is done. cut: at the so
many-th write of this life the power goes in the middle of that block.
"""
import os

BLOCK = 4096
_PROGRAM = 256


class Image:
    """power_off(): does not return."""

    def __init__(self, path, blocks, cut=0, power_off=None, interrupt=None):
        self.blocks = blocks
        self.cut = cut
        self.writes = 0
        self._off = power_off
        self._interrupt = interrupt
        self.interrupted = False    # who waits next, firmware or REPL, stops for it
        try:
            self.blank = os.stat(path)[6] != blocks * BLOCK
        except OSError:
            self.blank = True
        if self.blank:
            with open(path, "wb") as f:
                for _ in range(blocks):
                    f.write(b"\xff" * BLOCK)
        self._file = open(path, "r+b")

    def _at(self, block, offset):
        if not 0 <= block < self.blocks or not 0 <= offset < BLOCK:
            raise OSError(5)
        self._file.seek(block * BLOCK + offset)

    def _read(self, block, buffer, offset):
        self._at(block, offset)
        self._file.readinto(buffer)

    def _write(self, block, data, offset):
        self._at(block, offset)
        self._file.write(data)
        self._file.flush()

    def _whole(self, call, block, data, offset):
        try:
            call(block, data, offset)
        except KeyboardInterrupt:
            call(block, data, offset)
            if self.interrupted:
                self._interrupt()   # the second one: once more, a little later
            self.interrupted = True

    def readblocks(self, block, buffer, offset=0):
        self._whole(self._read, block, buffer, offset)

    def writeblocks(self, block, data, offset=0):
        self.writes += 1
        if self.cut and self.writes >= self.cut:
            half = len(data) // 2 // _PROGRAM * _PROGRAM
            self._write(block, bytes(data[:half]), offset)
            self._off()
        self._whole(self._write, block, data, offset)

    def ioctl(self, op, arg):
        if op == 4:
            return self.blocks
        if op == 5:
            return BLOCK
        if op == 6:
            self._whole(self._write, arg, b"\xff" * BLOCK, 0)
        return 0
