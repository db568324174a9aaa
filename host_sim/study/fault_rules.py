"""What must hold after every run, whatever the fault (design, section 7).

The rules judge by the world's own record (contacts, supply), never by what a controller says of
itself; only whether somebody said why a customer is off is read from the logs. Each takes a
finished Run and returns sentences, none if it holds. Times are microseconds.
"""
import re

from host_sim.scenario.runner import Run

PHASES = "ABC"
# RMS(1/2) needs a half cycle and a tick to see a supply fall: an order to close until then is
# nobody's fault.
BLIND_US = 20_000
# Travel, scatter and bounce of a contact.
TRAVEL_US = 12_500
# An outage shorter than this is a dip to some: Operators open after t_out + 100 ms of their own.
SHORT_US = 400_000
BAND_PU = (0.9, 1.12)
DEAD_PU = 0.1
SAYS_WHY = ("OPENED", "LOCKOUT", "STUCK", "PHS_FAIL", "ABORTED")


# ---- reading a run


def customers(run: Run) -> dict[str, str]:
    """{operator: customer}."""
    return {a.id: a.customer for a in run.scenario.operators()}


def settings(run: Run) -> dict:
    """The Coordinator's."""
    return run.settings(run.scenario.coordinator().id)


def lines(run: Run, who: str, name: str) -> list:
    """[(t_us, {key: value})] of this controller's events of this name."""
    out = []
    for t_us, acu, line in run.result.events:
        words = line.split(" ")
        if acu == who and words[3] == name:
            out.append((t_us, dict(w.split("=") for w in words[4:])))
    return out


def names(run: Run, who: str) -> list[str]:
    """The event names of a controller in order."""
    return [line.split(" ")[3] for _, acu, line in run.result.events if acu == who]


def closed(run: Run) -> dict[str, int]:
    """{customer: mask} of the true contacts now."""
    return {c: run.street.truth(eu)["contact"] for eu, c in customers(run).items()}


def made(run: Run) -> list:
    """[(t_us, customer, phase)] of the contacts that closed, without the chatter that follows."""
    out = []
    broke: dict = {}
    for t_us, customer, phase, on in run.result.contacts:
        if not on:
            broke[customer, phase] = t_us
        elif t_us - broke.get((customer, phase), -1_000_000) > TRAVEL_US:
            out.append((t_us, customer, phase))
    return out


def supply_spans(run: Run) -> list:
    """[(from_us, to_us, (ua, ub, uc))] of the whole run."""
    changes = [*run.result.supply, (run.t_us, None)]
    return [(a[0], b[0], a[1]) for a, b in zip(changes, changes[1:], strict=False) if b[0] > a[0]]


# ---- the rules


def two_phases_joined(run: Run) -> list[str]:
    """Contacts of two phases closed together, in truth."""
    return [f"two phases joined for {run.street.joined_us} us"] if run.street.joined_us else []


def closed_on_what_was_no_supply(run: Run) -> list[str]:
    """Orders and contacts that closed onto a phase that had been outside its band for longer than
    anybody can be blind."""
    wrong = []
    spans = supply_spans(run)
    low, high = (pu * run.scenario.street.un_v for pu in BAND_PU)

    def bad(t_us: int, phase: int, blind_us: int) -> bool:
        return all(not low <= u[phase] <= high for t0, t1, u in spans
                   if t1 > t_us - blind_us and t0 <= t_us)

    operators = customers(run)
    for t_us, acu, output, level in run.result.drives:
        if level == 1 and acu in operators and bad(t_us, output, BLIND_US):
            wrong.append(f"{acu} drove {PHASES[output]} closed at {t_us}")
    for t_us, customer, phase in made(run):
        if bad(t_us, phase, BLIND_US + TRAVEL_US):
            wrong.append(f"{customer} closed on {PHASES[phase]} at {t_us}")
    return wrong


def closed_before_restoration(run: Run) -> list[str]:
    """Closings earlier than t_res + t_base after the end of an outage of more than 0.4 s; t_res
    alone for a Coordinator that started meanwhile and cannot know how long it has been back."""
    wrong = []
    told = settings(run)
    wait_us = 1000 * told["t_res_ms"]
    if names(run, run.scenario.coordinator().id).count("BOOT") == 1:
        wait_us += 1000 * told["t_base_ms"]
    dead_us = None
    for t0, _, u in supply_spans(run):
        if max(u) < DEAD_PU * run.scenario.street.un_v:
            dead_us = t0 if dead_us is None else dead_us
        elif dead_us is not None:
            if t0 - dead_us > SHORT_US:
                wrong += [f"{c} closed {t - t0} us after the supply's return"
                          for t, c, _ in made(run) if t0 <= t < t0 + wait_us]
            dead_us = None
    return wrong


