"""The results of a CSV or Parquet file: a row for each trial, or for each epoch of each trial."""

import csv
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.format import quoted
from hpsearch.core.imported import MAX_IMPORTED, ImportedTrial, from_step_one, other_metrics, state_named
from hpsearch.core.trial import Objective, State
from hpsearch.study.cells import number_of, value_of
from hpsearch.study.file.faults import did_you_mean
from hpsearch.study.space import Choice, Space

STEP, TRIAL, STATE = ("step", "epoch"), ("trial", "number"), ("state", "State")
"""The names that these columns may have."""

BEFORE_NAMES = ("", "params.", "params_", "config/", "config.", "metrics.")
"""Prefixes that pandas, MLflow, Optuna and Ray add to names of parameters and metrics in a table."""

MAX_ROWS = 5_000_000
MAX_COLUMNS = 30
"""Maximum number of columns that a message lists."""

MAX_FAULTS = 10
"""Maximum number of wrong cells that a message lists."""

PARQUET = (".parquet", ".pq")

_DECIMAL_COMMA = re.compile(r"\s*[+-]?\d*,\d+([eE][+-]?\d+)?\s*")

Row = Mapping[str, Any]


@dataclass
class _Columns:
    """params: parameter -> column. others: further metric -> column. metric, step, trial, state: a column, or None."""

    params: dict[str, str] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    metric: str = ""
    step: str | None = None
    trial: str | None = None
    state: str | None = None


@dataclass
class _Group:
    label: str
    params: dict[str, Any]
    values: list[tuple[int, float]]
    state: State | None
    others: dict[int, dict[str, float]] = field(default_factory=dict)


def read(
    path: Path, space: Space, objective: Objective, columns: Mapping[str, str], encoding: str | None
) -> list[ImportedTrial]:
    """columns: parameter, metric, "step" or "trial" -> its column. encoding: of a CSV file; None: UTF-8, or UTF-16 with
    a byte order mark. BadInput lists all faults of the file."""
    rows = _parquet_rows(path) if path.suffix.lower() in PARQUET else _csv_rows(path, encoding)
    try:
        header = next(rows)[1]
        found = _columns(path, list(header), space, objective, columns)
        return _trials(path, rows, found, space)
    except UnicodeError as problem:
        used = encoding or "UTF-8"
        raise BadInput(f"{path} is not in {used} ({problem}): name its encoding, such as --encoding latin-1") from None
    except LookupError:
        raise BadInput(f"--encoding {encoding} is not an encoding that Python knows") from None
    except csv.Error as problem:
        raise BadInput(f"{path} is not a CSV file: {problem}") from None


# Rows ────────────────────────────────────────────────────────────────────────────────────────────


