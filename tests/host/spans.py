"""Numbers that are ranges, to prove what a viper kernel can reach: its own source runs over them.

A Span is a polynomial of at most second degree in symbols, each anywhere in a range of its own
(one code of the ring, one entry of a table), and the range it can reach. So sum(x x) - 4096 sum(x)
is known as what it is and not as the difference of two ranges. Every step must stay inside 32 bits
or OverflowError says which; uint() is modulo 2^32 by declaration. A comparison that the ranges do
not decide asks `decide` and narrows both sides accordingly: a run proves one path, for all codes
that take it. What was read at an index that is a range is any cell of that range.
"""
import ast
import itertools
from collections.abc import Callable, Iterable

LOW, HIGH = -(1 << 31), (1 << 31) - 1


def _alternate() -> Callable[[], bool]:
    turns = itertools.cycle((True, False))
    return lambda: next(turns)


class Spans:
    """The symbols and the decisions of one run. parts: the symbol of a quotient, what was divided
    and by what, so that x - x // d * d is known as the rest."""

    ranges: list[tuple[int, int]] = []
    parts: dict[int, tuple["Span", int]] = {}
    decide: Callable[[], bool] = _alternate()


def span(lo: int, hi: int) -> "Span":
    """A value anywhere in lo..hi that nothing else depends on."""
    if lo == hi:
        return Span({}, lo, lo, lo)
    Spans.ranges.append((lo, hi))
    return Span({(len(Spans.ranges) - 1,): 1}, 0, lo, hi)


def _of(value) -> "Span":
    return value if isinstance(value, Span) else Span({}, value, value, value)


