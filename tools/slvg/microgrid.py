"""`slvg sim microgrid`, and any other scenario of kind "microgrid": a dispatching ACU and its
island."""
from host_sim.scenario import microgrid_plan, microgrid_run
from host_sim.scenario.microgrid_figures import check, figures
from slvg import one_acu

_SHOWN = ("pv_kwh", "given_up_kwh", "load_kwh", "pns_kwh", "diesel_kwh", "diesel_h",
          "diesel_starts", "battery_in_kwh", "battery_out_kwh", "battery_end_pct",
          "hydrogen_in_kwh", "hydrogen_out_kwh", "hydrogen_end_pct", "eur", "pv_error_pct",
          "load_error_pct", "diesel_error_pct", "eur_error_pct", "balance_kwh", "events",
          "messages", "event_log_sha256", "python", "seed", "wall_s")


def command(name: str, **options) -> None:
    """options: of one_acu.sim()."""
    one_acu.sim(name, microgrid_plan.read, microgrid_run.run, figures, check, _draw, _SHOWN,
                kind="microgrid", **options)


def _draw():
    from host_sim.scenario.microgrid_plot import plot

    return plot
