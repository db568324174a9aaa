"""What `slvg sim` writes: a live view or plain lines while it runs, then the verdict."""
import time
from collections import deque

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from host_sim.scenario.figures import Check
from host_sim.scenario.plan import Scenario
from host_sim.scenario.scc import Scc
from slvg import panel

_RECENT = 6   # event lines under the live panel


class Pace:
    """Holds the run back to `speed` times real time."""

    def __init__(self, speed: float):
        self._speed = speed
        self._start_s: float | None = None

    def __call__(self, t_us: int) -> None:
        now_s = time.monotonic()
        if self._start_s is None:
            self._start_s = now_s
        ahead_s = self._start_s + t_us / 1e6 / self._speed - now_s
        if ahead_s > 0.001:
            time.sleep(ahead_s)


class Plain:
    """For a file or a pipe: a line at each change of the panel."""

    def __init__(self, console: Console):
        self._console = console

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def on_panel(self, t_us: int, scc: Scc) -> None:
        self._console.print(panel.line(t_us, scc), highlight=False, markup=False, soft_wrap=True)
        self._console.file.flush()  # a reader of the pipe wants each line at once

    def on_event(self, t_us: int, acu: str, line: str) -> None:
        """Plain output shows the panel only; the log goes to --log."""

    def on_progress(self, t_us: int, run_us: int) -> None:
        """Nothing moves in plain output."""


class Drawn:
    """For a terminal: one picture that changes; each change of the panel stays as a line above."""

    def __init__(self, console: Console, scenario: Scenario):
        self._title = scenario.title
        self._run_us = scenario.run_us
        self._t_us = 0
        self._scc = Scc(scenario.sc)   # an empty panel until the first change
        self._recent: deque[str] = deque(maxlen=_RECENT)
        self._live = Live(console=console, get_renderable=self._picture, refresh_per_second=8)

    def _picture(self):
        return panel.drawing(self._scc, self._title, self._t_us, self._run_us, list(self._recent))

    def __enter__(self):
        self._live.__enter__()
        return self

    def __exit__(self, *what):
        self._live.__exit__(*what)

    def on_panel(self, t_us: int, scc: Scc) -> None:
        self._scc = scc
        self._live.console.print(panel.line(t_us, scc), highlight=False, markup=False)

    def on_event(self, t_us: int, acu: str, line: str) -> None:
        self._recent.append(line)

    def on_progress(self, t_us: int, run_us: int) -> None:
        self._t_us = t_us


_ROWS = ("outage_latency_ms", "all_open_ms", "reconnect_first_ms", "reconnect_gap_ms",
         "reconnect_order", "ui_before_pct", "ui_after_pct", "moves", "contact_overlap_ms",
         "break_ms", "balance_moves", "n_ok", "n_all", "events", "event_log_sha256", "python",
         "level", "seed", "acus", "speed_x", "wall_s")
# Of a street with branches or lines.
_MORE = ("branch_open_ms", "branch_back_ms", "branch_gap_ms", "u_min_v", "u_max_v",
         "u_in_band_pct", "u_in_band_reported_pct", "u2_max_pct", "u0_max_pct",
         "dv_report_max_v", "dv_report_rms_v")


def verdict(console: Console, figure: dict, checks: list[Check]) -> None:
    """The figures, then PASS or FAIL for each expectation."""
    table = Table(box=None, pad_edge=False, title="Figures", title_justify="left")
    table.add_column("figure")
    table.add_column("value", overflow="fold")
    for name in _ROWS:
        table.add_row(name, Text(_text(figure[name])))
    for name in _MORE:
        if figure.get(name) is not None:
            table.add_row(name, Text(_text(figure[name])))
    console.print(table)
    expectations(console, checks)


def expectations(console: Console, checks: list[Check]) -> None:
    """PASS or FAIL for each."""
    if not checks:
        console.print("The scenario states no expectations.")
        return
    table = Table(box=None, pad_edge=False, title="Expectations", title_justify="left")
    for column in ("", "what", "wanted and got"):
        table.add_column(column, overflow="fold")
    for one in checks:
        mark = Text("PASS", "green") if one.ok else Text("FAIL", "bold red")
        table.add_row(mark, Text(one.name), Text(one.text))
    console.print(table)


def _text(value) -> str:
    if value is None:
        return "-"
    if isinstance(value, list):
        return ", ".join("-".join(v) if isinstance(v, list) else str(v) for v in value) or "-"
    return str(value)
