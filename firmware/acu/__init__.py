"""The firmware of a controller. forget() gives the memory of a module back that only the start, or
something rare, needs: 1 to 7 KB of a board's. Elsewhere than on MicroPython modules stay.
"""
import sys


def forget(*names):
    """The full names of modules whose work is done; nobody keeps them. Once more imported, they
    are new."""
    if sys.implementation.name != "micropython":
        return
    for name in names:
        if name in sys.modules:
            del sys.modules[name]
            package, _, last = name.rpartition(".")
            if hasattr(sys.modules.get(package), last):
                delattr(sys.modules[package], last)


if sys.implementation.name == "micropython":
    try:
        import pack  # of a slot; the simulator's builds have folders
        pack.mount(__path__)
        del pack.mount
        forget("pack")
        del pack
    except (ImportError, OSError):
        pass
