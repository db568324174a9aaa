"""DRF-2 of a recloser: the frames of both sides and of the currents become `q` (dsp/bay.py) every
5 ms, by two estimators that share nothing but the samples (spec recloser, section 3; anchors, 2).

fast(now_us) takes whole blocks of 20 frames at 4 kHz; nothing in it allocates. The first estimator
fits the angle between the sides over 41 two-cycle phasors; the second multiplies samples
(dsp/quadrature.py). A jump shows in the raw angle of half a cycle against the two cycles before.
Nothing is decided here: the synchronism check and the protection look at q.
"""
from array import array

from micropython import const

from acu.dsp import bay, fit, phasor, quadrature
from acu.dsp.bay import AGE, CALM1, CALM2, GOOD, IA, NQ, UAB1
from acu.dsp.fixed import ATAN, clear
from acu.dsp.phasor import FRAMES, TWIDDLES
from acu.primitives.sensing import CLIPPED, FROZEN, STALE

# (pair of dsp/phasor.py, place in q) of what is a size times a factor.
_SIZES = ((phasor.POS1, bay.U1), (phasor.POS2, bay.U2),
          (0, bay.UAB1), (1, bay.UBC1), (phasor.CA1, bay.UCA1),
          (2, bay.UAB2), (3, bay.UBC2), (phasor.CA2, bay.UCA2), (4, bay.U0),
          (phasor.NEG1, bay.UN1), (phasor.NEG2, bay.UN2),
          (phasor.ONE, bay.IA), (phasor.ONE + 1, bay.IB), (phasor.ONE + 2, bay.IC),
          (phasor.I_ZERO, bay.I0), (phasor.I_POS, bay.I1), (phasor.I_NEG, bay.I2))

# State st: frames in the ring, first frame of the block, blocks so far, then
_SINGLE = const(3)       # sides with one voltage, as bits
_ANGLE = const(4)        # angle setting, 2^18 a turn
_SKEW = const(5)         # us between the sides' voltages times 2.147: 2^18 a turn a mHz, Q13
_NOW64 = const(6)        # the present and the touch after the middle of a window, 1/64 ticks
_TOUCH64 = const(7)
_USED = const(8)         # channels that are there
_U_SCALE1 = const(9)     # of the second estimator's roots, then of side 2
_P_SCALE = const(11)
_JUMP = const(12)        # raw angle, 2^24 a turn, and size, units of polar(), that are a jump
_STEP1 = const(13)       # and of side 2
_WEAK1 = const(15)       # size below which a side is too weak for an angle, and of side 2
_DD18 = const(17)        # raw angle of side 2 minus side 1, then of side 1 and of 2: 2^18 a turn
_SKEW_B = const(20)      # what the slots put between AB of the sides at nominal, 2^18 a turn
_IN = const(21)          # energy: mW ticks, then 1024 of them modulo 2^30; and the same exported
_LEN = const(25)

MORE = const(2)          # answer of fast()
_WINDOW = const(40)      # ticks: how often slow() has something to do
_LATE = const(320)       # frames; what is older than 40 ms nobody believes anyway
_JUMP_CDEG = const(400)
_STEP_BP = const(800)
_WEAK_BP = const(1000)
# Where the rings begin: 41 and twice 19 angles, each with the last one itself.
_DIFF = const(0)
_ONE = const(42)
_TWO = const(62)
_MAX_T_CLOSE_MS = const(250)
_K_PPM = const(1_646_760)        # what CORDIC makes a size longer, millionths


def _next(blocks):
    """Blocks so far: modulo 8, 5 and 4 it must go on where it wraps."""
    blocks += 1
    return blocks if blocks < 0x1FFFFFFF else 80 + blocks % 40


