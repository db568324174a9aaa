"""Spreads the runs of a study over processes. Results come back as they are ready, so whoever
needs an order sorts by what the result says of itself.
"""
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterable, Iterator


def cores() -> int:
    """Processors that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


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
