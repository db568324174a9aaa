"""What a recloser measures of both sides, by both estimators, against the truth."""
import micropython

from acu.dsp import bay as at
from acu.primitives import bay_measuring
from acu.primitives.sensing import CLIPPED, FROZEN, STALE
from tests.unit.bay import Bay, Side, apart

EN_50160 = ((3, 0.05, 1.0), (5, 0.06, 2.0), (7, 0.05, 0.3), (11, 0.035, 4.0), (2, 0.02, 1.5))


def test_places_stand_in_the_table_alone():
    names = [name for name in dir(at) if name[0].isupper()]
    assert len(names) > 40
    for name in names:
        assert not hasattr(bay_measuring, "_" + name), name


def test_a_steady_slip_with_harmonics():
    b = Bay(Side(49.3, 20), Side(49.7, -95, 0.95))
    b.one.harmonics = b.two.harmonics = EN_50160
    b.run(400)
    for _ in range(20):
        b.tick()
        q = b.q
        now = b.dd()
        touch = now + 360 * 0.4 * 0.05
        assert apart(q[at.DD] / 100, now) < 0.1
        assert apart(q[at.DDT] / 100, touch) < 0.1
        assert apart(q[at.DDT80] / 100, touch) < 0.4
        assert abs(q[at.SLIP] - 400_000) < 1_000
        assert abs(q[at.SLIPT] - 400_000) < 5_000
        assert abs(q[at.ACC]) < 40 and q[at.RES] < 60
        assert abs(q[at.F1] - 49_300) < 5 and abs(q[at.F2] - 49_700) < 5
        assert abs(q[at.DF1]) < 100 and abs(q[at.DF2]) < 100
        assert abs(q[at.U1] - 10_000) < 20 and abs(q[at.U2] - 9_500) < 20
        assert apart(q[at.DD_B] / 100, now) < 1.0
        assert abs(q[at.SLIP_B] - 400_000) < 40_000
        assert abs(q[at.U1_B] - 10_000) < 110 and abs(q[at.U2_B] - 9_500) < 110
        assert abs(q[at.F1_B] - 49_300) < 160 and abs(q[at.F2_B] - 49_700) < 160
        assert q[at.BAD] == 0 and q[at.ROT1] == q[at.ROT2] == 1


def test_a_side_that_gains_speed_is_foretold():
    b = Bay(Side(50.0), Side(50.1))
    for _ in range(80):
        for _ in range(20):
            b.two.f_hz += 0.5 / 4000
            b.push(1)
        b.bay.fast(0)
    slip = b.two.f_hz - b.one.f_hz
    touch = b.dd() + 360 * (slip * 0.05 + 0.5 * 0.05 * 0.05 / 2)
    assert apart(b.q[at.DDT] / 100, touch) < 0.15
    assert abs(b.q[at.SLIPT] / 1e6 - slip - 0.025) < 0.006
    assert abs(b.q[at.ACC] - 500) < 40 and abs(b.q[at.DF2] - 500) < 100
    assert slip - b.q[at.SLIP] / 1e6 > 0.04     # the straight line is 120 ms behind: not for that


def test_a_jump_is_seen_in_two_ticks_and_forgotten_when_it_has_left_the_windows():
    for deg in (6, -6, 170):
        b = Bay().run(400)
        assert b.q[at.GOOD] >= at.GOOD_FULL
        b.two.turn += deg * 3.14159 / 180
        b.run(10)
        assert b.q[at.GOOD] == b.q[at.CALM2] == 0 and b.q[at.CALM1] > 60
        assert b.q[at.RES] == 180_000           # and the fits refuse by themselves
        n = 2
        while b.q[at.GOOD] < at.GOOD_FULL:
            b.tick()
            n += 1
        assert n <= 52                          # 260 ms
        assert apart(b.q[at.DD] / 100, b.dd()) < 0.1 and b.q[at.RES] < 60


def test_a_side_that_dies_or_comes():
    b = Bay().run(300)
    b.two.u = 0.0
    b.run(15)
    assert b.q[at.GOOD] == 0 and b.q[at.CALM2] == 0
    b.run(30)
    assert b.q[at.U2] < 50 and b.q[at.UAB2] < 50 and b.q[at.F2] == 0 and b.q[at.ROT2] == 0
    assert b.q[at.U2_B] < 50 and b.q[at.F2_B] == 0 and b.q[at.CALM1] > 60
    b.two.u = 1.0
    b.run(260)
    assert b.q[at.GOOD] >= at.GOOD_FULL
    assert apart(b.q[at.DD] / 100, b.dd()) < 0.1


