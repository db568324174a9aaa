"""What hangs on a virtual board's pins: voltages, currents, contacts with travel time, sensors.

A cabinet at the wall clock's pace, in CPython. It is told which coils the chip drives and answers
with levels of pins and, whenever something changes, with five periods of codes (100 ms at 4000
frames a second), which the converter sees until the next change. Times are time.monotonic().
Knows the board by its board.json and pins.py, nothing of firmware.
"""
import heapq
import math
import struct
import time
from collections.abc import Callable

FRAMES = 400            # five periods of 50 Hz
RATE_HZ = 4000
STRIDE = 8
NOBODY = 2
TRAVEL_S = {"close": 0.012, "open": 0.008}
_PHASE = {"a": 0, "b": 1, "c": 2}


def message(kind: str, pin: int = 0, body: bytes = b"") -> bytes:
    return struct.pack("<BBH", ord(kind), pin, len(body)) + body


class Contact:
    """A relay: two coils that latch, or one that holds."""

    def __init__(self, rule: dict, mirrors: list[dict]):
        self.rule = rule
        self.mirrors = mirrors      # (pin, level when closed)
        self.closed = False
        self.welded = False
        self.moves = 0
        self.latching = rule["drive"] == "latching"
        self.coils = {rule[coil]: coil for coil in ("close", "open", "pin") if coil in rule}

    def wanted(self, pin: int, level: int | None) -> bool | None:
        """Where this coil now pulls the contact; None: nowhere."""
        on = level == self.rule["active"]
        if self.latching:
            return self.coils[pin] == "close" if on else None
        return on


