"""The rows of CSV and Parquet files that other programs write."""

import ast
import codecs
import csv
import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from types import MappingProxyType
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.format import quoted
from hpsearch.study.cells import number_of
from hpsearch.study.translation.draft import flat

BEFORE_NAMES = ("", "params.", "params_", "config/", "config.", "metrics.", "values_", "user_attrs_")
"""Prefixes that pandas, MLflow, Optuna and Ray add to names of parameters and metrics in a table."""

MAX_ROWS = 5_000_000
MAX_COLUMNS = 30
"""Maximum number of columns that a message lists."""

MAX_FAULTS = 10
"""Maximum number of wrong cells that a message lists."""

PARQUET = (".parquet", ".pq")

TABLES = {"config": "config.", "summary": "metrics."}
"""Columns with a table in each cell, and the prefix of their columns here. The script in the documentation of Weights &
Biases that exports the runs of a project writes them with `DataFrame.to_csv`, so a cell is the text of a dictionary."""

_NO_VALUE = ("", "na", "n/a", "<na>", "null", "none")
"""The text of an empty cell, in lower case."""

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")

_BYTE_ORDER_MARKS = (  # UTF-32 first: its mark for little-endian files starts with that of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

Row = Mapping[str, Any]


def rows_of(path: Path, encoding: str | None = None) -> Iterator[tuple[int, Row]]:
    """First the header, as a row of its names; then the rows, each with its line number (Parquet: from 1).

    encoding: of a CSV file; None: UTF-8, or UTF-16 with a byte order mark. Cells of a CSV file are separated by `,`,
    `;`, `|` or tabs. BadInput: the file is no such table.
    """
    rows = _parquet_rows(path) if path.suffix.lower() in PARQUET else _csv_rows(path, encoding)
    try:
        for line, row in _with_columns_of_tables(path, rows):
            if line > MAX_ROWS:
                raise BadInput(f"{path.name} has more than {MAX_ROWS:,} rows")
            yield line, row
    except UnicodeError as problem:
        used = encoding or "UTF-8"
        raise BadInput(f"{path} is not in {used} ({problem}): name its encoding, such as --encoding latin-1") from None
    except LookupError:
        raise BadInput(f"--encoding {encoding} is not an encoding that Python knows") from None
    except csv.Error as problem:
        raise BadInput(f"{path} is not a CSV file: {problem}") from None


def column_of(header: Sequence[str], names: Sequence[str]) -> str | None:
    """The column of a parameter or metric that has one of these names, with or without a prefix of `BEFORE_NAMES`."""
    wanted = [f"{before}{name}" for name in names for before in BEFORE_NAMES]
    return next((one for one in wanted if one in header), None)


def wrong_numbers(row: Row, columns: Iterable[str], whole: Iterable[str] = ()) -> Iterator[str]:
    """Cells that are neither empty nor a number. whole: columns with a whole number in each row."""
    for column in columns:
        if not is_empty(row[column]) and number_of(row[column]) is None:
            yield f"`{column}` must be a number, got {str(row[column])[:60]!r}"
    for column in whole:
        number = number_of(row[column])
        if number is None or not math.isfinite(number) or number != int(number):
            yield f"`{column}` must be a whole number, got {str(row[column])[:60]!r}"


def is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and cell.strip().lower() in _NO_VALUE)


@dataclass
class Faults:
    """The faults of a file; a message lists the first of them."""

    path: Path
    found: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, line: int, problems: Sequence[str]) -> None:
        self.count += len(problems)
        self.found += [f"{self.path.name}:{line}: {one}" for one in problems][: MAX_FAULTS - len(self.found)]

    def check(self, *consequence: str) -> None:
        """BadInput if there are faults. consequence: further lines of its message."""
        if self.found:
            more = [f"and {self.count - len(self.found)} more"] if self.count > len(self.found) else []
            raise BadInput("\n".join([*self.found, *more, *consequence]))


def _with_columns_of_tables(path: Path, rows: Iterator[tuple[int, Row]]) -> Iterator[tuple[int, Row]]:
    """The rows, with a column for each entry of the tables in the columns of `TABLES`, if a file has all of these."""
    line, header = next(rows)
    if not TABLES.keys() <= header.keys():
        yield line, header
        yield from rows
        return
    found: list[tuple[int, dict[str, Any]]] = []
    faults = Faults(path)
    for number, row in islice(rows, MAX_ROWS):
        cells = {name: cell for name, cell in row.items() if name not in TABLES}
        for name, prefix in TABLES.items():
            table = {} if is_empty(row[name]) else _table(row[name])
            if table is None:
                faults.add(number, [f"`{name}` must be a table such as {{'lr': 0.1}}, got {str(row[name])[:60]!r}"])
            cells |= {f"{prefix}{key}": value for key, value in flat(table or {})}
        found.append((number, cells))
    faults.check()
    names = dict.fromkeys(name for _, row in found for name in row)
    yield line, names
    yield from ((number, {**names, **row}) for number, row in found)


def _table(cell: object) -> dict[str, Any] | None:
    """The dictionary that a cell is, or that its text is in Python or JSON; None if it is none."""
    if isinstance(cell, str):
        try:
            cell = ast.literal_eval(_WithConstants().visit(ast.parse(cell.strip(), mode="eval")))
        except (SyntaxError, ValueError, TypeError, RecursionError, MemoryError):
            return None
    return cell if isinstance(cell, dict) else None


class _WithConstants(ast.NodeTransformer):
    """Replaces the names that `repr` and JSON have for numbers and None, which `ast.literal_eval` does not know."""

    VALUES = MappingProxyType(
        {"nan": math.nan, "NaN": math.nan, "inf": math.inf, "Infinity": math.inf}
        | {"true": True, "false": False, "null": None}
    )

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Constant(self.VALUES[node.id]) if node.id in self.VALUES else node


def _csv_rows(path: Path, encoding: str | None) -> Iterator[tuple[int, Row]]:
    with path.open("rb") as raw:
        start = raw.read(4)
    marks = (name for mark, name in _BYTE_ORDER_MARKS if start.startswith(mark))
    used = encoding or next(marks, "utf-8-sig")
    with path.open(encoding=used, newline="") as file:
        first = file.readline()
        file.seek(0)
        separator = max(",;\t|", key=first.count)
        reader = csv.reader(file, delimiter=separator, skipinitialspace=True)
        names = [name.strip() for name in next(reader, [])]
        if not any(names):
            raise BadInput(f"{path} is empty: it needs a header and a row for each trial")
        if twice := sorted({name for name in names if name and names.count(name) > 1}):
            raise BadInput(f"{path} has the column {quoted(twice, MAX_COLUMNS)} twice")
        yield 1, dict.fromkeys(names)
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(names):
                raise BadInput(
                    f"{path}:{reader.line_num}: has {len(cells)} cells, and the header has {len(names)}; a decimal "
                    "comma needs another separator of cells, such as ;"
                )
            if separator != ",":
                cells = [cell.replace(",", ".") if _DECIMAL_COMMA.fullmatch(cell) else cell for cell in cells]
            yield reader.line_num, dict(zip(names, cells, strict=True))


def _parquet_rows(path: Path) -> Iterator[tuple[int, Row]]:
    import pyarrow
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            yield 0, dict.fromkeys(file.schema_arrow.names)
            number = 0
            for batch in file.iter_batches(batch_size=10_000):
                for row in batch.to_pylist():
                    number += 1
                    yield number, row
    except (pyarrow.ArrowException, OSError) as problem:
        raise BadInput(f"{path} is not a Parquet file: {problem}") from None
