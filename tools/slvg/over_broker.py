"""`slvg sim --broker`: makes the broker, and says what differs from the simulated network."""
from rich.console import Console

from host_sim.net.broker import BrokerError
from host_sim.scenario.complaints import InputError
from host_sim.scenario.figures import Check
from host_sim.scenario.over_broker import OverBroker
from host_sim.scenario.plan import Scenario
from host_sim.scenario.result import RunResult
from slvg.output import bad_input

_SHOWN = 20


def begin(scenario: Scenario, kind: str, tls: bool) -> OverBroker:
    try:
        return OverBroker(scenario, kind, tls)
    except (BrokerError, InputError) as e:
        bad_input(str(e))


def compare(console: Console, scenario: Scenario, result: RunResult, seed: int | None,
            level: str | None) -> tuple[dict, list[Check]]:
    """Plays it once more over the simulated network: the figures of both, and that the broker
    has delivered all and nothing has changed but times."""
    from host_sim.scenario.runner import run

    alone = run(scenario, seed=seed, level=level)
    panel = [shown for _, shown in result.panel] == [shown for _, shown in alone.panel]
    there, here = result.event_log().splitlines(), alone.event_log().splitlines()
    differences = [f"- {line}" for line in here if line not in set(there)]
    differences += [f"+ {line}" for line in there if line not in set(here)]
    through = result.broker
    console.print(
        f"Over {through['kind']}{' with TLS' if through['tls'] else ''}, keys and rights: "
        f"{through['sent']} messages sent, {through['delivered']} delivered, "
        f"{through['withheld']} withheld, {through['sessions']} connections. "
        f"{'The same panel' if panel else 'ANOTHER PANEL'} and "
        f"{'the same event log' if not differences else f'{len(differences)} other lines'} as "
        "without.", highlight=False, soft_wrap=True)
    for line in differences[:_SHOWN]:
        console.print(f"  {line}", highlight=False, markup=False)
    checks = [Check("broker delivers", not through["withheld"],
                    f"{through['withheld']} of {through['sent']} messages withheld"
                    + "".join(f"; {where}" for where in through["missing"][:3])),
              Check("broker panel", panel, "the panel's strings as without a broker")]
    return {"broker": through | {"same_panel": panel, "same_log": not differences,
                                 "differences": differences}}, checks