def _one_symbol(terms: dict, lo: int, hi: int, s: int) -> tuple[int, int]:
    """Range of a s s + b s for whole s in lo..hi."""
    a, b = terms.get((s, s), 0), terms.get((s,), 0)
    places = [lo, hi]
    if a:
        places += [p for p in (-b // (2 * a), -b // (2 * a) + 1) if lo < p < hi]
    reached = [a * p * p + b * p for p in places]
    return min(reached), max(reached)


def _component(terms: dict) -> tuple[int, int]:
    """Range of the terms of symbols that hang together."""
    symbols = sorted({s for key in terms for s in key})
    if len(symbols) == 1:
        return _one_symbol(terms, *Spans.ranges[symbols[0]], symbols[0])
    if len(symbols) <= 4 and all(len(set(key)) == len(key) for key in terms):
        reached = []                # linear in each: the extremes are at the corners
        for corner in itertools.product(*(Spans.ranges[s] for s in symbols)):
            at = dict(zip(symbols, corner, strict=True))
            total = 0
            for key, factor in terms.items():
                for s in key:
                    factor *= at[s]
                total += factor
            reached.append(total)
        return min(reached), max(reached)
    low = high = 0
    for key, factor in terms.items():
        reached = [factor]
        for s in key:
            reached = [r * end for r in reached for end in Spans.ranges[s]]
        square = len(key) == 2 and key[0] == key[1] and Spans.ranges[key[0]][0] < 0
        low += min([*reached, 0] if square else reached)
        high += max([*reached, 0] if square else reached)
    return low, high


def _reach(terms: dict) -> tuple[int, int]:
    """Range of a polynomial: the sum of those of its independent parts."""
    home: dict[int, list] = {}
    for key in terms:
        keys = [key]
        for part in {id(home[s]): home[s] for s in key if s in home}.values():
            keys += part
        for s in {s for k in keys for s in k}:
            home[s] = keys
    low = high = 0
    for part in {id(keys): keys for keys in home.values()}.values():
        lo, hi = _component({key: terms[key] for key in part})
        low, high = low + lo, high + hi
    return low, high


def _fits(value: "Span", what: str) -> "Span":
    if value.lo < LOW or value.hi > HIGH:
        raise OverflowError(f"{what}: {value.lo}..{value.hi} leaves 32 bits")
    return value


class Span:
    """See the module. Immutable but for lo and hi, which a decision may narrow."""

    __slots__ = ("const", "hi", "lo", "symbols", "terms")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, terms: dict, const: int, lo: int, hi: int, symbols=None):
        self.terms, self.const, self.lo, self.hi = terms, const, lo, hi
        self.symbols = {s for key in terms for s in key} if symbols is None else symbols

    def __repr__(self):
        return f"{self.lo}..{self.hi}"

    def _with(self, other, sign: int, what: str) -> "Span":
        other = _of(other)
        terms = dict(self.terms)
        for key, factor in other.terms.items():
            terms[key] = terms.get(key, 0) + sign * factor
        const = self.const + sign * other.const
        ends = (other.lo, other.hi) if sign > 0 else (-other.hi, -other.lo)
        lo, hi = self.lo + ends[0], self.hi + ends[1]
        rest = self._rest(other) if sign < 0 else 0
        if rest:
            return span(0, rest - 1)
        if not self.symbols.isdisjoint(other.symbols):
            terms = {key: factor for key, factor in terms.items() if factor}
            low, high = _reach(terms)
            lo, hi = max(lo, low + const), min(hi, high + const)
        return _fits(Span(terms, const, lo, hi, self.symbols | other.symbols), what)

    def _rest(self, other: "Span") -> int:
        """The divisor if other is it times the quotient of self by it; else 0."""
        if len(other.terms) == 1 and not other.const:
            (key, factor), = other.terms.items()
            divided, by = Spans.parts.get(key[0], (None, 0))
            if divided is self and factor == by and len(key) == 1:
                return by
        return 0

    def __add__(self, other):
        if isinstance(other, Place):
            return other + self
        return self._with(other, 1, "sum")

    def __sub__(self, other):
        return self._with(other, -1, "difference")

    def __rsub__(self, other):
        return _of(other) - self

    def __neg__(self):
        return _of(0) - self

    def __mul__(self, other):
        other = _of(other)
        ends = [a * b for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
        lo, hi = min(ends), max(ends)
        few = len(self.terms) <= 4 and len(other.terms) <= 4
        if not self.terms or not other.terms or few:
            terms: dict = {}
            for one, a in ((*self.terms.items(), ((), self.const))):
                for two, b in ((*other.terms.items(), ((), other.const))):
                    key = tuple(sorted(one + two))
                    terms[key] = terms.get(key, 0) + a * b
            const = terms.pop((), 0)
            terms = {key: factor for key, factor in terms.items() if factor}
            if all(len(key) <= 2 for key in terms):
                low, high = _reach(terms)
                return _fits(Span(terms, const, max(lo, low + const), min(hi, high + const)),
                             "product")
        return _fits(span(lo, hi), "product")

    __radd__, __rmul__ = __add__, __mul__

    def __lshift__(self, other):
        return _fits(self * (1 << int(other)), "shift")

    def __rlshift__(self, other):
        return _of(other) << self

    def __rshift__(self, other):
        places = _of(other)
        ends = [e >> p for e in (self.lo, self.hi) for p in (places.lo, places.hi)]
        return span(min(ends), max(ends))

    def __rrshift__(self, other):
        return _of(other) >> self

    def __and__(self, other):
        other = _of(other)
        if self.lo == self.hi and other.lo == other.hi:
            return _of(self.lo & other.lo)
        if other.lo == other.hi and self.lo >= 0 and not self.hi & ~other.lo:
            if self.hi <= other.lo and not other.lo & other.lo + 1:
                return self
        if self.lo < 0 and other.lo < 0:
            return span(LOW, HIGH)
        tops = [side.hi for side in (self, other) if side.lo >= 0]
        return span(0, min(tops))

    def __or__(self, other):
        other = _of(other)
        if self.lo == self.hi and other.lo == other.hi:
            return _of(self.lo | other.lo)
        if self.lo < 0 or other.lo < 0:
            return span(LOW, HIGH)
        return span(max(self.lo, other.lo), (1 << (self.hi | other.hi).bit_length()) - 1)

    def __xor__(self, other):
        other = _of(other)
        if self.lo == self.hi and other.lo == other.hi:
            return _of(self.lo ^ other.lo)
        if self.lo < 0 or other.lo < 0:
            return span(LOW, HIGH)
        return span(0, (1 << (self.hi | other.hi).bit_length()) - 1)

    __rand__, __ror__, __rxor__ = __and__, __or__, __xor__

    def __floordiv__(self, other):
        other = _of(other)
        if other.lo <= 0:
            raise ZeroDivisionError(f"{self} // {other}")
        ends = [a // b for a in (self.lo, self.hi) for b in (other.lo, other.hi)]
        quotient = span(min(ends), max(ends))
        if other.lo == other.hi and quotient.terms:
            Spans.parts[len(Spans.ranges) - 1] = (self, other.lo)
        return quotient

    def _below(self, other, gap: int) -> bool:
        """self + gap <= other, decided as the comparison is written, and then known of both."""
        other = _of(other)
        if self.hi + gap <= other.lo:
            return True
        if self.lo + gap > other.hi:
            return False
        if Spans.decide():
            self.hi = min(self.hi, other.hi - gap)
            other.lo = max(other.lo, self.lo + gap)
            return True
        self.lo = max(self.lo, other.lo - gap + 1)
        other.hi = min(other.hi, self.hi + gap - 1)
        return False

    def __lt__(self, other):
        return self._below(other, 1)

    def __le__(self, other):
        return self._below(other, 0)

    def __gt__(self, other):
        return _of(other)._below(self, 1)

    def __ge__(self, other):
        return _of(other)._below(self, 0)

    def __eq__(self, other):
        other = _of(other)
        if self.lo == self.hi == other.lo == other.hi:
            return True
        if self.hi < other.lo or other.hi < self.lo:
            return False
        return Spans.decide()

    def __ne__(self, other):
        return not self == other

    def __bool__(self):
        return self != 0

    def __int__(self):
        if self.lo != self.hi:
            raise TypeError(f"{self} must be one number here")
        return self.lo


class Modular:
    """viper's uint: wraps by declaration, so nothing is known of it."""

    def _any(self, _other):
        return Modular()

    __add__ = __sub__ = __mul__ = __lshift__ = _any


class Cells:
    """A buffer of `width` bytes a cell; each cell anywhere in lo..hi until it is written."""

    def __init__(self, width: int, n: int, lo: int = 0, hi: int = 0):
        self.width = width
        self.values = [span(lo, hi) for _ in range(n)]
        self.written: set[int] = set()

    @classmethod
    def of(cls, width: int, values: Iterable) -> "Cells":
        one = cls(width, 0)
        one.values = [_of(value) for value in values]
        return one

    def hull(self) -> tuple[int, int]:
        return min(v.lo for v in self.values), max(v.hi for v in self.values)


class Place:
    """int(pointer)."""

    def __init__(self, cells: Cells, offset: int):
        self.cells, self.offset = cells, offset

    def __add__(self, other):
        return Place(self.cells, self.offset + int(other))

    def __sub__(self, other):
        return Place(self.cells, self.offset - int(other))

    __radd__ = __add__


class Pointer:
    width = 0

    def __init__(self, of: "Cells | Place | Pointer"):
        self.cells = of if isinstance(of, Cells) else of.cells
        self.offset = 0 if isinstance(of, Cells) else of.offset
        if self.cells.width != self.width or self.offset % self.width:
            raise TypeError(f"{8 * self.width} bits at {self.offset} of {8 * self.cells.width}")

    def _places(self, index) -> range:
        index = _of(index)
        at = self.offset // self.width
        if index.lo + at < 0 or index.hi + at >= len(self.cells.values):
            raise IndexError(f"place {at} + {index} of {len(self.cells.values)}")
        return range(index.lo + at, index.hi + at + 1)

    def __getitem__(self, index):
        values = [self.cells.values[k] for k in self._places(index)]
        if len(values) == 1:
            return values[0]
        return span(min(v.lo for v in values), max(v.hi for v in values))

    def __setitem__(self, index, value):
        value, places = _of(value), self._places(index)
        low, high = (LOW, HIGH) if self.width == 4 else (0, (1 << 8 * self.width) - 1)
        if value.lo < low or value.hi > high:
            raise OverflowError(f"store of {value} in {8 * self.width} bits")
        for k in places:
            old = self.cells.values[k]
            self.cells.values[k] = value if len(places) == 1 else span(
                min(old.lo, value.lo), max(old.hi, value.hi))
            self.cells.written.add(k)


class Pointer8(Pointer):
    width = 1


class Pointer16(Pointer):
    width = 2


class Pointer32(Pointer):
    width = 4


def _int(value):
    if isinstance(value, Pointer):
        return Place(value.cells, value.offset)
    return span(LOW, HIGH) if isinstance(value, Modular) else value


def run(module, function: str, *args, decide: Callable[[], bool] | None = None):
    """Runs the function's source over Spans and Cells; the answer, a Span or None.

    OverflowError where a step leaves 32 bits; ValueError where a word that leaves the kernel (a
    result, a stored word) is not below 2^30 in magnitude: on a board it would become an object.
    """
    with open(module.__file__, encoding="utf-8") as file:
        tree = ast.parse(file.read())
    node = next(n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == function)
    node.decorator_list, node.returns = [], None
    kinds = [getattr(arg.annotation, "id", "int") for arg in node.args.args]
    for arg in node.args.args:
        arg.annotation = None
    space = {**vars(module), "int": _int, "uint": lambda value: Modular(), "ptr8": Pointer8,
             "ptr16": Pointer16, "ptr32": Pointer32}
    exec(compile(ast.Module([node], []), module.__file__, "exec"), space)  # noqa: S102
    Spans.decide = decide or _alternate()
    given = [space[kind](arg) if kind.startswith("ptr") else _of(arg)
             for kind, arg in zip(kinds, args, strict=True)]
    result = space[function](*given)
    leaving = [("result", _of(result or 0))]
    for k, arg in enumerate(args):
        if isinstance(arg, Cells):
            leaving += [(f"argument {k}[{at}]", arg.values[at]) for at in sorted(arg.written)]
    for what, value in leaving:
        if value.lo <= -(1 << 30) or value.hi >= 1 << 30:
            raise ValueError(f"{function} {what}: {value} is not below 2^30")
    return result
