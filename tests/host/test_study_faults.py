"""The fault sweep: its rules find what is wrong, its list is complete, a cut sweep is taken up."""
import json

import pytest
from typer.testing import CliRunner

from host_sim.study import fault_rules, faults
from host_sim.study.fault_cases import MESSAGE_FAULTS, Case
from slvg.cli import app


@pytest.fixture(scope="module")
def every():
    return faults.all_cases("assay")


@pytest.fixture(scope="module")
def without_a_fault():
    return faults.play("assay", None)


@pytest.fixture
def quiet(without_a_fault):
    """The run without a fault; each test spoils its record in one way, which is put right."""
    run = without_a_fault
    told = [run.result.drives, run.result.contacts, run.result.events, run.result.bus,
            run.street.breakers]
    kept = [list(one) for one in told]
    joined_us = run.street._trace.joined_us
    yield run
    for one, whole in zip(told, kept, strict=True):
        one[:] = whole
    run.street._trace.joined_us = joined_us


def broken(run):
    return {rule for rule, _ in fault_rules.violations(run)}


def test_the_run_without_a_fault_breaks_no_rule_and_has_everything_in_it(quiet):
    assert broken(quiet) == set()
    seen = set(fault_rules.names(quiet, "cd"))
    assert {"OUT", "RES", "RECON_END", "UB_PLAN", "UB_DONE"} <= seen
    assert fault_rules.closed(quiet) == {"c1": 1, "c2": 2, "c3": 4}


def test_two_phases_joined(quiet):
    quiet.street._trace.joined_us = 5
    assert broken(quiet) == {"two_phases_joined"}


def test_an_order_or_a_contact_closing_in_an_outage(quiet):
    quiet.result.drives.append((4_000_000, "eu1", 0, 1))
    assert broken(quiet) == {"closed_on_what_was_no_supply"}
    quiet.result.drives.pop()
    quiet.result.contacts.insert(0, (4_000_000, "c1", 0, 1))
    assert broken(quiet) == {"closed_on_what_was_no_supply"}


def test_a_closing_too_soon_after_the_supply_is_back(quiet):
    at = next(k for k, c in enumerate(quiet.result.contacts) if c[3])
    t_us, *what = quiet.result.contacts[at]
    assert t_us > 7_000_000
    quiet.result.contacts[at] = (6_900_000, *what)
    assert broken(quiet) == {"closed_before_restoration"}


def test_two_closings_in_one_slot(quiet):
    c2 = next(k for k, c in enumerate(quiet.result.contacts) if c[1] == "c2" and c[3])
    c1_us = next(c[0] for c in quiet.result.contacts if c[1] == "c1" and c[3])
    quiet.result.contacts[c2] = (c1_us + 800_000, *quiet.result.contacts[c2][1:])
    assert "two_in_one_slot" in broken(quiet)


def test_a_break_too_short(quiet):
    opened = [k for k, c in enumerate(quiet.result.contacts) if c[1] == "c3" and not c[3]
              and c[0] > 14_000_000][0]
    quiet.result.contacts[opened] = (quiet.result.contacts[opened][0] + 20_000, "c3", 0, 0)
    assert broken(quiet) == {"broken_too_shortly"}


def test_a_coil_before_the_self_test(quiet):
    quiet.result.drives.insert(0, (200_000, "eu1", 1, 0))
    assert broken(quiet) == {"driven_before_the_self_test"}


def test_a_customer_left_off_without_a_word(quiet, monkeypatch):
    quiet.result.contacts.append((20_000_000, "c2", 1, 0))
    truth = quiet.street.truth
    monkeypatch.setattr(quiet.street, "truth", lambda acu: (
        truth(acu) | {"contact": 0} if acu == "eu2" else truth(acu)))
    assert broken(quiet) == {"left_off_silently"}
    number = 1 + len(fault_rules.names(quiet, "eu2"))
    quiet.result.events.append((20_000_000, "eu2", "2026-03-01T06:00:20.000Z eu2 "
                                f"{number} OPENED why=OUT ph=1 u_dv=1"))
    assert broken(quiet) == set()


def test_a_branch_left_open_without_a_word(quiet):
    quiet.street.breakers.append((9_000_000, "eu1", 0))
    assert broken(quiet) == {"left_off_silently"}


def test_a_log_with_a_hole(quiet):
    at = [k for k, e in enumerate(quiet.result.events) if e[1] == "cd"][-2]
    quiet.result.events.pop(at)
    assert broken(quiet) == {"log_out_of_order"}


def test_every_kind_of_fault_for_everybody_and_every_message(every):
    names = [case.name for case in every]
    assert len(set(names)) == len(names) == len(every) > 5000
    assert {"reboot", "link cut", "hang", "clock step", "relay.weld", "relay.no_close",
            "mirror.stuck", "adc.freeze", "adc.open", "outage", "message lost",
            "message doubled", "message late"} <= {case.kind for case in every}
    numbers = {case.message[0] for case in every if case.message}
    assert numbers == set(range(len(numbers))) and len(numbers) > 150
    assert sum(case.message is not None for case in every) == len(numbers) * len(MESSAGE_FAULTS)


