"""Spreads the runs of a study over processes. Results come back as they are ready, so whoever needs an
order sorts by what the result says of itself.
"""
import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def spread(work: Callable, items: Iterable, jobs: int) -> Iterator:
    """work(item) of each item, in `jobs` processes; with 1 in this one, in order."""
    if jobs <= 1:
        yield from map(work, items)
        return
    with multiprocessing.Pool(jobs, initializer=_deaf) as pool:
        yield from pool.imap_unordered(work, items)


def _deaf() -> None:
    """A Ctrl-C is the parent's to answer: it ends the pool."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


class Eta:
    """Seconds left, from the pace so far."""

    def __init__(self, total: int):
        self.total = total
        self.done = 0
        self._began_s = time.monotonic()

    def count(self) -> float:
        """One more is done; returns the seconds left."""
        self.done += 1
        spent_s = time.monotonic() - self._began_s
        return spent_s / self.done * (self.total - self.done)
