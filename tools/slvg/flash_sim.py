"""`slvg flash --sim --unplug N`: the cable or the supply goes at N random moments of a flash.

Each cut begins with the same board that runs an old version. A cut is good if the board, powered
again and left alone, starts the old or the new version by itself, and a repeated flash then ends
with the new one. Seeded: the moments and kinds of cuts are the same again, their outcome as far as
the wall clock allows. Never touches a real board.
"""
import contextlib
import dataclasses
import hashlib
import json
import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from host_sim.build import Built, _manifest_text
from host_sim.virtual.board import VirtualBoard
from slvg.flash import flash
from slvg.flash_link import FlashError, Link
from slvg.progress import Counted

_START_S = 170.0         # maintenance that nobody came for ends after 120 s
MAINT_S = 1


def variant(built: Built, slot: dict[str, bytes | None], mark: str,
            root: dict[str, bytes] | None = None) -> Built:
    """Another version of a build: files replaced or, with None, left out."""
    files = {path: data for path, data in {**built.slot, **slot}.items()
             if data is not None and path != "manifest.json"}
    listed = {path: [len(data), hashlib.sha256(data).hexdigest()]
              for path, data in sorted(files.items())}
    version = built.version.partition("+")[0] + "+" + mark
    manifest = {**built.manifest, "version": version, "files": listed}
    files["manifest.json"] = _manifest_text(manifest)
    return dataclasses.replace(built, slot=dict(sorted(files.items())), manifest=manifest,
                               version=version, root={**built.root, **(root or {})})


def older(built: Built) -> Built:
    """The same firmware as a version before, with another stage 0 as well."""
    board = json.loads(built.slot["board.json"])
    board["title"] += " (old)"
    return variant(built, {"board.json": json.dumps(board).encode()}, "0000old0",
                   {"boot.py": built.root["boot.py"] + b"\n# before\n"})


def started(board: VirtualBoard) -> dict:
    """What the board says once it has started by itself; {} if it does not."""
    until_s = time.monotonic() + _START_S
    while time.monotonic() < until_s:
        with contextlib.suppress(FlashError):
            link = Link(board.port)
            try:
                if link.knock() == "console":
                    told = link.twin("CVER")
                    if told.get("VERSION") and told.get("MODE") == "run":
                        return told
            finally:
                link.close()
        time.sleep(0.1)
    return {}


def good(board: VirtualBoard) -> dict:
    """The same, once it has confirmed its version."""
    until_s = time.monotonic() + _START_S
    told: dict = {}
    while time.monotonic() < until_s:
        told = started(board)
        if told.get("GOOD") == "1":
            return told
        time.sleep(0.5)
    return told


def _flash(board: VirtualBoard, built: Built, settings: dict | None,
           progress: Callable[[int, int, str], None] = lambda done, of, what: None) -> None:
    link = Link(board.port)
    try:
        flash(link, built, settings, progress=progress, maint_s=MAINT_S, await_good=False)
    finally:
        link.close()


def base(built: Built, settings: dict, image: Path) -> None:
    """An image that runs `built`, confirmed."""
    with VirtualBoard(built.board, image) as board:
        _flash(board, built, settings)
        told = good(board)
        if told.get("GOOD") != "1":
            raise FlashError("E268 sim: the version to begin with does not become good "
                             f"({told}). See "
                             "slvg flash --sim.")


def one(image: Path, old: Built, new: Built, settings: dict, after_s: float, kind: str,
        at: str = "") -> dict:
    """One cut. kind: "cable" or "power". at: when this file is due, instead of after_s."""
    with VirtualBoard(old.board, image) as board:
        ended: dict = {"cut": True}
        pull = board.unplug if kind == "cable" else board.power_off
        timer = threading.Timer(after_s, pull)
        if not at:
            timer.start()
        try:
            _flash(board, new, settings, lambda done, of, what: pull() if what == at != "" else
                   None)
            ended["cut"] = False                # the moment came too late
        except FlashError as e:
            ended["code"] = e.code
        timer.cancel()
        if not at:
            timer.join()
        board.power_cycle()
        told = started(board)
        version = told.get("VERSION", "")
        again = ""
        if version in (old.version, new.version):
            try:
                _flash(board, new, settings)
                again = started(board).get("VERSION", "")
            except FlashError as e:
                again = e.text
        return {**ended, "after_s": round(after_s, 3), "kind": kind, "started": version,
                "again": again, "bricked": version not in (old.version, new.version)
                or again != new.version}


def study(built: Built, settings: dict, cuts: int, seed: int, quiet: bool = False) -> dict:
    dice = random.Random(seed)
    old = older(built)
    began_s = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        first, image = Path(name) / "first.img", Path(name) / "flash.img"
        base(old, settings, first)
        shutil.copy(first, image)
        with VirtualBoard(built.board, image) as board:
            started(board)
            t_s = time.monotonic()
            _flash(board, built, settings)
            takes_s = time.monotonic() - t_s
        results = []
        with contextlib.nullcontext(lambda done, of: None) if quiet else Counted("cuts") as bar:
            for k in range(cuts):
                shutil.copy(first, image)
                results.append(one(image, old, built, settings, dice.uniform(0.0, takes_s * 1.05),
                                   dice.choice(("cable", "power"))))
                bar(k + 1, cuts)
    bad = [r for r in results if r["bricked"]]
    return {"cuts": cuts, "bricked": len(bad), "seed": seed, "flash_s": round(takes_s, 2),
            "old": sum(r["started"] == old.version for r in results),
            "new": sum(r["started"] == built.version for r in results),
            "too_late": sum(not r["cut"] for r in results),
            "cable": sum(r["kind"] == "cable" for r in results),
            "seconds": round(time.monotonic() - began_s, 1), "faults": bad[:10]}
