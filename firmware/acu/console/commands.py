"""The one table of commands: docs/console.md, the help and the host's completion come from it.

A page for another command is one line here and a module with run(session, word, words), a
generator (session.py says what it may yield). As one text it takes a third of the RAM of tuples;
it stays loaded as long as somebody is logged in or types.
"""
from micropython import const

LEVELS = "01B2"

NAME = const(0)
LEVEL = const(1)       # least level, as a place in LEVELS
TWIN = const(2)        # "C": it has a comma-separated twin
PAGE = const(3)        # module of acu.console; "-": the session itself
USAGE = const(4)
HELP = const(5)

TABLE = """
HEL|0||-|HEL [command]|What there is at this level, or how a command is written
ACC|0||access|ACC|Level 1: reading
BAC|1||access|BAC|Level B: operating the switch
2AC|0||access|2AC|Level 2: settings, calibration, maintenance
QUI|0||-|QUI|Log out
VER|0|C|status|VER|Version, board, who this is
MET|1|C|met|MET [E or D or M or H] [k]|Readings; Energy, Demand, Max and min, Harmonics; k times
SYN|1|C|syn|SYN [D [k] or R]|Synchronism check; Decisions, all of one; Reset of VT alarms
REC|1|C|rec|REC [R]|Automatic reclosing: state, last lock-out, counters; R ends a lock-out
ISL|1|C|isl|ISL|Islanding scheme: duty, state, the others, machines
GRO|1||syn|GRO [0 or 1]|Setting group of the protection; level B changes it
MG|1|C|mg|MG|Microgrid: PV, load, stores, set-points, who decided, EUR
SER|1|C|log|SER [n] [name]|Sequence of events, newest first
HIS|1|C|log|HIS [n]|What switched, tripped or was out, newest first
EVE|1|C|log|EVE [number]|Records of samples: the list; CEVE number: its bytes
STA|1|C|status|STA [S]|Self-test, converter, memory, start; S: all that support needs
TAR|1|C|status|TAR|Targets: each bit of state, 0 or 1
COM|1|C|com|COM [A]|Communication: links, losses, clock; Audit: who asked what
REM|1|C|com|REM [0 or 1]|Commands from afar count (1) or not (0); level B changes it
SHO|1|C|settings|SHO [key]|Settings in force, with bounds
DAT|1||maintain|DAT [yyyy-mm-dd]|Date (UTC); level 2 sets it
TIM|1||maintain|TIM [hh:mm:ss]|Time (UTC); level 2 sets it
EXP|0||explain|EXP code or word|Explains an error, an event or a setting
ERR|1|C|explain|ERR [n]|Last errors with their cause and remedy
TRI|1||log|TRI|Trigger a record of samples
OPE|B||operate|OPE|Open the switch
CLO|B||operate|CLO|Close the switch
PUL|B||operate|PUL [s]|Open the switch for 1 to 30 s, then close it
TST|B||operate|TST|Relay test: moves the switch and back, with times
LOC|B||operate|LOC 0 or 1|Close-block tag: 1 sets it, 0 ends it or a lock-out
SET|2||settings|SET [key [value]]|Change a setting (draft until SAV)
SAV|2||settings|SAV|Store the draft
REV|2||settings|REV|Throw the draft away
CAL|2||commission|CAL|Calibrate from a reference: one point
CON|2||commission|CON [I or M]|Commissioning: Identity, then the Measurement's wiring
PAS|2||access|PAS level|Set the password of level 1, B or 2
MAI|2||maintain|MAI|Restart into maintenance, for mpremote
"""


def rows():
    """The table, a list of its six columns a command."""
    at = 1
    while at < len(TABLE):
        end = TABLE.find("\n", at)
        row = TABLE[at:end].split("|")
        row[LEVEL] = LEVELS.find(row[LEVEL])
        yield row
        at = end + 1


def find(word):
    """(row, is the twin meant) of what was typed; three letters are enough (two are MG), more must
    fit. (None, False): no command."""
    word = word.upper()
    if len(word) < 3 and word != "MG":
        return None, False
    twin = None
    for row in rows():
        if row[NAME] == word[:3]:
            return row, False
        if word[0] == "C" and row[TWIN] and (
                word[1:4] == row[NAME] or twin is None and word[1:4].startswith(row[NAME][:2])):
            twin = row
    return twin, twin is not None