class Cabinet:
    """send(bytes) goes to the wiring inside the VM. Levels and frames are kept, so that all of it
    can be sent again to a chip that starts anew."""

    def __init__(self, board: dict, pins: dict, send: Callable[[bytes], None]):
        self.board = board
        self._send = send
        self.u_v = [230.0, 230.0, 230.0]
        self.i_a = 5.0
        self.temperature_c = 25.0
        self.bootsel = False
        self.interlock = True
        self.levels: dict[int, int] = {}
        self._due: list[tuple[float, int, bool]] = []
        self._pins = pins
        self.coils_on = 0               # times that a coil got current
        self.closings = 0               # those of a coil that closes
        outputs = [*pins["OUTPUTS"], *pins.get("UNUSED", ())]
        self.contacts = {rule["name"]: Contact(rule, self._mirrors(rule["name"]))
                         for rule in outputs}
        self._by_coil = {pin: name for name, c in self.contacts.items() for pin in c.coils}
        for rule in pins["INPUTS"]:
            if "pin" in rule:
                quiet = rule["name"] in ("cover", "magnet", "spare", "hot_line_tag", "cutout")
                self.levels[rule["pin"]] = rule["active"] ^ 1 if quiet else rule["active"]
        if pins["INTERLOCK"]:
            self.levels[pins["INTERLOCK"]["pin"]] = pins["INTERLOCK"]["active"]
        for contact in self.contacts.values():
            self._show(contact)

    def _mirrors(self, output: str) -> list[dict]:
        tail = output.rpartition("_")[2]
        names = {"mirror_" + tail, "closed_52a", "open_52b"} | (
            {"mirror"} if output == "breaker" else set())
        return [rule for rule in self._pins["INPUTS"] if rule["name"] in names]

    def coils(self) -> list[int]:
        return sorted(self._by_coil)

    # -- towards the chip

    def everything(self) -> bytes:
        """To a chip that starts."""
        parts = [message("L", pin, bytes([level])) for pin, level in sorted(self.levels.items())]
        t_16 = round(16 * self.temperature_c)
        return b"".join([*parts, message("T", 0, struct.pack("<h", t_16)),
                         message("B", 0, bytes([self.bootsel])), message("F", 0, self.frames()),
                         message("Z")])

    def set_level(self, pin: int, level: int | None) -> None:
        self.levels[pin] = NOBODY if level is None else level
        self._send(message("L", pin, bytes([self.levels[pin]])))

    def set_interlock(self, on: bool) -> None:
        rule = self._pins["INTERLOCK"]
        if rule:
            self.set_level(rule["pin"], rule["active"] if on else 1 - rule["active"])

    def set_supply(self, u_v: list[float], i_a: float) -> None:
        self.u_v, self.i_a = list(u_v), i_a
        self._send(message("F", 0, self.frames()))

    def set_temperature(self, celsius: float) -> None:
        self.temperature_c = celsius
        self._send(message("T", 0, struct.pack("<h", round(16 * celsius))))

    def set_bootsel(self, pressed: bool) -> None:
        self.bootsel = pressed
        self._send(message("B", 0, bytes([pressed])))

    # -- contacts

    def driven(self, pin: int, level: int | None) -> None:
        """The chip drives a coil."""
        name = self._by_coil.get(pin)
        if name is None:
            return
        contact = self.contacts[name]
        if level == contact.rule["active"]:
            self.coils_on += 1
            self.closings += contact.wanted(pin, level) is True
        wanted = contact.wanted(pin, level)
        if wanted is not None and wanted != contact.closed:
            travel_s = TRAVEL_S["close" if wanted else "open"]
            heapq.heappush(self._due, (time.monotonic() + travel_s, pin, wanted))

    def next_s(self) -> float:
        """Until something moves; a long time if nothing does."""
        return max(0.0, self._due[0][0] - time.monotonic()) if self._due else 3600.0

    def move(self) -> None:
        """What is due."""
        changed = False
        while self._due and self._due[0][0] <= time.monotonic():
            _, pin, closed = heapq.heappop(self._due)
            contact = self.contacts[self._by_coil[pin]]
            if contact.closed != closed and not contact.welded:
                contact.closed = closed
                contact.moves += 1
                self._show(contact, True)
                changed = True
        if changed:
            self._send(message("F", 0, self.frames()))

    def _show(self, contact: Contact, send: bool = False) -> None:
        for rule in contact.mirrors:
            says = contact.closed != (rule["name"] == "open_52b")
            level = rule["active"] if says else 1 - rule["active"]
            self.levels[rule["pin"]] = level
            if send:
                self._send(message("L", rule["pin"], bytes([level])))

    # -- voltages and currents

    def _closed(self, phase: int) -> bool:
        """Does the load hang on this phase?"""
        of_phase = [c for name, c in self.contacts.items() if name == f"relay_{'abc'[phase]}"]
        whole = [c for name, c in self.contacts.items() if name == "breaker"]
        return all(c.closed for c in of_phase or whole)

    def _phasor(self, name: str) -> tuple[float, float]:
        """(peak in V or A, angle) of a channel by its name in board.json."""
        letter = name[-1]
        if name == "ul" or name == "i" and "ul" in self._names():
            for phase in range(3):
                if self._closed(phase):
                    peak = self.u_v[phase] if name == "ul" else self.i_a
                    return peak * math.sqrt(2), -2 * math.pi * phase / 3
            return 0.0, 0.0
        phase = _PHASE.get(letter, 0)
        angle = -2 * math.pi * phase / 3
        if name[0] == "i":
            flows = self._closed(phase) if "breaker" in self.contacts else True
            return (self.i_a if flows else 0.0) * math.sqrt(2), angle
        if name.startswith(("u1", "u2")) and len(name) == 4:        # phase to phase, secondary
            return 100.0 * math.sqrt(2), angle + math.pi / 6
        return (0.0 if name == "u0" else self.u_v[phase] * math.sqrt(2)), angle

    def _names(self) -> list[str]:
        return [channel["name"] for channel in self.board["channels"]]

    def frames(self) -> bytes:
        """Codes 0..4095 around 2048, each channel in its own slot of the frame."""
        board = self.board
        names = self._names()
        inner = self._pins["CONVERTER"]["driver"] == "rp2_adc"
        places = [pin - 26 for pin in self._pins["CONVERTER"]["pins"]] if inner else list(
            range(len(names)))
        codes = [2048] * (FRAMES * STRIDE)
        for slot, (name, place) in enumerate(zip(names, places, strict=True)):
            peak, angle = self._phasor(name)
            full = (board["i_peak_ma"] / 1000 if name[0] == "i" else board["u_peak_dv"] / 10)
            skew = 2 * math.pi * 50 * slot * board["slot_ns"] * 1e-9
            for k in range(FRAMES):
                # the last bit is never still, for no real converter is
                x = peak / full * 2048 * math.cos(2 * math.pi * 50 * k / RATE_HZ + angle + skew)
                code = round(2048 + x + 1.4 * ((k * 7919 + slot * 104729) % 13 - 6) / 6)
                codes[k * STRIDE + place] = min(4095, max(0, code))
        return struct.pack(f"<{len(codes)}H", *codes)
