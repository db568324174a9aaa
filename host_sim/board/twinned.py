"""The controllers of a run, all in this process, with the fast tier's measuring done for all at
once (batch.py). The same calls, the same event log as firmware.py.

A meter, whose fast tier looks at its samples, is a plain Unit beside them.

A controller that rests (Acu.rest_ms) and whose voltages are in band is not even called: its fast
tier would count the tick and find nothing to do. What it would have counted is made up for before
it is called again, at the latest when its next window is full.
"""
from acu.roles.base import Acu
from acu.roles.panel import Panel
from host_sim.board.batch import FastTwin
from host_sim.board.doors import SimClock
from host_sim.board.firmware import Firmware
from host_sim.board.unit import Unit
from host_sim.waveform.twin import TwinSampler

_TICKS = 0x3FFFFFFF


class TwinUnit(Unit):
    """A Unit whose measuring and sensing lie in the rows of a FastTwin."""

    def __init__(self, spec, ask, twin, rests):
        self.quiet_us = 0           # until then it need not be called while nothing is loud
        self._ticks = 0             # for which it was not called
        self._tick_us = 0           # the last of them
        self._passed_us = -1        # the last of them that was the slow tier's turn too
        super().__init__(spec, TwinSampler, ask, twin.measuring(spec["id"]), rests)
        self._twin = twin
        self.row = twin.rows[spec["id"]]

    def boot(self, t_us, levels, up=True):
        filters = super().boot(t_us, levels, up)
        acu = self.acu
        band = ()
        if type(acu).protect is Panel.protect:
            band = (acu.rule._u_out_dv, min(acu.rule._u_ov_dv, acu.rule._hi_dv))
        self._twin.adopt(self.spec["id"], acu.sensing, *band)
        return filters

    def off(self):
        self.quiet_us = self._ticks = 0
        super().off()

    def may_pass(self, t_us, levels, messages, up):
        """Need not be called now, if nothing is loud?"""
        return (t_us < self.quiet_us and not messages and t_us >= self.hang_until_us
                and up == self.link.up and levels == self._shown
                and not self.acu.measuring.told)      # it comes from phasor level

    def pass_by(self, t_us, slow):
        """Is not called."""
        self.acu.measuring.closed = -1
        self._ticks += 1
        self._tick_us = t_us
        if slow:
            self._passed_us = t_us

    def make_up(self):
        """Before it is called: what the ticks without a call would have left behind."""
        if not self._ticks:
            return
        acu = self.acu
        acu.ticks = acu.measuring.t_frames_us = self._tick_us + SimClock.TICK0 & _TICKS
        self._ticks = 0
        if self._passed_us >= 0:
            self.clock.set(self._passed_us)
            self.watchdog.feed()
            self._passed_us = -1

    def settle(self, wake_us):
        """After a call."""
        self.quiet_us = wake_us if wake_us and self._calm() else 0

    def _calm(self):
        """Would its fast tier do nothing but count, with the readings as they are?"""
        acu = self.acu
        if self._stirred or acu.stirred():
            return False
        protect = type(acu).protect
        if protect is not Panel.protect:
            return protect is Acu.protect
        rule = acu.rule
        return not (rule.low_us or rule.high_us or acu._tripped or acu._driven or acu._order
                    or acu.sequence.state or acu.gate.busy())


class TwinFirmware(Firmware):
    """banks(): those whose controllers take frames now. In `work` the frames of a controller are
    at either fine level how many there are; their codes or sums are fetched from its bank."""

    pulls = True
    units: dict

    def __init__(self, specs, ask, banks, rests=True):
        self.units = {}
        self.twin = FastTwin([spec["id"] for spec in specs if spec["config"]["role"] != "meter"])
        self._banks = banks
        self._known = []
        self._bank_of = {}
        for spec in specs:
            def asking(*args, name=spec["id"]):
                ask(name, *args)

            self.units[spec["id"]] = (
                Unit(spec, TwinSampler, asking, rests=rests)
                if spec["config"]["role"] == "meter" else
                TwinUnit(spec, asking, self.twin, rests))

    def instant(self, t_us, slow, work):
        banks = self._banks()
        if banks != self._known:
            self._known = list(banks)
            self._bank_of = {name: bank for bank in banks for name in bank.members}
        together: dict = {}
        busy = []
        passing = []
        done: list = [None] * len(work)
        for k, one in enumerate(work):
            name, frames, levels, messages, up = one
            unit = self.units[name]
            if not isinstance(unit, TwinUnit):
                if isinstance(frames, int) and self._bank_of[name].has_codes:
                    frames = self._bank_of[name].codes(name)
                done[k] = unit.instant(t_us, frames, levels, messages, slow, up)
                continue
            if isinstance(frames, int) and unit.may_pass(t_us, levels, messages, up):
                passing.append((k, unit))
                together.setdefault(self._bank_of[name], []).append(name)
                continue
            unit.make_up()
            busy.append((k, unit))
            if isinstance(frames, int):
                bank = self._bank_of[name]
                if self.twin.usual(name):
                    unit.show(t_us, levels, up)
                    unit.acu.measuring.frames()
                    together.setdefault(bank, []).append(name)
                    continue
                if bank.has_codes:
                    frames = bank.codes(name)
            unit.feed(t_us, frames, levels, up)
        ticks = t_us + SimClock.TICK0 & _TICKS
        for bank, names in together.items():
            self.twin.tick(bank, names, ticks)
        if passing:
            loud = self.twin.loud.tolist()
            for k, unit in passing:
                if loud[unit.row]:
                    unit.make_up()
                    unit.show(t_us, work[k][2], work[k][4])
                    busy.append((k, unit))
                else:
                    unit.pass_by(t_us, slow)
                    done[k] = (), (), (), unit.quiet_us
        for k, unit in busy:
            unit.acu.fast(ticks)
            done[k] = unit.finish(t_us, work[k][3], slow)
            unit.settle(done[k][3])
        return done
