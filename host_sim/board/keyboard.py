"""Somebody at the console of a simulated controller: keys in, text out, at a USB port's pace.

Runs unchanged on CPython and in the VM. The console is the firmware's own; what stands around it
is the supervisor's Unit with the parts that a simulated controller has. A restart that the console
asks for is only noted.
"""
from acu import start
from acu.console import Console


class _Terminal:
    def __init__(self):
        self.keys = b""
        self.text = b""

    def read(self, n):
        data, self.keys = self.keys[:n], self.keys[n:]
        return data

    def write(self, data):
        self.text += data
        return len(data)


class Keyboard(start.Unit):
    """of: the simulated controller (unit.py), which runs."""

    version = "0.1.0+sim"
    reset_cause = 1
    fatal = ""

    def __init__(self, of):
        super().__init__("a", "run")
        self.board = of.spec["board"]
        self.cfg = of.spec["config"]
        self.acu = of.acu
        self.clock = of.clock
        self.store = of.store
        self.ports = of
        self.terminal = _Terminal()
        self._console = Console(self.terminal, self)

    def poll(self, now_ms):
        """Once a pass of the main loop, after the controller's own."""
        self._console.poll(now_ms)
