"""Makes `import acu...` and `import host_sim...` work from any directory, as on a board."""
import sys
from pathlib import Path

_ROOT = str(Path(__file__).resolve().parent.parent)
if _ROOT not in sys.path:
    sys.path.insert(0, _ROOT)

import host_sim  # noqa: E402,F401  puts firmware/ on the path and viper's types in place


def pytest_addoption(parser):
    parser.addoption("--target", default="", metavar="port=DEVICE", help=(
        "Run the tests of tests/tools and tests/hw that can on the real board at this port; "
        "without it on a virtual one."))
