"""The start of a board on a modelled chip: when coils may draw current, what the watchdog sees,
and what is left when something is wrong. Drivers and supervisor are the real ones."""
import sys

from tests.unit.rack import CFG, VM, Rack, put, there


def read(path):
    with open(path, "rb") as f:
        return f.read()


def test_an_operator_that_starts_with_its_contact_open_leaves_it_open():
    r = Rack(closed=())
    r.power_on()
    assert r.run(2500) == "" and r.unit.acu.ready
    assert r.relays.currents == [] and r.relays.closed == [False, False, False]
    assert r.events() == ["BOOT boots=1 cause=1 on_mask=0", "SELFTEST ok=1 failed_mask=0"]
    assert r.chip.faults == [] and r.unit.console_faults == 0


def test_no_coil_before_the_self_test_though_the_local_rule_wants_to_open():
    r = Rack(closed=(1,), cfg=dict(list(CFG.items()) + [("t_out_ms", 100)]))
    r.live = False
    r.power_on()
    acu = r.unit.acu
    while not acu.ready and r.chip.t_us < 3_000_000:
        assert r.run(10) == "" and (acu.ready or r.relays.currents == [])
    assert acu.ready and r.chip.t_us > 290_000
    assert r.run(500) == ""
    assert r.relays.currents[0][1] == "open" and r.relays.closed == [False, False, False]
    assert r.relays.wrong == []


def test_a_board_whose_self_test_fails_moves_nothing_and_keeps_its_console():
    r = Rack(closed=(0,))
    r.mcp.codes = lambda channel, t_us: 4095        # a broken wire: all at the rail
    r.power_on()
    assert r.run(3500) == "" and not r.unit.acu.ready and not r.unit.started
    assert "SELFTEST ok=0 failed_mask=1" in r.events()
    assert r.relays.currents == [] and r.relays.closed[0]
    assert b"=" in r.typed(b"\r")


def test_a_latching_contact_keeps_its_position_over_a_reset():
    r = Rack(closed=(2,))
    r.power_on()
    r.run(1000)
    r.power_on(cause=3)
    r.run(1000)
    assert r.relays.currents == [] and r.relays.closed == [False, False, True]
    assert r.events()[0] == "BOOT boots=2 cause=3 on_mask=4"


def test_the_watchdog_starves_when_the_fast_tick_dies():
    r = Rack()
    r.power_on()
    assert r.run(1000) == ""
    r.chip.timers[0].deinit()           # as after an exception in the callback
    assert r.run(9500) == "wdt"
    r.power_on(cause=3)
    assert r.unit.reset_cause == 3


def test_the_watchdog_starves_when_the_main_loop_hangs():
    if not VM:
        return      # ten seconds of the board; the VM is eight times as quick
    r = Rack()
    r.power_on()
    r.run(600)
    r.unit.step = lambda: r.unit.clock.sleep_ms(50)     # the fast tick goes on
    assert r.run(9000) == "wdt"


def test_the_watchdog_starves_when_a_task_is_never_called():
    if not VM:
        return      # ten seconds of the board; the VM is eight times as quick
    r = Rack()
    r.power_on()
    r.run(600)
    acu = r.unit.acu
    for task in acu.scheduler._tasks:
        if task[0] == "talk":
            task[4] = 1 << 29           # its turn does not come
    acu.rest_ms = lambda now_ms: 0
    assert r.run(9500) == "wdt"


def test_the_watchdog_starves_when_the_fast_tick_dies_during_a_rest():
    if not VM:
        return
    r = Rack()
    r.power_on()
    assert r.run(600) == ""
    r.unit.acu.rest_ms = lambda now_ms: 20_000
    r.unit.acu.stirred = lambda: False
    assert r.run(9000) == ""            # asleep in pieces, and fed
    r.chip.timers[0].deinit()
    assert r.run(9000) == "wdt"


def test_an_exception_in_the_fast_tier_ends_in_a_reset():
    if not VM:
        return
    r = Rack()
    r.power_on()
    r.run(600)
    r.unit.acu.protect = None
    assert r.run(9500) == "wdt" and len(r.chip.faults) == 1


