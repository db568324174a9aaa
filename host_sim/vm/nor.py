"""A NOR flash as MicroPython's block device: erase a block, program once; a supply that fails.

Refuses what the chip would not do: to program what is not erased, or not in whole pages. Counts
erases of each block. `log` notes each operation as (block, offset, data), data None for an erase;
`cut_in` operations later the supply goes: that one is torn, PowerCut is raised, and nothing that
follows (files closed on the way out) reaches the flash. Runs on both Pythons.
"""


class PowerCut(BaseException):
    """No OSError: the firmware must not take it for a flash that is worn."""


class Dice:
    """A small generator, the same on both Pythons."""

    def __init__(self, seed):
        self._x = (seed * 2_654_435_761 + 1) & 0xFFFFFFFF

    def below(self, n):
        """0 to n - 1."""
        x = self._x
        x ^= (x << 13) & 0xFFFFFFFF
        x ^= x >> 17
        x ^= (x << 5) & 0xFFFFFFFF
        self._x = x
        return (x >> 3) % n


class NorFlash:
    """memory: a bytearray of whole blocks; it stays when this object goes."""

    def __init__(self, memory, page, block=4096):
        self.memory = memory
        self.block = block
        self.erases = [0] * (len(memory) // block)
        self.n = 0              # operations so far
        self.log = None
        self.cut_in = -1        # operations until the supply goes; -1: it stays
        self.dice = None        # what a torn operation leaves
        self.dead = False
        self._page = page
        self._erased = b"\xff" * block

    def readblocks(self, n, buffer, offset=0):
        at = n * self.block + offset
        buffer[:] = memoryview(self.memory)[at:at + len(buffer)]

    def writeblocks(self, n, buffer, offset=0):
        at = n * self.block + offset
        size = len(buffer)
        if offset % self._page or size % self._page:
            raise ValueError(f"programs {size} bytes at {offset}: no whole pages")
        if self.dead:
            return
        if self.memory[at:at + size] != self._erased[:size]:
            raise ValueError(f"programs block {n} at {offset}: not erased")
        self._do(n, offset, bytes(buffer))

    def ioctl(self, op, arg):
        if op == 4:
            return len(self.memory) // self.block
        if op == 5:
            return self.block
        if op == 6 and not self.dead:
            self._do(arg, 0, None)
            self.erases[arg] += 1
        return 0

    def _do(self, n, offset, data):
        if self.cut_in == 0:
            tear(self.memory, self.block, n, offset, data, self.dice)
            self.dead = True
            raise PowerCut
        self.cut_in -= 1
        self.n += 1
        apply(self.memory, self.block, n, offset, data)
        if self.log is not None:
            self.log.append((n, offset, data))


def apply(memory, block, n, offset, data):
    """One whole operation."""
    at = n * block + offset
    if data is None:
        data = b"\xff" * block
    memory[at:at + len(data)] = data


def tear(memory, block, n, offset, data, dice):
    """One that the supply did not last for: nothing of it, a part, a part and bits of the rest, or
    all of it, but nobody knows."""
    at = n * block + offset
    whole = data if data is not None else b"\xff" * block
    size = len(whole)
    kind = dice.below(4)
    done = (0, dice.below(size + 1), dice.below(size + 1), size)[kind]
    memory[at:at + done] = whole[:done]
    if kind == 2:       # some bits: of a byte being programmed, or all over a block being erased
        left = size - done
        for _ in range(min(left, 8) if data is not None else left // 8):
            k = done + dice.below(left)
            bits = dice.below(256)
            if data is not None:
                memory[at + k] &= whole[k] | bits       # programming clears
            else:
                memory[at + k] |= bits                  # erasing sets
