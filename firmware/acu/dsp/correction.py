"""A converter's errors taken out of its codes by a table of 4096 entries (functions/adc_table.py).

Loaded where there is a table only: RingSampler.use_table(). host_sim/waveform/twin.py does it in
numpy, bit-equal.
"""
import micropython


@micropython.viper
def correct(x: int, y: int, ring: ptr16, par: ptr32, table: ptr16, mem: ptr32):
    """Puts x frames from frame y on through a converter's table, in place, each frame once.

    par: frames in the ring, channels. table: 4096 corrected codes * 8, 0..32760. mem, 3 words a
    channel: carry (eighths of a code left over, for the next frame: the mean keeps them), last raw
    code (-1: none), last output. A code that repeats gives the same output again and leaves the
    carry: a frozen channel must look frozen to sensing.
    """
    frames = x
    first = y
    c = 0
    m = 0
    while c < par[1]:
        y = mem[m + 2] << 3 | mem[m]
        last = mem[m + 1]
        at = int(ring) + (c << 1) + (first << 4)
        rest = frames
        n = par[0] - first
        while rest > 0:
            if n > rest:  # noqa: PLR1730  viper has no min()
                n = rest
            rest -= n
            v = ptr16(at)
            while n:
                x = v[0]
                if x != last:
                    last = x
                    y = table[x] + (y & 7)
                v[0] = y >> 3
                v = ptr16(int(v) + 16)
                n -= 1
            at = int(ring) + (c << 1)
            n = rest
        mem[m] = y & 7
        mem[m + 1] = last
        mem[m + 2] = y >> 3
        m += 3
        c += 1
