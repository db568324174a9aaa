"""Makes `import acu...` and `import host_sim...` work from any directory, as on a board."""
import os
import sys
from pathlib import Path

import pytest

_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

import host_sim  # noqa: E402,F401  puts firmware/ on the path and viper's types in place
from host_sim.vm.find import NoMicroPython, micropython  # noqa: E402


def pytest_addoption(parser):
    parser.addoption("--target", default="", metavar="port=DEVICE", help=(
        "Run the tests of tests/tools and tests/hw that can on the real board at this port; "
        "without it on a virtual one."))


def pytest_collection_modifyitems(items):
    """The longest first, so that at the end no core waits for the other."""
    items.sort(key=lambda item: "vm" not in item.path.parts)


@pytest.fixture(scope="session")
def vm() -> str:
    """The real 32-bit MicroPython. Skipped without one, but never in CI (SLVG_REQUIRE_VM=1)."""
    try:
        return micropython()
    except NoMicroPython as e:
        if os.environ.get("SLVG_REQUIRE_VM") == "1":
            pytest.fail(str(e))
        pytest.skip(str(e))
