"""What meters logged over a run, a lane a meter: events of the supply as bars from begin to end,
the others as marks."""
from collections.abc import Iterator

from host_sim.scenario.figures import Line, event_lines
from host_sim.scenario.result import RunResult

COLOURS = {"DIP": "tab:orange", "SWELL": "tab:purple", "INTR": "tab:red"}
MARKED = ("RVC", "OCU", "REV", "F_OUT", "PH_LOSS", "PH_SEQ", "OPEN_CH", "ADC_BAD",
          "ESTIMATED", "COVER", "MAGNET", "CAL", "REGISTERS", "BOOT")
_LETTER = 0.0062      # of the lane's width, takes a letter
_ROWS = 5             # of names in a lane


def rows_of(labels: list[tuple[float, float]], rows: int) -> list[int]:
    """Which row each label (where it begins, how long it is; sorted) goes to, so that none lies on
    another; where there is no room, the one that is free first."""
    ends = [-1e9] * rows
    chosen = []
    for at, length in labels:
        row = next((k for k in range(rows) if ends[k] <= at), ends.index(min(ends)))
        ends[row] = at + length
        chosen.append(row)
    return chosen


def spans(lines: list[Line], run_us: int) -> Iterator[tuple[str, int, int, str]]:
    """(name, begin and end in us, what is written beside it) of what has a begin and an end, by
    its second line; by its first one what is not over when the run ends."""
    going: dict[str, Line] = {}
    for line in lines:
        if line.name == "BOOT":
            going.clear()        # who restarts has forgotten them
        if line.name not in COLOURS:
            continue
        lasted_ms = int(line.args["dur_ms"])
        if lasted_ms == 0:
            going[line.name] = line
        else:
            going.pop(line.name, None)
            yield (line.name, line.t_us - 1000 * lasted_ms, line.t_us,
                   f"{_said(line)} {lasted_ms} ms")
    for line in going.values():
        yield line.name, line.t_us, run_us, f"{_said(line)}, not over"


def _said(line: Line) -> str:
    phases = "".join("ABC"[p] for p in range(3) if int(line.args["ph_mask"]) >> p & 1)
    volts = int(line.args.get("res_dv", line.args.get("max_dv", 0))) / 10
    return f"{line.name} {phases} {volts:.0f} V"


def marks(lines: list[Line]) -> Iterator[tuple[int, str]]:
    """(us, name) of the others; only what begins."""
    for line in lines:
        over = ("0" in (line.args.get("on"), line.args.get("open"), line.args.get("lim_ma"))
                or line.args.get("ok") == "1")
        first = line.name == "BOOT" and line.t_us < 1_000_000     # of every run
        if line.name in MARKED and not over and not first:
            yield line.t_us, line.name


def draw_logged(axes, meters: list[str], result: RunResult, unit_us: float) -> None:
    width = max(result.run_us / unit_us, 1e-9)
    every = event_lines(result)
    for lane, acu in enumerate(meters):
        lines = [line for line in every if line.acu == acu]
        bars = list(spans(lines, result.run_us))
        texts = [(begin / unit_us, text, COLOURS[name]) for name, begin, _, text in bars]
        texts += [(t_us / unit_us, name, "tab:blue") for t_us, name in marks(lines)]
        texts.sort()
        for name, begin, end, _ in bars:
            axes.broken_barh([(begin / unit_us, max((end - begin) / unit_us, 0.002 * width))],
                             (lane + 0.02, 0.16), color=COLOURS[name])
        for at, _, colour in texts:
            axes.plot([at], [lane + 0.1], marker="|", ms=7, color=colour)
        rows = rows_of([(at, _LETTER * width * (len(text) + 1)) for at, text, _ in texts], _ROWS)
        for (at, text, colour), row in zip(texts, rows, strict=True):
            right = at + _LETTER * width * len(text) > width
            axes.annotate(text, (at, lane + 0.28 + 0.15 * row), fontsize="x-small", color=colour,
                          xytext=(-2 if right else 2, 0), textcoords="offset points",
                          ha="right" if right else "left")
        axes.axhline(lane, color="0.6", lw=0.6)
    axes.set_ylim(len(meters), 0)
    axes.set_yticks([lane + 0.5 for lane in range(len(meters))], meters)
    axes.set_ylabel("logged by the meter")
    axes.grid(alpha=0.3, axis="x")
    axes.margins(x=0)
