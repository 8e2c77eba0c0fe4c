"""Text that fits the width of the terminal: sentences wrap between words, and columns of tables are narrowed."""

import re
import shutil
import textwrap
from collections.abc import Iterator, Sequence

from hpsearch.core.format import columns, shortened

MAX_CELL_LENGTH = 24
"""Characters of a cell in a table with a column for each study or parameter."""

MAX_LINE_LENGTH = 200
"""Characters of one difference between files or environments, whose values may have any length; --json has all."""

COMFORTABLE, NARROWEST = 14, 8
"""Widths of a narrowed column, in characters. If the narrowed columns would be narrower than the first, another column
is narrowed too. No column is narrower than the second, however narrow the terminal is."""

GAP = 2
"""Spaces between columns."""

LABEL = re.compile(r" *(?:\S+(?: \S+)* {2,})?")
"""The indentation of a line, and a label that is followed by two spaces or more."""


def width() -> int | None:
    """Characters of a line: $COLUMNS, else of the terminal. None for a file or a pipe: no limit."""
    return shutil.get_terminal_size((0, 0)).columns or None


def wrapped(text: str) -> str:
    """Long lines continue below their text, indented. Words and paths are not broken."""
    most = width()
    return text if most is None else "\n".join(_wrapped(line, most) for line in text.split("\n"))


def _wrapped(line: str, most: int) -> str:
    label = re.match(LABEL, line)
    if len(line) <= most or label is None:
        return line
    own = len(line) - len(line.lstrip())
    indent = label.end() if own < label.end() <= most // 2 else own + 2
    return textwrap.fill(
        line, most, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False, tabsize=4
    )


def table(rows: Sequence[Sequence[str]], narrow: Sequence[int], lines: int | None = 3) -> str:
    """Aligned columns.

    If they are wider than the terminal, columns are narrowed: first narrow[0], then also narrow[1], and so on until
    the table fits. Their cells wrap between words; a word that is longer than its column is shortened in its middle.
    lines: the most lines of a narrowed cell; None: no limit.
    """
    natural = [max(len(row[place]) for row in rows) for place in range(len(rows[0]))]
    most = width()
    if most is None or sum(natural) + GAP * (len(natural) - 1) <= most:
        return columns(rows)
    given: dict[int, int] = {}
    for place in narrow:
        given[place] = natural[place]
        room = most - GAP * (len(natural) - 1) - sum(natural) + sum(given.values())
        if room >= sum(min(own, COMFORTABLE) for own in given.values()):
            break
    widths = _shared(room, given)
    shown = []
    for row in rows:
        cells = [_cell(cell, widths.get(place), lines) for place, cell in enumerate(row)]
        height = max(map(len, cells))
        shown += [[cell[at] if at < len(cell) else "" for cell in cells] for at in range(height)]
    return columns(shown)


def _shared(room: int, wanted: dict[int, int]) -> dict[int, int]:
    """Column widths that fit into `room`: narrow columns keep their width, the others share the rest equally."""
    widths = {}
    for left, place in zip(range(len(wanted), 0, -1), sorted(wanted, key=wanted.__getitem__), strict=True):
        widths[place] = min(wanted[place], max(NARROWEST, room // left))
        room -= widths[place]
    return widths


def _cell(text: str, most: int | None, lines: int | None) -> list[str]:
    if most is None:
        return [text]
    short = " ".join(shortened(word, most) for word in text.split(" "))
    wrapper = textwrap.TextWrapper(
        most,
        subsequent_indent=" " * (len(text) - len(text.lstrip(" *"))),
        break_long_words=False,
        break_on_hyphens=False,
        max_lines=lines,
        placeholder=" …",
    )
    return wrapper.wrap(short) or [""]


def in_blocks(rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, in blocks that fit the width of the terminal; each block has the first column."""
    cells = [[shortened(cell, MAX_CELL_LENGTH) for cell in row] for row in rows]
    return "\n\n".join(columns([[row[0], *row[start:end]] for row in cells]) for start, end in _blocks(cells))


def _blocks(rows: Sequence[Sequence[str]]) -> Iterator[tuple[int, int]]:
    """Start and end of the columns of each block, besides the first column: at least one."""
    widths = [max(len(row[place]) for row in rows) + GAP for place in range(len(rows[0]))]
    most = width()
    room = float("inf") if most is None else most - widths[0] + GAP
    start, used = 1, 0
    for place, own in enumerate(widths[1:], start=1):
        if place > start and used + own > room:
            yield start, place
            start, used = place, 0
        used += own
    yield start, len(widths)
