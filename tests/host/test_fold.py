"""Folding of constants over modules: the numbers arrive, nothing else changes."""
import ast

import pytest

from host_sim.fold import FIRMWARE, FoldError, constants, fold, folded, given, keywords
from host_sim.short_names import short_names

CODES = """from micropython import const
GOOD = const(3)
BAD = const(-1)
_HIDDEN = const(GOOD * 2)
TABLE = {GOOD: "good"}
"""


def known(module):
    return {"acu.codes": constants(CODES)}.get(module)


def test_a_constant_of_another_module_becomes_its_number_and_its_import_goes():
    text = fold("from acu import codes as c\nx = 5 - c.BAD\n", "acu.other", known)
    assert text == "\nx = 5 - (-1)\n"
    text = fold("from acu.codes import GOOD as G, TABLE\nx = TABLE[G]\n", "acu.other", known)
    assert text == "from acu.codes import TABLE\nx = TABLE[3]\n"


def test_a_module_that_is_used_for_more_than_numbers_stays_imported():
    text = fold("from acu import codes\nx = codes.TABLE[codes.GOOD]\n", "acu.other", known)
    assert text == "from acu import codes\nx = codes.TABLE[3]\n"


def test_a_definition_goes_where_its_numbers_are_used():
    assert fold(CODES, "acu.codes", known).splitlines()[1:] == [
        "", "", "_HIDDEN = const(GOOD * 2)".replace("GOOD", "3"), 'TABLE = {3: "good"}']


def test_lines_keep_their_numbers():
    source = "from acu.codes import (\n    BAD,\n    TABLE,\n)\n\n\ndef f():\n    return BAD\n"
    text = fold(source, "acu.other", known)
    assert text.splitlines()[7] == "    return (-1)" and text.startswith("from acu.codes import T")


@pytest.mark.parametrize("line", ["c.GOOD = 4", "def f(GOOD):\n    return GOOD", "GOOD = 4",
                                  "def f():\n    global GOOD\n    GOOD = 1"])
def test_a_name_that_is_no_constant_here_is_refused(line):
    with pytest.raises(FoldError):
        fold(f"from acu import codes as c\nfrom acu.codes import GOOD\n{line}\n", "acu.other",
             known)


def test_the_whole_firmware_folds_and_no_public_constant_is_left():
    public = 0
    for path in sorted(FIRMWARE.rglob("*.py")):
        text = folded(path, FIRMWARE)
        assert len(text.splitlines()) == len(path.read_text().splitlines())
        ast.parse(text)
        module = ".".join(path.relative_to(FIRMWARE).with_suffix("").parts)
        names = [name for name in given(module) or () if name[0] != "_"]
        public += len(names)
        assert not [name for name in constants(text) if name[0] != "_"]
    assert public > 250


def test_an_argument_that_no_call_names_becomes_short():
    source = ("def f(gauge, lines):\n    lines = lines + 1\n    return [gauge for k in lines]\n")
    text = fold(source, "acu.other", known)
    assert text == "def f(_0, _1):\n    _1 = _1 + 1\n    return [_0 for k in _1]\n"


@pytest.mark.parametrize("body", [
    "from acu import x as gauge", "g = [gauge for gauge in ()]", "g = lambda gauge: gauge",
    "def gauge(): pass", "global gauge", "try:\n        pass\n    except OSError as gauge: pass"])
def test_an_argument_that_is_bound_again_keeps_its_name(body):
    source = f"def f(gauge):\n    {body}\n    return gauge\n"
    assert fold(source, "acu.other", known) == source


def test_a_keyword_and_self_keep_their_names():
    assert len(keywords()) > 10
    name = sorted(keywords())[0]
    source = f"class A:\n    def f(self, {name}):\n        return {name}\n"
    assert fold(source, "acu.other", known) == source


FAMILY = """
class Low:
    def __init__(self):
        self._low = self._seen = 0
        self._told = 1

    def _work(self):
        return self._work, getattr(self, "_told")


class High(Low):
    def __init__(self):
        self._high = 0


class Other:
    def __init__(self):
        self._other = 0
        self._away._strange = self._seen = 1
"""


def test_private_attributes_share_names_only_between_strangers(tmp_path):
    path = tmp_path / "family.py"
    path.write_text(FAMILY)
    short = short_names([path])
    assert sorted(short) == ["_away", "_high", "_low", "_other", "_seen", "_work"]
    low = [short[name] for name in ("_low", "_seen", "_high", "_work")]
    other = [short[name] for name in ("_other", "_seen", "_away")]
    assert len(set(low)) == 4 and len(set(other)) == 3 and len(set(low + other)) < 6
    assert short_names([path]) == short


def test_an_attribute_is_renamed_wherever_it_is_used():
    text = fold("def f(m):\n    return m._zero[m._zero_known] + m.zero\n", "acu.other", known,
                {"_zero": "_7"})
    assert text == "def f(_0):\n    return _0._7[_0._zero_known] + _0.zero\n"


def test_a_method_is_renamed_where_it_is_defined():
    text = fold("class A:\n    def _work(self):\n        return self._work\n", "acu.other", known,
                {"_work": "_7"})
    assert text == "class A:\n    def _7(self):\n        return self._7\n"


TOP = """
_LIST = (1, 2)
_COUNT = const(3)
_told = _named = _two = None


class _Kept:
    pass


@viper
def _help(a):
    return _LIST[a], _Kept


def _away():
    global _state
    return [_item for _item in _help(1)], "_text"


_item = _state = 0
_text = 1
_foreign = 2
"""


def test_what_is_private_in_a_module_becomes_short_where_nobody_else_can_mean_it():
    text = fold(TOP, "acu.other", known, {}, {"_foreign", "_text"})
    tree = ast.parse(text)
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.name for node in ast.walk(tree) if hasattr(node, "name")}
    assert names & {"_LIST", "_Kept", "_help", "_away"} == set()
    # numbers, what is bound or named again, and several at once stay
    assert {"_COUNT", "_item", "_state", "_text", "_foreign", "_told", "_named", "_two"} <= names
    assert len(text.splitlines()) == len(TOP.splitlines())
    assert "_a[a], _b" in text and "class _b:" in text and "def _c(a):" in text
    assert fold(TOP, "acu.other", known) == TOP
