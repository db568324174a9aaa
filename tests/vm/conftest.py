"""The VM ring: the real 32-bit MicroPython. Skipped without one, but never in CI
(SLVG_REQUIRE_VM=1)."""
import os

import pytest

from host_sim.vm.find import NoMicroPython, micropython


@pytest.fixture(scope="session")
def vm() -> str:
    try:
        return micropython()
    except NoMicroPython as e:
        if os.environ.get("SLVG_REQUIRE_VM") == "1":
            pytest.fail(str(e))
        pytest.skip(str(e))