def test_a_small_change_of_voltage_is_no_jump():
    b = Bay().run(300)
    b.two.u = 0.94
    b.run(100)
    assert b.q[at.GOOD] > 70 and abs(b.q[at.U2] - 9_400) < 20


def test_the_phase_order():
    b = Bay()
    b.two.order = -1
    b.run(100)
    assert b.q[at.ROT1] == 1 and b.q[at.ROT2] == -1
    assert b.q[at.U2] < 100 and abs(b.q[at.UN2] - 10_000) < 20
    for k in range(3):
        assert abs(b.q[at.UAB2 + k] - 10_000) < 20


def test_a_blown_fuse_shows_in_the_line_voltages():
    b = Bay()
    b.two.open_ab = True
    b.run(100)
    q = b.q
    assert q[at.UAB2] < 50 and abs(q[at.UBC2] - 10_000) < 20 and abs(q[at.UCA2] - 10_000) < 20
    assert q[at.UN2] > 3_000


def test_currents_their_sequences_and_powers():
    b = Bay()
    b.i_a = 5.0
    b.lag = 0.5
    b.run(100)
    q = b.q
    for k in range(3):
        assert abs(q[at.IA + k] - 5_000) < 15
    assert abs(q[at.I1] - 5_000) < 15 and q[at.I2] < 15 and q[at.I0] < 30
    assert abs(q[at.P] - 760_013) < 3_000 and abs(q[at.Q] - 415_195) < 3_000
    b.lag = 3.641593            # the other way
    b.i_c = 0.0
    b.run(100)
    assert q[at.IC] < 20 and abs(q[at.I0] - 5_000) < 20
    assert abs(q[at.I1] - 3_333) < 15 and abs(q[at.I2] - 1_667) < 15
    assert abs(q[at.P] + 259_935) < 2_000     # AB with A alone, 100 V 5 A cos(149 deg)


def test_energy_counts_each_direction_in_primary_units():
    b = Bay()
    b.bay.ratio = 10_000
    b.i_a = 10.0
    b.run(200)
    assert b.bay.slow()
    start = b.bay.e_import_mwh
    for _ in range(5):
        b.run(200)
        assert b.bay.slow() and not b.bay.slow()
    # 1732 W secondary for a second, times 10,000
    gained = b.bay.e_import_mwh - start
    assert abs(gained - 4_811_252) < 20_000 and b.bay.e_export_mwh < 1_000
    assert abs(b.bay.half_ma[0] - 10_000) < 20


def test_the_noise_of_no_current_is_no_energy():
    b = Bay()
    b.noise_lsb = 2.0
    b.run(1000)
    b.bay.slow()
    assert b.q[at.P] and b.bay.e_import_mwh == b.bay.e_export_mwh == 0


def test_one_voltage_a_side_and_the_angle_of_a_transformer():
    b = Bay(Side(50.0), Side(50.0, -30), vt2=1, ang_cdeg=3_000)
    b.stuck = {3: 2048}          # nothing is connected there
    b.run(300)
    assert apart(b.q[at.DD] / 100, 0.0) < 0.1 and apart(b.q[at.DD_B] / 100, 0.0) < 0.5
    assert abs(b.q[at.U2] - 10_000) < 20 and b.q[at.BAD] == 0
    assert b.q[at.UCA2] == b.q[at.UBC2] == b.q[at.UAB2] and b.q[at.ROT2] == 1


def test_powers_with_one_voltage():
    b = Bay(vt1=1)
    b.stuck = {1: 2048}
    b.i_a = 5.0
    b.lag = 0.5
    b.run(100)
    assert abs(b.q[at.P] - 760_013) < 3_000 and abs(b.q[at.Q] - 415_195) < 3_000


def test_vt_ratios_of_the_sides_may_differ():
    b = Bay(two=Side(u=1.1), un2_mv=110_000).run(100)
    assert abs(b.q[at.U2] - 10_000) < 20 and abs(b.q[at.U2_B] - 10_000) < 50


