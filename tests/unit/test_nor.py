"""The flash model of the power-cut tests: it refuses what the chip would, and tears as it does."""
from host_sim.vm.nor import Dice, NorFlash, PowerCut

BLOCK = 4096


def flash(cut_in=-1, seed=1):
    one = NorFlash(bytearray(b"\xff" * (3 * BLOCK)), 256)
    one.cut_in = cut_in
    one.dice = Dice(seed)
    return one


def refused(call):
    try:
        call()
    except ValueError:
        return True
    return False


def test_only_whole_pages_on_erased_flash_are_programmed():
    f = flash()
    f.writeblocks(1, b"a" * 512, 256)
    assert refused(lambda: f.writeblocks(1, b"b" * 256, 512))      # not erased
    assert refused(lambda: f.writeblocks(0, b"b" * 100))
    assert refused(lambda: f.writeblocks(0, b"b" * 256, 10))
    got = bytearray(300)
    f.readblocks(1, got, 200)
    assert bytes(got) == b"\xff" * 56 + b"a" * 244
    f.ioctl(6, 1)
    f.writeblocks(1, b"b" * 256, 512)
    assert f.erases == [0, 1, 0] and f.n == 3 and f.ioctl(4, 0) == 3 and f.ioctl(5, 0) == BLOCK


def torn(seed, erase):
    f = flash(1, seed)
    f.writeblocks(0, b"\x5a" * 256)
    try:
        if erase:
            f.ioctl(6, 0)
        else:
            f.writeblocks(0, b"\x0f" * 512, 256)
    except PowerCut:
        assert f.dead
        before = bytes(f.memory)
        f.writeblocks(1, b"x" * 256)            # nothing comes after
        f.ioctl(6, 0)
        assert bytes(f.memory) == before
        return before
    raise ValueError


def test_a_torn_program_is_nothing_a_part_or_all_and_clears_bits_only():
    kinds = set()
    for seed in range(60):
        raw = torn(seed, False)
        assert raw[:256] == b"\x5a" * 256 and raw[768:] == b"\xff" * (3 * BLOCK - 768)
        for byte in raw[256:768]:
            assert byte & 0x0f == 0x0f          # only bits that were to be cleared
        left = raw[256:768]
        kinds.add("none" if left == b"\xff" * 512 else "all" if left == b"\x0f" * 512 else "part")
    assert kinds == {"none", "part", "all"}


def test_a_torn_erase_sets_bits_only():
    kinds = set()
    for seed in range(60):
        raw = torn(seed, True)
        for byte in raw[:256]:
            assert byte & 0x5a == 0x5a
        kinds.add("none" if raw[:256] == b"\x5a" * 256 else
                  "all" if raw[:256] == b"\xff" * 256 else "part")
    assert kinds == {"none", "part", "all"}
