"""The study of perturbed districts as a report: shares, what was lost, closings, frequencies."""
from collections.abc import Sequence

from host_sim.study.islanding import GOAL_PCT
from host_sim.study.islanding_ideal import BLIND, IDEAL, NONE
from host_sim.study.islanding_play import SCHEME
from host_sim.study.report import FAIL, PASS, Report, chart

_SAYS = ((SCHEME, "", "the scheme, firmware in MicroPython"),
         (IDEAL, "_ideal", "an ideal scheme, true phasors"),
         (NONE, "_no_scheme", "no scheme"),
         (BLIND, "_blind", "the ideal scheme, R1 closed at 6.5 s whatever the angle"))


def report(rows: Sequence[dict], figures: dict, seed: int) -> Report:
    r = Report("islanding", "Perturbed districts: which stay in step", [
        f"{figures['n']} variants, seed {seed}; a third each at 20, 60 and 100 % of the load.",
        "Inertia of each machine, impedance of each line and the load: 50 to 150 % of "
        "spec/recloser.md.",
        f"{figures['n'] - figures['n_carried']} of them have more load, after R4 has opened, than "
        "all machines give: played, but in no share but `all`.",
    ])
    table = []
    for _, word, says in _SAYS:
        share, interval = figures[f"in_step_pct{word}"], figures[f"in_step_ci95_pct{word}"]
        verdict = "" if word else FAIL if figures["goals_missed"] else PASS
        table.append((says, share, *(interval or (None, None)), verdict))
    r.table("shares", "In step to the end, and parallel again",
            ("played with", "%", "95 % from", "to", f"at least {GOAL_PCT:g}"), table)
    r.table("lost", "Why the others with the scheme were not", ("what", "variants"),
            list(figures["lost"].items()))
    keys = ("case", "base", "load_share", "can_be_carried", "in_step", "why", "lost_ms",
            "f_min_hz", "f_max_hz", "f_end_hz", "peak_pu", "ended_ms")
    r.attach("rows", keys, [[row[key] for key in keys] for row in rows])
    r.attach("closings", ("case", "recloser", "ms", "deg", "slip_hz", "du_pu"),
             [[row["case"], *c] for row in rows for c in row["closings"]])
    figure, axes = chart("Closings", "angle, degrees", "slip, Hz")
    for kind, says in ((SCHEME, "scheme"), (BLIND, "blind")):
        for name, mark in (("r1", "o"), ("r2", "x")):
            some = [c for row in rows if row["kind"] == kind for c in row["closings"]
                    if c[0] == name]
            axes.plot([c[2] for c in some], [c[3] for c in some], mark, ms=4, ls="",
                      label=f"{says}, {name.upper()}")
    axes.legend(fontsize=8)
    r.figure("closings", figure, "Island against grid when the contacts touch.")
    figure, axes = chart("Frequency of the island", "load, share of the greatest", "Hz")
    some = [row for row in rows if row["kind"] == SCHEME and row["f_min_hz"] is not None]
    for key, mark in (("f_max_hz", "^"), ("f_min_hz", "v")):
        for ok, colour in ((True, "C0"), (False, "C3")):
            chosen = [row for row in some if row["in_step"] == ok]
            axes.plot([row["load_share"] for row in chosen], [row[key] for row in chosen], mark,
                      color=colour, ms=4, ls="")
    r.figure("frequency", figure, "Greatest and least of each run with the scheme; red: not in "
                                  "step to the end.")
    return r
