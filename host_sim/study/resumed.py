"""Results of many runs in a file as they come, one JSON a line, so that a cut study is taken up.

The first line is the fingerprint of the programs that made them; each result names its `case`.
"""
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from host_sim.scenario.complaints import InputError
from host_sim.study.pool import spread

_ROOT = Path(__file__).resolve().parents[2]


def fingerprint(study: str, asked: str, depends: Iterable[str]) -> str:
    """Changes with what was asked and with whatever the results depend on, patterns of files of
    the project: then old results do not count."""
    told = hashlib.sha256(asked.encode())
    for pattern in depends:
        for path in sorted(_ROOT.glob(pattern)):
            told.update(path.read_bytes())
    return f"{study} {told.hexdigest()[:16]}"


def played(work: Callable, items: list, done: dict[str, dict], jobs: int, file: Path | None,
           mark: str, progress: Callable[[int, int], None]) -> list[dict]:
    """Rows of the items, each of which has a name, in order; work(item) makes one. What is done,
    by case, is not played again; what comes is added to it."""
    left = [item for item in items if item.name not in done]
    have = len(items) - len(left)
    progress(have, len(items))
    for n, row in enumerate(noted(spread(work, left, jobs), file, mark, dict(done)), 1):
        done[row["case"]] = row
        progress(have + n, len(items))
    return [done[item.name] for item in items]


def taken_up(file: Path, mark: str) -> dict[str, dict]:
    """Results that a file already holds, by case; of the same programs only."""
    if not file.exists():
        return {}
    try:
        rows = file.read_text(encoding="utf-8").splitlines()
        first = json.loads(rows[0])["fingerprint"] if rows else ""
    except (ValueError, TypeError, KeyError):
        raise InputError([f"E143 {file}: holds something else than results of a sweep. "
                          "Name another file."]) from None
    if first != mark:
        return {}
    found = {}
    for row in rows[1:]:
        try:
            one = json.loads(row)
        except ValueError:
            break                # cut in the middle of a line
        found[one["case"]] = one
    return found


def noted(results: Iterator[dict], file: Path | None, mark: str, old: dict) -> Iterator[dict]:
    """Passes results on, each written first."""
    if file is None:
        yield from results
        return
    with file.open("w", encoding="utf-8") as out:
        for row in ({"fingerprint": mark}, *old.values()):
            out.write(json.dumps(row) + "\n")
        for one in results:
            out.write(json.dumps(one) + "\n")
            out.flush()
            yield one
