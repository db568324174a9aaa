"""The event table (CSF-1): number, name, argument names. Numbers are never re-used.

An event is kept as integers (utc_ms, number, a, b, c) and becomes a line only when somebody reads
it. Names of the spec's `evt` codes (smartlvgrid, section 6) are kept: OUT RES SHC OV UV OC OT GND
DOFC TAMP.
"""
from micropython import const

BOOT = const(1)
SELFTEST = const(2)
OUT = const(3)
RES = const(4)
UV = const(5)
UV_END = const(6)
OV = const(7)
OPENED = const(8)
CLOSED = const(9)
REFUSED = const(10)
STUCK = const(11)
PHS_START = const(12)
PHS_DONE = const(13)
PHS_FAIL = const(14)
LOCKOUT = const(15)
ADC_BAD = const(16)
ADC_OK = const(17)
TIME_SET = const(18)
SHED = const(19)
SHED_END = const(20)
RECON = const(21)
RECON_OP = const(22)
RECON_FAIL = const(23)
RECON_HOLD = const(24)
RECON_END = const(25)
UB_QUERY = const(26)
UB_PLAN = const(27)
UB_MOVE = const(28)
UB_DONE = const(29)
UB_ABORT = const(30)
MISSING = const(31)
BACK_AGAIN = const(32)
TAMP = const(33)
DROPPED = const(34)
CFG = const(35)
TISO = const(36)
OVERRUN = const(37)
ABORTED = const(38)
SCC_CMD = const(39)
GND = const(40)
DOFC = const(41)
OT = const(42)
FAST_DEAD = const(43)
NEUTRAL = const(44)
OC = const(45)
SHC = const(46)
RECLOSE = const(47)
RECLAIM = const(48)
BRN_LOST = const(49)
BRN_BACK = const(50)
BRN_ON = const(51)
BRN_TAMP = const(52)
# 53 to 68: of a meter, see metering.py
CONFIRMED = const(69)   # a new firmware is good; 0: of slot a, 1: of slot b
FELL_BACK = const(70)   # a new firmware was given up; this slot runs again
FATAL = const(71)       # the last run ended by an error, see /data/fatal
FAST_GAP = const(72)    # ticks of the fast tier that came late, since it was said last
SENSOR = const(73)      # inputs whose sensor does not answer
STORE = const(77)       # code of the error, failures so far, files thrown away
LOST_REC = const(78)    # both slots of a record are damaged: 1 boot, 2 energy, 3 mgrid, 4 keys
LOGIN = const(81)       # at the console: level 0 (logged out) to 3
PASSWORD = const(82)    # wrong ones in a row
SETTINGS = const(83)    # stored at the console: how many differ from the defaults
HAND = const(84)        # switch ordered at the console: 1 close, 0 open; error, gate's reason
CHECKED = const(85)     # commissioning: findings good, findings bad
# of a recloser; el: place of an element in protection_settings.ELEMENTS
PICKUP = const(86)
OPERATED = const(87)
SYNC = const(88)        # a decision of the check: synccheck.KIND_*, GATE_*, touch
SYNC_CLOSE = const(89)  # its close order: what the gate said, predicted angle and slip at touch
VT = const(90)          # alarms of the voltage transformers' supervision
GROUP = const(91)       # setting group of the protection
POSITION = const(92)    # contacts 52a and 52b that are no position
# of a dispatching ACU
MG_START = const(93)    # policy in force, wanted: 0 naive, 1 rule, 2 table; E420 to E423 or 0
MG_POLICY = const(94)   # another one decides: which, and which before
MG_STALE = const(95)    # 0 fresh, 1 set-points held, 2 stores idle; age; channels not believed
MG_STORE = const(96)    # 1 battery, 2 hydrogen; 0 back, 1 impossible, 2 silent, 3 not available
MG_DIESEL = const(97)   # 0 stopped, 1 runs, 2 did not start, 3 stopped by itself, 4 tried again
MG_PNS = const(98)      # load is left out: 1 begins, 0 is over; W; Wh so far
MG_STOP = const(99)     # the stop chain is open: 1, whole again: 0
# of the nets
LINK = const(100)       # net 0 LAN, 1 MAN; 1 connected, 0 lost or not reached; C_* of mqtt_link
DISCARDED = const(101)  # messages given up, neither sent nor stored: since said last, in all
LOCAL = const(102)      # 1: no command from afar counts; 0: they do again
BLOCKED = const(103)    # the slow tier stood still for a handshake or a name: ms, fast ticks late

