"""What the console holds of a board's RAM, page by page: python -m host_sim.console_memory ROLE.

On the board of memory.py, with its controller running: after each line that is typed, bytes that
are held at most while its page runs, and what is held when it has ended.
"""
import sys
import tempfile
from pathlib import Path

from host_sim.build import HEAP, build
from host_sim.memory import _MODELS, BOARDS, ROOT, _run, lay_out, shim, spec_of

LINES = ("QUI", "2AC", "HEL", "VER", "MET", "MET E", "MG", "SER 20", "HIS", "EVE", "STA S", "TAR",
         "COM", "SHO", "DAT", "EXP E310", "ERR", "SET un_dv 2310", "REV", "CON", "", "\x03",
         "CON M", "", "", "CAL", "230", "5", "0", "PAS B", "secret-1", "secret-1", "OPE", "Y", "Y",
         "QUI")


def held(role: str) -> list[tuple[str, int, int]]:
    """[(line, most bytes while it runs, bytes afterwards)] beside the controller's own."""
    board, _, on_board, more = BOARDS[role]
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        shim(work / "shim")
        lay_out(work / role, build(board, (on_board,), "x86"),
                {**spec_of(on_board)["config"], **more})
        free = _run(["-c", "import gc; gc.collect(); print(gc.mem_free())"], HEAP).strip()
        out = _run([str(ROOT / "host_sim/vm/memory.py"), str((work / "shim").resolve()), free,
                    "console", *LINES], HEAP + _MODELS, work / role)
    rows = (line.split(" ") for line in out.splitlines() if line.startswith("held "))
    return [(row[1].replace("_", " "), int(row[2]), int(row[3])) for row in rows]


if __name__ == "__main__":
    for line, most, after in held(sys.argv[1]):
        print(f"{line!r:24} {most:7} {after:7}")