def _csv_rows(path: Path, encoding: str | None) -> Iterator[tuple[int, Row]]:
    """First the header, as a row of its names; then the rows, each with its line number."""
    with path.open("rb") as raw:
        mark = raw.read(2)
    used = encoding or ("utf-16" if mark in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    with path.open(encoding=used, newline="") as file:
        first = file.readline()
        file.seek(0)
        separator = max(",;\t", key=first.count)
        reader = csv.reader(file, delimiter=separator)
        names = next(reader, [])
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


# Columns ─────────────────────────────────────────────────────────────────────────────────────────


def _columns(
    path: Path, header: Sequence[str], space: Space, objective: Objective, given: Mapping[str, str]
) -> _Columns:
    searched = {one.name: one for one in space.parameters}
    names, others = [*searched, *space.fixed], other_metrics(objective)
    faults = []
    for name, column in given.items():
        if name not in (*names, objective.metric, *others, "step", "trial"):
            hint = did_you_mean(name, [*names, objective.metric, *others, "step", "trial"])
            faults.append(f"--columns {name}={column}: `{name}` is neither a parameter of [space] nor the metric{hint}")
        elif column not in header:
            faults.append(
                f"--columns {name}={column}: {path.name} has no column `{column}`{did_you_mean(column, header)}"
            )
    found = _Columns()
    for name in names:
        earlier = space.earlier.get(name)
        also = [earlier.renamed] if earlier and earlier.renamed else []
        own = given.get(name) or _named(header, [name, *also])
        if own is not None:
            found.params[name] = own
        elif name in searched and not searched[name].when and not (earlier and earlier.was is not None):
            faults.append(f"{path.name} has no column for the parameter `{name}`{did_you_mean(name, header)}")
    metric = given.get(objective.metric) or _named(header, [objective.metric])
    if metric is None:
        hint = did_you_mean(objective.metric, header)
        faults.append(f"{path.name} has no column for the metric `{objective.metric}`{hint}")
    for name in others:
        if (own := given.get(name) or _named(header, [name])) is None:
            faults.append(f"{path.name} has no column for the metric `{name}`{did_you_mean(name, header)}")
        else:
            found.others[name] = own
    if faults:
        name = next((one for one in names if one not in found.params), objective.metric)
        has = quoted(header, MAX_COLUMNS)
        faults.append(f"its columns are {has}; name the column of `{name}` with `--columns {name}=COLUMN`")
        raise BadInput("\n".join(faults))
    found.metric = metric or ""
    free = [one for one in header if one not in (*found.params.values(), *found.others.values(), metric)]
    found.step = given.get("step") or next((one for one in STEP if one in free), None)
    found.trial = given.get("trial") or next((one for one in TRIAL if one in free), None)
    found.state = next((one for one in STATE if one in free), None)
    return found


def _named(header: Sequence[str], names: Sequence[str]) -> str | None:
    wanted = [f"{before}{name}" for name in names for before in BEFORE_NAMES]
    return next((one for one in wanted if one in header), None)


# Trials ──────────────────────────────────────────────────────────────────────────────────────────


def _trials(path: Path, rows: Iterator[tuple[int, Row]], columns: _Columns, space: Space) -> list[ImportedTrial]:
    """One trial for each value of the trial column. Without that column, a new trial begins where the parameters change
    or the step does not increase."""
    groups: dict[Any, _Group] = {}
    faults: list[str] = []
    wrong, place = 0, 0
    last: tuple[Mapping[str, Any] | None, int] = (None, 0)
    for line, row in rows:
        if line > MAX_ROWS:
            raise BadInput(f"{path.name} has more than {MAX_ROWS:,} rows")
        params = {name: row[column] for name, column in columns.params.items()}
        problems = [*_wrong_cells(row, columns, space)]
        wrong += len(problems)
        faults += [f"{path.name}:{line}: {one}" for one in problems][: MAX_FAULTS - len(faults)]
        step = int(number_of(row[columns.step]) or 0) if columns.step and not problems else 0
        if columns.trial:
            key: Any = row[columns.trial]
        else:
            goes_on = columns.step is not None and params == last[0] and step > last[1]
            place += not goes_on
            key, last = place, (params, step)
        if key not in groups and len(groups) >= MAX_IMPORTED:
            raise BadInput(
                f"{path.name} has more than {MAX_IMPORTED:,} trials, the limit of an import: keep the best ones "
                "and a random part of the others"
            )
        state = state_named(row[columns.state]) if columns.state else None
        group = groups.setdefault(key, _Group(f"line {line}", params, [], state))
        value = None if problems else number_of(row[columns.metric])
        if value is not None:
            group.values.append((step, value))
            cells = {name: number_of(row[column]) for name, column in columns.others.items()}
            group.others[step] = {name: cell for name, cell in cells.items() if cell is not None}
        group.state = state or group.state
    if faults:
        more = [f"and {wrong - len(faults)} more"] if wrong > len(faults) else []
        raise BadInput("\n".join([*faults, *more, "nothing is imported"]))
    known = columns.step is not None
    return [_imported(one, known) for one in groups.values()]


def _imported(group: _Group, has_steps: bool) -> ImportedTrial:
    values = from_step_one(group.values) if has_steps else group.values[-1:]
    shift = values[0][0] - min(group.others) if values else 0
    others = {step + shift: metrics for step, metrics in group.others.items() if metrics}
    return ImportedTrial(group.label, group.params, values, group.state, others)


def _wrong_cells(row: Row, columns: _Columns, space: Space) -> Iterator[str]:
    """Cells with text instead of a number. Values outside of the space are not faults: they are counted later."""
    for parameter in space.parameters:
        column = columns.params.get(parameter.name)
        if column is None or isinstance(parameter, Choice) or _is_empty(cell := row[column]):
            continue
        if value_of(parameter, cell) is None:
            whole = "a whole number" if isinstance(parameter.low, int) else "a number"
            yield f"`{column}` must be {whole}, got {str(cell)[:60]!r}"
    for column in (columns.metric, *columns.others.values()):
        if not _is_empty(row[column]) and number_of(row[column]) is None:
            yield f"`{column}` must be a number, got {str(row[column])[:60]!r}"
    if columns.step is not None:
        step = number_of(row[columns.step])
        if step is None or not math.isfinite(step) or step != int(step):
            yield f"`{columns.step}` must be a whole number, got {str(row[columns.step])[:60]!r}"


def _is_empty(cell: Any) -> bool:
    return cell is None or (isinstance(cell, str) and not cell.strip())