# of the four-recloser scheme
PAI = const(104)        # opened ahead of the protection: islanding.VOLTAGE.., bp, mHz/s or cdeg
ISL = const(105)        # state of its duty, before: peers.GRID..; WHY_* of the last opening
GEN = const(106)        # balance: mask of machines tripped, load, what is left, kW
GEN_FAIL = const(107)   # a machine that does not obey: its place; or -1: no trip, and why
GRANT = const(108)      # to place k of the scheme: its wish, for how long we keep to it
# of automatic reclosing (functions/reclosing.py); closings are RECLOSE, the end RECLAIM
RECL_TRIP = const(110)  # starts its dead time: shot that comes, elements, dead time
RECL_ASK = const(111)   # dead time over, the check is asked: shot, what it waits for now
RECL_LOCK = const(112)  # lock-out: cause, shots so far, detail by the cause

# number: name, then names of a, b, c; one string takes a third of the RAM of a tuple. 'op' is an
# index into the Coordinator's member list, 'br' the place of a branch among its Sub-Coordinators.
# On a board it is loaded while somebody reads the log: the numbers above are folded into the code.
TABLE = {
    BOOT: "BOOT boots cause on_mask",
    SELFTEST: "SELFTEST ok failed_mask",
    OUT: "OUT ph_mask u_max_dv since_ms",
    RES: "RES dur_ms u_min_dv",
    UV: "UV ph_mask u_min_dv since_ms",
    UV_END: "UV_END dur_ms",
    OV: "OV ph_mask u_max_dv lim_dv",
    OPENED: "OPENED why ph u_dv",
    CLOSED: "CLOSED why ph u_dv",
    REFUSED: "REFUSED what e gate",
    STUCK: "STUCK ph_mask u_load_dv i_ma",
    PHS_START: "PHS_START from to",
    PHS_DONE: "PHS_DONE ph break_ms u_dv",
    PHS_FAIL: "PHS_FAIL ph e step",
    LOCKOUT: "LOCKOUT why on_mask",
    ADC_BAD: "ADC_BAD ch fault",
    ADC_OK: "ADC_OK ch",
    TIME_SET: "TIME_SET step_ms src",
    SHED: "SHED why n_on",
    SHED_END: "SHED_END n_open n_unknown ms",
    RECON: "RECON n base_ms slot_ms",
    RECON_OP: "RECON_OP op u_dv ms",
    RECON_FAIL: "RECON_FAIL op e",
    RECON_HOLD: "RECON_HOLD e i_max_ma u_min_dv",
    RECON_END: "RECON_END n_on n_off",
    UB_QUERY: "UB_QUERY ui_m n",
    UB_PLAN: "UB_PLAN n_moves ui_m ui_after_m",
    UB_MOVE: "UB_MOVE op from to",
    UB_DONE: "UB_DONE ui0_m ui1_m n_moves",
    UB_ABORT: "UB_ABORT cause ui_m",
    MISSING: "MISSING op age_ms",
    BACK_AGAIN: "BACK_AGAIN op boot",
    TAMP: "TAMP dp_w dq_var s_va",
    DROPPED: "DROPPED reason n",
    CFG: "CFG key val e",
    TISO: "TISO good_ms",
    OVERRUN: "OVERRUN frames total",
    ABORTED: "ABORTED what why",
    SCC_CMD: "SCC_CMD cmd e",
    GND: "GND present",
    DOFC: "DOFC active",
    OT: "OT t_dc lim_dc",
    FAST_DEAD: "FAST_DEAD late_ms n",
    NEUTRAL: "NEUTRAL u_max_dv u_min_dv",
    OC: "OC ph_mask i_ma lim_ma",
    SHC: "SHC ph_mask i_ma lim_ma",
    RECLOSE: "RECLOSE shot u_min_dv",
    RECLAIM: "RECLAIM",
    BRN_LOST: "BRN_LOST br age_ms",
    BRN_BACK: "BRN_BACK br boot",
    BRN_ON: "BRN_ON br on why",
    BRN_TAMP: "BRN_TAMP br dp_w dq_var",
    53: "DIP ph_mask res_dv dur_ms",
    54: "SWELL ph_mask max_dv dur_ms",
    55: "INTR ph_mask res_dv dur_ms",
    56: "RVC ph_mask du_dv dumax_dv",
    57: "F_OUT f_mhz on dur_ms",
    58: "REV ph_mask p_w on",
    59: "PH_LOSS ph_mask on u_dv",
    60: "PH_SEQ seq on",
    61: "OPEN_CH ch on",
    62: "COVER open",
    63: "MAGNET on",
    64: "CAL ok date_day e",
    65: "CAPTURE n frames missed",
    66: "ESTIMATED ph_mask on none_mask",
    67: "OCU ph_mask i_ma lim_ma",
    68: "REGISTERS ok",
    CONFIRMED: "CONFIRMED slot",
    FELL_BACK: "FELL_BACK slot",
    FATAL: "FATAL",
    FAST_GAP: "FAST_GAP n max_ms",
    SENSOR: "SENSOR missing_mask",
    STORE: "STORE e n shed",
    LOST_REC: "LOST_REC what",
    LOGIN: "LOGIN level",
    PASSWORD: "PASSWORD wrong",
    SETTINGS: "SETTINGS n",
    HAND: "HAND what e gate",
    CHECKED: "CHECKED good bad",
    PICKUP: "PICKUP el ph_mask val",
    OPERATED: "OPERATED el val ms",
    SYNC: "SYNC kind gates touch_cdeg",
    SYNC_CLOSE: "SYNC_CLOSE gate touch_cdeg slip_uhz",
    VT: "VT alarms",
    GROUP: "GROUP n",
    POSITION: "POSITION a b",
    MG_START: "MG_START policy wanted e",
    MG_POLICY: "MG_POLICY policy before",
    MG_STALE: "MG_STALE state age_ms ch_mask",
    MG_STORE: "MG_STORE store state e_wh",
    MG_DIESEL: "MG_DIESEL state ms",
    MG_PNS: "MG_PNS on p_w e_wh",
    MG_STOP: "MG_STOP on",
    LINK: "LINK net up cause",
    DISCARDED: "DISCARDED n total",
    LOCAL: "LOCAL on",
    BLOCKED: "BLOCKED ms gaps",
    PAI: "PAI trigger val",
    ISL: "ISL st before why",
    GEN: "GEN trip_mask load_kw left_kw",
    GEN_FAIL: "GEN_FAIL g cause",
    GRANT: "GRANT to wish ms",
    RECL_TRIP: "RECL_TRIP shot el_mask dead_ms",
    RECL_ASK: "RECL_ASK shot gates",
    RECL_LOCK: "RECL_LOCK cause shot detail",
}

