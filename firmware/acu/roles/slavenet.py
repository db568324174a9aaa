"""Who was heard when, and the topics of one micro-circuit's Slave Net.

Used by a Sub-Coordinator for its branch and by a Coordinator, which leads a Slave Net of its own
on a circuit without ACU-SP (`uc0`; spec smartlvgrid, 5) and watches its Sub-Coordinators.
"""


class Roll:
    """When each of some was last heard; dead_ms of silence make one missing."""

    def __init__(self, members, dead_ms):
        self.members = members
        self._dead_ms = dead_ms
        self._heard_ms = {}
        self._missing = set()

    def heard(self, now_ms, member):
        """Notes a word of a member; True if it was flagged missing before."""
        self._heard_ms[member] = now_ms
        if member in self._missing:
            self._missing.remove(member)
            return True
        return False

    def newly_missing(self, now_ms):
        """[(member, silent for ms)] of those that have just been silent for too long, in members'
        order."""
        out = []
        for member in self.members:
            silent_ms = now_ms - self._heard_ms.setdefault(member, now_ms)
            if silent_ms > self._dead_ms and member not in self._missing:
                self._missing.add(member)
                out.append((member, silent_ms))
        return out


class SlaveNet(Roll):
    def __init__(self, sc, uc, members, dead_ms):
        super().__init__(members, dead_ms)
        self.base = "slvg/1/slv/%s/%s/" % (sc, uc)

    def topic(self, dst, t):
        return self.base + ("all" if dst == "*" else dst) + "/dn/" + t
