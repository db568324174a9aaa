"""A record played to the Meter inside MicroPython: the same log, the same samples kept."""
import numpy as np
import pytest

from host_sim.board.firmware import Firmware
from host_sim.scenario import playback
from host_sim.vm.client import VmFirmware
from tests.host.records import save, three, times, wave


def twin(cfg, vm):
    """Log and records, in CPython or in the VM."""
    record, plan = playback.prepare(cfg, None, None)
    blocks = playback.codes(record, plan, 5)
    spec = playback.spec(record, plan)
    firmware = VmFirmware([spec], None) if vm else Firmware([spec], None)
    try:
        lines = [line for _, told in playback.instants(firmware, blocks) for line in told]
        return lines, [bytes(raw) for raw in firmware.stored(playback.ME)]
    finally:
        firmware.close()


@pytest.mark.parametrize("kind", ("post", "single"))
def test_both_pythons_say_and_keep_the_same_of_a_record(vm, tmp_path, kind):
    if kind == "post":
        cfg = three(tmp_path / "x.cfg", dip=(0.4, 0.55, 0.3))
    else:
        t = times(4800, 4800)
        y = np.where((t > 0.3) & (t < 0.42), 0, wave(t, 120, 60.0, thd=0.05))
        cfg = save(tmp_path / "x.cfg", [("VB", "B", "V", y), ("IB", "B", "A", y / 20)], f_hz=60)
    lines, raws = twin(cfg, False)
    assert sum(" DIP " in line for line in lines) == 2 and len(raws) == 1
    assert twin(cfg, True) == (lines, raws)
