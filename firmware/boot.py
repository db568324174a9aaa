"""Stage 0, the same for all versions: outputs safe, slot chosen, starts counted.

Runs first after every reset and soft reset. Leaves four globals for main.py: SLOT ("a", "b" or ""
if there is no whole firmware), MODE ("run", "safe", "maint"), TRIAL (the slot is not confirmed
yet) and WHY (what is not as usual, a sentence). Imports nothing of acu, starts no watchdog, no
network; returns whatever is broken: a file that is missing, cut or garbage, a full or worn flash.
docs/starting.md has the rules.
"""
import os
import sys

import machine

SLOT = ""
MODE = "safe"
TRIAL = False
WHY = "E364 start: boot.py was interrupted."


def _read(path):
    try:
        with open(path, "rb") as f:
            return f.read(16)
    except OSError:
        return b""


def _put(path, data):
    """The file is as it was or as it is to be, whenever the power goes."""
    try:
        with open(path + ".new", "wb") as f:
            f.write(data)
        os.rename(path + ".new", path)
        return True
    except OSError:
        return False


def _drop(path):
    try:
        os.remove(path)
    except OSError:
        pass


def _there(path):
    try:
        os.stat(path)
        return True
    except OSError:
        return False


def _whole(slot):
    """manifest.json goes first and comes last when a slot is overwritten."""
    for name in ("manifest.json", "board.json", "pins.py"):
        if not slot or not _there("/%s/%s" % (slot, name)):
            return False
    return True


def _pins(slot):
    """The slot's pins.py as a module, None if it cannot be read."""
    sys.modules.pop("pins", None)
    sys.path.insert(0, "/" + slot)
    try:
        return __import__("pins")
    except Exception:           # garbage in the file may raise anything
        return None
    finally:
        sys.path.pop(0)


def _safe(slots):
    """No coil draws current. Returns the pins.py that said where they are."""
    for slot in slots:
        pins = _pins(slot)
        done = pins is not None and isinstance(getattr(pins, "OUTPUTS", None), tuple)
        if not done:
            continue
        for rule in pins.OUTPUTS + getattr(pins, "UNUSED", ()):
            for coil in ("close", "open", "pin"):
                try:
                    if coil in rule:
                        machine.Pin(rule[coil], machine.Pin.OUT, value=1 - rule["active"])
                except Exception:       # garbage; the other coils still count
                    done = False
        if done:
            return pins
    return None


def _pressed(button):
    if button == "bootsel":
        import rp2
        return rp2.bootsel_button()
    pull = {"up": machine.Pin.PULL_UP, "down": machine.Pin.PULL_DOWN}.get(button.get("pull"))
    return machine.Pin(button["pin"], machine.Pin.IN, pull)() == button["active"]


def _held(pins):
    """The recovery button is held for 3 s. BOOTSEL held while the power comes would start the
    chip's own loader: it is looked for during the first second after that."""
    import time
    button = getattr(pins, "RECOVERY", None)
    if not button:
        return False
    if button == "bootsel" and machine.reset_cause() != machine.PWRON_RESET:
        return False
    led = getattr(pins, "LED", None)
    led = machine.Pin(led, machine.Pin.OUT, value=1) if isinstance(led, int) else None
    held = 0
    for _ in range(50):         # of 20 ms
        if _pressed(button):
            held = 1
        if held or button != "bootsel":
            break
        time.sleep_ms(20)
    while 0 < held < 150 and _pressed(button):
        held += 1
        time.sleep_ms(20)
    if led:
        led(0)
    return held >= 150


def _wipe():
    """Keys first: at no moment are they there without the passwords in front of them."""
    for kind in ("keys.", "settings.", "passwords."):
        try:
            names = sorted(os.listdir("/data"))
        except OSError:
            return
        for name in names:
            if name[:len(kind)] == kind:
                _drop("/data/" + name)
    _put("/data/reset", b"recovery")
    _drop("/boots")


def _choose():
    """(slot, candidate, tries left of it, why)"""
    names = {b"a": "a", b"b": "b"}
    good = names.get(_read("/slot"), "")
    if not _whole(good):
        good = "a" if _whole("a") else "b" if _whole("b") else ""
    trial = _read("/try")
    if not trial:
        return good, "", 0, ""
    slot = names.get(trial[:1], "")
    tries = {b"1": 1, b"2": 2, b"3": 3}.get(trial[1:], 0)
    if slot and tries and _whole(slot):
        return good, slot, tries, ""
    return good, "", 0, (
        "E361 start: the new firmware in /%s did not become good. The one in /%s runs again. See "
        "ERR and EVE, then flash once more." % (slot, good))


def _boot():
    good, trial, tries, why = _choose()
    first = trial or good
    # the other slot's pins too: a broken file must not leave a coil to chance
    pins = _safe((first, "b" if first == "a" else "a") if first else ("a", "b"))
    try:
        if _held(pins):
            _wipe()
    except Exception:           # a button that is no pin, an image without rp2
        pass
    if _there("/maint"):
        return first, "maint", bool(trial), (
            "E363 start: maintenance: no ACU, outputs released. slvg flash ends it; so does a "
            "power-up after which nobody comes for 2 min.")
    if why:
        _drop("/try")
    if trial:
        if _put("/try", ("%s%d" % (trial, tries - 1)).encode()):
            return trial, "run", True, ""
        why = "E365 start: /try cannot be written (flash full?), so /%s was not tried." % trial
    if not good:
        return "", "safe", False, "E360 start: no whole firmware in /a or /b. Run slvg flash."
    starts = _read("/boots")
    starts = int(starts) if starts.isdigit() else 0
    if starts >= 5:
        return good, "safe", False, (
            "E362 start: %d starts in a row did not become good: no ACU, outputs released. See "
            "ERR and EVE. It starts once more by itself in 15 min." % starts)
    _put("/boots", str(starts + 1).encode())
    return good, "run", False, why


if sys.platform == "rp2":       # a soft reset stops neither converter nor DMA, which writes to RAM
    machine.mem32[0x4004C000] = 0           # ADC off
    machine.mem32[0x50000444] = 0xFFF       # abort every DMA channel
try:
    SLOT, MODE, TRIAL, WHY = _boot()
except Exception as _e:
    WHY = "E364 start: boot.py failed: %s." % type(_e).__name__
# main.py, and start.py, take the pins of the slot that runs
sys.modules.pop("pins", None)
if SLOT:
    sys.path.insert(0, "/" + SLOT)
for _n in ("_read", "_put", "_drop", "_there", "_whole", "_pins", "_safe", "_pressed", "_held",
           "_wipe", "_choose", "_boot"):
    globals().pop(_n)           # their memory is the firmware's
