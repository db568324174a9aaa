"""What `slvg flash` has the board itself run, as text: looking, hashing, storing settings.

For MicroPython, on a stock image too: no module of ours but in PROVISION, which uses the new
slot's. flash_job.py sends it.
"""
# What the board runs. h: hash of a file; w: every file below a folder with its hash.
TOOLS = '''
import os, hashlib, gc, binascii
def h(p):
    d = hashlib.sha256()
    b = bytearray(512)
    with open(p, "rb") as f:
        while True:
            n = f.readinto(b)
            if not n:
                break
            d.update(memoryview(b)[:n])
    return str(binascii.hexlify(d.digest()), "ascii")
def w(p):
    for e in sorted(os.ilistdir(p)):
        q = p + "/" + e[0]
        if e[1] & 0x4000:
            print("D", q)
            w(q)
        else:
            try:
                print("F", q, os.stat(q)[6], h(q))
            except OSError:
                print("F", q, 0, "-")
def r(p):
    try:
        with open(p, "rb") as f:
            return f.read(64)
    except OSError:
        return b""
def put(p, d):
    with open(p + ".new", "wb") as f:
        f.write(d)
    os.rename(p + ".new", p)
def rm(p):
    try:
        os.remove(p)
    except OSError:
        pass
'''
LOOK = '''
import sys, machine
i = sys.implementation
m = getattr(i, "_mpy", 0)
print(repr((getattr(machine, "VIRTUAL", sys.platform), hasattr(machine, "VIRTUAL"), m & 255,
    m >> 10 & 15, tuple(i.version[:3]), str(binascii.hexlify(machine.unique_id()), "ascii"),
    getattr(i, "_machine", "?"))))
v = os.statvfs("/")
print(repr((v[0], v[2], v[3])))
print(repr((r("/slot"), r("/try"))))
for s in "ab":
    try:
        with open("/%s/manifest.json" % s, "rb") as f:
            print("M", s, str(f.readline(), "utf-8").strip())
    except (OSError, UnicodeError):
        pass
for p in ("/boot.py", "/main.py"):
    try:
        print("F", p, os.stat(p)[6], h(p))
    except OSError:
        pass
for s in ("/a", "/b"):
    try:
        os.stat(s)
        w(s)
    except OSError:
        pass
'''
PROVISION = '''
import sys, json
sys.path.insert(0, "/%s")
sys.modules.pop("acu", None)
from acu.drivers.flash_store import FlashStore
from acu.primitives import provisioned
s = FlashStore("/data")
c = json.loads(%r)
o, x = provisioned.load(s)
print(repr("" if o == c else provisioned.save(s, c)))
sys.path.pop(0)
'''
