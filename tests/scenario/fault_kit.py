"""The street of the assay with shorter timers, for runs with a fault; what must hold after each.

The rules judge by the world's own record (contacts, supply), never by what a controller says of
itself.
Times are seconds in calls, microseconds in records.
"""

import copy
import re
import tomllib

from host_sim.scenario.load import FILES, build
from host_sim.scenario.runner import Run

UN_V = 230.0
PHASES = "ABC"
T_RES_US = 1_000_000
T_BASE_US = 1_000_000
T_SLOT_US = 1_000_000
CUSTOMER = {"eu1": "c1", "eu2": "c2", "eu3": "c3"}
HOME = {"c1": 0, "c2": 1, "c3": 0}
# RMS(1/2) needs a half cycle and a tick to see a supply fall: an order to close until then is
# nobody's fault.
BLIND_US = 20_000
# Travel, scatter and bounce of a contact.
TRAVEL_US = 12_500

_ASSAY = tomllib.loads((FILES / "assay.toml").read_text(encoding="utf-8"))
_TIMERS = {
    "t_hb_ms": 1000,
    "t_res_ms": 1000,
    "t_base_ms": 1000,
    "t_slot_ms": 1000,
    "ub_hold_ms": 1000,
    "ub_avg_ms": 1000,
    "ub_win_ms": 300,
}


def at(t_s, **what):
    """An [[event]] of a scenario."""
    return {"at_s": float(t_s), **what}


def fault(t_s, name, acu, value=1, **where):
    return at(t_s, set={"name": name, "value": value, "acu": acu, **where})


def outage(lost_s=3.0, back_s=5.0):
    return [at(lost_s, supply="lost"), at(back_s, supply="back")]


class Once:
    """after_ms after `who` wrote an event line, or published a message, that holds all the parts:
    do(run), once."""

    def __init__(self, who, *parts, do, after_ms=0):
        self.moment = (who, *parts)
        self.done = False
        self._do = do
        self._after_us = after_ms * 1000
        self._due_us = None

    def look(self, run, said):
        if self._due_us is None:
            who, *parts = self.moment
            if any(by == who and all(p in text for p in parts) for by, text in said):
                self._due_us = run.t_us + self._after_us
        if self._due_us is not None and not self.done and run.t_us >= self._due_us:
            self.done = True
            self._do(run)


def reboot(acu, off_ms=500):
    return lambda run: run.happen("reboot", acu=acu, off_ms=off_ms)


def link(acu, **args):
    return lambda run: run.happen("link", acu=acu, **args)


def world(name, value, **args):
    return lambda run: run.happen("world", name=name, value=value, **args)


def lost_for(ms):
    """A second outage, as long as this."""
    return world("supply", "lost", for_ms=ms)


def broken_mirror(acu, phase):
    """The wire of a mirror contact breaks: it says open, whatever the contact does."""

    def do(run):
        run.street._relays[acu][phase]._mirror_held = 0

    return do


def play(
    events, *onces, seed, run_s=13.0, level="quantity", network=None, holdup_ms=15_000, **config
):
    """Runs the street with these [[event]]s and settings to the end; returns the Run."""
    given = copy.deepcopy(_ASSAY)
    given.pop("expect")
    given |= {
        "event": sorted(events, key=lambda e: e["at_s"]),
        "run_s": run_s,
        "level": level,
        "seed": seed,
        "network": network or {},
    }
    given["config"] |= _TIMERS | config
    for acu in given["acu"]:
        acu["holdup_ms"] = holdup_ms
    scenario = build(given, FILES / "assay.toml")
    run = Run(scenario)
    lines, bus = run.result.events, run.result.bus
    n_lines = n_sent = 0
    while run.t_us < scenario.run_us:
        run.step()
        said = [(who, line) for _, who, line in lines[n_lines:]]
        said += [(who, f"{topic} {raw.decode()}") for _, who, topic, raw in bus[n_sent:]]
        n_lines, n_sent = len(lines), len(bus)
        for once in onces:
            once.look(run, said)
    run.finish()
    for once in onces:
        assert once.done, f"the moment of the fault never came: {once.moment}"
    return run


# ---- reading a run


def lines(run, who, name):
    """[(t_us, {key: value})] of this controller's events of this name."""
    out = []
    for t_us, acu, line in run.result.events:
        words = line.split(" ")
        if acu == who and words[3] == name:
            out.append((t_us, dict(w.split("=") for w in words[4:])))
    return out


def names(run, who):
    """The event names of a controller in order."""
    return [line.split(" ")[3] for _, acu, line in run.result.events if acu == who]


def closed(run):
    """{customer: mask} of the true contacts at the end."""
    return {c: run.street.truth(eu)["contact"] for eu, c in CUSTOMER.items()}


def made(run):
    """[(t_us, customer, phase)] of the contacts that closed, without the chatter that follows."""
    out = []
    broke = {}
    for t_us, customer, phase, on in run.result.contacts:
        if not on:
            broke[customer, phase] = t_us
        elif t_us - broke.get((customer, phase), -1_000_000) > TRAVEL_US:
            out.append((t_us, customer, phase))
    return out


def supply_spans(run):
    """[(from_us, to_us, (ua, ub, uc))] of the whole run."""
    changes = [(0, (233.0, 233.0, 233.0)), *run.result.supply, (run.t_us, None)]
    return [(a[0], b[0], a[1]) for a, b in zip(changes, changes[1:], strict=False) if b[0] > a[0]]


# ---- what must hold after every run


