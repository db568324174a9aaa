"""How far a study is: a bar on the terminal, a line every ten seconds elsewhere; always on
standard error, since standard output may be JSON.
"""
import time

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

_LINE_EVERY_S = 10.0


class Counted:
    """A context whose value is called with (done, of)."""

    def __init__(self, what: str):
        self._what = what
        self._console = Console(stderr=True)
        self._bar = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
                             TextColumn("left"), TimeRemainingColumn(), console=self._console,
                             transient=True, disable=not self._console.is_terminal)
        self._task: TaskID | None = None
        self._began_s = self._said_s = time.monotonic()

    def __enter__(self) -> "Counted":
        self._bar.__enter__()
        return self

    def __exit__(self, *what) -> None:
        self._bar.__exit__(*what)

    def __call__(self, done: int, of: int) -> None:
        if self._task is None:
            self._task = self._bar.add_task(self._what, total=of)
        self._bar.update(self._task, completed=done, total=of)
        now_s = time.monotonic()
        if not self._console.is_terminal and now_s - self._said_s >= _LINE_EVERY_S:
            self._said_s = now_s
            left_s = (now_s - self._began_s) / max(done, 1) * (of - done)
            self._console.print(f"{self._what}: {done} of {of}, {left_s:.0f} s left",
                                highlight=False)
