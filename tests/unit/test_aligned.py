"""Memory at a multiple of its size, from the real heap in the VM and from modelled ones."""
import sys
from array import array

from host_sim.chips import machine_shim, rp2040

chip = machine_shim.Chip("rp2040")
rp2040.fit(chip)
machine_shim.install(chip)
from acu.drivers.dma_ring import aligned  # noqa: E402

SIZE = 32768


def test_the_real_heap_gives_it_wherever_its_free_room_begins():
    if sys.implementation.name != "micropython":
        return
    import uctypes
    junk = []
    for k in range(1, 12):
        junk.append(bytearray(977 * k))
        ring = aligned(uctypes.addressof, SIZE)
        assert uctypes.addressof(ring) % SIZE == 0
        assert isinstance(ring, array) and len(ring) == SIZE // 2 and max(ring) == 0
        del ring


def test_a_heap_that_never_does_is_said_and_not_tried_for_ever():
    try:
        aligned(lambda buffer: 0x20000010, 1024)
        said = ""
    except MemoryError as e:
        said = e.args[0]
    assert said[:4] == "E340"
