"""The store of a board: named records as small files of one folder on littlefs (/data).

On littlefs a file changes when it is closed, as a whole or not at all, and one of a few hundred
bytes lies in its folder's own block: several writes of it cost one erase. Writing beside it and
renaming would cost four times as many, so nothing is renamed here; what must survive a block that
dies lies in two files (recording.Record). Bytes in, bytes out; slow tier only, since an erase
takes 45 ms and more. Nothing is raised: what went wrong is counted, has a code and a sentence, and
what was stored stays. A full flash gives up its oldest captures, then its oldest events
(shedding.py), never settings, calibration or energy.
"""
import os

from micropython import const

_ENOENT = const(2)
_EEXIST = const(17)
_ENOSPC = const(28)
_FULL = const(380)
_IO = const(381)
_MOST = const(8)          # files given up for one write: a capture or an event is not worth more


class FlashStore:
    """folder: without a slash at its end; it is made where it is missing."""

    def __init__(self, folder):
        self.failed = 0       # calls that failed, or threw something away, so far
        self.code = 0         # of the last one: E380 full, E381 not to be read or written
        self.shed = 0         # files thrown away because the flash was full
        self._folder = folder + "/"
        self._last = ("", 0)  # name and errno of the last failure
        try:
            os.mkdir(folder)
        except OSError as e:
            if e.errno != _EEXIST:
                self._fail(folder, e.errno)

    def read(self, name, at=0, n=-1):
        """n bytes (-1: all) from byte `at` on; None: no such file, or it cannot be read."""
        try:
            f = open(self._folder + name, "rb")
            try:
                if at:
                    f.seek(at)
                return f.read(n)
            finally:
                f.close()
        except OSError as e:
            if e.errno != _ENOENT:
                self._fail(name, e.errno)
        except MemoryError:
            self._fail(name, 12)
        return None

    def write(self, name, data):
        return self._put(name, data, "wb")

    def append(self, name, data):
        return self._put(name, data, "ab")

    def size(self, name):
        """Bytes; -1: no such file."""
        try:
            return os.stat(self._folder + name)[6]
        except OSError:
            return -1

    def names(self):
        try:
            return sorted(os.listdir(self._folder[:-1]))
        except OSError as e:
            self._fail("", e.errno)
            return []

    def remove(self, name):
        try:
            os.remove(self._folder + name)
            return True
        except OSError as e:
            if e.errno != _ENOENT:
                self._fail(name, e.errno)
            return False

    def complaint(self):
        """The last failure as a sentence; "": none so far."""
        if not self.code:
            return ""
        name, errno = self._last
        if self.code == _FULL:
            return ("E380 store: %s did not fit, the flash is full; %d old captures and event "
                    "segments were thrown away so far. Fetch and remove captures, or set a "
                    "smaller cap_n." % (name, self.shed))
        return ("E381 store: %s could not be read or written, errno %d, %d failures so far. Fetch "
                "what you need, then format the flash; if it comes again, replace the board." % (
                    name or "the folder", errno, self.failed))

    def _put(self, name, data, mode):
        for k in range(_MOST + 1):
            try:
                f = open(self._folder + name, mode)
                try:
                    f.write(data)
                finally:
                    f.close()
                return True
            except OSError as e:
                errno = e.errno
            except MemoryError:
                errno = 12
            if errno != _ENOSPC or k == _MOST or not self._make_room(name):
                break
        self._fail(name, errno)
        return False

    def _make_room(self, name):
        from acu import forget
        from acu.drivers import shedding
        victim = shedding.oldest(self, name)
        forget("acu.drivers.shedding")
        if not victim or not self.remove(victim):
            return False
        self.shed += 1
        self._fail(name, _ENOSPC)
        return True

    def _fail(self, name, errno):
        self.failed += 1
        self.code = _FULL if errno == _ENOSPC else _IO
        self._last = (name, errno)
