"""Every fault of the sweep: one fault at one moment, or one message lost, doubled or late.

A case is a value with a name that says it all, so that results of a cut run can be taken up again.
Times are seconds in names, as in scenario files.
"""
from dataclasses import dataclass, field

from host_sim.scenario.plan import Scenario

PHASES = "ABC"
MESSAGE_FAULTS = (("lost", 0), ("doubled", 0), ("late", 300), ("late", 2500))   # ms
OFF_MS = (500, 3000)
CUT_MS = (1000, 5000)
HANG_MS = (300, 3000)
CLOCK_MS = (-3_600_000, -10_000, 10_000, 3_600_000)
ADC_MS = (3000, 0)                       # 0: for good
SUPPLY = (("dip to 0 %", [0.0] * 3, 150), ("dip to 40 %", [0.4] * 3, 150),
          ("dip to 80 %", [0.8] * 3, 2500), ("swell to 115 %", [1.15] * 3, 2500),
          ("outage", [0.0] * 3, 250), ("outage", [0.0] * 3, 800), ("outage", [0.0] * 3, 3000),
          ("A lost", [0.0, 1.0, 1.0], 2500), ("B lost", [1.0, 0.0, 1.0], 2500),
          ("C lost", [1.0, 1.0, 0.0], 2500))


@dataclass(frozen=True)
class Case:
    """name: unique. deed: (kind, arguments) for Run.happen at t_us; or message: (number of the
    message in the run, what, ms). lasting: the fault stays. hangs: tasks may be late."""

    name: str
    kind: str
    t_us: int = 0
    deed: tuple[str, dict] | None = field(default=None, hash=False)
    message: tuple[int, str, int] | None = None
    lasting: bool = False
    hangs: bool = False


def cases(scenario: Scenario, moments_s: list, n_messages: int, acus: set) -> list[Case]:
    """All of them. moments_s: of the faults that happen at a time, every second of them for
    channels and contacts; n_messages: of the run without a fault; acus: who has faults of its
    own."""
    out = [Case(f"message {n} {what}{f' {ms} ms' if ms else ''}", f"message {what}",
                message=(n, what, ms))
           for n in range(n_messages) for what, ms in MESSAGE_FAULTS]
    for k, t_s in enumerate(moments_s):
        t_us = round(t_s * 1e6)
        for what, pu, ms in SUPPLY:
            deed = ("world", {"name": "supply_pu", "value": pu, "for_ms": ms})
            out.append(Case(f"{what} for {ms} ms @{t_s:g}", what, t_us, deed))
        for acu in scenario.acus:
            if acu.id in acus:
                out += _of_controller(acu.id, t_s, t_us)
                if k % 2 == 0:
                    out += _of_channels(acu, t_s, t_us)
                    out += _of_contacts(acu, t_s, t_us)
    return out


def _of_controller(acu: str, t_s: float, t_us: int) -> list[Case]:
    def case(kind: str, ms: int, deed: tuple, hangs: bool = False) -> Case:
        return Case(f"{kind} {acu} {ms} ms @{t_s:g}", kind, t_us, deed, hangs=hangs)

    return [
        *(case("reboot", ms, ("reboot", {"acu": acu, "off_ms": ms})) for ms in OFF_MS),
        *(case("link cut", ms, ("link", {"acu": acu, "partition": True, "for_ms": ms}))
          for ms in CUT_MS),
        *(case("hang", ms, ("hang", {"acu": acu, "for_ms": ms}), True) for ms in HANG_MS),
        *(case("clock step", ms, ("clock", {"acu": acu, "step_ms": ms})) for ms in CLOCK_MS)]


def _of_channels(acu, t_s: float, t_us: int) -> list[Case]:
    return [Case(f"{name} {acu.id} {channel}{f' {ms} ms' if ms else ''} @{t_s:g}", name, t_us,
                 ("world", {"name": name, "value": value, "acu": acu.id, "channel": k,
                            "for_ms": ms}), lasting=not ms)
            for k, channel in enumerate(c["name"] for c in acu.board["channels"])
            for name, value in (("adc.freeze", 1), ("adc.open", 1), ("adc.gain_pct", 400))
            for ms in ADC_MS]


def _of_contacts(acu, t_s: float, t_us: int) -> list[Case]:
    """Phase contacts of a customer, or the breaker of a branch."""
    kind = acu.board["kind"]
    if kind not in ("customer", "branch"):
        return []
    contacts = [(f" {x}", {"phase": k}) for k, x in enumerate(PHASES)]
    return [Case(f"{name} {acu.id}{where} @{t_s:g}", name, t_us,
                 ("world", {"name": name, "value": 1, "acu": acu.id, **more}), lasting=True)
            for where, more in (contacts if kind == "customer" else [("", {})])
            for name in ("relay.weld", "relay.no_close", "mirror.stuck")]
