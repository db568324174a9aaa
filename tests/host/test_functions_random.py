"""The Coordinator's functions under random trouble."""
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from acu import events as ev
from acu.functions import loading as f3
from acu.functions import outage as f2

UN_DV = 2300
BASE_MS, SLOT_MS = 1000, 500


class Supply:
    """The post's voltages, half cycle by half cycle, with what the detector says of them."""

    def __init__(self):
        self.u_dv = [UN_DV] * 3
        self.detector = f2.OutageDetector(230, 1610, 2070, 2530, 200, 1000, 1000)

    def in_band(self):
        return sum(1 << ph for ph in range(3) if 2070 <= self.u_dv[ph] <= 2530)


def rough_street(seed):
    """A street of 5 for 200 s of dips, lost phases and lost messages; then peace."""
    r = random.Random(seed)
    n = 5
    phases = [r.choice((0, 1, 2, 2, f3.ABC)) for _ in range(n)]
    supply = Supply()
    load = f3.LoadingControl(BASE_MS, SLOT_MS)
    load.configure([(r.randrange(2), f"eu{k}", r.choice((0, 100))) for k in range(n)])
    on, why = [1] * n, [ev.WHY_NONE] * n
    selected_ms = [-10_000] * n
    mail, closed = [], []
    for now in range(0, 400_000, 10):
        peace = now > 200_000
        if peace:
            supply.u_dv = [UN_DV] * 3
        elif r.random() < 0.002:
            supply.u_dv = [r.choice((0, 0, UN_DV, UN_DV, 1150)) for _ in range(3)]
            if r.random() < 0.5:
                supply.u_dv = [supply.u_dv[0]] * 3
        answer = supply.detector.step(now, supply.u_dv)
        if answer:
            load.on_outage(now, answer)
        if now % 500 == 0:
            op = now // 500 % n
            if not supply.u_dv[0] and on[op] and supply.u_dv == [0, 0, 0]:
                on[op], why[op] = 0, ev.WHY_OUT  # its own rule
            if peace or r.random() < 0.7:
                load.on_hb(now, op, on[op], why[op], phases[op])
        for _, kind, op in [m for m in mail if m[0] <= now]:
            e = ev.E_OK
            if kind in (f3.A_SHED, f3.A_ASK_OPEN):
                if on[op]:
                    on[op], why[op] = 0, ev.WHY_OUT
            elif kind == f3.A_SELECT:
                selected_ms[op] = now
            else:
                assert now - selected_ms[op] < 2000, "closed without a select"
                need = 7 if phases[op] == f3.ABC else 1 << phases[op]
                if need & ~supply.in_band():
                    e = ev.E_NO_VOLTAGE
                elif not on[op]:
                    on[op] = 1
                    closed.append((now, op))
            if peace or r.random() < 0.9:
                load.on_ack(now, op, on[op], int(kind == f3.A_SELECT), e)
        mail = [m for m in mail if m[0] > now]
        for action in load.step(now, bool(peace or r.random() < 0.98), supply.in_band()):
            if action[0] in (f3.A_SELECT, f3.A_CLOSE):
                assert supply.detector.state in (f2.NORMAL, f2.PARTIAL), "closing during an outage"
            if action[0] in (f3.A_SELECT, f3.A_CLOSE, f3.A_SHED, f3.A_ASK_OPEN):
                for op in range(n) if action[0] == f3.A_SHED else action[1:]:
                    if peace or r.random() < 0.9:
                        mail.append((now + r.choice((20, 60)), action[0], op))
    return load, on, closed


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1 << 30))
def test_nobody_stays_dark_and_no_two_close_together(seed):
    load, on, closed = rough_street(seed)
    assert on == [1] * 5 and load.state == f3.CONNECTED and load.idle()
    gaps = [b[0] - a[0] for a, b in zip(closed, closed[1:], strict=False)]
    # an unheard closing leaves its message's travelling time as the only uncertainty
    assert all(gap >= SLOT_MS - 40 for gap in gaps), min(gaps)