# Reasons of an opening, a closing, a refusal or an abort ('why').
WHY_NONE = const(0)
WHY_OUT = const(1)      # own outage rule or the Coordinator's SHED
WHY_OV = const(2)       # over-voltage / neutral loss
WHY_SCC = const(3)      # ordered from the centre
WHY_PHS = const(4)      # part of a phase change
WHY_RECON = const(5)    # reconnection after an outage
WHY_TISO = const(6)     # alone too long with good voltage
WHY_LEASE = const(7)    # lease of an opening ran out
WHY_RESET = const(8)    # found open after a reset
WHY_STUCK = const(9)    # a contact did not move
WHY_LOCAL = const(10)   # console or local lock
WHY_VERIFY = const(11)  # could not be verified
WHY_OC = const(12)      # over-current of a branch
WHY_SHC = const(13)     # short circuit of a branch
WHY_RECL = const(14)    # automatic reclosing of a branch, or its giving up
WHY_PROT = const(15)    # protection of voltage, frequency or power
WHY_PAI = const(16)     # ahead of the protection: the grid is going
WHY_ISL = const(17)     # the four-recloser scheme
WHYS = ("-", "OUT", "OV", "SCC", "PHS", "RECON", "TISO", "LEASE", "RESET", "STUCK", "LOCAL",
        "VERIFY", "OC", "SHC", "RECL",
        "PROT", "PAI", "ISL")

# Errors `e` of acknowledgements (spec smartlvgrid, section 6).
E_OK = const(0)
E_BUSY = const(1)
E_INTERLOCK = const(2)
E_LIMIT = const(3)
E_NO_VOLTAGE = const(4)
E_NOT_VERIFIED = const(5)
E_STALE = const(6)
E_UNKNOWN = const(7)
E_AUTH = const(8)
