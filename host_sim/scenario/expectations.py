"""What a scenario file says must come out: does it name things that there are?

Called by load.py only; whether it came is judged after the run (figures.py).
"""
from acu import events
from host_sim.scenario.complaints import Complaints, meant
from host_sim.scenario.schema import PHASES, ScenarioForm


def check(form: ScenarioForm, wrong: Complaints, acu_ids: list[str],
          operators: list[str]) -> None:
    expect = form.expect
    for n, move in enumerate(expect.moves or [], 1):
        where = f"[expect] moves, entry {n}"
        if len(move) != 3 or move[1] not in PHASES or move[2] not in PHASES:
            wrong.add("E127", where, ": write [operator, from phase, to phase].")
        else:
            wrong.known(where, move[0], "acu", operators)
    for one in expect.reconnect_order or []:
        wrong.known("[expect] reconnect_order", one, "acu", operators)
    for one in form.zoom.acus if form.zoom else ():
        wrong.known("[zoom] acus", one, "acu", acu_ids)
    names = [line.split()[0] for line in events.TABLE.values()]
    for line in expect.events:
        who, _, name = line.partition(" ")
        if not name:
            wrong.add("E127", f"[expect] events = {line!r}", ": write \"acu NAME\".")
        elif wrong.known("[expect] events", who, "acu", acu_ids) and name not in names:
            wrong.add("E129", f"[expect] events = {line!r}",
                      f": the log has no {name}. {meant(name, names)}")
