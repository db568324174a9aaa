"""EXP, ERR: what a code, an event or a setting means, and the last errors with their remedy."""
from micropython import const

from acu.console.session import Abort

_ROWS = const(10)

# E1xx and E2xx carry their remedy themselves; these explain what stands in events and answers.
_CODES = """
E101 to E118|A setting is refused: the sentence names it, its bounds and the remedy. See SHO.
E180 to E185|Protection of a recloser: two settings contradict each other. The sentence says which.
E190 to E194|Synchronism check: settings contradict each other, or IEEE 1547. The sentence says.
E160 to E169|Calibration: what the reference, a record or the wiring has that cannot be.
E420 to E423|Dispatch table: none, other version, damaged, other plant. See slvg flash --policy.
E196 to E199|A microgrid's settings contradict each other. The sentence says which. See SHO.
E500 to E509|Automatic reclosing: settings contradict each other. The sentence says which.
E301 to E308|The console: command, level, form, no controller, cancelled, fault of a page, memory.
E310|A closing was refused by the gate at the moment of driving. The sentence says why.
E311|There is no such thing in this unit: another role has it.
E312 to E314|The switch by hand: switch on REMOTE, busy, contact did not follow.
E330 to E332|Passwords: wrong, locked after three, not usable. Forgotten: hold the recovery button.
E351|The image has no hard timers: flash MicroPython 1.26 or later.
E360 to E365|The start: no slot, a new firmware given up, safe mode, files damaged.
E370|No settings yet. CON makes them, or slvg flash --settings.
E371|A driver refused its pins or its chip. Check pins.py, wiring and supply of the converter.
E380 to E385|The store: full, I/O error, damaged record, settings of another version.
"""
# (event, what it means, remedy)
_EVENTS = """
ADC_BAD|A channel is not believed: 1 frozen 2 clipped 3 stale 4 implausible|Its wires and supply
SELFTEST|ok=0: it failed; bits converter relays store clock memory drivers|STA
OVERRUN|Samples were lost: something held the CPU for long|If it goes on: STA S
STUCK|A contact did not move|Prove dead, inspect the relay, then LOC 0
LOCKOUT|Nothing closes until somebody has looked at the switch|Inspect, then LOC 0
REFUSED|gate: 1 unarmed 2 locked 3 contact 4 measurement 5 supply 6 load; from 7: EXP SYNC|MET, STA
SYNC|Gates 7 synchronism 8 spring, trip or battery 9 tag 10 local 11 contacts contradict|SYN D, TAR
FAST_DEAD|The 5 ms tick stood still|The unit restarts by itself; tell its maker
FATAL|The last run ended by an error|STA shows it; tell its maker
FELL_BACK|A new firmware did not become good|Flash again; STA
STORE|The flash refused: 380 full, 381 I/O error|EVE, then remove records; replace the board
LOST_REC|Both slots of a record are damaged|The counters begin anew
SENSOR|A temperature sensor does not answer|Its wires and its pull-up
FAST_GAP|Ticks came late (ESP32)|Less load, or an RP2040 board
DROPPED|Messages were not accepted|Clock and keys of the sender
PASSWORD|Wrong passwords at the console|Who was it?
CAL|ok=0: a calibration record was refused|CAL
REGISTERS|The energy registers were damaged or another meter's|They begin at 0
ABORTED|A sequence was cut by a reset or a trip|SER around it
VT|Supervision of a recloser's voltage transformers has found something|SYN, then SYN R
POSITION|52a and 52b are both alike: no position|Contacts, wires; nothing closes meanwhile
RECL_LOCK|Automatic reclosing is locked out. cause, shot and detail: events.md|REC, then REC R
PAI|A separator opened: 1 voltage 2 change of frequency 3 angle jump 4 the other one did|ISL, SYN
ISL|0 grid 1 island 2 grid is back 3 waits for the check 4 closed again 5 out of the scheme|ISL
GEN|Machines that the island trips, its load, what is left|ISL shows them
GEN_FAIL|A machine does not obey; g=-1: none tripped, 1 load not known 2 no whole island|ISL, link
GRANT|Another recloser of the loop may close|ISL
MG_START|Which policy dispatches; if not the wanted one, its table is missing or unfit|MG
MG_POLICY|Another policy decides|No clock, or a load that no table knows: TIM, MG
MG_STALE|PV or load not believed: 1 set-points held 2 diesel follows load|STA
MG_STORE|A store: 0 back 1 impossible charge 2 silent 3 not ready|Its gauge, link and supply; COM
MG_DIESEL|Diesel set: 2 did not start 3 stopped by itself 4 is tried again|Fuel, battery, its alarm
MG_PNS|Load is left out: nothing more delivers|MG shows what could; less load
MG_STOP|The stop chain is open: all is released|Whoever opened it closes it
TAMP|Measured at the post is not the sum of the customers|Losses, unmetered load or theft
"""


def _lines(text):
    at = 1
    while at < len(text):
        end = text.find("\n", at)
        yield text[at:end].split("|")
        at = end + 1


def run(session, word, words):
    if word == "ERR":
        yield from _errors(session, words)
    else:
        yield from _explain(session, words)


def _explain(session, words):
    if len(words) != 1:
        raise Abort("E304 EXP: takes one code, event or setting, as EXP E310 or EXP STUCK.")
    name = words[0].upper()
    found = False
    if name[:1] == "E" and name[1:].isdigit():
        for row in _lines(_CODES):
            low, _, high = row[0].partition(" to ")
            if low <= name <= (high or low):
                yield "%s: %s" % (row[0], row[1])
                found = True
    for row in _lines(_EVENTS):
        if row[0] == name:
            yield "%s: %s. Remedy: %s." % (row[0], row[1], row[2])
            found = True
    from acu import events
    for number in events.TABLE:
        spec = events.TABLE[number].split(" ")
        if spec[0] == name:
            yield "Event %d %s" % (number, events.TABLE[number])
            found = True
    from acu import config
    key = words[0].lower()
    rule = None
    for role in (session.unit.cfg.get("role"), "meter", "recloser", "microgrid"):
        try:
            rule = rule or config.rule_of(role, key)
        except ImportError:         # a board has only what its roles need
            pass
    if rule:
        if isinstance(rule, tuple) and not isinstance(rule[0], str):
            yield "Setting %s: default %d, %d to %d %s" % (
                key, rule[0], rule[1], rule[2], config.unit(key))
        else:
            yield "Setting %s: see SHO %s" % (key, key)
        found = True
    if not found:
        raise Abort("E304 EXP: %s is not known here. The manual: docs/console.md, settings.md, "
                    "events.md." % words[0])


def _errors(session, words):
    from acu.primitives import history
    from acu.primitives.recording import iso, told
    most = int(words[0]) if words and words[0].isdigit() else _ROWS
    unit = session.unit
    session.form = "%-24s %-40s %s"
    if unit.complaint:
        for line in unit.complaint.split("\n"):
            yield ("now", line, "")
    if unit.fatal:
        yield ("last run", session.fatal(), "tell its maker")
    if unit.store.failed:
        yield ("now", unit.store.complaint(), "")
    names = {}
    for row in _lines(_EVENTS):
        names[row[0]] = row
    shown = 0
    for row in history.newest(unit.acu and unit.acu.log, unit.store):
        text = told(row)
        name = text.split(" ")[0]
        known = names.get(name)
        if known is None or name in ("SELFTEST", "CAL") and row[3]:
            yield None
            continue
        yield (iso(row[1]), text + ": " + known[1], "Remedy: " + known[2])
        shown += 1
        if shown >= most:
            return
    if not shown and not session.twin:
        yield "No errors are stored."
