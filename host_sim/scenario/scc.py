"""The supervisory centre's view of one smart circuit: the panel of spec smartlvgrid, section 12.

Fed with every message that the Coordinator publishes on the MAN. It knows nothing else: what it
shows is what an operator of the utility would see. Nothing is shown before the first complete
`tele`.
"""
from dataclasses import dataclass, field

from acu import messages
from host_sim.scenario.schema import PHASES

LAMPS = ("OK", "OUT", "RES", "PAR")
MARKS_MAX = 16    # customers that the short form lists one by one; of more it counts them
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
class Branch:
    """The last word about one branch: on 1 or 0; silent: its Sub-Coordinator is not heard."""

    on: int
    silent: int
    s_va: int | None = None

    def mark(self) -> str:
        return "?" if self.silent else "+" if self.on else "-"


@dataclass
class _Pages:
    """A `tele` under way: pages seen, the Operators and branches that they list."""

    t0_ms: int
    seen: set = field(default_factory=set)
    ops: dict = field(default_factory=dict)
    branches: dict = field(default_factory=dict)


class Scc:
    def __init__(self, sc: str):
        self.sc = sc
        self.lamp = ""                   # one of LAMPS; '' before the first complete tele
        self.online = True               # last will of the Coordinator not seen
        self.ops: dict[str, Op] = {}
        self.branches: dict[str, Branch] = {}
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
            self.online = payload[:1] not in (b"", b"0")    # "0 BOOT" is its last will
            return self.online != before
        msg = messages.decode(payload)
        if msg is None or parts[4:] != ["up", msg["t"]]:
            self.dropped += 1
            return False
        if self._is_old(msg["n"], msg["ts"]) and not self._is_missing_page(msg):
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

    def _is_missing_page(self, msg: dict) -> bool:
        """Pages of one `tele` may overtake each other."""
        return (msg["t"] == "tele" and self._pages is not None
                and msg["b"]["t0"] == self._pages.t0_ms)

    def _on_tele(self, body: dict) -> bool:
        if self._pages is None or self._pages.t0_ms != body["t0"]:
            self._pages = _Pages(body["t0"])
        self._pages.seen.add(body["pg"])
        for entry in body["ops"]:
            op = _op(entry)
            if op is not None:
                self._pages.ops[entry[0]] = op
        for entry in body.get("br", ()):
            branch = _branch(entry)
            if branch is not None:
                self._pages.branches[entry[0]] = branch
        if len(self._pages.seen) < body["pgs"]:
            return False
        listed = self._pages.ops
        self.branches = self._pages.branches
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
        """'OK A B A': lamp, then a mark each; '-' disconnected, '?' not known; '' nothing yet. Of
        more than MARKS_MAX customers how many have each mark, 'OK A9 B8 C7'; then the branches
        that are not closed, 's2-' (open), or silent, 's2?'."""
        if not self.lamp:
            return ""
        marks = [op.mark() for _, op in self.members()]
        if len(marks) > MARKS_MAX:
            counts = {mark: marks.count(mark) for mark in (*PHASES, "-", "?")}
            marks = [f"{mark}{n}" for mark, n in counts.items() if n or mark in PHASES]
        open_ = [name + branch.mark() for name, branch in sorted(self.branches.items())
                 if branch.mark() != "+"]
        return " ".join([self.lamp, *marks, *open_])

    def long(self) -> str:
        """'Cd:OK  EU1:A EU2:B EU3:A'; of many customers the branches, and who is not connected."""
        if not self.lamp:
            return ""
        members = self.members()
        if len(members) > MARKS_MAX:
            off = [(name, op) for name, op in members if op.mark() not in PHASES]
            more = f" and {len(off) - MARKS_MAX} more" if len(off) > MARKS_MAX else ""
            members = off[:MARKS_MAX]
        else:
            more = ""
        words = [f"{name.upper()}:{branch.mark()}"
                 for name, branch in sorted(self.branches.items())]
        words += [f"{name.upper()}:{op.mark()}" for name, op in members]
        return f"Cd:{self.lamp}  {' '.join(words)}{more}"


def _op(entry) -> Op | None:
    """One row of `ops`, [id, phase, on, s_VA]; None if it has not that form."""
    if not isinstance(entry, list) or len(entry) != 4 or not isinstance(entry[0], str):
        return None
    _, phase, on, s_va = entry
    return Op(phase if phase in range(3) else None, on if on in (0, 1) else None,
              s_va if isinstance(s_va, int) else None)


def _branch(entry) -> Branch | None:
    """One row of `br`, [id, on, silent, s_VA]; None if it has not that form."""
    if not isinstance(entry, list) or len(entry) != 4 or not isinstance(entry[0], str):
        return None
    _, on, silent, s_va = entry
    if on not in (0, 1) or silent not in (0, 1):
        return None
    return Branch(on, silent, s_va if isinstance(s_va, int) else None)
