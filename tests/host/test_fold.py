"""Folding of constants over modules: the numbers arrive, nothing else changes."""
import ast

import pytest

from host_sim.fold import FIRMWARE, FoldError, constants, fold, folded, given

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
        names = [name for name in given(module) if name[0] != "_"]
        public += len(names)
        assert not [name for name in constants(text) if name[0] != "_"]
    assert public > 250
