"""A viper function that moves pointers, as plain Python: its pointers become offsets.

Who calls: stand_in.py, for mode FAST. A pointer or an address is known to lie in the array of one
parameter, so `v = ptr16(int(v) + 64)` becomes `v = v + 32` and `v[8]` an access to that array: no
objects, no calls, some ten times as fast as pointer objects, which remain for what is not so.

Numbers are cut to 32 bits where a sum of two variables may have left them and it would show: not
in sums, products and masks, which are the same modulo 2^32, but before a shift to the right, a
division, a comparison or a store. What a product alone exceeds is not cut, as in any FAST body,
and no access is checked against its buffer: mode CHECKED proves both.
"""
import ast

SHIFT = {"ptr8": 0, "ptr16": 1, "ptr32": 2}
CODE = {"ptr8": "B", "ptr16": "H", "ptr32": "i"}
_MODULAR = (ast.Add, ast.Sub, ast.Mult, ast.LShift, ast.BitOr, ast.BitXor, ast.BitAnd)


class NotStatic(Exception):
    """A pointer of which only the run can say what it points into."""


def rewritten(node: ast.stmt) -> ast.stmt | None:
    """The function `node` without its decorator; it finds view() as `_viper_.view`. None: of one
    of its pointers only the run can say what it points into."""
    if not isinstance(node, ast.FunctionDef):
        return None
    try:
        kinds = _kinds(node)
        dirty: set[str] = set()
        while True:
            one = _Offsets(kinds, dirty)
            made = one.function(node)
            if one.dirty == dirty:
                return made
            dirty = one.dirty
    except NotStatic:
        return None


def _called(node: ast.AST) -> str:
    """The name of the function that is called with one argument, or ''."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and len(node.args) == 1:
        return node.func.id
    return ""


def _kind(node: ast.AST, kinds: dict) -> tuple[str, str] | None:
    """(pointer type or "int", parameter into whose array it points), None of plain numbers."""
    if isinstance(node, ast.Name):
        return kinds.get(node.id)
    if isinstance(node, ast.Call) and _called(node) in ("int", *SHIFT):
        inner = _kind(node.args[0], kinds)
        if inner is None:
            if _called(node) in SHIFT:
                raise NotStatic("a pointer to a number")
            return None
        return _called(node), inner[1]
    if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
        left, right = _kind(node.left, kinds), _kind(node.right, kinds)
        if left and right:
            raise NotStatic("an address and an address")
        one = left or right
        return ("int", one[1]) if one else None
    return None


def _kinds(node: ast.FunctionDef) -> dict[str, tuple[str, str]]:
    """Of each variable that ever is a pointer or an address."""
    kinds = {arg.arg: (arg.annotation.id, arg.arg) for arg in node.args.args
             if isinstance(arg.annotation, ast.Name) and arg.annotation.id in SHIFT}
    assigned = [(line.targets[0].id, line.value) for line in ast.walk(node)
                if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name)]
    known = -1
    while len(kinds) != known:
        known = len(kinds)
        for name, value in assigned:
            try:
                kind = _kind(value, kinds)
            except NotStatic:
                continue            # of a variable that is not known yet
            if kind:
                kinds.setdefault(name, kind)
    for name, value in assigned:
        if kinds.get(name) != _kind(value, kinds):
            raise NotStatic(name)
    return kinds


def _number(value: int) -> ast.Constant:
    return ast.Constant(value)


def _op(left: ast.expr, op: ast.operator, right: ast.expr) -> ast.BinOp:
    return ast.BinOp(left, op, right)


def _cut(node: ast.expr) -> ast.expr:
    """A signed 32-bit number, if it may be none."""
    if not getattr(node, "dirty", False):
        return node
    raised = _op(_op(node, ast.Add(), _number(0x80000000)), ast.BitAnd(), _number(0xFFFFFFFF))
    return _op(raised, ast.Sub(), _number(0x80000000))


def _int(node: ast.expr) -> int:
    """A constant's value, else -1."""
    value = node.value if isinstance(node, ast.Constant) else None
    return value if isinstance(value, int) else -1


def _marked(node: ast.expr, dirty: bool) -> ast.expr:
    node.dirty = dirty      # type: ignore[attr-defined]
    return node


def _whole(node: ast.expr, shift: int) -> ast.expr | None:
    """node >> shift, where that is plain to see; else None."""
    if not shift:
        return node
    odd = (1 << shift) - 1
    if isinstance(node, ast.Constant):
        return None if _int(node) & odd else _number(_int(node) >> shift)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.LShift):
        by = _int(node.right) - shift
        if by >= 0:
            return _op(node.left, node.op, _number(by)) if by else node.left
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mult):
        for one, other in ((node.left, node.right), (node.right, node.left)):
            if not _int(one) & odd:
                return _op(_number(_int(one) >> shift), node.op, other)
    return None


