"""The way to a board for `slvg flash`: its port, whatever answers there, its REPL.

Wraps mpremote's SerialTransport as a library: one connection for the whole flash, errors as
exceptions with what the board said, and no half second of start for each of some hundred commands,
as a subprocess would need. Every wait has an end. A running unit is asked by its console, level 2,
to restart into maintenance; a board with nothing but MicroPython is at its REPL already.
"""
import contextlib
import io
import os
import struct
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import serial
from mpremote.transport import TransportError, TransportExecError
from mpremote.transport_serial import SerialTransport
from serial.tools import list_ports

from host_sim.scenario.complaints import InputError

# USB makers whose serial ports may be a board: Raspberry Pi (MicroPython), Espressif, Silicon
# Labs, WCH, FTDI
VENDORS = (0x2E8A, 0x303A, 0x10C4, 0x1A86, 0x0403)
_READ_S = 2.0
_SPEAK_S = 12.0         # a unit that starts is silent for some seconds
_RESET_S = 15.0
_ASKED_S = 0.1
PROMPTS = ("=>>", "==>", "=>", "=")


class FlashError(InputError):
    """One sentence: E2xx thing: what, bound. Remedy."""

    def __init__(self, text: str):
        super().__init__([text])


class Broken(FlashError):
    """The cable or the board went away: the same command goes on where this one ended."""

    def __init__(self, what: str):
        super().__init__(f"E246 cable: {what}. The board keeps its old firmware. Plug it in and "
                         "run the same command again: it goes on where it stopped.")


@dataclass(frozen=True)
class Port:
    device: str
    serial: str
    text: str


def ports(listing: Callable[[], Iterable] = list_ports.comports) -> list[Port]:
    """What may be a board."""
    return sorted((Port(one.device, one.serial_number or "", one.description or "")
                   for one in listing() if one.vid in VENDORS), key=lambda p: p.device)


def choose(port: str, number: str,
           listing: Callable[[], Iterable] = list_ports.comports) -> str:
    """The device to talk to, or why there is none to choose."""
    if port:
        if not os.path.exists(port) and not port.upper().startswith("COM"):
            raise FlashError(f"E241 port {port}: is not there. Plug the board in; slvg flash "
                             f"without --port looks for it. Now here: {_listed(ports(listing))}.")
        return port
    found = ports(listing)
    if number:
        found = [one for one in found if one.serial.lower() == number.lower()]
        if not found:
            raise FlashError(f"E242 board {number}: no port has this serial number. Now here: "
                             f"{_listed(ports(listing))}. Plug it in, or give --port.")
    if not found:
        raise FlashError("E243 board: none found. Use a USB cable that carries data, and put "
                         "MicroPython on the board first (docs/quickstart.md); or give --port.")
    if len(found) > 1:
        raise FlashError(f"E244 board: {len(found)} are plugged in: {_listed(found)}. Unplug all "
                         "but one, or give --serial or --port.")
    return found[0].device


def _listed(found: list[Port]) -> str:
    return ", ".join(f"{p.device} (serial {p.serial or '-'})" for p in found) or "none"


