"""`slvg study powercut`: parts put together, and what the command says of a loss."""
import json

from typer.testing import CliRunner

from host_sim.study import powercut
from slvg.cli import app


def cut(**found):
    one = dict.fromkeys(powercut._SUMS, 0) | {"cuts": 10, "operations": 500, "worst_loss_mwh": 7,
                                              "worst_loss_ms": 1500, "kinds": {"ev": 6},
                                              "wrong": []}
    return "powercut.py", {}, one | found


def worn(role, flash, hottest, even):
    return "wear.py", {"role": role, "flash": flash}, {
        "erases_per_day": 180, "stores_per_day": 1500, "life_years_hottest": hottest,
        "life_years_even": even}


def test_parts_add_up_and_the_worst_is_the_worst():
    told = powercut.figures([cut(), cut(worst_loss_ms=59_000, kinds={"ev": 1, "cal": 9}),
                             worn("meter", "esp32", 40, 90)], 60)
    assert (told["cuts"], told["operations"], told["worst_loss_s"]) == (20, 500, 59.0)
    assert told["kinds"] == {"cal": 9, "ev": 7} and told["goals_missed"] == []
    assert told["erases_per_day"] == {"esp32": {"meter": 180}}
    assert told["flash_life_years"] == {"esp32": {"meter": 40}}
    assert told["flash_life_by"] == "hottest block in 60 days"


def test_a_life_of_two_days_is_told_by_even_wear():
    told = powercut.figures([cut(), worn("meter", "esp32", 8, 90)], 2)
    assert told["flash_life_years"] == {"esp32": {"meter": 90}} and told["goals_missed"] == []


def test_each_loss_and_a_flash_that_does_not_last_miss_a_goal():
    for key in ("records_lost", "energy_backwards", "outputs_moved", "not_started"):
        assert powercut.figures([cut(**{key: 1})], 2)["goals_missed"] == [key]
    assert powercut.figures([cut(), worn("meter", "esp32", 19, 90)], 60)["goals_missed"] == [
        "flash_life_years esp32 meter"]


def test_the_command_says_what_was_lost_and_ends_with_1(monkeypatch, tmp_path):
    found = powercut.figures([cut(records_lost=1, wrong=["meter operation 7: cal is gone"])], 2)
    monkeypatch.setattr(powercut, "run", lambda *args: found)
    out = tmp_path / "x.json"
    done = CliRunner().invoke(app, ["study", "powercut", "--cuts", "20", "--json", str(out)])
    assert done.exit_code == 1
    assert "E156 study powercut: meter operation 7: cal is gone. Play it again" in done.output
    told = json.loads(out.read_text())
    assert (told["cuts"], told["records_lost"], told["energy_backwards"],
            told["outputs_moved"]) == (10, 1, 0, 0)
