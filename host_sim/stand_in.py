"""MicroPython's `micropython` module and viper's types for CPython: firmware/ imports unchanged.

install() is called once by host_sim/__init__.py. A function under `@micropython.viper` stays a
plain function; only its code object is exchanged, so that a mode counts at once for functions
that were decorated, imported or stored earlier, and costs nothing per call:

FAST     the body as written, pointers are the arrays themselves: plain Python speed. Bodies that
         compute addresses (`ptr16(int(v) + 8)`) have offsets into the arrays in their place
         (viper_offsets.py), or pointer objects where those will not do. The default.
CHECKED  as the board computes: every pointer is bounds-checked and has its width; every sum,
         product and shift is cut to 32 bits, arguments and results too. With prove=True a step
         that would be cut raises OverflowError instead. Arithmetic on uint() is modulo 2^32 by
         declaration: it never raises. Slow: tests run here.

A pointer or address remembers its buffer, so nothing is registered and nothing leaks. Time,
machine and network are not imitated: firmware gets them from its ports.
"""
import ast
import builtins
import importlib
import inspect
import operator
import os
import pathlib
import struct
import sys
import textwrap
import types
from array import array
from contextlib import contextmanager

from host_sim import viper_offsets

FAST = "fast"
CHECKED = "checked"

_mode = FAST
_prove = False
_vipers = []   # every decorated function, to change its code when the mode changes


def _cut(value, what="value"):
    """A signed 32-bit number, as a register holds it."""
    if -0x80000000 <= value <= 0x7FFFFFFF:
        return value
    if _prove:
        raise OverflowError(f"{what} {value} leaves 32 bits")
    return (value + 0x80000000 & 0xFFFFFFFF) - 0x80000000


class uint(int):
    """Viper's unsigned 32-bit type: arithmetic with it is modulo 2^32."""

    def __new__(cls, value=0):
        return int.__new__(cls, int(value) & 0xFFFFFFFF)


class Address(int):
    """What int(pointer) gives: a number that knows the buffer it points into."""

    def __new__(cls, buffer, offset):
        self = int.__new__(cls, 0x20000000 + offset)
        self.buffer = buffer
        self.offset = offset
        return self


class _Pointer:
    """Base of ptr8, ptr16, ptr32: reads and writes one width, inside its buffer only."""

    __slots__ = ("buffer", "offset", "_view")
    width = 1
    _code = "B"

    def __init__(self, of):
        if isinstance(of, (Address, _Pointer)):
            self.buffer, self.offset = of.buffer, of.offset
        elif isinstance(of, int):
            raise ValueError(f"address {of:#x} is in no buffer: take it from int(pointer)")
        else:
            self.buffer, self.offset = memoryview(of).cast("B"), 0
        if self.offset % self.width:
            raise ValueError(f"{type(self).__name__} at odd address {self.offset}")
        whole = len(self.buffer) // self.width * self.width
        self._view = self.buffer[:whole].cast(self._code)

    def _place(self, index):
        place = self.offset // self.width + index
        if not 0 <= place < len(self._view):
            raise IndexError(f"{type(self).__name__}[{place}] of a buffer of {len(self._view)}")
        return place

    def __int__(self):
        return 0x20000000 + self.offset

    def __getitem__(self, index):
        return self._view[self._place(index)]

    def __setitem__(self, index, value):
        bits = 8 * self.width
        if not -(1 << bits - 1) <= value < 1 << bits:
            if _prove and not isinstance(value, uint):
                raise OverflowError(f"store of {value} leaves {bits} bits")
        value &= (1 << bits) - 1
        if bits == 32 and value > 0x7FFFFFFF:
            value -= 1 << 32
        self._view[self._place(index)] = value


def view(of, code):
    """What a pointer of that type code reads and writes, from its beginning on."""
    if type(of) is array and of.typecode == code:
        return of
    whole = of.buffer[of.offset:] if isinstance(of, (Address, _Pointer)) else memoryview(of)
    whole = whole.cast("B")
    size = struct.calcsize(code)
    return whole[:len(whole) // size * size].cast(code)


class ptr8(_Pointer):
    __slots__ = ()


class ptr16(_Pointer):
    __slots__ = ()
    width = 2
    _code = "H"


class ptr32(_Pointer):
    __slots__ = ()
    width = 4
    _code = "i"


_POINTERS = ("ptr8", "ptr16", "ptr32")
_BINARY = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: operator.mul,
           ast.LShift: operator.lshift, ast.RShift: operator.rshift, ast.BitAnd: operator.and_,
           ast.BitOr: operator.or_, ast.BitXor: operator.xor, ast.FloorDiv: operator.floordiv,
           ast.Mod: operator.mod}


def _binary(name, a, b):
    """One operation of viper. Addresses keep their buffer; uint is modulo; the rest is cut."""
    value = getattr(operator, name)(int(a), int(b))
    if isinstance(a, Address) and name in ("add", "sub"):
        return Address(a.buffer, a.offset + (value - int(a)))
    if isinstance(b, Address) and name == "add":
        return Address(b.buffer, b.offset + int(a))
    if isinstance(a, uint) or isinstance(b, uint):
        return uint(value)
    return _cut(value, f"{name}({int(a)}, {int(b)}) =")


def _negative(a):
    return uint(-a) if isinstance(a, uint) else _cut(-a)


