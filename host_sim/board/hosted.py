"""The other process of jobs.py: its half of the controllers, driven over its standard input."""
import marshal
import os
import struct
import sys

from host_sim.board.twinned import TwinFirmware
from host_sim.waveform.bank import Codes


def _no_sums(*_):
    raise ValueError("a run in two processes asks for no sums")


class Hosted:
    """Answers the calls of JobsFirmware."""

    def __init__(self):
        self._banks: dict = {}          # rate -> Codes
        self._firmware = None

    def start(self, specs, rests):
        self._firmware = TwinFirmware(specs, _no_sums, lambda: list(self._banks.values()), rests)

    def instant(self, t_us, slow, work, blocks):
        for rate_hz, widths, codes in blocks:
            if widths is not None:
                self._banks[rate_hz] = Codes(rate_hz, widths)
            self._banks[rate_hz].put(codes)
        return [(drives, [(topic, bytes(payload), qos, retain)
                          for topic, payload, qos, retain in sent], lines, wake_us)
                for drives, sent, lines, wake_us in self._firmware.instant(t_us, slow, work)]

    def answer(self, call, *args):
        if call in ("start", "instant"):
            return getattr(self, call)(*args)
        return getattr(self._firmware, call)(*args)


def main():
    """Until the input ends. What the firmware prints goes to standard error."""
    to = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    asked = sys.stdin.buffer
    hosted = Hosted()
    while True:
        size = asked.read(4)
        if len(size) < 4:
            return
        request = marshal.loads(asked.read(*struct.unpack("<I", size)))
        reply = marshal.dumps(hosted.answer(*request))
        to.write(struct.pack("<I", len(reply)) + reply)
        to.flush()


if __name__ == "__main__":
    main()
