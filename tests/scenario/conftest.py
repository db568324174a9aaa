"""Runs that several modules ask questions of; each is played once."""
import pytest

from tests.scenario.kit import Played, assay, play


@pytest.fixture(scope="session", params=["wave", "quantity"])
def played(request) -> Played:
    """The assay as it stands in its file, at both levels."""
    return play(assay(), request.param)


@pytest.fixture(scope="session")
def through_scd() -> Played:
    """The assay with every message relayed by a Sub-Coordinator."""
    return play(assay("assay_scd"))
