"""A report that can be handed over: one HTML page with its figures inside, and beside it each
table as CSV and each figure as PNG.

Used by studies: fill a Report in the order of reading, then write(folder). Computes nothing.
"""
import base64
import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from matplotlib.figure import Figure

PASS, FAIL = "pass", "FAIL"      # a cell that is one of these is coloured

_DPI = 130
_STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 62em; margin: 2em auto; padding: 0 1em; color: #222 }
h1 { font-size: 1.6em } h2 { font-size: 1.2em; margin-top: 2em }
table { border-collapse: collapse; margin: .6em 0 }
th, td { border: 1px solid #bbb; padding: .2em .6em; text-align: right }
th { background: #eee } td.text { text-align: left }
td.pass { background: #dff0d8 } td.fail { background: #f2c4c0; font-weight: bold }
img { max-width: 100% } .note, footer { color: #666; font-size: .9em }
@media print { h2 { break-after: avoid } table, img { break-inside: avoid } }
"""


def shown(value: object) -> str:
    """A cell: a number with four significant digits, None as a dash."""
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
    return str(value)


def _cell(value: object) -> str:
    kind = {PASS: "pass", FAIL: "fail"}.get(value if isinstance(value, str) else "", "")
    if not kind and isinstance(value, str):
        kind = "text"
    attribute = f' class="{kind}"' if kind else ""
    return f"<td{attribute}>{escape(shown(value))}</td>"


class Report:
    """name: of the files, in lower case; facts: what was examined and how, a line each."""

    def __init__(self, name: str, title: str, facts: Sequence[str]):
        self.name = name
        self.title = title
        self._body = ["<ul>", *(f"<li>{escape(fact)}</li>" for fact in facts), "</ul>"]
        self._csv: list[tuple[str, str]] = []
        self._png: list[tuple[str, bytes]] = []

    def heading(self, text: str) -> None:
        self._body.append(f"<h2>{escape(text)}</h2>")

    def text(self, text: str) -> None:
        self._body.append(f"<p>{escape(text)}</p>")

    def table(self, name: str, title: str, columns: Sequence[str], rows: Sequence[Sequence],
              note: str = "") -> None:
        """columns: with their units. The CSV, report-name.csv, has all digits."""
        self.attach(name, columns, rows)
        self.heading(title)
        head = "".join(f"<th>{escape(column)}</th>" for column in columns)
        lines = ["<tr>" + "".join(map(_cell, row)) + "</tr>" for row in rows]
        self._body += ["<table>", f"<tr>{head}</tr>", *lines, "</table>"]
        if note:
            self._body.append(f'<p class="note">{escape(note)}</p>')

    def attach(self, name: str, columns: Sequence[str], rows: Sequence[Sequence]) -> None:
        """A table that the page does not show, too long for it: CSV only."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(["" if cell is None else cell for cell in row] for row in rows)
        self._csv.append((f"{self.name}-{name}.csv", out.getvalue()))

    def figure(self, name: str, figure: Figure, caption: str) -> None:
        out = io.BytesIO()
        figure.savefig(out, format="png", dpi=_DPI, metadata={"Software": None})
        self._png.append((f"{self.name}-{name}.png", out.getvalue()))
        data = base64.b64encode(out.getvalue()).decode("ascii")
        self._body += [f'<p><img alt="{escape(caption)}" src="data:image/png;base64,{data}"></p>',
                       f'<p class="note">{escape(caption)}</p>']

    def html(self) -> str:
        try:
            maker = f"slvg {version('slvg')}"
        except PackageNotFoundError:      # run from a checkout that is not installed
            maker = "slvg"
        made = f"Made by {maker} on {datetime.now(UTC):%Y-%m-%d}."
        return "\n".join([
            '<!doctype html>', '<html lang="en"><head><meta charset="utf-8">',
            f"<title>{escape(self.title)}</title>", f"<style>{_STYLE}</style></head><body>",
            f"<h1>{escape(self.title)}</h1>", *self._body,
            f"<footer>{escape(made)}</footer>", "</body></html>", ""])

    def write(self, folder: Path) -> list[Path]:
        """All files, of the same names each time; the folder is made. Raises OSError."""
        folder.mkdir(parents=True, exist_ok=True)
        files = [folder / f"{self.name}.html"]
        files[0].write_text(self.html(), encoding="utf-8")
        for name, text in self._csv:
            files.append(folder / name)
            files[-1].write_text(text, encoding="utf-8")
        for name, data in self._png:
            files.append(folder / name)
            files[-1].write_bytes(data)
        return files


def chart(title: str, x: str, y: str) -> tuple:
    """An empty figure of a report, and its axes."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set(title=title, xlabel=x, ylabel=y)
    axes.grid(alpha=0.3)
    return figure, axes
