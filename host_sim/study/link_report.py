"""The link study as a report: per fault what was sent, done, lost and doubled, and how soon the
link was back."""
from matplotlib.figure import Figure

from host_sim.study import link as study
from host_sim.study.report import FAIL, PASS, Report, chart

_DARK, _GREY, _RED = "#4c78a8", "#bab0ac", "#d62728"


def report(figures: dict, full: bool, seed: int) -> Report:
    total = figures["total"]
    r = Report("link", "Commands and events over a network that fails", [
        f"{'Full run' if full else 'Sample'}, seed {seed}; {total['trials']} trials.",
        "The firmware's Operator and its MQTT link (umqtt.simple) at a real mosquitto; between "
        "them a proxy that fails on purpose; on the other side a centre on paho-mqtt. All on one "
        "machine's loopback.",
        "A command is lost if it was never handed to the role although, while it was valid, all "
        "was in order for 3 s without a break; else it expired. Refused: handed, and not done.",
        "Events are counted at the receiver, after it has taken out what it knows by sender, "
        "number and time."])
    columns, rows = study.table(figures)
    goals = {column: study.GOALS[key] for key, column in study.COLUMNS.items()
             if key in study.GOALS}
    verdicts = [[*row, PASS if all(row[columns.index(column)] <= most
                                   for column, most in goals.items()) else FAIL] for row in rows]
    r.table("faults", "Faults", [*columns, "verdict"], verdicts,
            "Came twice: messages that reached the receiver more than once, and were recognised. "
            "Back in: from the moment that nothing hinders it until the link is up.")
    r.table("meaning", "What each fault does", ["fault", "what", "it did"],
            [[case.name, case.what, _did(figures["faults"][case.name])] for case in study.CASES
             if case.name in figures["faults"]])
    r.figure("back", _back(figures), "The longest time of each fault; the goal is 10 s.")
    r.table("drops", "What the controller refused before looking at it", *_drops(figures))
    if "fuzz" in figures:
        fuzz = figures["fuzz"]
        r.table("fuzz", "Bent and random messages", ["kind", "messages"],
                [*fuzz["kinds"].items(), ["all", fuzz["messages"]]],
                f"{fuzz['taken']} commands taken, {fuzz['exceptions']} exceptions, "
                f"{fuzz['changes']} changes of state; memory grew by {fuzz['grown_bytes']} bytes "
                "over 4,000 messages.")
    for name, texts in (("Goals missed", figures["goals_missed"]),
                        ("Failures", figures["failures"])):
        if texts:
            r.heading(name)
            for text in texts:
                r.text(text)
    return r


_WORDS = {
    "lost": "segments lost", "doubled": "packets doubled", "reordered": "packets overtaken",
    "no_broker": "found no broker", "foreign_refused": "refused by the role",
    "reached_cabinet": "reached the cabinet", "retained_refused": "retained, refused"}
_MORE = ("replayed", "attempts", "overheard", "reached_cabinet", "retained_refused",
         "foreign_refused")


def _did(one: dict) -> str:
    found = one["proxy"] | {key: one[key] for key in _MORE if key in one}
    return ", ".join(f"{n} {_WORDS.get(name, name)}" for name, n in found.items()
                     if n or name == "overheard")


def _drops(figures: dict) -> tuple[list[str], list[list]]:
    reasons = sorted({reason for one in figures["faults"].values() for reason in one["dropped"]})
    return (["fault", *(reason.lower() for reason in reasons)],
            [[name, *(one["dropped"].get(reason, 0) for reason in reasons)]
             for name, one in figures["faults"].items() if one["dropped"]])


def _back(figures: dict) -> Figure:
    figure, axes = chart("Back after the path is", "s", "")
    faults = {name: one["reconnect_s_max"] for name, one in figures["faults"].items()
              if one["reconnects"]}
    names = list(faults)[::-1]
    values = [faults[name] for name in names]
    goal = study.GOALS["reconnect_s_max"]
    axes.barh(names, values, color=[_DARK if value <= goal else _RED for value in values])
    axes.axvline(goal, color=_GREY, linestyle="--")
    axes.set_xlim(0, max([goal * 1.05, *values]))
    figure.set_size_inches(8, 1.2 + 0.28 * len(names))
    return figure
