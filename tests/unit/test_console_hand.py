"""What a relay needs to move at the console: level B, the command, two Y typed after their
questions, the gate, a select of this console, and nothing against it. What is answered is what the
mirror contact says. Each of these has been taken out once to see its test fail."""
from acu import events as ev
from acu.console.session import PROMPTS
from acu.ports import CLOSE
from acu.roles.switched import HAND, O_CHECK, O_CLOSE, O_OPEN
from host_sim.board.doors import SimStore
from tests.unit.cabinet import Cabinet
from tests.unit.desk import Desk
from tests.unit.spot import Spot

MOVING = ("OPE", "CLO", "PUL", "TST", "LOC 0")


def desk(level="B", closed=(0,), **config):
    d = Desk(Cabinet(closed, **config).started())
    d.place.drives = []
    return d.level(level)


def branch(closed=True, **config):
    d = Desk(Spot(closed, **config).started())
    d.place.drives = []
    return d.level("B")


def test_an_opening_and_a_closing_with_all_that_they_need():
    d = desk()
    assert "Breaker OPEN" in d.answers("OPE", "Y", "Y") and d.place.mask() == 0
    assert "Breaker CLOSED on A" in d.answers("CLO", "Y", "yes") and d.place.mask() == 1
    assert d.events("HAND") == ["HAND what=0 e=0 gate=0", "HAND what=1 e=0 gate=0"]
    assert d.events("OPENED")[0].startswith("OPENED why=LOCAL")
    assert d.events("CLOSED")[0].startswith("CLOSED why=LOCAL")
    assert d.stands() == "==>"


def test_a_branch_opens_and_closes_and_what_is_open_stays_open_by_itself():
    d = branch()
    assert "Breaker OPEN" in d.answers("OPE", "Y", "Y") and not d.place.closed
    d.run(30_000)
    assert not d.place.closed
    assert "Breaker CLOSED" in d.answers("CLO", "Y", "Y") and d.place.closed


def test_below_level_b_nothing_is_asked():
    for level in ("0", "1"):
        d = desk(level)
        for word in MOVING:
            assert "E302" in d.text(word) and d.stands() in PROMPTS
            d.say("Y")
            d.say("Y")
        assert d.place.drives == [] and d.events("HAND") == []


def test_each_of_both_questions_needs_its_own_yes():
    for first, second in (("N", ""), ("", ""), ("Y", "N"), ("Y", ""), ("Y", "yess"), ("OPE", "Y"),
                          ("y y", ""), ("1", ""), ("Y", "\x15n")):
        for word in MOVING:
            d = desk()
            text = d.text(word)
            assert d.stands().endswith("(Y/N) ? ")
            text = d.text(first)
            if d.stands().endswith("? "):
                text = d.text(second)
            assert "E306" in text and d.stands() == "==>", (word, first, second)
            assert d.place.drives == [] and d.place.mask() == 1


def test_one_yes_is_not_enough():
    d = desk()
    d.say("OPE")
    d.say("Y")
    assert d.stands() == "Are you sure (Y/N) ? "
    d.run(19_000)
    assert d.place.drives == []
    d.run(2000)
    assert d.stands() == "==>" and "E306" in d.terminal.text.decode() and d.place.drives == []


def test_what_was_typed_before_a_question_is_no_answer():
    for word in MOVING:
        for ahead in ("\rY\rY\r", "\rY", "\rY\rY\rY\rY\r"):
            d = desk()
            d.key(word + ahead, 1000)
            assert b"E306" in d.terminal.text and d.place.drives == [], (word, ahead)
            assert d.stands().startswith("==>")
    d = desk()
    d.say("OPE")
    d.key("Y\rY\r", 1000)           # the second before its question
    assert b"E306" in d.terminal.text and d.place.drives == []


def test_nor_when_it_comes_in_the_next_bytes_that_are_read():
    """A pass reads 32 bytes: the question may stand before the rest of a paste is seen."""
    for before in range(20, 33):
        d = desk()
        d.key(" " * before + "OPE\rY\r" + " " * 30 + "Y\r", 1000)
        d.key(" " * before + "OPE\r", 10)
        d.key("Y\r", 1000)
        assert d.place.drives == [] and d.stands().startswith("==>"), before


