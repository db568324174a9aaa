"""Inside the MicroPython VM: dispatch_rig.Rig on stdin and stdout. study/microgrid_vm.py is the
other end.

Arguments: folders for sys.path. First line: what the Rig is given, as JSON. Then blocks of steps:
the length of a block in bytes and the block; the answer is three integers (bytes of set-points,
bytes of the heap in use after them, us of processor time that the steps took) and the set-points.
Ends with its input.
"""
import gc
import json
import struct
import sys
import time

sys.path[:] = sys.argv[1:] + sys.path

from host_sim.board.dispatch_rig import Rig  # noqa: E402


def main():
    source = sys.stdin.buffer
    sink = sys.stdout.buffer
    rig = Rig(json.loads(source.readline()))
    while True:
        head = source.read(4)
        if len(head) < 4:
            return
        block = source.read(struct.unpack("<I", head)[0])
        began = time.ticks_us()
        answer = rig.run(block)
        us = time.ticks_diff(time.ticks_us(), began)
        block = None
        gc.collect()
        sink.write(struct.pack("<III", len(answer), gc.mem_alloc() - len(answer), us))
        sink.write(answer)


main()
