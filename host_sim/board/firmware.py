"""The controllers of a run, all in this CPython process. host_sim/vm/client.py offers the same
calls."""
from acu.dsp.ring import RingSampler
from host_sim.board.unit import Unit
from host_sim.waveform.twin import TwinSampler


class Firmware:
    """ask(acu id, k0, n, phase, step, out): quantity-level sums. twin: kernels by their numpy
    twin."""

    python = "cpython"

    def __init__(self, specs, ask, twin=True):
        ring = TwinSampler if twin else RingSampler
        self.units = {}
        for spec in specs:
            def asking(*args, name=spec["id"]):
                ask(name, *args)

            self.units[spec["id"]] = Unit(spec, ring, asking)

    def boot(self, acu_id, t_us, levels, up):
        """(topic filters, drives, published, lines)"""
        return self.units[acu_id].boot(t_us, levels, up)

    def off(self, acu_id):
        self.units[acu_id].off()

    def set_clock_error(self, acu_id, error_ms):
        self.units[acu_id].clock.error_ms += error_ms

    def hang(self, acu_id, until_us):
        """Fault: the slow tier hangs; the fast one and the watchdog go on."""
        self.units[acu_id].hang_until_us = until_us

    def instant(self, t_us, slow, work):
        """work: [(acu id, frames, levels, messages, up)] in the order of ids.
        Returns [(drives, published, lines)] likewise."""
        return [self.units[name].instant(t_us, frames, levels, messages, slow, up)
                for name, frames, levels, messages, up in work]

    def close(self):
        pass
