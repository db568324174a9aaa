"""What hangs on what in a radial network: which side of a line is the source's, who is behind it.

Branch controllers need it: a breaker's voltages are those on the source's side, and who is dark
when it opens must not depend on a loop. Reads names and buses of lines only; lines that the
network holds open (switches) are left out.
"""
from collections import deque
from collections.abc import Iterable


class Tree:
    """lines: (name, bus1, bus2) of those that are closed; root: the bus of the source."""

    def __init__(self, lines: Iterable[tuple[str, str, str]], root: str):
        self.root = root
        self.parent: dict[str, str] = {}          # bus -> line that feeds it
        self.ends: dict[str, tuple[str, str]] = {}    # line -> (source's side, far side)
        self.loops: dict[str, tuple[str, str]] = {}   # lines that close a loop
        self._children: dict[str, list[str]] = {}
        ends: dict[str, list[tuple[str, str]]] = {}
        for name, one, other in lines:
            ends.setdefault(one, []).append((name, other))
            ends.setdefault(other, []).append((name, one))
        self.depth = {root: 0}
        queue = deque([root])
        while queue:
            bus = queue.popleft()
            for name, far in ends.get(bus, ()):
                if name in self.ends or name in self.loops:
                    continue
                if far in self.depth:
                    self.loops[name] = (bus, far)
                    continue
                self.ends[name] = (bus, far)
                self.parent[far] = name
                self.depth[far] = self.depth[bus] + 1
                self._children.setdefault(bus, []).append(far)
                queue.append(far)

    def behind(self, line: str) -> set[str]:
        """All buses that lose their supply when this line opens."""
        found: set[str] = set()
        todo = [self.ends[line][1]]
        while todo:
            bus = todo.pop()
            found.add(bus)
            todo += self._children.get(bus, ())
        return found

    def path(self, bus: str) -> list[str]:
        """Lines from this bus up to the source, the nearest first; [] if it is on none."""
        lines = []
        while bus in self.parent:
            line = self.parent[bus]
            lines.append(line)
            bus = self.ends[line][0]
        return lines

    def looped(self, line: str) -> bool:
        """Is this line part of a loop, so that what is behind it has another way to the source?"""
        if line not in self.ends:
            return True
        behind = self.behind(line)
        return any((one in behind) != (other in behind) for one, other in self.loops.values())
