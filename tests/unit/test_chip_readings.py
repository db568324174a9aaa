"""Converters that tell readings: the metering chip and the bursts, on models of their chips."""
from acu.dsp.fixed import sin_q16
from host_sim.chips.chip import Chip

US = 1_000_000
POST = {"kind": "post", "u_peak_dv": 4500, "i_peak_ma": 100_000, "rate_hz": 1000, "slot_ns": 0,
        "channels": [{"name": n} for n in ("ua", "ub", "uc", "ia", "ib", "ic")]}
CUSTOMER = {"kind": "customer", "u_peak_dv": 4500, "i_peak_ma": 100_000, "rate_hz": 1000,
            "slot_ns": 0, "channels": [{"name": n} for n in ("ua", "ub", "uc", "ul", "i")]}
SINGLE = {"kind": "single", "u_peak_dv": 4500, "i_peak_ma": 100_000, "rate_hz": 1000,
          "slot_ns": 0, "channels": [{"name": n} for n in ("u", "i")]}
WIRES = {"spi": 2, "sck": 18, "mosi": 23, "miso": 19, "cs": 5}


def chip():
    from host_sim.chips.machine_shim import install
    one = Chip("esp32")
    install(one)
    return one


def measuring(sampler, cls, board, ppm=None, fn_mhz=50_000):
    cal = [(full_u * (ppm or {}).get(c, 1_000_000) // 1_000_000, 0)
           for c, full_u in enumerate(sampler.full_u)]
    return cls(sampler, board["kind"], cal, 2300, fn_mhz)


def live(one, sampler, m, ms, poll=False):
    """Ticks of 5 ms, slow passes of 10; readings of the windows."""
    from time import ticks_us
    windows = 0
    end_us = one.t_us + ms * 1000
    while one.t_us < end_us:
        one.run_to(one.t_us + 5000)
        m.fast(ticks_us())
        if poll:
            sampler.poll(one.t_us // 1000)
        while m.slow():
            windows += 1
    return windows


# -- the metering chip


def metering(**given):
    one = chip()
    from acu.drivers import atm90e32
    from host_sim.chips.atm90e32 import Atm90e32
    dev = Atm90e32(one.spi(2))
    for key, value in given.items():
        setattr(dev, key, value)
    one.spi(2).attach(5, dev)
    conv = dict(WIRES)
    sampler, cls = atm90e32.fit(conv, POST)
    sampler.start()
    return one, dev, sampler, measuring(sampler, cls, POST)


def test_the_chip_measures_in_the_quantities_of_every_board():
    one, dev, sampler, m = metering(u_v=[230, 231, 229], i_a=[10, 0, 5], p_w=[2185, 0, -1100],
                                    q_var=[718, 0, 300])
    assert sampler.self_test() == 0 and dev.locked_writes == 0
    assert live(one, sampler, m, 1000) >= 4
    assert abs(m.u_dv[0] - 2300) <= 1 and abs(m.u_dv[1] - 2310) <= 1
    assert abs(m.i_ma[0] - 10_000) <= 2 and m.i_ma[1] == 0
    assert abs(m.p_w[0] - 2185) <= 1 and abs(m.p_w[2] + 1100) <= 1 and abs(m.q_var[2] - 300) <= 1
    assert m.f_mhz == 50_000 and m.window_ms == 200
    assert m.half_seq > 40 and abs(m.half_u(2) - 2290) <= 1


def test_energy_of_the_chip_counts_every_millisecond_once():
    one, dev, sampler, m = metering(p_w=[3600, 0, 0])
    live(one, sampler, m, 10_000)
    assert abs(m.e_import_mwh - 10_000) <= 3600 * 210 // 3600       # one window is still open
    assert m.e_export_mwh == 0


def test_calibration_scales_what_the_chip_says():
    one, dev, sampler, m = metering()
    from acu.drivers.atm90e32 import fit
    _, cls = fit(WIRES, POST)
    m = measuring(sampler, cls, POST, {0: 1_010_000})
    live(one, sampler, m, 1000)
    assert abs(m.u_dv[0] - 2323) <= 1 and abs(m.p_w[0] - 2207) <= 1
    assert abs(m.u_dv[1] - 2300) <= 1


def test_a_lost_voltage_is_seen_within_two_readings():
    one, dev, sampler, m = metering()
    live(one, sampler, m, 500)
    dev.u_v = [0, 0, 0]
    live(one, sampler, m, 45)
    assert list(m.half_dv) == [0, 0, 0]


def test_a_chip_that_has_lost_its_settings_is_set_up_again():
    one, dev, sampler, m = metering()
    live(one, sampler, m, 500)
    dev.power_on()
    live(one, sampler, m, 600)
    assert sampler.resets == 1 and sampler.self_test() == 0
    assert abs(m.half_u(0) - 2300) <= 1


def test_a_dead_or_a_frozen_chip_goes_stale_and_a_dead_street_does_not():
    for fault in ("dead", "frozen"):
        one, dev, sampler, m = metering()
        live(one, sampler, m, 500)
        assert m.idle_ticks == 0
        setattr(dev, fault, True)
        live(one, sampler, m, 1000)
        assert m.idle_ticks >= 8, fault
        assert fault == "frozen" or sampler.self_test() == 1
    one, dev, sampler, m = metering(u_v=[0, 0, 0], i_a=[0, 0, 0], p_w=[0, 0, 0], q_var=[0, 0, 0])
    live(one, sampler, m, 2000)
    assert m.idle_ticks < 8


def test_the_model_refuses_what_the_chip_would():
    one, dev, sampler, m = metering()
    for bad in (lambda: sampler._write(0xD9, 1), lambda: sampler._read(0x2F)):
        try:
            bad()
        except ValueError:
            dev._bytes = None
            sampler._cs.value(1)
            continue
        raise AssertionError("taken")
    sampler._write(0x61, 1)             # without access
    assert dev.locked_writes == 1 and sampler._read(0x61) == 7305


# -- bursts


def wave(f_mhz, peaks, lags, zero=2048):
    """source(channel, t_us): sines on the channels, lag in 2^24 a turn."""
    def source(c, t_us):
        if c >= len(peaks):
            return 2048
        phase = (t_us * f_mhz * 10_000 // 596_046 - lags[c]) & 0xFFFFFF
        return zero + ((peaks[c] * sin_q16(phase) + 0x8000) >> 16)
    return source


def bursts(source, board=CUSTOMER, fn_mhz=50_000):
    one = chip()
    from acu.drivers import mcp3208_burst
    from host_sim.chips.esp32 import Mcp3208Spi
    one.spi(2).attach(5, Mcp3208Spi(one.spi(2), source))
    sampler, cls = mcp3208_burst.fit(WIRES, board)
    m = measuring(sampler, cls, board, None, fn_mhz)
    sampler.start()
    return one, sampler, m


# 230 V on 450 V peak at 2048 codes; 20 A on 100 A, 60 degrees late
U = 1480
LOAD = ((U, U, U, U, 579), (0, 5592405, 11184810, 0, 2796202))


def test_bursts_measure_a_customer_within_a_third_of_a_per_cent():
    for f_mhz in (45_500, 49_200, 50_000, 52_000, 54_000, 60_000):
        one, sampler, m = bursts(wave(f_mhz, *LOAD), fn_mhz=60_000 if f_mhz > 55_000 else 50_000)
        live(one, sampler, m, 2000, True)
        u_dv = U * 4500 * 7071 // 2048 // 10_000
        i_ma = 579 * 100_000 * 7071 // 2048 // 10_000
        assert sampler.self_test() == 0 and sampler.spoilt == 0
        assert abs(m.u_dv[0] - u_dv) * 500 <= u_dv, (f_mhz, m.u_dv)
        assert abs(m.i_ma - i_ma) * 500 <= i_ma, (f_mhz, m.i_ma)
        s_va = u_dv * i_ma // 10_000
        assert abs(m.p_w - s_va // 2) * 300 <= s_va, (f_mhz, m.p_w, s_va)
        assert abs(m.q_var - s_va * 866 // 1000) * 300 <= s_va, (f_mhz, m.q_var, s_va)
        assert abs(m.f_mhz - f_mhz) <= 10, (f_mhz, m.f_mhz)


def test_the_later_slot_is_turned_back():
    """Without it the current of slot 4, 200 us late, would look 3.6 degrees late."""
    one, sampler, m = bursts(wave(50_000, (U, U, U, U, 579), (0, 0, 0, 0, 0)))
    live(one, sampler, m, 1000, True)
    assert abs(m.q_var) * 100 <= m.s_va, (m.q_var, m.s_va)
    skew = sampler._frame_us
    sampler._frame_us = 0
    live(one, sampler, m, 500, True)
    assert skew > 100 and abs(m.q_var) * 100 > m.s_va


def test_energy_of_bursts_is_power_times_time():
    one, sampler, m = bursts(wave(50_000, (U, U, U, U, 579), (0, 0, 0, 0, 0)))
    live(one, sampler, m, 10_000, True)
    told = m.p_w * 10_000 // 3600
    assert abs(m.e_import_mwh - told) * 50 <= told, (m.e_import_mwh, told)


def test_an_outage_is_seen_and_has_no_frequency():
    one, sampler, m = bursts(wave(50_000, *LOAD))
    live(one, sampler, m, 1000, True)
    one.spi(2).devices[0][1].source = wave(50_000, (1, 1, 1, 1, 1), (0, 0, 0, 0, 0))
    live(one, sampler, m, 250, True)
    assert max(m.half_dv) <= 5 and m.f_mhz == 0


def test_a_burst_that_was_interrupted_is_thrown_away():
    one, sampler, m = bursts(wave(50_000, *LOAD))
    live(one, sampler, m, 500, True)
    before = m.u_dv[0]
    dev = one.spi(2).devices[0][1]
    plain = dev.source
    state = [0]

    def late(c, t_us):
        state[0] += 1
        if state[0] == 60:
            one.run_to(one.t_us + 3000)     # somebody else had the CPU
        return plain(c, t_us)
    dev.source = late
    live(one, sampler, m, 100, True)
    assert sampler.spoilt == 1 and m.u_dv[0] == before


def test_a_channel_off_its_mid_voltage_fails_the_self_test():
    one, sampler, m = bursts(wave(50_000, (100, 100, 100, 100, 100), (0, 0, 0, 0, 0), 700))
    assert sampler.self_test() == 2


def test_the_one_shot_converter_measures_roughly():
    from host_sim.chips.esp32 import Adc
    from host_sim.chips.machine_shim import install
    one = Chip("esp32")
    one.fit("machine.ADC", Adc)
    install(one)
    from acu.drivers import esp32_adc
    plain = wave(50_000, (1480, 579), (0, 0))
    Adc.source = lambda pin, t_us: plain(0 if pin == 32 else 1, t_us)
    sampler, cls = esp32_adc.fit({"pins": (32, 33)}, SINGLE)
    sampler.start()
    m = measuring(sampler, cls, SINGLE)
    live(one, sampler, m, 1000, True)
    assert abs(m.u_dv[0] - 2300) <= 46, m.u_dv              # 2 %
    assert abs(m.p_w[0] - 4600) <= 140, m.p_w
