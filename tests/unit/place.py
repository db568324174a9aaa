"""What the places of the unit tests share, whoever's controller hangs there: time and the log.

`unit` is the controller on its doors, `lines` its events, tick(slow) one instant of 5 ms.
"""


class Place:
    WHY = 5       # reason of a switching that a test does not name

    def ms(self):
        return self.unit.clock.now_ms()

    def utc_ms(self):
        return self.unit.clock.utc_ms()

    def run(self, ms):
        for _ in range(ms // 5):
            self._odd = not self._odd
            self.tick(not self._odd)
        return self

    def until(self, what, ms):
        """Runs until what() is true; that it becomes true is part of the test."""
        for _ in range(ms // 5):
            if what():
                return self
            self.run(5)
        assert what()
        return self

    def started(self):
        """Past the self-test, measuring steady, coils at rest."""
        self.run(600)
        assert self.acu.ready
        return self

    def switch(self, on, sel=0, why=None, lease_s=0, **envelope):
        """sw.req; the error number of its answer, -1 without one."""
        why = self.WHY if why is None else why
        answer = self.ask("sw.req", {"on": on, "sel": sel, "why": why, "t_ms": 0,
                                     "lease_s": lease_s}, **envelope)
        return answer["e"] if answer else -1

    def said(self, name):
        """Events of this name so far."""
        return [line for line in self.lines if line.split(" ")[0] == name]