def test_a_channel_that_is_frozen_or_clipped():
    b = Bay().run(300)
    b.stuck = {2: 1_700}
    b.run(50)
    assert b.q[at.BAD] == 4 and b.bay.why(2) == FROZEN
    b.stuck = {}
    b.run(10)
    assert b.q[at.BAD] == 0
    b.i_a = 25.0                # 35 A peak of 30
    b.run(15)
    assert b.q[at.BAD] == 0xE0 and b.bay.why(5) == CLIPPED
    b.i_a = 5.0
    b.run(10)
    assert b.q[at.BAD] == 0xE0  # still in the windows
    b.run(50)
    assert b.q[at.BAD] == 0


def test_no_frames_grow_old_and_lost_ones_begin_anew():
    b = Bay().run(300)
    for k in range(9):
        assert not b.bay.fast(0)
        assert b.q[at.AGE] == 5 * k + 5
    assert b.bay.why(0) == STALE
    b.push(400)                 # more than the ring holds
    assert b.bay.fast(0) and b.bay.lost_frames > 0 and b.q[at.GOOD] == 0
    while b.bay.fast(0):
        pass
    b.run(260)
    assert b.q[at.GOOD] >= at.GOOD_FULL and apart(b.q[at.DD] / 100, b.dd()) < 0.1


def test_blocks_that_wait_are_taken_one_by_one_and_say_how_old_they_are():
    a = Bay(Side(50), Side(50.3))
    b = Bay(Side(50), Side(50.3))
    for bay in (a, b):
        bay.run(300)
    rows = []
    for _ in range(4):
        a.tick()
        rows.append(a.row())
    b.push(80)
    ages = []
    for k in range(4):
        assert b.bay.fast(0)
        ages.append(b.q[at.AGE])
        for place in (at.U1, at.SLIP, at.F2, at.IA, at.CALM2, at.SEQ):
            assert b.q[place] == rows[k][place]
        # where the angle is now, it says of now, not of the block's end
        assert apart(b.q[at.DD] / 100, b.dd()) < 0.2
    assert ages == [15, 10, 5, 0] and not b.bay.fast(0)


def test_a_part_of_a_block_waits_for_its_rest():
    b = Bay(Side(50), Side(50.4)).run(300)
    b.push(13)
    assert not b.bay.fast(0)
    b.push(12)
    assert b.bay.fast(0)
    assert apart(b.q[at.DD] / 100, b.dd()) < 0.1     # 5 frames wait: counted


def test_a_tick_allocates_nothing():
    b = Bay(Side(50), Side(50.2)).run(250)
    b.push(40)
    micropython.heap_lock()
    try:
        told = b.bay.fast(0)
        more = b.bay.fast(0)
        none = b.bay.fast(0)
    finally:
        micropython.heap_unlock()
    assert told and more and not none


def test_any_codes_leave_numbers_that_allocate_nothing():
    """Noise from rail to rail, square waves in step and against one another."""
    b = Bay(un1_mv=50_000, un2_mv=50_000)
    seed = 1
    for shape in range(6):
        for tick in range(30):
            codes = bytearray(320)
            for k in range(160):
                seed = (seed * 1103 + 12345) & 0x3FFFFF
                code = seed >> 10
                if shape:
                    turn = (tick * 20 + (k >> 3)) * shape // 40
                    code = 4095 * (turn + (k & 7) * (shape & 1) & 1)
                codes[2 * k] = code & 255
                codes[2 * k + 1] = code >> 8
            b.sampler.push(codes)
            micropython.heap_lock()
            try:
                b.bay.fast(0)
            finally:
                micropython.heap_unlock()
            for k in range(len(b.q)):
                assert -0x20000000 < b.q[k] < 0x20000000, k
            for k in range(at.U1, at.UN2 + 1):
                assert b.q[k] >= 0, k
            for k in range(at.IA, at.I2 + 1):
                assert b.q[k] >= 0, k


def test_the_count_of_blocks_goes_on_where_it_wraps():
    b = Bay(Side(50), Side(50.2))
    b.bay._st[2] = 0x1FFFFFFF - 61
    b.run(300)
    b.run(300)
    assert b.q[at.SEQ] < 200 and apart(b.q[at.DD] / 100, b.dd()) < 0.1
    assert abs(b.q[at.F2] - 50_200) < 5 and apart(b.q[at.DD_B] / 100, b.dd()) < 0.5
