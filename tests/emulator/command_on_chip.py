# Runs on the emulated chip: signed commands of frames.txt through the Messenger; prints times, us.
import gc
import time

from acu.primitives.authentication import Keys, mac
from acu.primitives.messaging import Messenger


class Store:
    failed = 0

    def read(self, name, at=0, n=-1):
        return None

    def write(self, name, data):
        return True

    def size(self, name):
        return -1


class Link:
    up = True
    acks = ()
    session = 0


class Sync:
    def utc_ms(self, now_ms):
        return 1_772_345_000_000 + now_ms

    def synchronised(self, now_ms):
        return True


KEY = bytes(range(32))
store = Store()
net = Messenger(Link(), Sync(), "eu1", 1, store, Keys({"": [KEY]}, store))
with open("frames.txt", "rb") as f:
    frames = f.read().split(b"\n")[:-1]
times, codes, taken = [], [], 0
for raw in frames:
    gc.collect()
    begin = time.ticks_us()
    mac(KEY, raw[:-24])        # before ,"h":"..."}
    codes.append(time.ticks_diff(time.ticks_us(), begin))
    gc.collect()
    begin = time.ticks_us()
    taken += net.receive(0, raw) is not None
    times.append(time.ticks_diff(time.ticks_us(), begin))
print("taken", taken)
print("mac", max(codes), sum(codes) // len(codes))
print("receive", max(times), sum(times) // len(times))
