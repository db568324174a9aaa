"""What hangs behind what on a feeder, and where Sub-Coordinators sensibly sit.

The tree is the one of the normally closed lines, seen from the LV bus; of a loop, the way that is
shorter in lines.
"""
from collections.abc import Iterable

from host_sim.world.grid.network import Line, LoadPoint, Network


class Tree:
    """order: buses outwards; up[bus]: the line to its parent."""

    def __init__(self, network: Network, open_lines: Iterable[str] = ()):
        opened = set(open_lines)
        opened |= {s.line for s in network.switches if not s.closed or s.name in opened}
        at: dict[str, list[Line]] = {}
        for line in network.lines:
            if line.name not in opened:
                at.setdefault(line.bus1, []).append(line)
                at.setdefault(line.bus2, []).append(line)
        self.order = [network.lv_bus]
        self.up: dict[str, Line] = {}
        self.parent: dict[str, str] = {}
        self.children: dict[str, list[str]] = {network.lv_bus: []}
        for bus in self.order:                       # grows while it is walked
            for line in at.get(bus, ()):
                other = line.bus2 if line.bus1 == bus else line.bus1
                if other not in self.children:
                    self.children[other] = []
                    self.children[bus].append(other)
                    self.up[other], self.parent[other] = line, bus
                    self.order.append(other)

    def below(self, bus: str) -> set[str]:
        """The bus and all behind it."""
        found = [bus]
        for one in found:
            found.extend(self.children[one])
        return set(found)


def downstream(network: Network, line: str) -> set[str]:
    """The buses that lose their supply when this line (or switch) opens, on a radial feeder."""
    name = next((s.line for s in network.switches if s.name == line), line)
    tree = Tree(network)
    for bus, up in tree.up.items():
        if up.name == name:
            return tree.below(bus)
    return set()


def upstream_bus(network: Network, line: str) -> str:
    """The bus of a line that is nearer to the source."""
    name = next((s.line for s in network.switches if s.name == line), line)
    tree = Tree(network)
    for bus, up in tree.up.items():
        if up.name == name:
            return tree.parent[bus]
    return next(one.bus1 for one in network.lines if one.name == name)


def loads_behind(network: Network, line: str) -> tuple[LoadPoint, ...]:
    behind = downstream(network, line)
    return tuple(load for load in network.loads if load.bus in behind)


def branch_points(network: Network, most: int, max_customers: int | None = None) -> list[str]:
    """At most `most` lines, none behind another, none with more than max_customers customers
    behind it (None: an even share), that together have the most customers behind them; of equal
    choices the one with fewer lines. In the order of the network's lines."""
    tree = Tree(network)
    own: dict[str, int] = {}
    for load in network.loads:
        own[load.bus] = own.get(load.bus, 0) + 1
    count = dict.fromkeys(tree.order, 0)
    for bus in reversed(tree.order):
        count[bus] += own.get(bus, 0)
        if bus in tree.parent:
            count[tree.parent[bus]] += count[bus]
    if max_customers is None:
        max_customers = max(1, -(-count[network.lv_bus] // max(1, most)))
    # best[bus][k] = (customers covered, lines) with at most k lines behind or at the bus
    best: dict[str, list[tuple[int, tuple[str, ...]]]] = {}
    for bus in reversed(tree.order):
        table: list[tuple[int, tuple[str, ...]]] = [(0, ())] * (most + 1)
        for child in tree.children[bus]:
            if not count[child]:
                continue
            other = best.pop(child)
            table = [max(((table[k - j][0] + other[j][0], table[k - j][1] + other[j][1])
                          for j in range(k + 1)), key=lambda way: (way[0], -len(way[1])))
                     for k in range(most + 1)]
        if bus in tree.up and 0 < count[bus] <= max_customers:
            here = (count[bus], (tree.up[bus].name,))
            table = [table[0], *(here if (here[0], -1) >= (way[0], -len(way[1])) else way
                                 for way in table[1:])]
        best[bus] = table
    chosen = set(best[network.lv_bus][most][1])
    return [line.name for line in network.lines if line.name in chosen]
