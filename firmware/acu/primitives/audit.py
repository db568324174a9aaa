"""CSF-1, who asked what from afar and what became of it.

Only where there are keys, so that who asked is who was authentic. A command becomes a row of the
store (audit_file.py) with its answer, or without one when none was given in time; console/com.py
shows it, nothing here decides.
"""
from micropython import const

from acu import forget
from acu.ports import FOREVER_MS

_OPEN = const(4)            # commands that wait for their answer
_ANSWER_MS = const(15_000)
NONE = const(-1)

_AT_MS = const(0)
_C = const(3)
_E = const(4)
_DONE = const(7)


class Audit:
    def __init__(self, store):
        self._store = store
        self._rows = []             # [at_ms, utc_ms, k, c, e, src, t, done]
        self.unsaved = False        # one is done and not stored

    def ordered(self, now_ms, utc_ms, msg):
        if len(self._rows) >= _OPEN:
            self._rows[0][_DONE] = self.unsaved = True
        self._rows.append([now_ms, utc_ms, msg["k"], msg["c"] & 0xFFFF, NONE, msg["s"], msg["t"],
                           False])

    def answered(self, c, e):
        for row in self._rows:
            if row[_C] == c and not row[_DONE]:
                row[_E] = e
                row[_DONE] = self.unsaved = True
                return

    def slow(self, now_ms, may_write):
        for row in self._rows:
            if not row[_DONE] and now_ms - row[_AT_MS] > _ANSWER_MS:
                row[_DONE] = self.unsaved = True
        if self.unsaved and may_write:
            from acu.primitives import audit_file
            audit_file.append(self._store, [row[1:_DONE] for row in self._rows if row[_DONE]])
            forget("acu.primitives.audit_file")
            self._rows = [row for row in self._rows if not row[_DONE]]
            self.unsaved = False

    def rest_ms(self, now_ms):
        if self.unsaved:
            return 0
        return self._rows[0][_AT_MS] + _ANSWER_MS + 1 - now_ms if self._rows else FOREVER_MS
