"""The supervisory centre's view of one smart circuit: the panel of spec smartlvgrid, section 12.

Fed with every message that the Coordinator publishes on the MAN. It knows nothing else: what it
shows is what an operator of the utility would see. Nothing is shown before the first complete
`tele`.
"""
from dataclasses import dataclass, field

from acu import messages
from host_sim.scenario.schema import PHASES

LAMPS = ("OK", "OUT", "RES", "PAR")
# Sequence numbers wrap at 2^16; one that is less than this behind the newest is old, else a
# restart's.
_BEHIND = 4096


@dataclass
class Op:
    """The last word about one Operator. phase 0..2 or None; on 1, 0 or None: not known."""

    phase: int | None = None
    on: int | None = None
    s_va: int | None = None

    def mark(self) -> str:
        if self.on is None or self.phase is None:
            return "?"
        return PHASES[self.phase] if self.on else "-"


@dataclass
class _Pages:
    """A `tele` under way: pages seen and the Operators that they list."""

    t0_ms: int
    seen: set = field(default_factory=set)
    ops: dict = field(default_factory=dict)


class Scc:
    def __init__(self, sc: str):
        self.sc = sc
        self.lamp = ""                   # one of LAMPS; '' before the first complete tele
        self.online = True               # last will of the Coordinator not seen
        self.ops: dict[str, Op] = {}
        self.tp: dict = {}               # body of the post's `meas` in the last complete tele
        self.n_ok = 0
        self.n_all = 0
        self.dropped = 0                 # malformed or foreign messages
        self._pages: _Pages | None = None
        self._newest: tuple[int, int] | None = None   # (n, ts)

    def on_message(self, t_us: int, topic: str, payload: bytes) -> bool:
        """One message of slvg/1/man/<sc>/...; True if what the panel shows may have changed."""
        parts = topic.split("/")
        if parts[:4] != ["slvg", "1", "man", self.sc]:
            self.dropped += 1
            return False
        if parts[4:] == ["st"]:
            before = self.online
            self.online = payload not in (b"", b"0", b"offline")
            return self.online != before
        msg = messages.decode(payload)
        if msg is None or parts[4:] != ["up", msg["t"]]:
            self.dropped += 1
            return False
        if self._is_old(msg["n"], msg["ts"]):
            return False
        if msg["t"] == "tele":
            return self._on_tele(msg["b"])
        if msg["t"] == "outage" and self.lamp:
            self.lamp = "OUT"  # at once; the marks stay: they show the last known connection
            return True
        return False

    def _is_old(self, n: int, ts: int) -> bool:
        """A late or repeated message must not turn the panel back. A clock that was set back has
        a newer n, a restarted Coordinator a newer ts."""
        if self._newest is not None:
            behind = (self._newest[0] - n) & 0xFFFF
            if 0 < behind < _BEHIND and ts <= self._newest[1]:
                return True
        self._newest = (n, ts)
        return False

    def _on_tele(self, body: dict) -> bool:
        if self._pages is None or self._pages.t0_ms != body["t0"]:
            self._pages = _Pages(body["t0"])
        self._pages.seen.add(body["pg"])
        for entry in body["ops"]:
            op = _op(entry)
            if op is not None:
                self._pages.ops[entry[0]] = op
        if len(self._pages.seen) < body["pgs"]:
            return False
        listed = self._pages.ops
        self._pages = None
        for name in {*self.ops, *listed}:
            last = self.ops.get(name, Op())
            # one that did not answer keeps its place, and its last phase for the drawing
            self.ops[name] = listed.get(name) or Op(last.phase)
        self.tp = body["tp"]
        self.n_ok, self.n_all = body["n_ok"], body["n_all"]
        if 0 <= body["st"] < len(LAMPS):
            self.lamp = LAMPS[body["st"]]
        return True

    def members(self) -> list[tuple[str, Op]]:
        """Operators in the order of the panel's rows and of the short form."""
        return sorted(self.ops.items())

    def short(self) -> str:
        """'OK A B A': lamp, then a mark each; '-' disconnected, '?' not known; '' nothing yet."""
        if not self.lamp:
            return ""
        return " ".join([self.lamp, *(op.mark() for _, op in self.members())])

    def long(self) -> str:
        """'Cd:OK  EU1:A EU2:B EU3:A'."""
        if not self.lamp:
            return ""
        marks = " ".join(f"{name.upper()}:{op.mark()}" for name, op in self.members())
        return f"Cd:{self.lamp}  {marks}"


def _op(entry) -> Op | None:
    """One row of `ops`, [id, phase, on, s_VA]; None if it has not that form."""
    if not isinstance(entry, list) or len(entry) != 4 or not isinstance(entry[0], str):
        return None
    _, phase, on, s_va = entry
    return Op(phase if phase in range(3) else None, on if on in (0, 1) else None,
              s_va if isinstance(s_va, int) else None)
