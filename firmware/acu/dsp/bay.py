"""Where each quantity of a recloser stands in `q`, the array('i') filled every 5 ms.

All of the fundamental, of two sides: 1 is side i, 2 is side j (spec recloser, section 3). Units:
bp = 0.01 % of the side's nominal line voltage (10000 = Un), with the VT ratio and the signed angle
setting already in; cdeg = 0.01 deg, -18000..17999; uhz, mhz = micro-, millihertz; currents mA
secondary, powers mW and mvar secondary. Written by primitives/bay_measuring.py alone; gates and
protection only read.
"""
from micropython import const

U1 = const(0)         # positive sequence voltage, bp: two-cycle window, corrected off nominal
U2 = const(1)
UAB1 = const(2)       # line voltages, bp, two-cycle window
UBC1 = const(3)
UCA1 = const(4)
UAB2 = const(5)
UBC2 = const(6)
UCA2 = const(7)
U0 = const(8)         # neutral displacement, bp of the open delta's nominal
UN1 = const(9)        # negative sequence voltage, bp
UN2 = const(10)
F1 = const(11)        # mhz, of the positive sequence, lag about 40 ms; 0 while U < 10 %
F2 = const(12)
DF1 = const(13)       # rate of change of frequency, mhz per s
DF2 = const(14)
DD = const(15)        # angle of side 2 minus side 1 now, cdeg
SLIP = const(16)      # f2 - f1, uhz, linear over 200 ms: the static gate's
ACC = const(17)       # d slip / dt, mhz per s, quadratic over 200 ms
DDT = const(18)       # angle, cdeg, predicted for the touch: now + t_close, quadratic over 200 ms
SLIPT = const(19)     # slip, uhz, predicted for the touch
DDT80 = const(20)     # the same angle from the 80 ms fit, cdeg
RES = const(21)       # largest deviation from the 200 ms quadratic, mdeg
DD_B = const(22)      # the second, diverse estimator: angle now, cdeg
SLIP_B = const(23)    # its slip, uhz
U1_B = const(24)      # its voltages, bp, true RMS
U2_B = const(25)
F1_B = const(26)      # its frequencies, mhz
F2_B = const(27)
GOOD = const(28)      # ticks of 5 ms since the last jump, gap or loss on either side
CALM1 = const(29)     # the same of each side alone
CALM2 = const(30)
AGE = const(31)       # ms since the last frames were taken
BAD = const(32)       # mask of channels (bit k: channel k of the board) stale, frozen or clipped
ROT1 = const(33)      # phase order: 1 right, -1 wrong, 0 not known (weak)
ROT2 = const(34)
IA = const(35)        # mA secondary, one-cycle window
IB = const(36)
IC = const(37)
I0 = const(38)        # 3 I0
I1 = const(39)
I2 = const(40)
P = const(41)         # mW, mvar secondary of three phases, side 1; positive: from side 1 to side 2
Q = const(42)
SEQ = const(43)       # ticks counted, 0..2^29
TH1 = const(44)       # angle of the positive sequence in the middle of the two-cycle window,
TH2 = const(45)       # 20.25 ms before the end, against 50 Hz: 2^24 a turn
NQ = const(46)

# From this GOOD on fits have their full length: a jump keeps GOOD at 0 for 10 ticks, and 8 + 41
# ticks after it the last trace of it has left window and fit.
GOOD_FULL = const(42)
