"""`slvg study policy`: makes the table of a dispatch policy; study.py registers it.

Reads arguments, calls host_sim/study/policy.py, prints; computes nothing itself.
"""
from pathlib import Path
from typing import Annotated

import typer

from host_sim.scenario.complaints import InputError
from host_sim.study.pool import cores
from slvg.output import JsonFile, bad_input, writable
from slvg.progress import Counted
from slvg.study_options import Jobs, ReportDir, Seed, report_folder, save, tell


def policy(
    data: Annotated[Path | None, typer.Option("--data", metavar="DIR|FILE", help=(
        "Profiles; without it three made-up years."))] = None,
    train: Annotated[str, typer.Option("--train", metavar="YEARS", help=(
        "Years to learn from, counted from 1; the others are held out."))] = "1,2",
    method: Annotated[str, typer.Option("--method", metavar="NAME", help=(
        "sdp, or module:function of your own (docs/microgrid.md)."))] = "sdp",
    settings: Annotated[Path | None, typer.Option("--settings", metavar="FILE.json", help=(
        "Settings of a board in role microgrid: the table is for its plant."))] = None,
    out: Annotated[Path | None, typer.Option("--out", metavar="FILE", help=(
        "Write the table there; slvg flash --policy places it on a board."))] = None,
    report: ReportDir = None,
    seed: Seed = 1,
    jobs: Jobs = None,
    json_file: JsonFile = None,
) -> None:
    """Make the table of a dispatch policy from some years of profiles, and play all years with it
    in the firmware. --seed: of the made-up years."""
    writable({"--json": json_file, "--out": out})
    report_folder(report)
    from host_sim.study import policy as one
    from host_sim.study.microgrid_profiles import read, synthetic
    from host_sim.world.microgrid import PlantSpec

    try:
        spec = PlantSpec() if settings is None else _plant(settings)
        profiles = read(data) if data is not None else synthetic(3, seed)
        with Counted("seasons worked out") as progress:
            made = one.make(profiles, spec, _years(train), one.method(method), jobs or cores(),
                            progress)
    except InputError as e:
        bad_input(e.text)
    if out is not None:
        out.write_bytes(made.raw)
    if report is not None:
        from host_sim.study.policy_report import report as written

        save(written(made, [f"Profiles: {profiles.name}; trained on years {train}.",
                            f"Method {method}; a table of {len(made.raw)} bytes."]), report)
    tell(made.figures(), json_file)


def _years(text: str) -> tuple[int, ...]:
    try:
        return tuple(sorted({int(word) for word in text.split(",")}))
    except ValueError:
        raise InputError([f"E428 --train {text}: give years as numbers, such as 1,2."]) from None


def _plant(settings: Path):
    from acu import microgrid_settings
    from host_sim.scenario.reading import load_config
    from host_sim.world.microgrid import PlantSpec

    full = load_config(settings)
    if full["role"] != "microgrid":
        raise InputError([f"E429 {settings.name}: role = {full['role']} has no plant. Give the "
                          "settings of a board in role microgrid."])
    return PlantSpec.of(microgrid_settings.plant(full))
