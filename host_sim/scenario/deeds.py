"""What a scenario lets happen: each [[event]] checked against the circuit that it happens to.

Called by load.py only. Whatever passes here can be carried out by the runner: a target that exists
and has the part meant, bounds, and a message of the centre that the firmware's own encoder takes
and the Coordinator knows.
"""
from typing import Any

from pydantic import BaseModel

from acu import config as acu_config
from acu import messages
from acu.roles import centre
from host_sim.scenario.complaints import Complaints, choices, few, meant
from host_sim.scenario.plan import Event
from host_sim.scenario.schema import PHASES, EventForm, ScenarioForm
from host_sim.world.grid.network import buses_of

# Faults that a scenario may set (world/faults): what each needs besides its value, the kind of
# board that has such a part, and its bounds.
FAULTS: dict[str, tuple[str, str, float, float]] = {
    "relay.weld": ("acu phase", "customer", 0, 1),
    "relay.no_close": ("acu phase", "customer", 0, 1),
    "mirror.stuck": ("acu phase", "customer", 0, 1),
    "adc.freeze": ("acu channel", "", 0, 1),
    "adc.gain_pct": ("acu channel", "", -50, 50),
    "adc.open": ("acu channel", "", 0, 1),
    "load_pct": ("acu", "customer single two", -1_000, 1_000),
    "ground": ("acu", "post", 0, 1),
    "dofc": ("acu", "post", 0, 1),
    "temperature_dc": ("acu", "post", -400, 1_500),
    "cover": ("acu", "post single two", 0, 1),
    "magnet": ("acu", "post single two", 0, 1),
    "line.open": ("line", "", 0, 1),
    "neutral.cut": ("line", "", 0, 1),
    "bus.fault": ("bus phase", "", 0, 1),
}
_INPUT = {"ground": "ground", "dofc": "cutout", "temperature_dc": "temperature",
          "cover": "cover", "magnet": "magnet"}          # of the board
_GRID = ("line.open", "neutral.cut", "bus.fault")
_MAY = {"bus.fault": ("to", "ohm")}                       # what such a fault need not say
_PLACE = ("acu", "phase", "channel", "line", "bus", "to", "ohm")
_OWN_KIND = ("reboot", "link", "scc", "clock", "hang")   # all others are the world's
# What the centre may order: how many arguments; 'tele' stands beside the table in the firmware.
_ORDERS = {"tele": 0, **{cmd: n for cmd, (_, n) in centre.ORDERS.items()}}
_LONGEST = 65_535        # a number of a message that is as long as it can get
_UTC_MS = 10**14