def _turned(slot_ns, part, whole):
    """(re, im) in Q14 of part / whole times the turn back over slot_ns of 50 Hz, at most 1.5 ms:
    series in Q30."""
    x = slot_ns * 337_326 // 1000
    x2 = x * x >> 30
    x3 = x2 * x >> 30
    x4 = x2 * x2 >> 30
    cos = (1 << 30) - (x2 >> 1) + x4 // 24
    sin = x - x3 // 6 + (x4 * x >> 30) // 120
    return ((cos * part // whole + 0x8000) >> 16, (0x8000 - sin * part // whole) >> 16)


class BayMeasuring:
    """sampler: a RingSampler of 8 channels at 4000 Hz. cal: (microvolt or microampere at code 2048
    + 2048, slot in ns) of each channel u1ab u1bc u2ab u2bc u0 ia ib ic. cfg: un1_mv, un2_mv line
    voltage and u0n_mv open delta at nominal (secondary), ang_cdeg added to the angle of side 2
    minus side 1, vt1 and vt2 line voltages measured (2, or 1: AB only), t_close_ms."""

    def __init__(self, sampler, cal, cfg):
        if sampler.channels != 8 or sampler.rate_hz != 4000 or len(cal) < 8:
            raise ValueError("bay: the sampler must have 8 channels at 4000 Hz")
        self.q = array("i", [0] * NQ)
        self._sampler = sampler
        self.idle_ticks = 0          # calls of fast() since the last frames
        self.ratio = 1               # of powers, primary to secondary; the role sets it
        self.e_import_mwh = 0        # primary, from side 1 to side 2
        self.e_export_mwh = 0
        self.half_ma = array("i", [0] * 3)   # mA secondary, as of the last window
        self._un1_mv = cfg["un1_mv"]
        self.u_ratio(1)
        self._rest = [0, 0]
        self._seen_e = [0, 0]
        self._seen_n = 0
        self.lost_frames = 0
        self._overruns = sampler.overruns
        single = (cfg["vt1"] == 1) | (cfg["vt2"] == 1) << 1
        st = array("i", [0] * _LEN)
        st[0] = sampler.size
        st[_SINGLE] = single
        # positive sequences stand at AB with a part of BC: between the slots of both
        mid1_ns = cal[0][1] if single & 1 else (cal[0][1] + cal[1][1]) // 2
        mid2_ns = cal[2][1] if single & 2 else (cal[2][1] + cal[3][1]) // 2
        st[_ANGLE] = (cfg["ang_cdeg"] * 8192 + 562) // 1125
        st[_SKEW] = (mid2_ns - mid1_ns) * 2_147_484 // 1_000_000_000
        st[_NOW64] = 1539
        st[_TOUCH64] = 1539 + min(cfg["t_close_ms"], _MAX_T_CLOSE_MS) * 64 // 5
        st[_USED] = 255 & ~((single & 1) << 1) & ~((single & 2) << 2)
        st[_SKEW_B] = ((cal[2][1] - cal[0][1]) << 18) // 20_000_000
        factor = []
        for c in range(8):
            same = (0, 0, 2, 2, 4, 5, 5, 5)[c]       # whose scale it gets
            factor += _turned(cal[c][1], cal[c][0], cal[same][0])
        self._factor = array("i", factor)
        full_u = [cal[c][0] for c in range(8)]
        un_mv = (cfg["un1_mv"], cfg["un2_mv"])
        rows = []
        for pair, place in _SIZES:
            scale = 400 if pair < phasor.ONE or phasor.POS1 <= pair <= phasor.CA2 else 320
            if place >= bay.IA:          # of currents in mA: rms of a peak
                num, den = full_u[5], 1000
            elif place == bay.U0:
                num, den = full_u[4] * 10, cfg["u0n_mv"]
            else:
                second = place in (bay.U2, bay.UAB2, bay.UBC2, bay.UCA2, bay.UN2)
                num, den = full_u[2 if second else 0] * 10, un_mv[second]
            # size is codes * scale * K / 16; codes / 2048 of full scale; / root 2
            mult = (num * 65536 * 16 * 1_000_000_000_000) // (
                den * 2048 * scale * _K_PPM * 1_414_214)
            rows += [pair, place, mult, 0x7FFF0000 // mult]
        self._sizes = array("i", rows)
        for k in (0, 1):
            st[_U_SCALE1 + k] = full_u[2 * k] * 10 * 32768 // (8192 * un_mv[k])
            unit = rows[4 * k + 2] * 5 // 4          # of half a cycle: 320 a code
            st[_STEP1 + k] = (_STEP_BP << 16) // unit
            st[_WEAK1 + k] = (_WEAK_BP << 16) // unit
        st[_JUMP] = (_JUMP_CDEG << 24) // 36_000
        # phasors of 400 / 64 a code, their product halved, in Q18
        st[_P_SCALE] = (full_u[0] * full_u[5] << 22) // (625 * 2048 * 2048 * 1_000_000_000)
        self._st = st
        self._line = array("H", [0] * 320)
        self._blocks = array("i", [0] * (2 * phasor.BLOCKS * phasor.PLACES))
        self._ends = array("i", [0] * 16)
        self._still = array("i", [0] * 16)
        self._ph = array("i", [0] * (2 * phasor.LOOKS))
        self._size = array("i", [0] * phasor.LOOKS)
        self._angle = array("i", [0] * phasor.LOOKS)
        self._raw = array("i", [0] * 32)
        self._rings = array("i", [0] * 82)
        self._par = array("i", fit.shape(_DIFF, 41, 41) + fit.shape(_DIFF, 41, 17)
                          + fit.shape(_ONE, 19, 7) + fit.shape(_ONE, 19, 19)
                          + fit.shape(_TWO, 19, 7) + fit.shape(_TWO, 19, 19))
        self._fit = array("i", [0] * 24)
        self._of_rings = array("i", (_DIFF, 41, _ONE, 19, _TWO, 19, 0, 0))
        self._ask = array("i", (3, 0, 0, 0, 0, 1, 0))
        self._told = array("i", [0] * 12)
        self._sums = array("i", [0] * (quadrature.RING * quadrature.SUMS))
        self._past = array("i", [0] * quadrature.HISTORY)
        self._seen = array("i", [0] * 6)

    def fast(self, now_us):
        """Takes the oldest 5 ms that wait, if they are whole: 1, or MORE where the next ones wait
        too; AGE says how far q is behind. Whoever calls again then sees every block."""
        sampler = self._sampler
        n = sampler.ready()
        if sampler.overruns != self._overruns:
            self._gap()
        if n < FRAMES:
            if self.idle_ticks < 1000:
                self.idle_ticks += 1
            self.q[AGE] = 5 * self.idle_ticks
            return 0
        self.idle_ticks = 0
        self._block(sampler.fetch(FRAMES))
        n -= FRAMES
        q = self.q
        q[AGE] = n >> 2                  # 4 frames a ms
        st = self._st
        par = self._par
        late = min(n, _LATE) * 16 // 5   # 1/64 ticks since the end of this block
        fit.fits(0, 0, self._rings, par, 6, self._fit)
        ask = self._ask
        ask[2] = st[_NOW64] + late
        ask[4] = st[_TOUCH64] + late
        ask[6] = ask[4] - 768            # the short fit's middle is 12 ticks later
        fit.foretell(0, 0, self._fit, par, ask, self._told)
        bay.tell(0, 0, st, self._fit, self._told, self._seen, q)
        return 1 if n < FRAMES else MORE

    def _block(self, first):
        st = self._st
        ph = self._ph
        line = self._line
        st[1] = first
        phasor.piece(0, 0, self._sampler.ring, st, line)
        phasor.block(0, 0, line, st, TWIDDLES, self._blocks, self._ends)
        quadrature.products(0, 0, line, st, self._sums)
        st[2] = _next(st[2])
        phasor.window(0, 0, st, self._blocks, self._factor, ph)
        phasor.sequences(0, 0, ph, st[_SINGLE])
        phasor.polar(0, 0, ph, ATAN, self._size, self._angle)
        bay.assess(0, 0, st, ph, self._size, self._angle, self._sizes, self._ends, self._still,
                   self._raw, self.q)
        quadrature.diverse(0, 0, st, self._sums, ATAN, self._past, self._seen)
        fit.follow(0, 0, self._rings, self._of_rings, st, _DD18)

    @property
    def half_seq(self):
        """Half cycles seen since the start, as Measuring has it."""
        return self._st[2] >> 1

    def half_u(self, k):
        """AB, BC or CA of side 1 in 0.1 V, primary where the role has set u_ratio(). In the fast
        tier too: the product stays a small integer."""
        return self.q[UAB1 + k] * self._dv_q6 >> 6

    def why(self, k):
        """Of channel k, whose bit is set in q[BAD]: what is wrong, as primitives/sensing.py."""
        if self.idle_ticks >= 8:
            return STALE
        return CLIPPED if self._still[8 + k] else FROZEN

    # ---- slow tier

    def u_ratio(self, vt_n):
        """Primary to secondary voltage, 1 to 1000, for half_u()."""
        self._dv_q6 = (self._un1_mv * vt_n * 64 + 500_000) // 1_000_000

    def waiting(self):
        return self._st[2] - self._seen_n >= _WINDOW or self._st[2] < self._seen_n

    def slow(self):
        """Once in 200 ms: energy of them. True when it was."""
        if not self.waiting():
            return False
        st = self._st
        self._seen_n = st[2]
        for k in (0, 1):
            now = st[_IN + 2 * k + 1]
            gained = (now - self._seen_e[k]) & 0x3FFFFFFF
            self._seen_e[k] = now
            # 1024 mW for 5 ms are 1024 / 720,000 mWh = 16 / 11,250
            self._rest[k] += gained * 16 * self.ratio
            whole = self._rest[k] // 11_250
            self._rest[k] -= whole * 11_250
            if k:
                self.e_export_mwh += whole
            else:
                self.e_import_mwh += whole
        for k in range(3):
            self.half_ma[k] = self.q[IA + k]
        return True

    def _gap(self):
        """Frames were lost: what is in the windows does not belong together."""
        self.lost_frames += self._sampler.overruns - self._overruns
        self._overruns = self._sampler.overruns
        clear(self._raw, 32)
        q = self.q
        q[CALM1] = q[CALM2] = q[GOOD] = 0