def test_a_sample_has_every_kind_and_is_the_same_for_the_same_seed(every):
    kinds = {case.kind for case in every}
    some = faults.sample(every, len(kinds), 5)
    assert {case.kind for case in some} == kinds
    assert some == faults.sample(every, len(kinds), 5) != faults.sample(every, len(kinds), 6)


def test_a_message_is_lost_doubled_or_late():
    quiet = faults.play("assay", None)
    at = next(k for k, (_, who, topic, raw) in enumerate(quiet.result.bus)
              if topic.endswith("/up/hb") and who == "eu1")
    heard = {}
    for what, ms in (("lost", 0), ("doubled", 0), ("late", 300)):
        run = faults.Tampered(faults.scenario_of("assay"), (at, what, ms))
        due = []
        send = run.bus._send
        run.bus._send = lambda t_us, *rest, due=due, send=send: (  # noqa: B023
            due.append((t_us, rest[1])), send(t_us, *rest))
        while run.t_us < quiet.result.bus[at][0] + 5000:
            run.step()
        heard[what] = [t - quiet.result.bus[at][0] for t, topic in due
                       if "eu1/up/hb" in topic and t >= quiet.result.bus[at][0]]
    assert heard == {"lost": [], "doubled": [0, 200_000], "late": [300_000]}


def test_a_sample_breaks_no_rule(every):
    results = faults.sweep("assay", faults.sample(every, 21, 4), 1, None)
    assert faults.figures("assay", results, len(every))["findings"] == []


def test_an_exception_of_the_firmware_is_a_finding(monkeypatch):
    monkeypatch.setattr(faults, "play", lambda name, case: 1 // 0)
    told = faults._safely("assay", Case("x", "kind"))
    assert told["wrong"][0][0] == "exception" and "ZeroDivisionError" in told["wrong"][0][1]


def test_a_cut_sweep_is_taken_up_where_it_ended(tmp_path, monkeypatch):
    played = []

    def judged(name, case):
        played.append(case.name)
        return {"case": case.name, "kind": case.kind, "off": [], "wrong": [], "run_s": 1.0}

    monkeypatch.setattr(faults, "judged", judged)
    file = tmp_path / "r.jsonl"
    some = [Case(f"case {k}", "kind") for k in range(6)]
    faults.sweep("assay", some[:4], 1, file)
    whole = file.read_text()
    file.write_text(whole[:-10])            # cut in the fourth
    told = faults.sweep("assay", some, 1, file)
    assert played == [f"case {k}" for k in (0, 1, 2, 3, 3, 4, 5)]
    assert [one["case"] for one in told] == [case.name for case in some]
    assert len(file.read_text().splitlines()) == 7
    file.write_text(file.read_text().replace("assay ", "assay x"))   # of other programs
    faults.sweep("assay", some, 1, file)
    assert played[7:] == [case.name for case in some]


def test_the_command_names_what_it_found_and_fails(monkeypatch, tmp_path):
    def judged(name, case):
        wrong = [["two_phases_joined", "for 5 us"]] if case.kind == "reboot" else []
        return {"case": case.name, "kind": case.kind, "off": [], "wrong": wrong, "run_s": 1.0}

    monkeypatch.setattr(faults, "judged", judged)
    file = tmp_path / "f.json"
    done = CliRunner().invoke(app, ["study", "faults", "--sample", "21", "--jobs", "1", "--json",
                                    str(file)])
    told = json.loads(file.read_text())
    assert done.exit_code == 1 and "E141 reboot" in done.output
    assert told["runs"] == 21 and told["wrong"] == 1 == len(told["findings"])
    done = CliRunner().invoke(app, ["study", "faults", "--case", "no such"])
    assert done.exit_code == 2 and "E142" in done.output


def test_the_branches_are_swept_too():
    quiet = faults.play("branch", None)
    assert broken(quiet) == set() and quiet.street.breakers
    assert {"BRN_ON", "BRN_LOST", "BRN_BACK", "UB_DONE"} <= set(fault_rules.names(quiet, "cd"))
    chosen = faults._representatives(quiet.scenario)
    assert {"cd", "s1", "s2", "s3"} < chosen and len(chosen) == 7


def test_a_file_of_something_else_is_not_overwritten(tmp_path):
    other = tmp_path / "notes.bin"
    other.write_bytes(bytes(range(128, 256)))
    done = CliRunner().invoke(app, ["study", "faults", "--sample", "1", "--results", str(other)])
    assert done.exit_code == 2 and "E143" in done.output
    assert other.read_bytes() == bytes(range(128, 256))