class Deeds:
    """boards: ACU id -> its board, {} if that is wrong itself."""

    def __init__(self, form: ScenarioForm, boards: dict[str, dict], complaints: Complaints,
                 network: Any = None):
        self._run_s = form.run_s
        self._boards = boards
        self._role = {a.id: a.role for a in form.acu}
        self._wrong = complaints
        self._lines = {line.name: line.phases for line in network.lines} if network else {}
        self._buses = buses_of(network) if network else {}

    def event(self, n: int, form: EventForm) -> Event:
        kind = form.kinds()[0]
        where = f"[event {n}]"
        if form.at_s > self._run_s:
            self._wrong.add("E123", f"{where} at_s = {form.at_s!r}",
                            f" is after the end of the run. Set 0 to {self._run_s} s.")
        what = getattr(form, kind)
        args: dict[str, Any]
        if isinstance(what, BaseModel):
            args = what.model_dump(exclude_none=True)
            known = "acu" not in args or self._wrong.known(f"{where} [{kind}] acu", args["acu"],
                                                           "acu", list(self._role))
        else:
            args = {"name": kind, "value": what}
            known = True
        if kind == "load_pct":
            args["name"] = kind
        if kind in ("set", "load_pct"):
            self._fault(f"{where} [{kind}]", args, known)
        elif kind == "scc":
            self._message(f"{where} [scc] body", args["type"], args["body"])
        elif kind == "link" and not args.keys() - {"acu", "for_ms"}:
            self._wrong.add("E122", f"{where} [link]",
                            " changes nothing. Give loss_pct, partition or another.")
        return Event(round(form.at_s * 1e6), kind if kind in _OWN_KIND else "world", args)

    def _fault(self, where: str, args: dict, known: bool) -> None:
        name = args["name"]
        if name not in FAULTS:
            self._wrong.add("E129", f"{where} name = {name!r}",
                            f" is no fault. {meant(name, FAULTS)}")
            return
        needs, kind, low, high = FAULTS[name]
        if name in _GRID and not self._buses:
            self._wrong.add("E129", f"{where} name = {name!r}",
                            " is for a street with a [feeder].")
            return
        if name.startswith(("relay.", "mirror.")) and self._kind(args.get("acu", "")) == "branch":
            needs, kind = "acu", "branch"        # one mechanism moves its three poles
        value = args["value"]
        number = isinstance(value, int | float) and not isinstance(value, bool)
        if not number or not low <= value <= high:
            self._wrong.add("E123", f"{where} value = {value!r}",
                            f" is outside the bounds of {name}. Set {low:_} to {high:_}.")
        for key in _PLACE:
            if key in needs.split() and key not in args:
                self._wrong.add("E122", f"{where} {key}", f" is missing; {name} needs it. Add it.")
            elif key not in (*needs.split(), *_MAY.get(name, ())) and key in args:
                self._wrong.add("E121", f"{where} {key}", f" means nothing to {name}. Remove it.")
        if name in _GRID:
            self._place(where, name, args)
        if known and "acu" in args and "acu" in needs.split():
            self._target(where, name, kind, args)
        if "phase" in args:
            args["phase"] = PHASES.index(args["phase"])

    def _target(self, where: str, name: str, kind: str, args: dict) -> None:
        """The ACU is known; has it the part that is to fail?"""
        acu = args["acu"]
        if kind and not self._able(acu, name, kind):
            able = [one for one in self._role if self._able(one, name, kind)]
            self._wrong.add("E129", f"{where} acu = {acu!r}",
                            f", the {self._role[acu]}, has no {name}. There are: {choices(able)}.")
        channels = [c["name"] for c in self._boards[acu].get("channels", ())]
        if channels and args.get("channel", 0) >= len(channels):
            there = ", ".join(f"{k} {channel}" for k, channel in enumerate(channels))
            self._wrong.add("E129", f"{where} channel = {args['channel']}",
                            f" is none of {acu}. There are: {there}.")

    def _able(self, acu: str, name: str, kind: str) -> bool:
        """Has it this part?"""
        if self._kind(acu) not in kind.split():
            return False
        inputs = [one["name"] for one in self._boards.get(acu, {}).get("inputs", ())]
        return name not in _INPUT or not inputs or _INPUT[name] in inputs

    def _place(self, where: str, name: str, args: dict) -> None:
        """The line, or the bus with its conductors, is in the network?"""
        line, bus = args.get("line"), args.get("bus")
        if line is not None and self._in_network(f"{where} line", line, self._lines) \
                and name == "neutral.cut" and "N" not in self._lines[line]:
            self._wrong.add("E129", f"{where} line = {line!r}", " has no neutral of its own.")
        if bus is None or not self._in_network(f"{where} bus", bus, self._buses):
            return
        phase, to = args.get("phase"), args.get("to", "N")
        for conductor in (phase, to):
            if conductor in ("A", "B", "C") and conductor not in self._buses[bus]:
                self._wrong.add("E129", f"{where} bus = {bus!r}", f" has no phase {conductor}.")
        if phase == to:
            self._wrong.add("E127", f"{where} to = {to!r}",
                            " is the phase itself. Choose another.")

    def _in_network(self, where: str, one: str, known: dict) -> bool:
        if one not in known:
            self._wrong.add("E129", f"{where} = {one!r}",
                            f" is not in the network. {few(one, known)}")
        return one in known

    def _kind(self, acu: str) -> str:
        """Kind of the board of this ACU; of one without, what its role has."""
        role = self._role.get(acu, "")
        return self._boards.get(acu, {}).get("kind") or ("customer" if role == "operator" else
                                                         "post")

    def _message(self, where: str, t: str, body: dict) -> None:
        keys = messages.form(t)[1:]
        if set(body) != set(keys):
            form = ", ".join(f"{key} = ..." for key in keys)
            self._wrong.add("E122", where, f" must be {{{form}}}.")
            return
        wrong = self._cfg(body) if t == "cfg" else self._order(body)
        if wrong:
            self._wrong.add(wrong[0], where, wrong[1])
            return
        try:
            raw = messages.encode(t, "scc", "x" * 16, _LONGEST, _LONGEST, _UTC_MS, body,
                                  lambda text: "0" * 16, _LONGEST, _UTC_MS)
        except ValueError as e:
            self._wrong.add("E127", where, f": {str(e).partition(' ')[2]}")
            return
        if messages.decode(raw) is None:
            self._wrong.add("E127", where, f" = {body} is no {t}. Use whole numbers, and words of "
                                           "at most 16 printable characters.")

    def _cfg(self, body: dict) -> tuple[str, str] | None:
        if not isinstance(body["k"], str):
            return "E124", f" k = {body['k']!r} must be a text in quotes."
        error = acu_config.wrong(body["k"], body["val"])
        return (error.split(" ")[0], ": " + error.partition(": ")[2]) if error else None

    def _order(self, body: dict) -> tuple[str, str] | None:
        """(code, text) of what the Coordinator would not understand."""
        cmd, args = body["cmd"], body["args"]
        if not isinstance(cmd, str) or cmd not in _ORDERS:
            return "E129", f" cmd = {cmd!r} is no order. {meant(str(cmd), _ORDERS)}"
        if not isinstance(args, list) or len(args) != _ORDERS[cmd]:
            return "E126", f" args = {args!r}: {cmd} takes a list of {_ORDERS[cmd]}."
        if cmd == "tele":
            return None
        branches = [one for one in self._role if self._kind(one) == "branch"] if cmd != "phs" \
            else []
        ids = [one for one, role in self._role.items() if role == "operator"] + branches
        if args[0] not in ids:
            what = "operator or branch" if branches else "operator"
            return "E129", f" args = {args!r}: {args[0]!r} is no {what}. {few(str(args[0]), ids)}"
        highs = {"sw": (1, messages.LEASE_MAX_S), "phs": (2,)}.get(cmd, ())
        for value, high in zip(args[1:], highs, strict=True):
            if type(value) is not int or not 0 <= value <= high:
                return "E123", f" args = {args!r}: {value!r} is no 0 to {high:_}. Set one."
        return None