def test_nor_when_the_computer_has_not_even_shown_the_question():
    d = desk()
    d.run(200)
    d.terminal.slow = 0
    d.key("OPE\r", 3000)
    d.terminal.slow = 1000
    d.key("Y\r", 400)
    d.key("Y\r", 1000)
    assert d.place.drives == [] and b"E306" in d.terminal.text


def test_nor_when_a_pass_takes_half_a_second():
    for line in ("OPE\rY\r", "OPE\r"):
        d = desk()
        d.run(200)
        for keys in (line, "Y\r", "Y\r", "Y\r", "", "", ""):
            d.terminal.keys += keys.encode()
            d.place.run(500)
            d.console.poll(d.place.ms())
        assert d.place.drives == [] and b"E306" in d.terminal.text


def test_control_c_in_between_ends_it():
    for keys in ("\x03", "Y\x03", "Y\r\x03"):
        d = desk()
        d.say("OPE")
        d.run(200)
        for key in keys:
            d.key(key, 300)
        assert d.stands() == "==>", keys
        d.say("Y")
        d.say("Y")
        assert d.place.drives == [] and d.place.mask() == 1


def test_logout_in_between_ends_it():
    d = desk()
    d.say("OPE")
    session = d.console.session
    session.logout()                    # as the time of no key does
    assert session._page is None and not session._asking and session.level == 0
    d.run(100)
    d.say("Y")
    d.say("Y")
    d.level("B")
    d.say("Y")
    assert d.place.drives == [] and d.place.mask() == 1


def test_no_answer_in_time_ends_it():
    d = desk()
    d.say("CLO")
    d.run(20_500)
    assert d.stands() == "==>" and b"E306 cancelled: no answer" in d.terminal.text
    d.say("Y")
    d.say("Y")
    assert d.place.drives == []


def test_a_tag_refuses_and_its_end_needs_a_look():
    d = desk(closed=())
    assert "Tagged" in d.text("LOC 1")
    text = d.answers("CLO", "Y", "Y")
    assert "E310 close refused: locked out or tagged" in text and d.place.drives == []
    assert d.events("HAND") == ["HAND what=1 e=0 gate=2"]
    assert "No tag" in d.answers("LOC 0", "Y", "Y")
    assert "CLOSED" in d.answers("CLO", "Y", "Y")
    assert d.events("CFG") == ["CFG ns=0 val=1 e=0", "CFG ns=0 val=0 e=0"] or len(
        d.events("CFG")) == 2


def test_a_tag_outlives_a_loss_of_power():
    store = SimStore()
    d = Desk(Cabinet((), store=store).started()).level("B")
    d.say("LOC 1")
    d = Desk(Cabinet((), store=store).started()).level("B")
    assert "E310" in d.answers("CLO", "Y", "Y") and d.place.mask() == 0


def test_the_gates_reason_is_told():
    d = desk()
    assert "E310 close refused: a contact is closed" in d.answers("CLO", "Y", "Y")
    assert [k for k in d.place.drives if k[2] == CLOSE] == []
    d = desk(closed=())
    d.place.load_dv = 2300
    d.run(500)
    assert "E310 close refused: the load side is alive" in d.answers("CLO", "Y", "Y")
    d = desk(closed=(), u_hi_pm=1100)
    d.place.supply_dv = [2600] * 3
    d.run(1000)
    text = d.answers("CLO", "Y", "Y")
    assert "E310 close refused: the supply" in text and d.place.mask() == 0
    d = desk(closed=())
    d.place.frozen = (0, 3)
    d.run(1000)
    assert "E310 close refused: a measurement" in d.answers("CLO", "Y", "Y")
    assert d.place.mask() == 0 and d.events("HAND")[-1].startswith("HAND what=1 e=0 gate=")