def _to_int(a):
    """int(x) in viper: the address of a pointer, else the same bits as a signed number."""
    if isinstance(a, _Pointer):
        return Address(a.buffer, a.offset)
    return (int(a) + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def _argument(value):
    return _cut(int(value), "argument")


class _Rewrite(ast.NodeTransformer):
    """The source of one viper function as Python that computes like it (full) or only its
    pointers."""

    def __init__(self, full):
        self.full = full
        self.result = None

    def _helper(self, name, *args):
        helper = ast.Attribute(ast.Name("_viper_", ast.Load()), name, ast.Load())
        return ast.Call(helper, list(args), [])

    def function(self, node):
        prologue = []
        for arg in node.args.args:
            kind = getattr(arg.annotation, "id", None)
            name = ast.Name(arg.arg, ast.Load())
            convert = None
            if kind in _POINTERS or kind == "uint":
                convert = ast.Call(ast.Name(kind, ast.Load()), [name], [])
            elif kind == "int" and self.full:
                convert = self._helper("_argument", name)
            if convert:
                prologue.append(ast.Assign([ast.Name(arg.arg, ast.Store())], convert))
        self.result = getattr(node.returns, "id", None)
        first = 1 if ast.get_docstring(node) else 0
        body = [self.visit(line) for line in node.body[first:]]
        node.body = prologue + (body or [ast.Pass()])
        node.decorator_list = []
        return node

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id == "int":
            return self._helper("_to_int", *node.args)
        return node

    def visit_BinOp(self, node):
        self.generic_visit(node)
        # without `full` only additions matter: an address may be on either side
        if not self.full and not isinstance(node.op, (ast.Add, ast.Sub)):
            return node
        name = ast.Constant(_BINARY[type(node.op)].__name__)
        return self._helper("_binary", name, node.left, node.right)

    def visit_AugAssign(self, node):
        left = ast.parse(ast.unparse(node.target), mode="eval").body
        return self.visit(ast.Assign([node.target], ast.BinOp(left, node.op, node.value)))

    def visit_UnaryOp(self, node):
        self.generic_visit(node)
        if self.full and isinstance(node.op, ast.USub):
            return self._helper("_negative", node.operand)
        return node

    def visit_Constant(self, node):
        if type(node.value) is int and node.value > 0x7FFFFFFF:
            return ast.Constant(node.value - 0x100000000)
        return node

    def visit_Return(self, node):
        self.generic_visit(node)
        if self.full and node.value is not None and self.result == "int":
            node.value = self._helper("_to_int", node.value)
        return node


def _rewritten(f, full):
    """The other code object for f: same name, same arguments, same globals."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(f)))
    tree.body = [(None if full else viper_offsets.rewritten(tree.body[0]))
                 or _Rewrite(full).function(tree.body[0])]
    ast.increment_lineno(tree, f.__code__.co_firstlineno - 1)
    space = {}
    code = compile(ast.fix_missing_locations(tree), f.__code__.co_filename, "exec")
    exec(code, dict(f.__globals__), space)  # noqa: S102  its own source, pointers checked
    return space[f.__name__].__code__


class _Viper:
    """One decorated function and its code in either mode, made when first needed."""

    def __init__(self, f):
        self.f = f
        self.plain = f.__code__
        self.codes = {}

    def set_mode(self, mode):
        if mode not in self.codes:
            if mode == FAST and not set(_POINTERS) & set(self.plain.co_names):
                self.codes[mode] = self.plain
            else:
                # getsource reads the line numbers of the code object in place
                self.f.__code__ = self.plain
                self.codes[mode] = _rewritten(self.f, mode == CHECKED)
        self.f.__code__ = self.codes[mode]


def viper(f):
    """The decorator. Returns f itself, with the code of the present mode."""
    one = _Viper(f)
    one.set_mode(_mode)
    _vipers.append(one)
    return f


def use(mode, prove=False):
    """Changes how every viper function computes from now on. Returns the (mode, prove) before."""
    global _mode, _prove
    before = (_mode, _prove)
    _mode, _prove = mode, prove
    if before[0] != mode:
        for one in _vipers:
            one.set_mode(mode)
    return before


@contextmanager
def checked(prove=False):
    """with checked(): ... runs as the board computes, then goes back."""
    before = use(CHECKED, prove)
    try:
        yield
    finally:
        use(*before)


def install():
    """Puts the stand-in where firmware imports it from; a second call changes nothing."""
    if getattr(sys.modules.get("micropython"), "stand_in", False):
        return
    m = types.ModuleType("micropython", "CPython stand-in, see host_sim/stand_in.py")
    m.stand_in = True
    m.const = lambda value: value
    m.viper = viper
    m.native = lambda f: f
    m.heap_lock = m.heap_unlock = lambda: 0
    m.alloc_emergency_exception_buf = lambda size: None
    m.opt_level = lambda level=0: 0
    m.schedule = lambda f, arg: f(arg)
    sys.modules["micropython"] = m
    for name in ("binascii", "socket", "struct"):       # as the umqtt.simple of PyPI calls them
        sys.modules.setdefault("u" + name, importlib.import_module(name))
    # what `make setup` has fetched for the boards, or another form of it
    sys.path.append(os.environ.get("SLVG_UMQTT")
                    or str(pathlib.Path(__file__).resolve().parents[1] / ".venv" / "umqtt"))
    sys.modules["tls"] = importlib.import_module("host_sim.tls_stand_in")
    for kind in (ptr8, ptr16, ptr32, uint):
        setattr(builtins, kind.__name__, kind)
    builtins._viper_ = sys.modules[__name__]
