"""Keeps the samples around an event: 200 ms before it to 200 ms after (a recloser: and the time
that its breaker takes), as they came.

fast(now_us, picked) belongs to the fast tier, after all that may pick up; it allocates nothing. An
edge of `picked`, or request() of the slow tier, begins a capture: at most 50 frames a tick go from
the sampler's ring into parts of its own, faster than new ones come, so that the oldest are safe
long before they are overwritten. slow() then writes it to the store, a piece a pass: a header, the
codes (after the correction table), CRC-32 over both. `keep` records; the oldest goes when a new
one is whole, so that a cut leaves as many as there were. While one is being taken or written
another event is only counted, in `missed`. captured.py lists what is in the store.

Nothing is decided here, and nothing is captured where the sampler has no ring.
"""
import struct
from array import array
from binascii import crc32

import micropython
from micropython import const

from acu import forget
from acu.primitives.recording import Record

MAGIC = const(0x31474C53)    # "SLG1"
# magic, number, cause, flags, rate in Hz, frames, those before the event, Unix time of the first
# frame in ms, nominal frequency in mHz and voltage in 0.1 V, kind, channels
HEAD = "<IIHHHHHqIH8sB"
# of each channel: uV or uA at code 2048 + 2048, slot skew in ns, offset in codes Q8
CHANNEL = "<QIi"
UNSYNC = const(1)            # flag: the clock was not synchronised
REQUESTED = const(0xFFFF)    # cause, where the slow tier gives none

_FRAMES = const(0x1FFFFFFF)
_PART = const(50)            # frames a part of the buffer, and a tick at most
_GUARD = const(24)           # the writer may add meanwhile
_PIECE = const(2000)         # codes a pass, about: an erase block of the flash


@micropython.viper
def _gather(x: int, y: int, ring: ptr16, to: ptr16, par: ptr32):
    """Copies x frames from frame y of the ring on. par: frames in the ring - 1, channels, place in
    `to`, which moves on."""
    n = par[1]
    at = par[2]
    while x:
        k = (y & par[0]) << 3
        end = k + n
        while k < end:
            to[at] = ring[k]
            at += 1
            k += 1
        y += 1
        x -= 1
    par[2] = at


class Origin:
    """What a header says of where the codes come from, where that is not a Measuring: a recloser's
    channels have no offset that is followed."""

    def __init__(self, kind, cal, un_dv, used_mhz):
        self.kind = kind
        self.cal = cal
        self.un_dv = un_dv
        self.used_mhz = used_mhz
        self._zero_q8 = array("i", [0] * len(cal))


