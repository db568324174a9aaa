"""A package of modules as one file of a slot: drivers.pack instead of twenty files in drivers/.

On littlefs a file of more than 512 bytes takes a block of 4 KiB or several, and two slots of small
modules would not fit into a Pico W's flash. mount() makes a folder of each pack that lies beside
the firmware, for imports: read-only, without a list of its files. Loaded by acu/__init__.py, on
boards alone. A pack begins with its number of files (2 bytes), then one by one length of the name,
the name, where its bytes are (4 bytes) and how many (4), lowest byte first.
"""
import io
import os

from micropython import const

_ENOENT = const(2)
_CLOSE = const(4)           # requests of a stream's ioctl
_BUFFER = const(11)


class _Part(io.IOBase):
    """Some bytes of a file, from now on."""

    def __init__(self, file, n):
        self._file = file
        self._n = n

    def readinto(self, buf):
        data = self._file.read(min(len(buf), self._n))
        buf[:len(data)] = data
        self._n -= len(data)
        return len(data)

    def ioctl(self, request, arg):
        if request == _CLOSE:
            self._file.close()
        return 240 if request == _BUFFER else 0


class Pack:
    def __init__(self, path):
        self._path = path

    def mount(self, readonly, mkfs):
        pass

    def _find(self, name):
        """(file, number of bytes), the file at the first of them."""
        f = open(self._path, "rb")
        name = name[1:].encode()
        for _ in range(int.from_bytes(f.read(2), "little")):
            found = f.read(f.read(1)[0])
            place = f.read(8)
            if found == name:
                f.seek(int.from_bytes(place[:4], "little"))
                return f, int.from_bytes(place[4:], "little")
        f.close()
        raise OSError(_ENOENT)

    def stat(self, path):
        if path == "/":
            return (0x4000, 0, 0, 0, 0, 0, 0, 0, 0, 0)
        f, n = self._find(path)
        f.close()
        return (0x8000, 0, 0, 0, 0, 0, n, 0, 0, 0)

    def open(self, path, mode):
        return _Part(*self._find(path))


def mount(folder):
    """Every pack in the folder, as the folder of its name."""
    import vfs
    for name in os.listdir(folder):
        if name[-5:] == ".pack":
            vfs.mount(Pack("%s/%s" % (folder, name)), "%s/%s" % (folder, name[:-5]))
