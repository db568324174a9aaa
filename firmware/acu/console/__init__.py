"""The serial console's resident part: waits for the first byte, loads a session, drops it again.

poll(now_ms) belongs to the main loop, once in each pass of 10 ms, after the controller's own. It
reads at most _IN bytes and offers at most _OUT to the terminal, whatever a page has to say; with
nobody there it costs a read. What must outlive a session is here: what the terminal has not taken
yet, wrong passwords, and how long no other is taken. `unit` is the supervisor's object
(acu/start.py). Moves nothing, decides nothing.
"""
from micropython import const

from acu import forget

_IN = const(32)
_OUT = const(256)


class Console:
    def __init__(self, terminal, unit):
        self.terminal = terminal
        self.unit = unit
        self.session = None
        self.out = b""
        self.wrong = 0          # passwords in a row
        self.wrong_level = 0    # the highest that they were for: only that one ends the count
        self.locked_ms = 0      # until then none is taken

    def poll(self, now_ms):
        session = self.session
        data = b""
        if len(self.out) < _OUT:        # a computer that does not read is not served
            data = self.terminal.read(_IN)
        if session is None and data:
            try:
                from acu.console.session import Session
                session = self.session = Session(self, now_ms)
            except MemoryError:
                self.out += b"E308 console: no memory. Try again, or restart the unit.\r\n"
        if session is not None:
            session.step(now_ms, data)
            if session.over:
                self.session = None
                forget("acu.console.session", "acu.console.editor", "acu.console.commands")
        if self.out:
            self.out = self.out[self.terminal.write(self.out[:_OUT]) or 0:]