class Link:
    """One open port."""

    def __init__(self, device: str):
        self.device = device
        for left in range(4, -1, -1):
            try:
                self._mp = SerialTransport(device, timeout=_READ_S)
                break
            except (TransportError, OSError, ValueError) as e:
                why = self._why_not(device)
                if not left:
                    raise FlashError(f"E245 port {device}: {why}. {_REMEDY[why]}") from e
                time.sleep(0.2)     # who had it may be about to let it go
        self._mp.serial.write_timeout = 5.0

    @staticmethod
    def _why_not(device: str) -> str:
        try:
            serial.Serial(device, exclusive=True).close()
        except (OSError, ValueError) as e:
            text = str(e).lower()
            if "lock" in text or "busy" in text or "exclusive" in text:
                return "is used by another program"
            if "permission" in text:
                return "may not be opened"
        return "cannot be opened"

    def close(self) -> None:
        with contextlib.suppress(OSError, TransportError):
            self._mp.serial.close()

    # -- whatever is there

    def _write(self, data: bytes) -> None:
        try:
            self._mp.serial.write(data)
        except (OSError, serial.SerialTimeoutException) as e:
            raise Broken("the port took nothing more") from e

    def read_until(self, ends: tuple[str, ...], wait_s: float, quiet_s: float = 0.15,
                   on_data: Callable[[bytes], None] | None = None) -> str:
        """What comes until one of these stands last and nothing follows. With on_data, who sees it
        come, the wait begins anew with each piece."""
        until_s = time.monotonic() + wait_s
        text, last_s = b"", time.monotonic()
        try:
            while time.monotonic() < until_s:
                n = self._mp.serial.in_waiting
                if n:
                    data = self._mp.serial.read(n)
                    text += data
                    last_s = time.monotonic()
                    if on_data:
                        on_data(data)
                        until_s = last_s + wait_s
                elif time.monotonic() - last_s > quiet_s and self._ends(text, ends):
                    break
                else:
                    time.sleep(0.01)
        except OSError as e:
            raise Broken("the board went away") from e
        return text.decode("utf-8", "replace")

    @staticmethod
    def _ends(text: bytes, ends: tuple[str, ...]) -> bool:
        """A prompt of the console stands alone in its line; anything else may follow something."""
        last = text.decode("utf-8", "replace").rstrip("\r\n").rpartition("\n")[2]
        return any(last == end if end in PROMPTS else last.endswith(end) for end in ends)

    def who(self, wait_s: float = _SPEAK_S) -> str:
        """"repl", "console", or "" for nothing that is known."""
        until_s = time.monotonic() + wait_s
        first = True
        while time.monotonic() < until_s:
            self._write(b"\r\x03" if first else b"\x03\x02\r")
            first = False
            text = self.read_until((">>> ", *PROMPTS), 1.5)
            if self._ends(text.encode(), (">>> ",)):
                return "repl"
            if self._ends(text.encode(), PROMPTS):
                return "console"
        return ""

    def knock(self) -> str:
        """As who(), but without a Ctrl-C, which would end a unit that is still starting."""
        self._write(b"\x15\r")
        text = self.read_until((">>> ", *PROMPTS), 1.5).encode()
        return ("repl" if self._ends(text, (">>> ",)) else
                "console" if self._ends(text, PROMPTS) else "")

    # -- console

    def say(self, line: str, ends: tuple[str, ...] = PROMPTS, wait_s: float = 6.0,
            on_data: Callable[[bytes], None] | None = None) -> str:
        self._write(line.encode() + b"\r")
        text = self.read_until(ends, wait_s, on_data=on_data)
        if text.endswith("? "):         # what comes too soon after a question is no answer to it
            time.sleep(_ASKED_S)
        return text

    def twin(self, command: str) -> dict[str, str]:
        """Rows of a comma-separated page of two fields; {} if it does not come."""
        rows = {}
        for line in self.say("\x15" + command).splitlines():
            fields = [part.strip().strip('"') for part in line.split('","')]
            if len(fields) >= 3 and line.startswith('"'):
                rows[fields[0]] = fields[1]
        return rows

    def maintenance(self, password: str) -> None:
        """From the console to the REPL, with everything stopped and safe."""
        self.say("\x15")
        text = self.say("2AC", ("? ", "word: ", *PROMPTS))
        if "assword" in text.rpartition("\n")[2]:
            text = self.say(password)
        if not text.rpartition("\n")[2] == "=>>":
            said = next((line for line in text.splitlines() if line.startswith("E")), "")
            if not said:
                raise FlashError(f"E249 console: level 2 was not reached ({text.strip()[-80:]}). "
                                 "Try slvg console.")
            raise FlashError(f"E247 password: the unit refused it ({said[:60]}). Give the one of "
                             "level 2 by --password-file or SLVG_PASSWORD. Forgotten: hold the "
                             "board's recovery button while it starts, which wipes keys, "
                             "passwords and settings (docs/flashing.md).")
        text = self.say("MAI", ("? ", *PROMPTS))
        for _ in range(4):
            if not text.endswith("? "):
                break
            text = self.say("Y", ("? ", "resetting now.", *PROMPTS), 3.0)
        if "resetting" not in text:
            said = next((line for line in text.splitlines() if line.startswith("E")), "no answer")
            raise FlashError(f"E248 maintenance: the unit does not go there: {said}. Wait until "
                             "nothing moves, then try again.")
        time.sleep(0.5)
        until_s = time.monotonic() + _RESET_S
        while time.monotonic() < until_s:
            if self.who(3.0) == "repl":
                return
        raise FlashError("E248 maintenance: the unit did not come back within 15 s. Unplug it, "
                         "plug it in and try again.")

    # -- REPL

    @contextlib.contextmanager
    def _quietly(self, what: str):
        """mpremote prints what it did not expect; and says in many ways that the cable is gone."""
        try:
            with contextlib.redirect_stdout(io.StringIO()):
                yield
        except (OSError, serial.SerialException) as e:
            raise Broken(f"the board went away while {what}") from e
        except TransportError as e:
            if type(e) is not TransportError:       # an exception on the board: the caller's
                raise
            raise Broken(f"no answer while {what} ({e})") from e
        except (IndexError, ValueError, struct.error) as e:
            raise Broken(f"half an answer while {what}") from e

    def repl(self, fresh: bool) -> None:
        """Raw REPL. fresh: after a soft reset that runs boot.py and not main.py."""
        with self._quietly("its REPL was entered"):
            self._mp.enter_raw_repl(soft_reset=fresh)

    def run(self, code: str, what: str, wait_s: float = 20.0) -> str:
        with self._quietly(what):
            out, wrong = self._mp.exec_raw(code, timeout=wait_s)
        if wrong:
            raise TransportExecError(1, wrong.decode("utf-8", "replace"))
        return out.decode("utf-8", "replace")

    def soft_reset(self) -> None:
        """boot.py and main.py run."""
        with self._quietly("it was restarted"):
            self._mp.exit_raw_repl()
            self.read_until((">>> ",), 3.0)
            self._mp.serial.write(b"\x04")

    def hard_reset(self) -> None:
        with self._quietly("it was restarted"):
            self._mp.exec_raw_no_follow("import machine; machine.reset()")
            self._mp.in_raw_repl = False
        with contextlib.suppress(Broken):       # a Ctrl-C too early would undo it
            self.read_until((">>> ", *PROMPTS), 2.0)


_REMEDY = {
    "is used by another program": "Close the terminal (slvg console, mpremote, Thonny) that has "
                                  "it.",
    "may not be opened": "Join the group that owns it (Linux: dialout), then log in again.",
    "cannot be opened": "Unplug it and plug it in again.",
}