def _sum(terms: list[tuple[bool, ast.expr]]) -> ast.expr:
    """terms: (added, what); without constants that are 0."""
    total: ast.expr | None = None
    for added, term in terms:
        if isinstance(term, ast.Constant) and term.value == 0:
            continue
        if total is None and added:
            total = term
        else:
            total = _op(total or _number(0), ast.Add() if added else ast.Sub(), term)
    return total or _number(0)


class _Offsets(ast.NodeTransformer):
    def __init__(self, kinds: dict[str, tuple[str, str]], dirty: set[str]):
        self._kinds = kinds
        self._was_dirty = dirty
        self.dirty: set[str] = set(dirty)       # variables that may be out of 32 bits
        self._views: set[tuple[str, str]] = set()
        self._moved: set[str] = set()           # parameters that are pointers and move

    def function(self, node: ast.FunctionDef) -> ast.FunctionDef:
        pointers = {name for name, kind in self._kinds.items() if kind[1] == name}
        self._moved = {target.id for line in ast.walk(node) if isinstance(line, ast.Assign)
                       for target in line.targets
                       if isinstance(target, ast.Name) and target.id in pointers}
        first = 1 if ast.get_docstring(node) else 0
        body = [self.visit(line) for line in node.body[first:]]
        begin: list[ast.stmt] = [
            ast.Assign([ast.Name(self._buffer(root, kind), ast.Store())],
                       ast.Call(ast.Attribute(ast.Name("_viper_", ast.Load()), "view", ast.Load()),
                                [ast.Name(root, ast.Load()), ast.Constant(CODE[kind])], []))
            for root, kind in sorted(self._views, key=lambda v: v[1] == self._kinds[v[0]][0])]
        begin += [ast.Assign([ast.Name(name + "__at", ast.Store())], _number(0))
                  for name in sorted(self._moved)]
        made = ast.FunctionDef(node.name, node.args, begin + (body or [ast.Pass()]), [])
        return ast.copy_location(made, node)

    def visit(self, node):
        """As lines of the source, so that an exception shows them."""
        made = super().visit(node)
        return made if hasattr(made, "lineno") else ast.copy_location(made, node)

    # -- pointers

    def _buffer(self, root: str, kind: str) -> str:
        """The variable that has a parameter's array by the width of that pointer."""
        return root if kind == self._kinds[root][0] else f"{root}__{kind}"

    def _at(self, name: str) -> ast.expr:
        """How far a variable is from the beginning of its array: elements, an address bytes."""
        if self._kinds[name][1] != name:
            return ast.Name(name, ast.Load())
        return ast.Name(name + "__at", ast.Load()) if name in self._moved else _number(0)

    def _terms(self, node: ast.expr, shift: int, added: bool, rest: list) -> list:
        """Of an address: what is plainly a number of elements; the others into rest, bytes."""
        if isinstance(node, ast.Name) and node.id in self._kinds:
            at = self._at(node.id)
            own = SHIFT.get(self._kinds[node.id][0], 0)
            if own == shift or isinstance(at, ast.Constant):
                return [(added, at)]
            rest.append((added, _op(at, ast.LShift(), _number(own)) if own else at))
            return []
        if _kind(node, self._kinds):
            if isinstance(node, ast.Call):
                return self._terms(node.args[0], shift, added, rest)
            if isinstance(node, ast.BinOp):
                same = added == isinstance(node.op, ast.Add)
                return (self._terms(node.left, shift, added, rest)
                        + self._terms(node.right, shift, same, rest))
        if isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub)):
            same = added == isinstance(node.op, ast.Add)
            return (self._terms(node.left, shift, added, rest)
                    + self._terms(node.right, shift, same, rest))
        node = self.visit(node)
        whole = _whole(node, shift)
        if whole is not None:
            return [(added, whole)]
        rest.append((added, node))
        return []

    def _offset(self, node: ast.expr, shift: int) -> ast.expr:
        rest: list[tuple[bool, ast.expr]] = []
        terms = self._terms(node, shift, True, rest)
        if rest and shift:
            terms.append((True, _op(_sum(rest), ast.RShift(), _number(shift))))
        else:
            terms += rest
        return _sum(terms)

    def visit_Assign(self, node):
        target = node.targets[0]
        if len(node.targets) > 1:
            raise NotStatic("two targets")
        if isinstance(target, ast.Name) and target.id in self._kinds:
            kind, root = self._kinds[target.id]
            name = target.id + "__at" if root == target.id else target.id
            return ast.Assign([ast.Name(name, ast.Store())],
                              self._offset(node.value, SHIFT.get(kind, 0)))
        value = self.visit(node.value)
        if isinstance(target, ast.Subscript):
            return ast.Assign([self.visit(target)], self._stored(target, value))
        if not isinstance(target, ast.Name):
            raise NotStatic("several targets")
        if getattr(value, "dirty", False) and _sums_up(target.id, node.value):
            self.dirty.add(target.id)
        else:
            value = _cut(value)
        return ast.Assign([target], value)

    def visit_AugAssign(self, node):
        left = ast.parse(ast.unparse(node.target), mode="eval").body
        return self.visit(ast.Assign([node.target], _op(left, node.op, node.value)))

    def _stored(self, target: ast.Subscript, value: ast.expr) -> ast.expr:
        name = target.value.id if isinstance(target.value, ast.Name) else ""
        shift = SHIFT[self._kinds[name][0]] if name in self._kinds else 2
        if shift == 2 or isinstance(value, ast.Constant):
            return _cut(value)
        return _op(value, ast.BitAnd(), _number((1 << (8 << shift)) - 1))

    def visit_Subscript(self, node):
        if not (isinstance(node.value, ast.Name) and node.value.id in self._kinds):
            return ast.Subscript(node.value, self.visit(node.slice), node.ctx)
        kind, root = self._kinds[node.value.id]
        if kind not in SHIFT:
            raise NotStatic("a place of an address")
        self._views.add((root, kind))
        place = _sum([(True, self._at(node.value.id)), (True, self.visit(node.slice))])
        return ast.Subscript(ast.Name(self._buffer(root, kind), ast.Load()), place, node.ctx)

    def visit_Name(self, node):
        if node.id in self._kinds:
            raise NotStatic(f"{node.id} as a number")
        return _marked(ast.Name(node.id, node.ctx), node.id in self._was_dirty)

    # -- numbers

    def visit_BinOp(self, node):
        left, right = self.visit(node.left), self.visit(node.right)
        dirty = getattr(left, "dirty", False) or getattr(right, "dirty", False)
        if isinstance(node.op, ast.BitAnd) and (_int(left) >= 0 or _int(right) >= 0):
            dirty = False
        elif isinstance(node.op, (ast.Add, ast.Sub)):
            dirty |= not (isinstance(left, ast.Constant) or isinstance(right, ast.Constant))
        elif isinstance(node.op, ast.LShift):
            right = _cut(right)
        elif not isinstance(node.op, _MODULAR):
            left, right, dirty = _cut(left), _cut(right), False
        return _marked(_op(left, node.op, right), dirty)

    def visit_UnaryOp(self, node):
        operand = self.visit(node.operand)
        if isinstance(node.op, ast.Not):
            return ast.UnaryOp(node.op, _cut(operand))
        return _marked(ast.UnaryOp(node.op, operand), getattr(operand, "dirty", False))

    def visit_Constant(self, node):
        return _number(node.value - (1 << 32)) if _int(node) > 0x7FFFFFFF else node

    def visit_Compare(self, node):
        return ast.Compare(_cut(self.visit(node.left)), node.ops,
                           [_cut(self.visit(x)) for x in node.comparators])

    def visit_BoolOp(self, node):
        return ast.BoolOp(node.op, [_cut(self.visit(x)) for x in node.values])

    def visit_IfExp(self, node):
        return ast.IfExp(*(_cut(self.visit(x)) for x in (node.test, node.body, node.orelse)))

    def visit_Call(self, node):
        if _called(node) == "int":
            return _cut(_marked(self.visit(node.args[0]), True))
        if isinstance(node.func, ast.Name) and node.func.id in ("uint", *SHIFT):
            raise NotStatic(node.func.id)
        return ast.Call(node.func, [_cut(self.visit(x)) for x in node.args], node.keywords)

    def visit_Return(self, node):
        return ast.Return(_cut(self.visit(node.value)) if node.value else None)

    def visit_While(self, node):
        if node.orelse:
            raise NotStatic("while with else")
        return ast.While(_cut(self.visit(node.test)), [self.visit(x) for x in node.body], [])

    def visit_If(self, node):
        return ast.If(_cut(self.visit(node.test)), [self.visit(x) for x in node.body],
                      [self.visit(x) for x in node.orelse])

    def visit_For(self, node):
        raise NotStatic("for")


def _sums_up(name: str, node: ast.expr) -> bool:
    """`name` is one of the terms: cut at its end, not at each step."""
    if isinstance(node, ast.Name):
        return node.id == name
    return (isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Sub))
            and (_sums_up(name, node.left) or _sums_up(name, node.right)))
