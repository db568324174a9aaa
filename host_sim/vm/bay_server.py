"""Inside the MicroPython VM: bay_rig.Rig on stdin and stdout. study/bay_batch.py is the other end.

Arguments: folders for sys.path. First line: the settings as JSON. Then scenarios: a head of seven
32-bit integers (what, ticks, ask_tick, mode, wait_ms, blind, bytes of codes) and the codes; the
answer is its length and its bytes. Ends with its input.
"""
import gc
import json
import struct
import sys

sys.path[:] = sys.argv[1:] + sys.path

from host_sim.board.bay_rig import Rig  # noqa: E402

_HEAD = "<iiiiiii"


def main():
    source = sys.stdin.buffer
    sink = sys.stdout.buffer
    rig = Rig(json.loads(source.readline()))
    while True:
        head = source.read(28)
        if len(head) < 28:
            return
        what, ticks, ask_tick, mode, wait_ms, blind, size = struct.unpack(_HEAD, head)
        codes = source.read(size)
        gc.collect()
        answer = rig.run(what, codes, ticks, ask_tick, mode, wait_ms, blind)
        sink.write(struct.pack("<I", len(answer)))
        sink.write(answer)


main()
