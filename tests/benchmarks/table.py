"""A benchmark's result: a table for the screen and for docs/benchmarks.md."""

from collections.abc import Sequence
from dataclasses import dataclass, field

Cell = str | float | int | None
Row = Sequence[Cell]


@dataclass(frozen=True)
class Table:
    """rows: one cell a column; None where there is nothing to say. note: how it was measured."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Row]
    note: str = ""
    texts: list[list[str]] = field(init=False)

    def __post_init__(self) -> None:
        rows = [list(map(_text, row)) for row in self.rows]
        assert all(len(row) == len(self.columns) for row in rows), f"{self.title}: a row has not one cell a column"
        object.__setattr__(self, "texts", [list(self.columns), *rows])

    def plain(self) -> str:
        widths = [max(map(len, column)) for column in zip(*self.texts, strict=True)]
        lines = ["  ".join(_aligned(row, widths)).rstrip() for row in self.texts]
        return "\n".join([self.title, *(f"  {line}" for line in lines), *([f"  ({self.note})"] if self.note else [])])

    def markdown(self) -> str:
        head, *rows = [f"| {' | '.join(row)} |" for row in self.texts]
        rule = "| " + " | ".join(["---"] + ["---:"] * (len(self.columns) - 1)) + " |"
        return "\n".join([f"### {self.title}", "", head, rule, *rows, *(["", self.note] if self.note else [])])


def _aligned(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    """The first column is words, the others are numbers."""
    return [row[0].ljust(widths[0]), *(text.rjust(width) for text, width in zip(row[1:], widths[1:], strict=True))]


def _text(cell: Cell) -> str:
    """Three significant digits of a float."""
    if cell is None:
        return ""
    if not isinstance(cell, float):
        return f"{cell:,}" if isinstance(cell, int) else cell
    if abs(cell) >= 100:
        return f"{cell:,.0f}"
    return f"{cell:.1f}" if abs(cell) >= 10 else f"{cell:.2f}" if abs(cell) >= 1 else f"{cell:.3f}"