def test_without_settings_there_is_a_console_and_nothing_else():
    r = Rack(cfg=None)
    u = r.power_on()
    assert u.acu is None and u.complaint.startswith("E370") and u.cfg == {}
    assert r.chip.wdt_us == 0 and r.chip.timers == [] and r.chip.ctrl_c == 3
    assert r.run(300) == "" and b"=" in r.typed(b"\r")
    assert u.save_settings({"id": "Not An Id"}).startswith("E102")
    assert u.save_settings(CFG) == ""
    u.request_reset("console")
    assert r.run(100) == "reset"
    assert r.power_on(cause=3).acu is not None and r.unit.reset_cause == 6
    assert r.chip.ctrl_c == -1 or VM    # the VM's own, not the chip's


def test_settings_that_are_refused_leave_the_console():
    for cfg, code in (({"id": "eu1", "role": "meter"}, "E112"), ({"id": "eu1"}, "E108")):
        r = Rack(cfg=cfg)
        u = r.power_on()
        assert u.acu is None and code in u.complaint and u.cfg == cfg
        assert r.chip.wdt_us == 0 and r.relays.currents == []
        assert b"=" in r.typed(b"\r")


def test_drivers_that_refuse_leave_the_console():
    r = Rack()
    put(r.root + "/a/pins.py", read(r.root + "/a/pins.py").replace(b"mcp3208_pio", b"mcp9999"))
    u = r.power_on()
    assert u.acu is None and u.complaint.startswith("E371") and "mcp9999" in u.complaint
    assert r.chip.wdt_us == 0 and b"=" in r.typed(b"\r")


def test_an_image_without_hard_timers_is_refused():
    r = Rack()
    r.chip.hard_timers = False
    u = r.power_on()
    assert u.acu is None and "E351" in u.complaint and "1.26" in u.complaint
    assert r.chip.wdt_us == 0 and b"=" in r.typed(b"\r")


def test_safe_mode_has_a_console_and_tries_again_by_itself():
    r = Rack()
    u = r.power_on("safe", why="E362 start: five.")
    assert u.acu is None and u.complaint == "E362 start: five."
    assert r.relays.currents == [] and b"=" in r.typed(b"\r")
    r.chip.t_us += 900_000_000
    u._console = None
    assert r.run(300) == "reset" and read(r.root + "/boots") == b"4"


def test_a_trial_is_confirmed_ten_seconds_after_the_self_test():
    if not VM:
        return      # ten seconds of the board; the VM is eight times as quick
    r = Rack()
    put(r.root + "/try", b"a2")
    put(r.root + "/slot", b"b")
    put(r.root + "/boots", b"3")
    u = r.power_on(trial=True)
    assert r.run(9000) == "" and read(r.root + "/slot") == b"b" and not u.started
    assert r.run(2000) == "" and read(r.root + "/slot") == b"a" and u.started
    assert not there(r.root + "/try") and not there(r.root + "/boots")
    assert r.events()[-1] == "CONFIRMED slot=0"


def test_nothing_is_confirmed_while_a_flash_erase_would_disturb():
    r = Rack()
    put(r.root + "/try", b"a2")
    put(r.root + "/slot", b"b")
    u = r.power_on(trial=True)
    r.run(600)
    assert u.acu.ready
    u.clock._ms += 20_000
    r.run(300)
    u._good_ms = u.clock.now_ms() - 9_500
    r.run(100)
    assert not u.started                # 10 s after the self-test, not before
    u._good_ms -= 500
    u.acu.may_write = lambda: False
    r.run(200)
    assert not u.started and u.trial
    u.acu.may_write = lambda: True
    r.run(200)
    assert u.started and not u.trial


def test_a_trial_that_does_not_become_good_gives_up():
    r = Rack()
    r.mcp.codes = lambda channel, t_us: 4095
    put(r.root + "/slot", b"b")
    u = r.power_on(trial=True)
    assert r.run(600) == ""
    u.clock._ms += 58_000           # nearly a minute passes
    assert r.run(600) == "" and not u.acu.ready
    u.clock._ms += 1_000
    assert r.run(6000) == "reset" and read(r.root + "/slot") == b"b"


def test_orders_to_reset_and_to_maintain_leave_their_reason():
    r = Rack()
    u = r.power_on()
    r.run(600)
    u.request_maintenance()
    assert r.run(6000) == "reset" and read(r.root + "/maint") == b"120"
    assert r.power_on(cause=3).reset_cause == 6
    assert r.relays.currents == []
    r.run(600)
    assert r.power_on(cause=3).reset_cause == 3     # the word is used up


