"""The supervisory panel in the terminal (spec smartlvgrid, section 12), as a drawing or line by
line.

It only shows what Scc holds. Colours: light blue is connected or supply compliant, red outage, an
amber ring restored but not yet reconnected, amber a partial outage, a hollow grey circle
disconnected.
"""
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from host_sim.scenario.scc import MARKS_MAX, Op, Scc
from host_sim.scenario.schema import PHASES

_BLUE = "bright_cyan"
_AMBER = "dark_orange"
_LAMPS = {
    "OK": Text("●", _BLUE),
    "OUT": Text("●", "bright_red"),
    "RES": Text.assemble(("(", _AMBER), ("●", _BLUE), (")", _AMBER)),
    "PAR": Text("●", _AMBER),
}
_BRANCH = {"+": Text("closed", "grey62"), "-": Text("open", "bright_red"),
           "?": Text("silent", _AMBER)}
_DOTS = 10        # customers in a row of dots
_MEANING = {"": "waiting for the first telemetry", "OK": "supply compliant", "OUT": "outage",
            "RES": "restored, reconnecting", "PAR": "partial outage"}
# row label, key of the post's `meas`, divisor, decimals, unit
_QUANTITIES = (("U", "u_dV", 10, 1, "V"), ("I", "i_mA", 1000, 2, "A"), ("S", "s_VA", 1, 0, "VA"))


def _number(value: int | None, divisor: int, decimals: int) -> str:
    return "-" if value is None else f"{value / divisor:.{decimals}f}"


def _cell(op: Op, phase: int) -> Text:
    if op.phase != phase:
        return Text("·", "grey37")
    if op.on is None:
        return Text("?", _AMBER)
    return Text("●", _BLUE) if op.on else Text("○", "grey62")


def _counted(grid: Table, ops: list[Op]) -> None:
    """Many customers: dots under their phases, filled ones connected, and their number."""
    columns = []
    for phase in range(3):
        here = [_cell(op, phase) for op in ops if op.phase == phase]
        rows = [here[k:k + _DOTS] for k in range(0, len(here), _DOTS)]
        columns.append(Text("\n").join([Text("").join(row) for row in rows]
                                       + [Text(str(len(here)), "grey62")]))
    off = sum(1 for op in ops if not op.on)
    grid.add_row("", *columns, Text(f"{off} not connected" if off else "", _AMBER))


def line(t_us: int, scc: Scc) -> str:
    """One change of the panel as a line of plain text."""
    values = "  ".join(
        f"{label} {' '.join(_number(v, divisor, decimals) for v in scc.tp.get(key, []))} {unit}"
        for label, key, divisor, decimals, unit in _QUANTITIES)
    return f"{t_us / 1e6:7.2f} s  {scc.short():<12} ({scc.long()})  {values}"


def drawing(scc: Scc, title: str, t_us: int, run_us: int, recent: list[str]) -> RenderableType:
    """The whole live view: lamp, A B C, a row for each customer, U I S, progress, last events."""
    lamp = scc.lamp
    head = Text.assemble("Cd ", _LAMPS.get(lamp, Text("○", "grey62")), f" {_MEANING[lamp]}")
    if not scc.online:
        head.append("  link to the Coordinator lost", "bright_red")
    grid = Table(box=None, pad_edge=False, padding=(0, 2))
    grid.add_column("")
    for phase in PHASES:
        grid.add_column(phase, justify="right", min_width=7)
    grid.add_column("")
    members = scc.members()
    if len(members) > MARKS_MAX:
        _counted(grid, [op for _, op in members])
        members = []
    for name, branch in sorted(scc.branches.items()):
        grid.add_row(name.upper(), "", "", "", _BRANCH[branch.mark()])
    for name, op in members:
        power = "" if op.s_va is None or not op.on else f"{op.s_va} VA"
        grid.add_row(name.upper(), *(_cell(op, p) for p in range(3)), Text(power, "grey62"))
    for label, key, divisor, decimals, unit in _QUANTITIES if scc.tp else ():
        grid.add_row(Text(label, "grey62"),
                     *(_number(v, divisor, decimals) for v in scc.tp[key]), Text(unit, "grey62"))
    progress = Table.grid(padding=(0, 1))
    progress.add_row(ProgressBar(total=run_us, completed=t_us, width=44,
                                 complete_style="grey62", finished_style="grey62"),
                     f"{t_us / 1e6:.1f} of {run_us / 1e6:.0f} s")
    return Panel(Group(head, Text(scc.short()), grid, progress,
                       Text("\n".join(recent), "grey62", no_wrap=True, overflow="ellipsis")),
                 title=Text(title), title_align="left", expand=False, width=96)