def closed_on_what_was_no_supply(run):
    """Orders and contacts that closed onto a phase that had been outside its band for longer than
    anybody can be blind."""
    wrong = []
    spans = supply_spans(run)

    def bad(t_us, phase, blind_us):
        return all(
            not 0.9 * UN_V <= u[phase] <= 1.12 * UN_V
            for t0, t1, u in spans
            if t1 > t_us - blind_us and t0 <= t_us
        )

    for t_us, acu, output, level in run.result.drives:
        if level == 1 and bad(t_us, output, BLIND_US):
            wrong.append(f"{acu} drove {PHASES[output]} closed at {t_us}")
    for t_us, customer, phase in made(run):
        if bad(t_us, phase, BLIND_US + TRAVEL_US):
            wrong.append(f"{customer} closed on {PHASES[phase]} at {t_us}")
    return wrong


def closed_before_restoration(run):
    """Closings earlier than t_res + t_base after the end of an outage of more than 0.4 s; t_res
    alone for a Coordinator that started meanwhile and cannot know how long it has been back."""
    wrong = []
    wait_us = T_RES_US if names(run, "cd").count("BOOT") > 1 else T_RES_US + T_BASE_US
    dead_us = None
    for t0, _, u in supply_spans(run):
        if max(u) < 0.1 * UN_V:
            dead_us = t0 if dead_us is None else dead_us
        elif dead_us is not None:
            if t0 - dead_us > 400_000:
                wrong += [
                    f"{c} closed {t - t0} us after the supply's return"
                    for t, c, _ in made(run)
                    if t0 <= t < t0 + wait_us
                ]
            dead_us = None
    return wrong


def two_in_one_slot(run):
    """Two customers closed nearer to each other than a slot (less the network's jitter)."""
    closings = made(run)
    return [
        f"{a[1]} and {b[1]} closed {b[0] - a[0]} us apart at {b[0]}"
        for a, b in zip(closings, closings[1:], strict=False)
        if a[1] != b[1] and b[0] - a[0] < T_SLOT_US * 9 // 10
    ]


def broken_too_shortly(run):
    """Changes from one phase to another with less than 50 ms between contact and contact."""
    wrong = []
    broke = {}
    for t_us, customer, phase, on in run.result.contacts:
        if not on:
            broke[customer] = (t_us, phase)
        elif customer in broke:
            off_us, was = broke[customer]
            if was != phase and t_us - off_us < 50_000:
                wrong.append(f"{customer} {PHASES[was]} to {PHASES[phase]} in {t_us - off_us} us")
    return wrong


def driven_before_the_self_test(run):
    """Coils energised by a controller that has started and not yet tested itself."""
    wrong = []
    for acu in run.specs:
        spans = [(t_us, "BOOT") for t_us, _ in lines(run, acu, "BOOT")]
        spans += [(t_us, "OK") for t_us, body in lines(run, acu, "SELFTEST") if body["ok"] == "1"]
        for t_us, who, output, _ in run.result.drives:
            if who == acu and max(span for span in spans if span[0] <= t_us)[1] == "BOOT":
                wrong.append(f"{acu} drove output {output} at {t_us}")
    return wrong


def left_off_silently(run):
    """Customers without supply at the end whose own controller never said that, or why."""
    wrong = []
    for eu, customer in CUSTOMER.items():
        if closed(run)[customer]:
            continue
        off_us = max(t for t, c, _, on in run.result.contacts if c == customer and not on)
        why = [
            name
            for name in ("OPENED", "LOCKOUT", "STUCK", "PHS_FAIL", "ABORTED")
            for t_us, _ in lines(run, eu, name)
            if t_us > off_us - 100_000
        ]
        why += [
            "BOOT"
            for t_us, body in lines(run, eu, "BOOT")
            if t_us > off_us and body["on_mask"] == "0"
        ]
        if not why:
            wrong.append(f"{customer} is off since {off_us} and {eu} does not say why")
    return wrong


def log_out_of_order(run):
    """Numbers of each controller count from 1 at each BOOT; nothing lost, no task of it late."""
    wrong = []
    last = dict.fromkeys(run.specs, 0)
    for t_us, acu, line in run.result.events:
        _, who, n, name, *_ = line.split(" ")
        expected = 1 if name == "BOOT" else last[acu] + 1
        if (
            who != acu
            or int(n) != expected
            or not re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z ", line)
        ):
            wrong.append(f"at {t_us}: {line!r} follows number {last[acu]}")
        last[acu] = int(n)
    for name, unit in run.firmware.units.items():
        if unit.acu and (unit.acu.log.lost or unit.acu.scheduler.late):
            wrong.append(
                f"{name}: {unit.acu.log.lost} events lost, late {unit.acu.scheduler.late}"
            )
    return wrong


def check(run, off=(), moved=None):
    """All of the above; at the end exactly `off` are without supply, the others on their phase,
    which for `moved` is another than at the start."""
    assert run.street.joined_us == 0, f"two phases joined for {run.street.joined_us} us"
    for rule in (
        closed_on_what_was_no_supply,
        closed_before_restoration,
        two_in_one_slot,
        broken_too_shortly,
        driven_before_the_self_test,
        left_off_silently,
        log_out_of_order,
    ):
        wrong = rule(run)
        assert not wrong, f"{rule.__name__}: " + "; ".join(wrong) + "\n" + run.result.event_log()
    phase = HOME | (moved or {})
    expected = {c: 0 if c in off else 1 << phase[c] for c in HOME}
    assert closed(run) == expected, run.result.event_log()
    return run
