"""`slvg sim meter --plot`: what meters logged stands in the picture, and labels do not cover each
other."""
from matplotlib.figure import Figure

from acu import events
from host_sim.scenario import load
from host_sim.scenario.figures import event_lines
from host_sim.scenario.meter_plot import COLOURS, MARKED, draw_logged, marks, rows_of, spans
from host_sim.scenario.plots import plot
from host_sim.scenario.result import RunResult

S = 1_000_000
SAID = (
    (10_000, "BOOT reason=0"),
    (4_100_000, "DIP ph_mask=1 res_dv=1898 dur_ms=0"),
    (4_200_000, "DIP ph_mask=3 res_dv=1381 dur_ms=109"),
    (10_200_000, "SWELL ph_mask=4 max_dv=2647 dur_ms=197"),
    (13_000_000, "INTR ph_mask=7 res_dv=1 dur_ms=0"),
    (25_000_000, "REV ph_mask=1 p_w=-1832 on=1"),
    (28_000_000, "REV ph_mask=1 p_w=6226 on=0"),
    (32_000_000, "COVER open=1"),
    (34_000_000, "COVER open=0"),
    (54_000_000, "BOOT reason=0"),
)


def run() -> RunResult:
    result = RunResult("meter", 1, "wave", "cpython", run_us=60 * S)
    result.events = [(t_us, "m0", f"2026-03-01T06:00:00.000Z m0 {n} {text}")
                     for n, (t_us, text) in enumerate(SAID)]
    return result


def test_an_event_of_the_supply_is_a_bar_from_its_begin_to_its_end():
    assert list(spans(event_lines(run())[:-1], 60 * S)) == [
        ("DIP", 4_091_000, 4_200_000, "DIP AB 138 V 109 ms"),
        ("SWELL", 10_003_000, 10_200_000, "SWELL C 265 V 197 ms"),
        ("INTR", 13_000_000, 60_000_000, "INTR ABC 0 V, not over")]
    assert "INTR" not in [name for name, *_ in spans(event_lines(run()), 60 * S)]   # restarted


def test_other_events_are_marks_where_they_begin():
    assert list(marks(event_lines(run()))) == [
        (25_000_000, "REV"), (32_000_000, "COVER"), (54_000_000, "BOOT")]


def test_every_name_is_one_that_a_meter_logs():
    known = {text.split(" ")[0] for text in events.TABLE.values()}
    assert {*COLOURS, *MARKED} <= known


def test_labels_that_would_cover_each_other_go_to_other_rows():
    assert rows_of([(0.0, 2.0), (1.0, 2.0), (2.5, 2.0), (2.6, 1.0)], 3) == [0, 1, 0, 2]
    assert rows_of([(0.0, 5.0), (1.0, 2.0), (1.5, 2.0)], 2) == [0, 1, 1]    # no room


def test_each_meter_has_its_lane_and_both_have_the_dip():
    axes = Figure().add_subplot()
    result = run()
    result.events += [(t_us, "m1", text.replace(" m0 ", " m1 ")) for t_us, _, text in
                      result.events]
    draw_logged(axes, ["m0", "m1"], result, 1e6)
    texts = [text.get_text() for text in axes.texts]
    assert texts.count("DIP AB 138 V 109 ms") == 2 and texts.count("COVER") == 2
    assert [label.get_text() for label in axes.get_yticklabels()] == ["m0", "m1"]
    bars = [bar.get_facecolor() for bar in axes.collections]
    assert len(bars) == 4 and len(COLOURS) == 3


def test_the_picture_of_a_street_with_meters_is_drawn(tmp_path):
    result = run()
    names = [f"{q}{p}" for q in ("u_v", "s_va") for p in range(3)] + ["s_va_c1", "s_va_c2"]
    result.trace = {name: [1.0] * 120 for name in names}
    result.trace["t_ms"] = list(range(0, 60_000, 500))
    plot(result, load.load("meter"), tmp_path / "x.png")
    assert (tmp_path / "x.png").read_bytes()[:4] == b"\x89PNG"
