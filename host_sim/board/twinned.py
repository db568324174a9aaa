"""The controllers of a run, all in this process, with the fast tier's measuring done for all at
once (batch.py). The same calls, the same event log as firmware.py.
"""
from host_sim.board.batch import FastTwin
from host_sim.board.firmware import Firmware
from host_sim.board.unit import Unit
from host_sim.waveform.twin import TwinSampler


class TwinUnit(Unit):
    """A Unit whose measuring and sensing lie in the rows of a FastTwin."""

    def __init__(self, spec, ask, twin, rests):
        super().__init__(spec, TwinSampler, ask, twin.measuring(spec["id"]), rests)
        self._twin = twin

    def boot(self, t_us, levels, up=True):
        filters = super().boot(t_us, levels, up)
        self._twin.adopt(self.spec["id"], self.acu.sensing)
        return filters


class TwinFirmware(Firmware):
    """banks(): those whose controllers take frames now. In `work` the frames of a controller are
    at either fine level how many there are; their codes or sums are fetched from its bank."""

    pulls = True

    def __init__(self, specs, ask, banks, rests=True):
        self.units = {}
        self.twin = FastTwin([spec["id"] for spec in specs])
        self._banks = banks
        for spec in specs:
            def asking(*args, name=spec["id"]):
                ask(name, *args)

            self.units[spec["id"]] = TwinUnit(spec, asking, self.twin, rests)

    def instant(self, t_us, slow, work):
        twin = self.twin
        banks = self._banks()
        bank_of = {name: bank for bank in banks for name in bank.members}
        together = {}
        ticks = 0
        units = []
        for name, frames, levels, messages, up in work:
            unit = self.units[name]
            if isinstance(frames, int):
                bank = bank_of[name]
                if twin.usual(name):
                    unit.show(t_us, levels, up)
                    unit.acu.measuring.frames()
                    together.setdefault(bank, []).append(name)
                else:
                    if bank.has_codes:
                        frames = bank.codes(name)
                    unit.feed(t_us, frames, levels, up)
            else:
                unit.feed(t_us, frames, levels, up)
            units.append((unit, messages))
            ticks = unit.clock.ticks_us()
        for bank, names in together.items():
            twin.tick(bank, names, ticks)
        done = []
        for unit, messages in units:
            unit.acu.fast(ticks)
            done.append(unit.finish(t_us, messages, slow))
        return done
