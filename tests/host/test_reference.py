"""The reference pages of docs/ say what the tables in the code say."""
from pathlib import Path

import pytest

from slvg.reference import pages

DOCS = Path(__file__).resolve().parents[2] / "docs"


@pytest.mark.parametrize("name", sorted(pages(DOCS)))
def test_a_page_is_what_the_table_says(name):
    assert (DOCS / name).read_text() == pages(DOCS)[name], "run `slvg reference`"
