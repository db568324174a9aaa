"""The controllers of a street as settings, from a scenario or from a folder with a file of
settings (.json) for each: what a keyring is made from."""
from pathlib import Path

from host_sim.scenario import district_plan, load, microgrid_plan, reading, recloser_plan
from host_sim.scenario.complaints import InputError


def controllers(street: str) -> list[dict]:
    """Settings of each, judged by the firmware's own rules."""
    folder = Path(street)
    if folder.is_dir():
        files = sorted(folder.glob("*.json"))
        if not files:
            raise InputError([f"E451 {street}: holds no settings (.json). Put the file of each "
                              "controller there, as for slvg flash --settings."])
        found, wrong = [], []
        for file in files:
            try:
                found.append(reading.load_config(file))
            except InputError as e:
                wrong += e.complaints
        if wrong:
            raise InputError(wrong)
        return found
    if recloser_plan.is_one(street):
        return [dict(recloser_plan.read(street).config)]
    if district_plan.is_one(street):
        return [dict(one.config) for one in district_plan.read(street).reclosers]
    if microgrid_plan.is_one(street):
        return [dict(microgrid_plan.read(street).settings)]
    return [acu.config for acu in load.load(street).acus]
