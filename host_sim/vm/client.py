"""The controllers of a run inside a real 32-bit MicroPython: the same calls as board/firmware.py.

The world stays in CPython and drives the VM in lockstep over a pipe: frames and messages in,
drives, messages and event lines out. The other end is host_sim/vm/server.py.
"""
import json
import struct
from array import array
from pathlib import Path

from host_sim.vm.process import VmError, VmProcess

ROOT = Path(__file__).resolve().parents[2]


def _seen(frames) -> tuple[int, int, bytes]:
    """(kind, size, body) of what a controller gets of its front end: 0 a number of frames, 1
    codes, 2 nothing, 3 a reading as 64-bit integers: how many halves, they, then parts alike."""
    if isinstance(frames, int):
        return 0, frames, b""
    if isinstance(frames, bytes):
        return 1, len(frames), frames
    if frames is None:
        return 2, 0, b""
    flat = [x for part in frames for x in (len(part), *part)]
    return 3, len(flat), struct.pack(f"<{len(flat)}q", *flat)


class VmFirmware(VmProcess):
    pulls = False
    python = "vm"

    def __init__(self, specs, ask, heap="24M", folders=(ROOT / "firmware", ROOT)):
        """folders: of acu and of host_sim, as sources or compiled."""
        self._ask = ask
        self._names = [spec["id"] for spec in specs]
        self._index = {name: n for n, name in enumerate(self._names)}
        self._pairs = [len(spec["board"]["pairs"]) for spec in specs]
        self._calling = False    # a request is under way: the VM cannot be closed politely
        super().__init__(ROOT / "host_sim/vm/server.py", *folders, heap=heap)
        try:
            for spec in specs:
                self._call(b"N", json.dumps(spec).encode())
        except BaseException:    # a Ctrl-C too: nobody else knows of this process yet
            self.close()
            raise

    def _call(self, what: bytes, body: bytes) -> bytes:
        """One request; answers questions for sums until the reply comes."""
        self._calling = True
        self._write(what + struct.pack("<I", len(body)) + body)
        while True:
            kind = self._read(1)
            if kind == b"S":
                index, k0, n, phase, step = struct.unpack("<HHHII", self._read(14))
                out = array("i", bytes(36 * self._pairs[index]))
                self._ask(self._names[index], k0, n, phase, step, out)
                self._write(out.tobytes())
            elif kind == b"R":
                reply = self._read(struct.unpack("<I", self._read(4))[0])
                self._calling = False
                return reply
            else:
                self._vm.kill()  # what it says is no protocol any more, and may never end
                text = (kind + self._from.read())[:2000].decode(errors="replace")
                raise VmError(f"E134 unexpected output of the VM: {text}")

    def boot(self, acu_id, t_us, levels, up):
        body = struct.pack("<HBQB", self._index[acu_id], up, t_us, len(levels))
        body += struct.pack(f"<{len(levels)}i", *levels)
        return self._call(b"B", body).decode().split("\n")

    def off(self, acu_id):
        self._call(b"O", struct.pack("<H", self._index[acu_id]))

    def set_clock_error(self, acu_id, error_ms):
        self._call(b"C", struct.pack("<Hi", self._index[acu_id], error_ms))

    def hang(self, acu_id, until_us):
        self._call(b"H", struct.pack("<HQ", self._index[acu_id], until_us))

    def stored(self, acu_id):
        reply = self._call(b"G", struct.pack("<H", self._index[acu_id]))
        at = 0
        out = []
        while at < len(reply):
            (n,) = struct.unpack_from("<I", reply, at)
            out.append(reply[at + 4:at + 4 + n])
            at += 4 + n
        return out

    def keys(self, acu_id, data):
        return self._call(b"K", struct.pack("<H", self._index[acu_id]) + data)

    def instant(self, t_us, slow, work):
        parts = [struct.pack("<QBH", t_us, slow, len(work))]
        for name, frames, levels, messages, up in work:
            kind, size, body = _seen(frames)
            parts += [struct.pack("<HBBH", self._index[name], up, kind, size), body]
            parts.append(struct.pack(f"<BB{len(levels)}i", len(levels), len(messages), *levels))
            for topic, payload in messages:
                t = topic.encode()
                parts += [struct.pack("<HH", len(t), len(payload)), t, payload]
        reply = self._call(b"I", b"".join(parts))
        at = 0
        out = []
        for _ in work:
            n_drives, n_sent, n_lines, wake_us = struct.unpack_from("<BBBQ", reply, at)
            at += 11
            drives = [struct.unpack_from("<bb", reply, at + 2 * k) for k in range(n_drives)]
            at += 2 * n_drives
            sent = []
            for _ in range(n_sent):
                qos, retain, nt, np = struct.unpack_from("<BBHH", reply, at)
                at += 6
                sent.append((reply[at:at + nt].decode(), reply[at + nt:at + nt + np], qos, retain))
                at += nt + np
            lines = []
            for _ in range(n_lines):
                (n,) = struct.unpack_from("<H", reply, at)
                lines.append(reply[at + 2:at + 2 + n].decode())
                at += 2 + n
            out.append((drives, sent, lines, wake_us))
        return out

    def close(self):
        """The VM ends with its input; within a request it would complain of that: it is killed."""
        if self._calling:
            self._vm.kill()
        super().close()
