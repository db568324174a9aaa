"""Sparse symmetric block matrices: LDL' by minimum degree, one block a bus.
A radial feeder has no fill-in, each closed loop a little. Blocks are complex, k x k with k =
conductors of the bus. Used once for each switching state.
"""
import heapq

import numpy as np


class Blocks:
    """The admittance matrix while it is assembled: blocks by (row, column) bus number."""

    def __init__(self, sizes: list[int]):
        self.sizes = sizes
        self.rows: list[dict[int, np.ndarray]] = [
            {b: np.zeros((k, k), complex)} for b, k in enumerate(sizes)]

    def add(self, b: int, c: int, block: np.ndarray) -> None:
        row = self.rows[b]
        if c in row:
            row[c] = row[c] + block
        else:
            row[c] = block

    def add_at(self, b: int, jb: int, c: int, jc: int, y: complex) -> None:
        """One element; the caller adds its mirror image."""
        if c not in self.rows[b]:
            self.rows[b][c] = np.zeros((self.sizes[b], self.sizes[c]), complex)
        self.rows[b][c][jb, jc] += y


class Factor:
    """Y = L D L', and solutions of Y x = b for many b. Consumes the blocks."""

    def __init__(self, blocks: Blocks):
        self.sizes = blocks.sizes
        self.first = np.concatenate(([0], np.cumsum(blocks.sizes))).tolist()
        rows = blocks.rows
        self._steps: list[tuple[slice, np.ndarray, list]] = []
        spans = [slice(self.first[b], self.first[b + 1]) for b in range(len(rows))]
        heap = [(len(row), b) for b, row in enumerate(rows)]
        heapq.heapify(heap)
        done = [False] * len(rows)
        while heap:
            degree, b = heapq.heappop(heap)
            if done[b] or degree != len(rows[b]):
                continue
            done[b] = True
            row = rows[b]
            inverse = np.linalg.inv(row.pop(b)) if self.sizes[b] else np.zeros((0, 0), complex)
            lower = [(c, rows[c].pop(b) @ inverse) for c in row]
            for c, factor in lower:
                row_c = rows[c]
                for d, block in row.items():
                    known = row_c.get(d)
                    row_c[d] = -(factor @ block) if known is None else known - factor @ block
                heapq.heappush(heap, (len(row_c), c))
            self._steps.append((spans[b], inverse, [(spans[c], factor) for c, factor in lower]))

    def solve(self, right: np.ndarray) -> np.ndarray:
        """x of Y x = right, nodes x columns; right is overwritten."""
        x = right
        for span, _, lower in self._steps:
            own = x[span]
            for other, factor in lower:
                x[other] -= factor @ own
        for span, inverse, lower in reversed(self._steps):
            own = inverse @ x[span]
            for other, factor in lower:
                own -= factor.T @ x[other]
            x[span] = own
        return x
