"""MicroPython's REPL for ports that have none of their own: friendly, raw, raw-paste. VM only.

As shared/runtime/pyexec.c of MicroPython does it, seen from the wire: prompts, echo, \\r\\n, the
"R\\x01" handshake and its window, "soft reboot", and tracebacks without a frame of this file. A
soft reset leaves the VM (SystemExit 70 friendly, 71 raw); whoever restarts it goes on in the same
way. `source` hands out one byte at a time and keeps the chip's time going meanwhile.
"""
import io
import sys

_WINDOW = 128
_RAW = b"raw REPL; CTRL-B to exit\r\n>"
FRIENDLY = 70
RAW = 71


class SoftReset(SystemExit):
    pass


def _show(error, put):
    """Without the frames of the REPL itself."""
    text = io.StringIO()
    sys.print_exception(error, text)
    lines = text.getvalue().split("\n")
    lines = [line for line in lines if "/repl.py" not in line and 'File "repl.py"' not in line]
    put("\r\n".join(lines).encode())


class Repl:
    def __init__(self, source, put, names, banner):
        self._get = source
        self._put = put         # bytes, as they are
        self.names = names      # the globals of __main__
        self._banner = banner

    def run(self, raw):
        greet = True
        while True:
            try:
                if not raw:
                    self.friendly(greet)
                    raw = True
                self.raw()
                raw = False
                greet = True
            except KeyboardInterrupt:       # it came between two bytes
                greet = False

    def file(self, path):
        """boot.py or main.py. False: it ended in a soft reset."""
        try:
            with open(path) as f:
                text = f.read()
        except OSError:
            return True
        return self._exec(text, path, "exec")

    def _exec(self, text, name, kind):
        try:
            exec(compile(text, name, kind), self.names)
        except SystemExit as e:
            if e.args and e.args[0] == 72:
                raise
            return False
        except BaseException as e:
            self._error = e
            _show(e, self._put)
        return True

    # -- raw

    def raw(self):
        """Until Ctrl-B."""
        self._put(_RAW)
        line = bytearray()
        while True:
            try:
                byte = self._get()
                if byte == 1:
                    if bytes(line) == b"\x05A":
                        self._paste()
                    else:
                        self._put(_RAW)
                    line = bytearray()
                elif byte == 2:
                    self._put(b"\r\n")
                    return
                elif byte == 3:
                    line = bytearray()
                elif byte == 4:
                    self._put(b"OK")
                    if not line:
                        self._leave()
                    text = str(line, "utf-8")
                    line = bytearray()
                    self._do(text)
                else:
                    line.append(byte)
            except KeyboardInterrupt:
                line = bytearray()

    def _paste(self):
        self._put(b"R\x01\x80\x00\x01")
        text = bytearray()
        room = _WINDOW
        try:
            while True:
                byte = self._get()
                if byte == 4:
                    break
                if byte == 3:
                    raise KeyboardInterrupt
                text.append(byte)
                room -= 1
                if not room:
                    room = _WINDOW
                    self._put(b"\x01")
        except KeyboardInterrupt:
            self._put(b"\x04\x04>")
            return
        self._put(b"\x04")
        self._do(str(text, "utf-8"))

    def _do(self, text):
        error = None
        try:
            exec(compile(text, "<stdin>", "exec"), self.names)
        except SystemExit as e:
            if e.args and e.args[0] == 72:
                raise
            self._put(b"\x04\x04")
            self._leave()
        except BaseException as e:
            error = e
        self._put(b"\x04")
        if error is not None:
            _show(error, self._put)
        self._put(b"\x04>")

    def _leave(self, code=RAW):
        self._put(b"\r\nMPY: soft reboot\r\n")
        raise SoftReset(code)

    # -- friendly

    def friendly(self, greet):
        """Until Ctrl-A at the begin of a line."""
        self._put((self._banner if greet else b"\r\n") + b">>> ")
        lines = []
        line = ""
        paste = False
        while True:
            try:
                byte = self._get()
            except KeyboardInterrupt:
                byte = 3
            if paste:
                if byte == 4:
                    paste = False
                    self._put(b"\r\n")
                    self._exec("\n".join(lines + [line]), "<stdin>", "exec")
                    lines, line = [], ""
                    self._put(b">>> ")
                elif byte == 3:
                    paste = False
                    lines, line = [], ""
                    self._put(b"\r\n>>> ")
                elif byte == 13:
                    lines.append(line)
                    line = ""
                    self._put(b"\r\n=== ")
                elif byte != 10:
                    line += chr(byte)
                    self._put(bytes([byte]))
                continue
            if byte == 1 and not line and not lines:
                self._put(b"\r\n")
                return
            if byte == 2:
                self._put(b"\r\n" + self._banner + b">>> ")
                lines, line = [], ""
            elif byte == 3:
                self._put(b"\r\n>>> ")
                lines, line = [], ""
            elif byte == 4 and not line and not lines:
                self._leave(FRIENDLY)
            elif byte == 5 and not line:
                self._put(b"\r\npaste mode; Ctrl-C to cancel, Ctrl-D to finish\r\n=== ")
                paste = True
            elif byte == 13:
                self._put(b"\r\n")
                lines.append(line)
                more = self._unfinished(lines)
                line = ""
                if more:
                    self._put(b"... ")
                    line = more
                    self._put(more.encode())
                    continue
                text = "\n".join(lines)
                lines = []
                if text.strip():
                    if not self._exec(text + "\n", "<stdin>", "single"):
                        self._leave(FRIENDLY)
                self._put(b">>> ")
            elif byte in (8, 127):
                if line:
                    line = line[:-1]
                    self._put(b"\b \b")
            elif byte == 9:
                line += "    "
                self._put(b"    ")
            elif byte >= 32:
                line += chr(byte)
                self._put(bytes([byte]))

    def _unfinished(self, lines):
        """'' if the input is whole, else the indent of the next line (' ' stands for none)."""
        last = lines[-1]
        depth = 0
        for char in "\n".join(lines):
            depth += (char in "([{") - (char in ")]}")
        if depth > 0 or last.rstrip()[-1:] == "\\":
            return " "
        indent = len(last) - len(last.lstrip())
        if last.rstrip()[-1:] == ":":
            return " " * (indent + 4)
        first = lines[0].lstrip()
        block = lines[0].rstrip()[-1:] == ":" or first[:1] == "@"
        if block and last.strip():
            return " " * indent or " "
        return ""
