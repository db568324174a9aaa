"""Inside the MicroPython VM: all controllers of a run, driven in lockstep over stdin and stdout.

Arguments: the folder of the firmware and that of host_sim. host_sim/vm/client.py is the other end
of the wire. Runs in MicroPython only.
"""
import gc
import json
import struct
import sys
from array import array

sys.path[:] = sys.argv[1:3] + sys.path

from acu.dsp.ring import RingSampler  # noqa: E402
from host_sim.board.unit import Unit  # noqa: E402

_in = sys.stdin.buffer
_out = sys.stdout.buffer
_units = []


def _asker(index):
    """Quantity level: asks the other end for sums, in the middle of an instant."""
    def ask(k0, n, phase, step, out):
        _out.write(struct.pack("<BHHHII", 83, index, k0, n, phase, step))
        size = len(out)
        answer = array("i", _in.read(4 * size))
        for k in range(size):
            out[k] += answer[k]
    return ask


def _reply(parts):
    body = b"".join(parts)
    _out.write(struct.pack("<BI", 82, len(body)))
    _out.write(body)


def _result(parts, drives, sent, lines, wake_us):
    parts.append(struct.pack("<BBBQ", len(drives), len(sent), len(lines), wake_us))
    for output, level in drives:
        parts.append(struct.pack("<bb", output, level))
    for topic, payload, qos, retain in sent:
        t = topic.encode()
        parts.append(struct.pack("<BBHH", qos, retain, len(t), len(payload)))
        parts.append(t)
        parts.append(payload)
    for line in lines:
        text = line.encode()
        parts.append(struct.pack("<H", len(text)))
        parts.append(text)


class _Reader:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def unpack(self, form):
        out = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return out

    def take(self, n):
        self.at += n
        return self.data[self.at - n:self.at]


def _reading(flat):
    parts = []
    at = 0
    while at < len(flat):
        n = flat[at]
        parts.append(flat[at + 1:at + 1 + n])
        at += 1 + n
    return parts


def _instant(r):
    t_us, slow, count = r.unpack("<QBH")
    parts = []
    for _ in range(count):
        index, up, kind, n = r.unpack("<HBBH")
        frames = n
        if kind == 1:
            frames = r.take(n)
        elif kind:
            frames = _reading(r.unpack("<%dq" % n)) if n else None
        n_levels, n_messages = r.unpack("<BB")
        levels = r.unpack("<%di" % n_levels)
        arrived = []
        for _ in range(n_messages):
            nt, np = r.unpack("<HH")
            topic = str(r.take(nt), "utf-8")
            arrived.append((topic, r.take(np)))
        _result(parts, *_units[index].instant(t_us, frames, levels, arrived, slow, up != 0))
    _reply(parts)


def main():
    while True:
        head = _in.read(5)
        if len(head) < 5:
            return
        what, size = struct.unpack("<BI", head)
        data = _in.read(size) if size else b""
        if what == 73:                                    # I: an instant
            _instant(_Reader(data))
        elif what == 78:                                  # N: a new controller
            _units.append(Unit(json.loads(data), RingSampler, _asker(len(_units))))
            _reply([])
        elif what == 66:                                  # B: boot
            r = _Reader(data)
            index, up, t_us, n_levels = r.unpack("<HBQB")
            filters = _units[index].boot(t_us, r.unpack("<%di" % n_levels), up != 0)
            gc.collect()
            _reply(["\n".join(filters).encode()])
        elif what == 79:                                  # O: off
            _units[struct.unpack("<H", data)[0]].off()
            _reply([])
        elif what == 71:                                  # G: records around events
            parts = []
            for record in _units[struct.unpack("<H", data)[0]].stored():
                parts.append(struct.pack("<I", len(record)))
                parts.append(record)
            _reply(parts)
        elif what == 75:                                  # K: keys at the console
            _reply([_units[struct.unpack("<H", data[:2])[0]].keys(data[2:])])
        elif what == 72:                                  # H: the slow tier hangs
            index, until_us = struct.unpack("<HQ", data)
            _units[index].hang_until_us = until_us
            _reply([])
        elif what == 67:                                  # C: clock error
            index, error_ms = struct.unpack("<Hi", data)
            _units[index].clock.error_ms += error_ms
            _reply([])


main()