def two_in_one_slot(run: Run) -> list[str]:
    """Two customers closed nearer to each other than a slot (less the network's jitter), other
    than by a phase change."""
    slot_us = 1000 * settings(run)["t_slot_ms"] * 9 // 10
    moving = _moving(run)
    closings = [m for m in made(run) if m not in moving]
    return [f"{a[1]} and {b[1]} closed {b[0] - a[0]} us apart at {b[0]}"
            for a, b in zip(closings, closings[1:], strict=False)
            if a[1] != b[1] and b[0] - a[0] < slot_us]


def _moving(run: Run) -> set:
    """The makes that belong to a phase change: to another phase, or back, within half a second."""
    broke: dict = {}
    out = set()
    makes = set(made(run))
    for t_us, customer, phase, on in run.result.contacts:
        if not on:
            broke[customer] = t_us
        elif (t_us, customer, phase) in makes and t_us - broke.get(customer, -10**9) < 500_000:
            out.add((t_us, customer, phase))
    return out


def broken_too_shortly(run: Run) -> list[str]:
    """Changes from one phase to another with less than 50 ms between contact and contact."""
    wrong = []
    broke: dict = {}
    for t_us, customer, phase, on in run.result.contacts:
        if not on:
            broke[customer] = (t_us, phase)
        elif customer in broke:
            off_us, was = broke[customer]
            if was != phase and t_us - off_us < 50_000:
                wrong.append(f"{customer} {PHASES[was]} to {PHASES[phase]} in {t_us - off_us} us")
    return wrong


def driven_before_the_self_test(run: Run) -> list[str]:
    """Coils energised by a controller that has started and not yet tested itself."""
    wrong = []
    for acu in run.specs:
        spans = [(t_us, "BOOT") for t_us, _ in lines(run, acu, "BOOT")]
        spans += [(t_us, "OK") for t_us, body in lines(run, acu, "SELFTEST") if body["ok"] == "1"]
        for t_us, who, output, _ in run.result.drives:
            if who == acu and max(span for span in spans if span[0] <= t_us)[1] == "BOOT":
                wrong.append(f"{acu} drove output {output} at {t_us}")
    return wrong


def left_off_silently(run: Run) -> list[str]:
    """Customers without supply at the end whose own controller never said that, or why; branches
    likewise."""
    wrong = []
    now = closed(run)
    opened = [(eu, c, max(t for t, who, _, on in run.result.contacts if who == c and not on))
              for eu, c in customers(run).items() if not now[c]]
    breakers: dict = {}
    for t_us, acu, on in run.street.breakers:
        breakers[acu] = (t_us, on)
    opened += [(acu, f"branch {acu}", t_us) for acu, (t_us, on) in breakers.items() if not on]
    for acu, what, off_us in opened:
        why = [name for name in SAYS_WHY for t_us, _ in lines(run, acu, name)
               if t_us > off_us - 100_000]
        why += ["BOOT" for t_us, body in lines(run, acu, "BOOT")
                if t_us > off_us and body["on_mask"] == "0"]
        if not why:
            wrong.append(f"{what} is off since {off_us} and {acu} does not say why")
    return wrong


def log_out_of_order(run: Run) -> list[str]:
    """Numbers of each controller count from 1 at each BOOT; nothing lost, no task of it late."""
    wrong = []
    last = dict.fromkeys(run.specs, 0)
    for t_us, acu, line in run.result.events:
        _, who, n, name, *_ = line.split(" ")
        expected = 1 if name == "BOOT" else last[acu] + 1
        if (who != acu or int(n) != expected
                or not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line)):
            wrong.append(f"at {t_us}: {line!r} follows number {last[acu]}")
        last[acu] = int(n)
    for name, unit in getattr(run.firmware, "units", {}).items():
        if unit.acu and (unit.acu.log.lost or unit.acu.scheduler.late):
            wrong.append(f"{name}: {unit.acu.log.lost} events lost, "
                         f"late {unit.acu.scheduler.late}")
    return wrong


RULES = (two_phases_joined, closed_on_what_was_no_supply, closed_before_restoration,
         two_in_one_slot, broken_too_shortly, driven_before_the_self_test, left_off_silently,
         log_out_of_order)


def violations(run: Run, rules=RULES) -> list[tuple[str, str]]:
    """(rule, what was wrong) of everything that does not hold."""
    return [(rule.__name__, text) for rule in rules for text in rule(run)]
