"""MAI, DAT, TIM: maintenance, date and time."""
from acu import events as ev
from acu import forget
from acu.console.session import Abort

_DAY_MS = 86_400_000


def run(session, word, words):
    if word == "MAI":
        yield "Measuring and protecting stop, no coil is energised, contacts stay where they are."
        yield from session.sure("Reset into maintenance", "Are you sure")
        session.unit.request_maintenance()
        yield "Maintenance: resetting now."
        return
    from acu.primitives.recording import iso
    unit = session.unit
    acu = unit.acu
    utc_ms = acu.sync.utc_ms(session.now_ms) if acu else unit.clock.utc_ms()
    if not words:
        text = iso(utc_ms)
        yield (text[:10] if word == "DAT" else text[11:19]) + " UTC" + (
            "" if acu and acu.sync.synchronised(session.now_ms) else ", not synchronised")
        return
    if session.level < 3:
        raise Abort("E302 %s: setting it needs level 2. Type 2AC first." % word)
    if word == "DAT":
        utc_ms = _days(words[0]) * _DAY_MS + utc_ms % _DAY_MS
    else:
        utc_ms = utc_ms // _DAY_MS * _DAY_MS + _clock(words[0])
    if not unit.clock.set_utc(utc_ms):
        raise Abort("E304 %s: outside 2000 to 2099. Give a date of this century." % word)
    if acu:         # its events and messages go by it from now on; it is no synchronised time
        session.log(ev.TIME_SET, acu.sync.set_by_hand(session.now_ms, utc_ms))
    yield iso(utc_ms) + " is set."


def _numbers(text, mark, form):
    parts = text.split(mark)
    if len(parts) != 3 or not all([one.isdigit() for one in parts]):
        raise Abort("E304 time: %s is none. Write %s." % (text, form))
    return [int(one) for one in parts]


def _clock(text):
    h, m, s = _numbers(text, ":", "hh:mm:ss")
    if h > 23 or m > 59 or s > 59:
        raise Abort("E304 TIM: %s is none. Write hh:mm:ss, up to 23:59:59." % text)
    return ((h * 60 + m) * 60 + s) * 1000


def _days(text):
    """Since 1970-01-01."""
    year, month, day = _numbers(text, "-", "yyyy-mm-dd")
    leap = year % 4 == 0 and (year % 100 or year % 400 == 0)
    if not 2000 <= year <= 2099 or not 1 <= month <= 12 or not 1 <= day <= (
            31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)[month - 1]:
        raise Abort("E304 DAT: %s is none. Write yyyy-mm-dd, of 2000 to 2099." % text)
    from acu.drivers import rtc
    days = rtc.days(year, month, day)
    forget("acu.drivers.rtc")
    return days