def test_the_time_goes_on_after_an_ordered_reset():
    r = Rack()
    u = r.power_on()
    assert u.clock.set_utc(1_772_345_000_000)
    r.run(600)
    u.request_reset("flash")
    assert r.run(6000) == "reset"
    told = int(read(r.root + "/data/utc"))
    u = r.power_on(cause=3)
    assert 0 <= u.clock.utc_ms() - told < 1000
    assert u.acu.sync.utc_ms(u.clock.now_ms()) >= told      # also that of its events
    put(r.root + "/data/utc", b"yesterday")
    assert r.power_on(cause=3).clock.utc_ms() < told        # garbage is no time


def test_a_fatal_error_is_shown_at_the_next_start():
    r = Rack()
    put(r.root + "/data/fatal", b"/a\nTraceback: ValueError")
    put(r.root + "/data/reset", b"fatal")
    u = r.power_on(cause=3)
    r.run(50)
    assert u.reset_cause == 7 and "ValueError" in u.fatal
    assert r.events()[0].startswith("BOOT boots=1 cause=7") and "FATAL" in r.events()
    u.forget_fatal()
    assert u.fatal == "" and not there(r.root + "/data/fatal")


def test_a_fault_of_the_console_costs_nothing_but_the_console():
    r = Rack()
    u = r.power_on()
    r.run(600)
    u._console = None
    u.terminal.read = lambda n: None.nothing
    assert r.run(3000) == "" and u.console_faults == 2 and u.acu.ready


def test_a_stand_in_is_no_port():
    from acu.drivers import selftest
    from acu.dsp.ring import RingSampler
    from host_sim.board import doors
    r = Rack()
    p = r.power_on().ports
    assert selftest.stand_ins(p) == [] and not selftest.run(p, 0) & 32

    class BoardSwitchgear:          # the name is not enough
        energised = feedback = drive = None
    for door, other in (("clock", doors.SimClock(0)), ("store", doors.SimStore()),
                        ("link", doors.SimLink()), ("switchgear", BoardSwitchgear()),
                        ("sampler", RingSampler(5, ((0, 1),), 256, 4000)), ("watchdog", None),
                        ("switchgear", doors.SimSwitchgear(3, 3)), ("terminal", object())):
        kept = getattr(p, door)
        setattr(p, door, other)
        assert selftest.stand_ins(p) == [door]
        if door == "link":
            assert selftest.run(p, 0) & 32          # T_PORTS
        setattr(p, door, kept)
    r.unit.acu._test_ports = lambda now_ms: 32
    assert r.run(800) == "" and not r.unit.acu.ready


def test_each_part_of_the_self_test_has_its_bit():
    def relay(r):
        r.unit.ports.switchgear.drive(1, 0)         # somebody's coil draws current

    def store(r):
        for name in r.unit.store.names():
            if name.startswith("boot."):
                r.unit.store.remove(name)

    def clock(r):
        r.unit.clock.sleep_ms = lambda ms: None     # it stands still

    def memory(r):
        import gc
        gc.mem_free = lambda: 5_000

    def sampler(r):
        r.unit.ports.sampler.self_test = lambda: 4
    for spoil, bit in ((relay, 2), (store, 4), (clock, 8), (sampler, 1), (memory, 16)):
        if spoil is memory and VM:
            continue        # its gc cannot be changed
        r = Rack()
        r.power_on()
        spoil(r)
        end_us = r.chip.t_us + 400_000
        while r.chip.t_us < end_us:
            r.unit.step()
            r.chip.sleep(10_000)
        assert r.unit.acu.failed == bit and not r.unit.acu.ready, bit
        if spoil is memory:
            import gc
            del gc.mem_free


def test_on_a_chip_doors_that_cannot_test_themselves_are_none():
    if VM:
        return      # sys.platform cannot be set there
    was = sys.platform
    try:
        for platform, ready in (("linux", True), ("rp2", False), ("esp32", False)):
            r = Rack()
            r.power_on()
            r.unit.acu._test_ports = None
            sys.platform = platform
            r.run(600)
            assert r.unit.acu.ready == ready
    finally:
        sys.platform = was
