"""What hangs on what, for branch controllers: a breaker's voltages are those on the source's side
of its line, and who is dark when it opens must not depend on a loop.
"""
from host_sim.world.grid.network import Network
from host_sim.world.grid.tree import Tree as GridTree


class Tree(GridTree):
    """The same tree by lines. ends: line -> (source's side, far side); loops: lines that close
    one."""

    def __init__(self, network: Network):
        super().__init__(network)
        self.ends = {line.name: (self.parent[bus], bus) for bus, line in self.up.items()}
        held = {switch.line for switch in network.switches if not switch.closed}
        self.loops = [line for line in network.lines if line.name not in self.ends
                      and line.name not in held and line.bus1 in self.children]

    def behind(self, line: str) -> set[str]:
        """All buses that lose their supply when this line opens."""
        return self.below(self.ends[line][1])

    def path(self, bus: str) -> list[str]:
        """Lines from this bus up to the source, the nearest first; [] if it is on none."""
        lines = []
        while bus in self.up:
            lines.append(self.up[bus].name)
            bus = self.parent[bus]
        return lines

    def looped(self, line: str) -> bool:
        """Has what is behind this line another way to the source?"""
        if line not in self.ends:
            return True
        behind = self.behind(line)
        return any((one.bus1 in behind) != (one.bus2 in behind) for one in self.loops)
