"""ISF-1, who may command: HMAC-SHA256 over the raw bytes of a command, and counters that a restart
does not reset (spec smartlvgrid, section 6; RFC 2104).

A controller has a key of its own, known to whoever commands it, and the circuit's group key, which
authorises nothing but a broadcast; who commands others has theirs. Of each there may be two while
it is changed: the newest signs, either is good. They come from the record `keys` (key_record.py).
Keys are never logged, told or shown; nothing is compared faster where it differs sooner.
"""
import struct
from binascii import hexlify
from hashlib import sha256

from micropython import const

from acu.primitives.recording import Record

_KEY = const(32)
_BLOCK = const(4096)    # command counters that one write to the store reserves: hours of `time`
_PEERS = const(8)       # whose counters are kept: one or two command a controller, and all of it;
                        # a recloser's peers
_ROW = "<17sQ"          # a name; before it "*" for what goes to all


def mac(key, raw):
    """The code of a command: the first 8 bytes as 16 hexadecimal digits."""
    inner = sha256(bytes([x ^ 0x36 for x in key]) + b"\x36" * 32)
    inner.update(raw)
    outer = sha256(bytes([x ^ 0x5C for x in key]) + b"\x5c" * 32)
    outer.update(inner.digest())
    return str(hexlify(outer.digest()[:8]), "ascii")


def _same(a, b):
    """Takes as long whatever differs; a: ours, 16 digits."""
    other = len(a) ^ len(b)
    for k in range(min(len(a), len(b))):
        other |= ord(a[k]) ^ ord(b[k])
    return other == 0


class Keys:
    """keys: name -> [key, older key]; "": our own, "*": the group's, others: of those whom we
    command. store: where the counters are kept."""

    strict = True       # there is something to check

    def __init__(self, keys, store):
        self._keys = keys
        self._record = Record(store, "counters")
        self._floor = {}            # sender -> counter up to which all is taken for a replay
        self.unsaved = False
        raw = self._record.load() or b""
        size = struct.calcsize(_ROW)
        for at in range(0, len(raw) - size + 1, size):
            name, k = struct.unpack(_ROW, raw[at:at + size])
            self._floor[str(name.rstrip(b"\0"), "ascii")] = k

    def sign(self, raw, dst):
        keys = self._keys.get(dst)
        return mac(keys[0], raw) if keys else "0" * 16

    def verify(self, raw, h, dst):
        """A unicast needs our own key: the group's is in many hands."""
        good = False
        for key in self._keys.get("*" if dst == "*" else "", ()):
            good |= _same(mac(key, raw), h)
        return good

    def nonce(self, boots, n):
        """A number of 46 bits that nobody else can foretell and that never comes again."""
        own = self._keys.get("")
        return (int(mac(own[0] if own else b"\0" * _KEY, b"nonce %d %d" % (boots, n)), 16)
                & 0x3FFFFFFFFFFF) or 1

    def floor(self, src):
        return self._floor.get(src, -1)

    def reserve(self, src, k):
        """From now on nothing older counts, after a restart nothing of this counter's block. Only
        when it is saved may what it is about be done."""
        if k <= self._floor.get(src, -1):
            return
        if src not in self._floor and len(self._floor) >= _PEERS:
            del self._floor[min(self._floor, key=self._floor.get)]
        self._floor[src] = k | (_BLOCK - 1)
        self.unsaved = True

    def save(self):
        body = b""
        for src in sorted(self._floor):
            body += struct.pack(_ROW, src.encode(), self._floor[src])
        self.unsaved = self._record.save(body) is False

    @staticmethod
    def above(k):
        """Where to go on counting when a receiver has restarted: the end of the block."""
        return k | (_BLOCK - 1)


class Null:
    """Holds the place of the code where the network is a simulated one: 16 zeros, and nothing
    else, pass."""

    strict = unsaved = False
    good = True

    def sign(self, raw, dst):
        return "0" * 16

    def verify(self, raw, h, dst):
        return self.good and h == "0" * 16

    def floor(self, src):
        return -1

    def reserve(self, src, k):
        pass

    @staticmethod
    def above(k):
        return k


class Nobody(Null):
    """A real network and no keys: no command is obeyed."""

    good = False
