"""A recloser's measuring and synchronism check on codes from a file or a study: no board, no role.

One Rig plays scenarios, each from a fresh start, tick by tick as the fast tier does: 20 frames
pushed, BayMeasuring.fast(), SyncCheck.step(). The same file on CPython and in the VM
(vm/bay_server.py); study/bay_batch.py is who asks. Results are bytes, so that those of the two
Pythons can be compared.
"""
from array import array

from acu.dsp.bay import NQ
from acu.dsp.ring import RingSampler

TICK_US = 5000
FRAMES = 20                      # a tick
_RING = 4096                     # frames
_START_US = 0x3FF00000           # the ticks wrap after a second
_TICKS = 0x3FFFFFFF

# What a scenario asks for: rows of all quantities, or what the check said
ROWS = 0
CHECK = 1

_REASONS = 1                     # place in SyncCheck.st
ORDER = 2                        # answer of SyncCheck.step(): close now


class Rig:
    """settings: `cal` a list of (full scale in uV or uA, slot in ns) a channel, `pairs` of the
    sampler, `rate_hz`, `bay` the settings of BayMeasuring, `sync` those of the check
    (sync_settings), `table` of the converter or None."""

    def __init__(self, settings):
        self.settings = settings
        table = settings.get("table")
        self._table = array("H", table) if table else None

    def _bay(self):
        from acu.primitives.bay_measuring import BayMeasuring
        s = self.settings
        sampler = RingSampler(8, [tuple(pair) for pair in s["pairs"]], _RING, s["rate_hz"])
        if self._table is not None:
            sampler.use_table(self._table)
        return sampler, BayMeasuring(sampler, [tuple(one) for one in s["cal"]], s["bay"])

    def _check(self, q, blind):
        from acu import sync_settings
        from acu.functions import synccheck, vt_supervision
        par = sync_settings.limits(self.settings["sync"])
        vts = vt_supervision.VtSupervision(par, q)
        check = synccheck.SyncCheck(par, q, vts.st)
        for k in range(synccheck.NV):    # the check is built whole; then a value loses its reason
            par[3 * k + 2] &= ~blind
        return vts, check

    def rows(self, codes, ticks):
        """All quantities of each tick, 32-bit integers."""
        sampler, bay = self._bay()
        out = array("i", bytes(4 * NQ * ticks))
        codes = memoryview(codes)
        size = FRAMES * 16
        q = bay.q
        for k in range(ticks):
            sampler.push(codes[k * size:(k + 1) * size])
            bay.fast(_START_US + k * TICK_US & _TICKS)
            out[k * NQ:(k + 1) * NQ] = q
        return bytes(out)

    def check(self, codes, ticks, ask_tick, mode, wait_ms, blind):
        """Asks for a close at ask_tick; ends with the order. 32-bit integers: ticks played, tick
        of the order or -1, how many decision values; they; reasons of each tick; answers.
        blind: gates that count for nothing, to
        find out what each is good for; only here can they be left out."""
        sampler, bay = self._bay()
        vts, check = self._check(bay.q, blind)
        st = check.st
        reasons = array("i", bytes(4 * ticks))
        answers = array("i", bytes(4 * ticks))
        codes = memoryview(codes)
        size = FRAMES * 16
        played = ticks
        ordered = -1
        for k in range(ticks):
            sampler.push(codes[k * size:(k + 1) * size])
            bay.fast(_START_US + k * TICK_US & _TICKS)
            if k == ask_tick:
                check.request(mode, wait_ms)
            vts.step(0)                  # the breaker is open
            answer = check.step()
            reasons[k] = st[_REASONS]
            answers[k] = answer
            if answer == ORDER:
                ordered = k
                played = k + 1
                break
        while check.pop():
            pass                         # the last record is that of the order
        decision = check.decision
        return (bytes(array("i", [played, ordered, len(decision)])) + bytes(decision)
                + bytes(reasons[:played]) + bytes(answers[:played]))

    def run(self, what, codes, ticks, ask_tick, mode, wait_ms, blind):
        if what == ROWS:
            return self.rows(codes, ticks)
        return self.check(codes, ticks, ask_tick, mode, wait_ms, blind)