class Capture:
    """measuring: for kind, cal and offsets, or an Origin. sync: tells the time. keep: records in
    the store."""

    def __init__(self, sampler, measuring, store, clock, sync, keep=4, before_ms=200,
                 after_ms=200):
        self.on = getattr(sampler, "ring", None) is not None and keep > 0
        self.missed = 0          # events while one was being taken or written
        self.lost = 0            # captures that were overwritten before they were taken
        self.cause = 0           # why slow()'s last one was taken
        self.frames = 0          # and how many it has
        self._sampler = sampler
        self._m = measuring
        self._store = store
        self._clock = clock
        self._sync = sync
        self._keep = keep
        self._record = Record(store, "cap")
        raw = self._record.load()
        self.number = struct.unpack("<I", raw)[0] if raw else 0     # of the newest
        n = len(measuring.cal)
        self._before = before_ms * sampler.rate_hz // 1000
        self._after = after_ms * sampler.rate_hz // 1000
        # in parts: no heap has 19 KB in one piece after the start
        self._parts = [array("H", bytes(2 * n * _PART)) for _ in range(
            (self._before + self._after + _PART - 1) // _PART if self.on else 0)]
        self._par = None
        if self.on:
            self._par = array("i", [sampler.size - 1, n, 0])
            self._far = sampler.size - _GUARD
        self._left = 0           # frames still to be taken
        self._next = 0           # the first of them
        self._taken = 0
        self._full = False       # waits to be written
        self._picked = 1         # what stands from the start on is no event
        self.awake = self.on     # fast() has something to do even if nothing is picked up
        self._wanted = 0
        self._why = 0
        self._t_us = 0
        self._pre = 0
        self._at = -1            # parts written
        self._crc = 0
        self._name = ""          # of the file that is being written
        if self.on:
            from acu.functions import captured
            captured.tidy(store, keep)
            forget("acu.functions.captured")

    # ---- fast tier

    def fast(self, now_us, picked, cause=0):
        """picked: not 0 while something is picked up; cause: what begins a capture now."""
        if not self.on:
            return
        s = self._sampler
        if (picked and not self._picked) or self._wanted:
            if self._left or self._full:
                self.missed += 1
            else:
                self._why = cause if picked and not self._picked else self._wanted
                self._t_us = now_us
                pre = min(self._before, (s.tail - s.begin) & _FRAMES)   # less just after a start
                self._pre = pre
                self._next = s.tail - pre
                self._left = pre + self._after
                self._par[2] = self._taken = 0
            self._wanted = 0
        self._picked = picked
        self.awake = picked != 0 or self._left != 0
        if self._left:
            n = (s.tail - self._next) & _FRAMES
            if ((s.head - self._next) & _FRAMES) > self._far:
                self._left = 0
                self.lost += 1
                return
            k = self._taken // _PART
            n = min(n, self._left, (k + 1) * _PART - self._taken)
            _gather(n, self._next & self._par[0], s.ring, self._parts[k], self._par)
            self._taken += n
            if self._taken == (k + 1) * _PART:
                self._par[2] = 0
            self._next = (self._next + n) & _FRAMES
            self._left -= n
            if not self._left:
                self._full = True

    # ---- slow tier

    def request(self, cause=REQUESTED):
        """Of something that only the slow tier sees."""
        self._wanted = cause
        self.awake = True

    def busy(self):
        """Something is being taken or written: no time to rest."""
        return self._left or self._full or self._wanted

    def slow(self, now_ms, may_write):
        """Writes a piece; the record's number when it is complete, else 0."""
        if not self._full or not may_write:
            return 0
        if self._at < 0:
            self._begin(now_ms)
            return 0
        size = 2 * self._par[1] * _PART        # of a part, in bytes
        k = self._at + max(1, 2 * _PIECE // size)
        piece = b"".join([bytes(memoryview(part)) for part in self._parts[self._at:k]])
        piece = piece[:2 * self._par[1] * self.frames - self._at * size]
        self._crc = crc32(piece, self._crc)
        self._at = k
        last = k * _PART >= self.frames
        if last:
            piece += struct.pack("<I", self._crc & 0xFFFFFFFF)
        written = self._store.append(self._name, piece) is not False
        if written and not last:
            return 0
        self._at = -1
        self._full = False
        if not written:
            self._store.remove(self._name)      # no half of one is kept
            self.lost += 1
            return 0
        self._drop_oldest()
        return self.number

    def _drop_oldest(self):
        """If there is one more than are kept."""
        least = oldest = -1
        for k in range(self._keep + 1):
            raw = self._store.read("cap%d" % k, 4, 4)
            if not raw:
                return
            number = struct.unpack("<I", raw)[0]
            if oldest < 0 or number < least:
                least, oldest = number, k
        self._store.remove("cap%d" % oldest)

    def _begin(self, now_ms):
        """The header; its number first, so that no number is ever given twice."""
        s = self._sampler
        m = self._m
        self.number += 1
        self._record.save(struct.pack("<I", self.number))
        age_ms = self._clock.ticks_diff(self._clock.ticks_us(), self._t_us) // 1000
        t_ms = self._sync.utc_ms(now_ms - age_ms) - self._pre * 1000 // s.rate_hz
        flags = 0 if self._sync.synchronised(now_ms) else UNSYNC
        n = self._par[1]
        self.cause = self._why
        self.frames = self._taken
        head = struct.pack(HEAD, MAGIC, self.number, self._why, flags, s.rate_hz, self.frames,
                           self._pre, t_ms, m.used_mhz, m.un_dv, m.kind.encode(), n)
        for c in range(n):
            head += struct.pack(CHANNEL, m.cal[c][0], m.cal[c][1], m._zero_q8[c])
        self._crc = crc32(head)
        self._at = 0
        k = 0
        while k < self._keep and self._store.size("cap%d" % k) >= 0:
            k += 1
        self._name = "cap%d" % k
        self._store.write(self._name, head)
