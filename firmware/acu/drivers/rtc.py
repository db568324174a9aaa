"""The chip's real-time clock, as Unix time in ms. Loaded when it is read (once, at the start) or
set, then forgotten. It is spoken to in dates, which mean the same whatever the chip's epoch is.
"""
import machine

from acu.primitives.recording import iso


def days(year, month, day):
    """Days since 1970-01-01 (proleptic Gregorian calendar)."""
    if month <= 2:
        year -= 1
        month += 12
    return (365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5
            + day - 719_469)


def read():
    year, month, day, _, h, m, s, _ = machine.RTC().datetime()
    return days(year, month, day) * 86_400_000 + (h * 3600 + m * 60 + s) * 1000


def write(utc_ms):
    text = iso(utc_ms)                  # 2026-03-01T06:00:20.231Z
    part = [int(text[k:k + 2]) for k in (2, 5, 8, 11, 14, 17)]
    machine.RTC().datetime((2000 + part[0], part[1], part[2], 0, part[3], part[4], part[5], 0))
