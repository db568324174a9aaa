"""The wires at a chip's pins: what the chip drives, what the world drives, what a voltmeter shows.

One object outlives the chip's resets, and the test world hangs on it: relays watch what the chip
drives (watch), contacts and sensors drive back (outside, one_wire). Runs on both Pythons. It
refuses what would break hardware (both sides driving against each other) and counts what would be
luck (a floating input that is read).
"""


class Wires:
    """Levels are 0, 1 or None (nobody drives)."""

    def __init__(self):
        self._chip = {}         # pin -> level the chip drives
        self._world = {}        # pin -> level the world drives
        self._pull = {}         # pin -> 1 up, 0 down
        self._watch = {}        # pin -> [call]
        self._bus = {}          # pin -> [one-wire device]
        self.floating = 0       # reads of an input that nobody held
        self.edge = None        # call(pin, level) of the chip: an input has changed
        self.t_us = 0

    # -- the world's side

    def level(self, pin):
        """What a voltmeter shows."""
        level = self._chip.get(pin)
        if level is None:
            level = self._world.get(pin)
        if level is None:
            level = self._pull.get(pin)
        return 0 if level is None else level

    def driven(self, pin):
        """What the chip drives; None: its pin is an input, or not set up."""
        return self._chip.get(pin)

    def outside(self, pin, level):
        before = self.level(pin)
        self._world[pin] = level
        self._clash(pin)
        after = self.level(pin)
        if after != before and self.edge:
            self.edge(pin, after)

    def watch(self, pin, call):
        """call(pin, level or None, t_us) whenever what the chip drives changes."""
        self._watch.setdefault(pin, []).append(call)

    def one_wire(self, pin, device):
        """A sensor on a bus of one wire, with its pull-up resistor."""
        self._bus.setdefault(pin, []).append(device)
        self._pull[pin] = 1

    def devices(self, pin):
        return self._bus.get(pin, [])

    # -- the chip's side

    def drive(self, pin, level):
        if self._chip.get(pin) == level:
            return
        self._chip[pin] = level
        self._clash(pin)
        for call in self._watch.get(pin, ()):
            call(pin, level, self.t_us)

    def read(self, pin):
        if (self._chip.get(pin) is None and self._world.get(pin) is None
                and pin not in self._pull):
            self.floating += 1
        return self.level(pin)

    def pull(self, pin, up):
        """up: 1, 0 or None. A resistor on the board stays when the chip's own goes."""
        if up is not None:
            self._pull[pin] = up
        elif pin not in self._bus:
            self._pull.pop(pin, None)

    def release_all(self):
        """A reset: the chip drives nothing and pulls nothing."""
        for pin in sorted(self._chip):
            self.drive(pin, None)
        for pin in list(self._pull):
            self.pull(pin, None)

    def _clash(self, pin):
        mine = self._chip.get(pin)
        other = self._world.get(pin)
        if mine is not None and other is not None and mine != other:
            raise ValueError("short circuit: the chip drives pin %s to %d, the world to %d" % (
                pin, mine, other))