def test_a_closing_needs_a_select_of_this_console_and_a_fresh_one():
    d = desk(closed=())
    acu = d.unit.acu

    def hand(order):
        e = acu.at_console(d.place.ms(), order)
        d.run(400)
        return e
    assert hand(O_CLOSE) == ev.E_INTERLOCK
    assert hand(O_CHECK) == ev.E_OK
    d.run(2500)
    assert hand(O_CLOSE) == ev.E_INTERLOCK              # too old
    acu._selected = ("scc", d.place.ms() + 2000)
    assert hand(O_CLOSE) == ev.E_INTERLOCK              # somebody else's
    assert d.place.drives == [] and HAND["s"] == "=console"
    assert hand(O_CHECK) == ev.E_OK and hand(O_CLOSE) == ev.E_OK and d.place.mask() == 1
    assert hand(O_OPEN) == ev.E_OK
    assert hand(O_CLOSE) == ev.E_INTERLOCK              # it served once


def test_nobody_can_use_the_consoles_select():
    d = desk(closed=())
    acu = d.unit.acu
    acu.at_console(d.place.ms(), O_CHECK)
    d.run(50)
    assert acu._selected[0] == "=console"
    assert d.place.switch(1) == ev.E_INTERLOCK and d.place.mask() == 0


def test_while_something_else_moves_it_is_busy():
    d = desk()
    acu = d.unit.acu
    d.say("OPE")
    d.say("Y")
    d.run(200)
    acu._busy = [O_OPEN, d.place.ms() + 60_000, None, 1]    # an opening waits for its contact
    text = d.text("Y")
    assert "E313" in text and d.place.drives == [] and d.place.mask() == 1
    assert d.events("HAND") == ["HAND what=0 e=%d gate=0" % ev.E_BUSY]
    assert "E313" in d.text("LOC 1") and not acu.gate.locked


def test_an_opening_takes_the_place_of_a_phase_change_that_waits_a_tag_does_not():
    d = desk()
    c = d.place
    c.post("phs.req", {"ph": 1, "t_ms": c.utc_ms() + 60_000, "dead_ms": 60})
    c.run(100)
    assert d.unit.acu.tag(c.ms(), 1) == ev.E_BUSY and not d.unit.acu.gate.locked
    assert d.unit.acu.at_console(c.ms(), O_CHECK) == ev.E_BUSY
    assert "Breaker OPEN" in d.answers("OPE", "Y", "Y") and c.mask() == 0
    c.run(61_000)
    assert c.mask() == 0 and CLOSE not in [drive[2] for drive in c.drives]


def test_a_tag_is_refused_while_what_it_says_cannot_be_stored():
    d = desk()
    c = d.place
    c.supply_dv = [0, 2300, 2300]
    c.until(lambda: c.acu.rule.low_us, 100)
    assert not c.acu.may_write() and not c.acu._engaged() and c.mask() == 1
    assert c.acu.tag(c.ms(), 1) == ev.E_BUSY and not c.acu.gate.locked


def test_a_tag_hides_no_lock_out():
    d = desk()
    acu = d.unit.acu
    acu.gate.locked = ev.WHY_STUCK
    assert acu.tag(d.place.ms(), 1) == ev.E_OK and acu.gate.locked == ev.WHY_STUCK


def test_nor_while_a_trip_is_not_looked_at_yet():
    d = desk()
    d.unit.acu._trip_seen = ev.WHY_OV
    for order in (O_OPEN, O_CHECK, O_CLOSE):
        assert d.unit.acu.at_console(d.place.ms(), order) == ev.E_BUSY
    assert d.unit.acu.tag(d.place.ms(), 1) == ev.E_BUSY


def test_not_before_the_self_test():
    place = Cabinet(()).run(50)
    assert not place.acu.ready
    for order in (O_OPEN, O_CHECK, O_CLOSE):
        assert place.acu.at_console(place.ms(), order) == ev.E_BUSY
    place.run(30)
    assert place.drives == []


def test_what_is_answered_is_the_mirror_contact():
    d = desk()
    d.place.weld[0] = True
    text = d.answers("OPE", "Y", "Y")
    assert "Breaker CLOSED on A" in text and "E314" in text and "Breaker OPEN" not in text
    assert d.events("STUCK") and d.events("HAND") == ["HAND what=0 e=0 gate=0"]
    assert "E310" in d.answers("CLO", "Y", "Y")
    d = desk(closed=())
    d.place.jam[0] = True
    text = d.answers("CLO", "Y", "Y")
    assert "Breaker OPEN" in text and "E314" in text and "Breaker CLOSED" not in text


