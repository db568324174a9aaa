"""One line as it is typed: echo, backspace, Ctrl-U, the last lines by the arrow keys.

key(byte) gives the finished line, or None. What is echoed goes to put(text). A line that is too
long, or has bytes that are no text, becomes no command: it is answered by TOO_LONG. A secret is
echoed as asterisks and kept nowhere.
"""
from micropython import const

LINE = const(100)
_HISTORY = const(6)

TOO_LONG = "\0"


class Editor:
    def __init__(self, put):
        self._put = put
        self._line = ""
        self._spoilt = False     # too long, or no text: ends as TOO_LONG
        self._secret = False
        self._escape = 0         # characters of an arrow key so far
        self._old = []
        self._at = 0             # which old line is shown; len: none

    def begin(self, secret=False):
        """An empty line. secret: a password."""
        self._line = ""
        self._spoilt = False
        self._secret = secret
        self._escape = 0
        self._at = len(self._old)

    def key(self, byte, keep=True):
        """keep: it may be called back later: a command, not an answer."""
        if self._escape:
            self._arrow(byte)
        elif byte == 13 or byte == 10:
            return self._end(keep)
        elif byte == 8 or byte == 127:
            if self._line:
                self._line = self._line[:-1]
                self._put("\b \b")
        elif byte == 21:
            self._wipe()
        elif byte == 27:
            self._escape = 1
        elif byte < 32 or byte > 126 or len(self._line) >= LINE:
            if byte > 126 or len(self._line) >= LINE:
                self._spoilt = True
            self._put("\a")
        else:
            self._line += chr(byte)
            self._put("*" if self._secret else chr(byte))
        return None

    def _end(self, keep):
        line = TOO_LONG if self._spoilt else self._line
        self._put("\r\n")
        if keep and not self._secret and line.strip() and line != TOO_LONG and (
                not self._old or self._old[-1] != line):
            self._old.append(line)
            if len(self._old) > _HISTORY:
                del self._old[0]
        self.begin()
        return line

    def _wipe(self):
        self._put("\b \b" * len(self._line))
        self._line = ""
        self._spoilt = False

    def _arrow(self, byte):
        """ESC [ A or B; anything else ends it without a trace."""
        if self._escape == 1 and byte == 91:
            self._escape = 2
            return
        up = self._escape == 2 and byte == 65
        down = self._escape == 2 and byte == 66
        self._escape = 0
        if self._secret or not (up or down):
            return
        self._at = max(0, min(len(self._old), self._at + (-1 if up else 1)))
        self._wipe()
        if self._at < len(self._old):
            self._line = self._old[self._at]
            self._put(self._line)
