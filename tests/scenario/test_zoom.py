"""Fidelity by zoom: at level phasor the story is that of the fine levels, in few calls."""
import re

import pytest

from host_sim.scenario import load
from host_sim.scenario.leaping import Leaping
from host_sim.scenario.runner import Run
from tests.scenario.kit import ENABLE, assay

READING = re.compile(r" (u_dv|u_min_dv|u_max_dv|i_ma|dur_ms|since_ms|ui_m|ui0_m|ui1_m)=-?\d+")


def _played(scenario, level="phasor", **more):
    run = Run(scenario, level=level, **more)
    while run.t_us < scenario.run_us:
        run.step()
    return run


class _Story:
    """Events by controller in their order, without readings; the same if within 0.15 s."""

    def __init__(self, run):
        self.told = []
        for t_us, acu, line in run.result.events:
            words = READING.sub("", " " + line.split(" ", 3)[3])
            self.told.append((acu, words, t_us / 1e6))
        self.told.sort(key=lambda one: one[0])

    def differs(self, other) -> str:
        if len(self.told) != len(other.told):
            return f"{len(self.told)} events, {len(other.told)} events"
        for one, two in zip(self.told, other.told, strict=True):
            if one[:2] != two[:2] or abs(one[2] - two[2]) > 0.15:
                return f"{one} {two}"
        return ""

    def __contains__(self, text):
        return any(text in words for _, words, _ in self.told)


@pytest.mark.parametrize("name", ["assay", "assay_scd"])
def test_the_story_is_that_of_the_fine_level(name):
    fine = _played(load.load(name), "quantity")
    zoomed = _played(load.load(name))
    assert not _Story(zoomed).differs(_Story(fine))
    assert [text for _, text in zoomed.result.panel] == [text for _, text in fine.result.panel]
    leaping = zoomed.leaping
    assert leaping.calls + leaping.fine_calls < 0.6 * len(zoomed.specs) * 75 * 200


def test_a_zoom_by_waveform_tells_it_too():
    given = assay()
    fine = _played(given, "wave")
    object.__setattr__(given, "zoom", _Zoom())
    zoomed = _played(given)
    assert not _Story(zoomed).differs(_Story(fine))


class _Zoom:
    level, before_s, after_s, acus = "wave", 1.0, 3.0, ("eu2",)


def test_same_seed_same_bytes_and_another_seed_others():
    one, two = _played(load.load("assay")), _played(load.load("assay"))
    other = _played(load.load("assay"), seed=2)
    assert one.result.bus == two.result.bus and one.result.events == two.result.events
    assert one.result.bus != other.result.bus


def test_named_ones_are_always_fine():
    given = assay(events=[], run_s=20.0)
    object.__setattr__(given, "zoom", _Zoom())
    run = _played(given)
    assert run.leaping.fine == {"eu2"}


# Nobody announces a load that pulls the voltage out of band.
QUIET = {"t_tele_ms": 60_000, "t_hb_ms": 30_000, "ub_avg_ms": 900_000}


def _surprised(level):
    run = Run(assay(events=[(30.0, {"load_pct": {"acu": "eu3", "value": 10}}),
                            (50.0, {"load_pct": {"acu": "eu3", "value": 1_000}})],
                    run_s=80.0, config=QUIET, source={"z_pct": 20.0}), level=level)
    while run.t_us < 80_000_000:
        run.step()
    return run


def test_an_unannounced_sag_is_seen():
    fine, zoomed = _surprised("quantity"), _surprised("phasor")
    assert " UV " in _Story(fine)
    assert not _Story(zoomed).differs(_Story(fine))


def _unwarned(monkeypatch):
    """A voltage jump that no window announces."""
    monkeypatch.setattr(Leaping, "expect", lambda self, event: None)
    given = assay(events=[(37.3, {"supply_pu": [1.25, 1.0, 1.0]}),
                          (38.0, {"supply_pu": [1.0, 1.0, 1.0]})], run_s=40.0, config=QUIET)
    return _Story(_played(given, "quantity")), _Story(_played(given))


def test_a_voltage_out_of_band_needs_no_announcement(monkeypatch):
    fine, zoomed = _unwarned(monkeypatch)
    assert "OPENED why=OV" in fine
    assert not zoomed.differs(fine)


def test_it_would_show_if_nobody_looked_at_the_band(monkeypatch):
    monkeypatch.setattr(Leaping, "_in_band", lambda self, name: True)
    fine, zoomed = _unwarned(monkeypatch)
    assert zoomed.differs(fine)


def test_a_frozen_channel_is_found_and_stays_fine():
    run = Run(assay(events=[], run_s=60.0, config=QUIET), level="phasor")
    while run.t_us < 20_000_000:
        run.step()
    assert not run.leaping.fine
    run.happen("world", name="adc.freeze", acu="eu1", channel=0, value=1)
    while run.t_us < 40_000_000:
        run.step()
    assert any("ADC_BAD" in line for _, acu, line in run.result.events if acu == "eu1")
    assert run.leaping.fine == {"eu1"}
    run.happen("world", name="adc.freeze", acu="eu1", channel=0, value=0)
    while run.t_us < 60_000_000:
        run.step()
    assert not run.leaping.fine


def test_orders_and_moves_are_carried_out_and_then_it_rests():
    orders = [(20.0, {"scc": {"type": "sc.cmd", "body": {"cmd": "phs", "args": ["eu1", 2]}}}),
              (30.0, {"scc": {"type": "sc.cmd", "body": {"cmd": "sw", "args": ["eu2", 0, 10]}}}),
              (60.0, {"reboot": {"acu": "eu3", "off_ms": 4_000}}),
              (62.0, {"link": {"acu": "eu1", "partition": True, "for_ms": 9_000}}), (80.0, ENABLE)]
    given = assay(events=orders, run_s=100.0, config={**QUIET, "ub_en": 0})
    fine, zoomed = _played(given, "quantity"), _played(given)
    assert not _Story(zoomed).differs(_Story(fine))
    for event in ("PHS_DONE", "CLOSED why=LEASE", "BOOT boots=2"):
        assert event in _Story(zoomed), event
    assert not zoomed.leaping.fine


def test_messages_are_those_of_the_fine_level():
    """In a quiet hour everybody says the same things; only the digits of readings may differ."""
    given = assay(events=[], run_s=200.0, config=QUIET)
    kinds = []
    for level in ("quantity", "phasor"):
        run = _played(given, level)
        kinds.append([(t_us // 1_000_000, sender, topic) for t_us, sender, topic, _ in
                      run.result.bus])
    assert sorted(kinds[0]) == sorted(kinds[1])