def test_a_switch_that_stands_on_remote_keeps_hands_off():
    for name, here in (("local", 1), ("remote", 0)):
        inputs = [{"name": "mirror"}, {"name": name}, {"name": "temperature"}]
        for level in (0, 1):
            place = Spot()
            mirrors = place.mirrors
            place.mirrors = lambda m=mirrors, x=level: [m()[0], x, 300]
            d = Desk(place.started(), board={"inputs": inputs}).level("B")
            place.drives = []
            for word in MOVING + ("LOC 1",):
                text = d.text(word)
                assert ("E312" in text) == (level != here), (name, level, word)
                d.key("\x03")
            assert place.drives == [] and place.closed


def test_a_switch_turned_to_remote_after_the_command_does_so_too():
    inputs = [{"name": "mirror"}, {"name": "remote"}, {"name": "temperature"}]
    for word, seen in (("OPE", 1), ("PUL 5", 2), ("TST", 1)):
        remote = [0]
        place = Spot()
        mirrors = place.mirrors
        place.mirrors = lambda m=mirrors, x=remote: [m()[0], x[0], 300]
        d = Desk(place.started(), board={"inputs": inputs}).level("B")
        place.drives = []
        if seen == 1:                   # between the questions
            d.answers(word, "Y")
            remote[0] = 1
            assert "E312" in d.text("Y")
            assert place.drives == [] and place.closed
        else:                           # between the opening and the closing
            d.answers(word)
            d.say("Y")
            d.run(200)
            d.key("Y\r", 1000)
            assert not place.closed
            remote[0] = 1
            place.drives = []
            assert "E312" in d.key("", 6000)
            assert place.drives == [] and not place.closed


def test_a_pulse_opens_and_closes_and_a_key_leaves_it_open():
    d = desk()
    text = d.answers("PUL 2", "Y", "Y")
    assert "Breaker OPEN" in text and "Breaker CLOSED on A" in text
    open_ms = d.place.moves[1][0] - d.place.moves[0][0]
    assert 1900 <= open_ms <= 2200, open_ms
    d.say("PUL 5")
    d.say("Y")
    d.run(200)
    d.key("Y\r\n", 1000)            # the line feed is no key
    assert d.place.mask() == 0 and b"E306" not in d.terminal.text
    d.key(" ", 6000)
    assert d.place.mask() == 0 and b"the switch stays open" in d.terminal.text
    for wrong in ("PUL 0", "PUL 31", "PUL x", "PUL 1 2"):
        assert "E304" in d.text(wrong) and d.stands() == "==>"


def test_a_relay_test_moves_it_there_and_back():
    d = desk()
    text = d.answers("TST", "Y", "Y")
    assert "off and on again" in text and "opened, proven after" in text
    assert "closed, proven after" in text and "Relay test passed" in text and d.place.mask() == 1
    d = branch(closed=False)
    assert "on and off again" in d.answers("TST", "Y", "Y") and not d.place.closed
    assert [k[1] for k in d.place.moves] == [1, 0]


def test_no_other_page_drives():
    d = desk("2")
    for line in ("MET", "MET E", "SER", "HIS", "EVE", "STA S", "TAR", "COM", "SHO", "DAT", "TIM",
                 "EXP E310", "ERR", "TRI", "SET un_dv 2400", "SAV", "N", "REV", "CON M", "", "",
                 "CON", "\x03", "CAL", "\x03", "MAI", "Y", "N", "PAS B", "secret", "other", "ACC",
                 "HEL", "CSTA S", "CTAR"):
        d.say(line)
        d.run(100)
    assert d.place.drives == [] and d.events("HAND") == [] and d.unit.order == ""


def test_units_without_a_switch_say_so():
    from tests.unit.box import Box
    from tests.unit.mast import Mast
    for place in (Box().started(), Mast().started()):
        d = Desk(place).level("B")
        for word in MOVING:
            assert "E311" in d.text(word) and d.stands() == "==>"
