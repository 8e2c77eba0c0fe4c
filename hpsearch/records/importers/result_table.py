"""The results of a CSV or Parquet file: a row for each trial, or for each epoch of each trial."""

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
from hpsearch.study.table_files import MAX_COLUMNS, Faults, Row, column_of, is_empty, rows_of, wrong_numbers

STEP, TRIAL, STATE = ("step", "epoch"), ("trial", "number"), ("state", "State")
"""The names that these columns may have."""


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
    rows = rows_of(path, encoding)
    found = _columns(path, list(next(rows)[1]), space, objective, columns)
    return _trials(path, rows, found, space)


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
        own = given.get(name) or column_of(header, [name, *also])
        if own is not None:
            found.params[name] = own
        elif name in searched and not searched[name].when and not (earlier and earlier.was is not None):
            faults.append(f"{path.name} has no column for the parameter `{name}`{did_you_mean(name, header)}")
    metric = given.get(objective.metric) or column_of(header, [objective.metric]) or _value_of_optuna(header, objective)
    if metric is None:
        hint = did_you_mean(objective.metric, header)
        faults.append(f"{path.name} has no column for the metric `{objective.metric}`{hint}")
    for name in others:
        if (own := given.get(name) or column_of(header, [name])) is None:
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


def _value_of_optuna(header: Sequence[str], objective: Objective) -> str | None:
    """The column `value` of Optuna's `trials_dataframe()` of a study with one objective."""
    is_of_optuna = {"number", "value", "state"} <= set(header) and any(one.startswith("params_") for one in header)
    return "value" if is_of_optuna and not objective.others else None


# Trials ──────────────────────────────────────────────────────────────────────────────────────────


def _trials(path: Path, rows: Iterator[tuple[int, Row]], columns: _Columns, space: Space) -> list[ImportedTrial]:
    """One trial for each value of the trial column. Without that column, a new trial begins where the parameters change
    or the step does not increase."""
    groups: dict[Any, _Group] = {}
    faults, place = Faults(path), 0
    last: tuple[Mapping[str, Any] | None, int] = (None, 0)
    for line, row in rows:
        params = {name: row[column] for name, column in columns.params.items()}
        problems = [*_wrong_cells(row, columns, space)]
        faults.add(line, problems)
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
    faults.check("nothing is imported")
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
        if column is None or isinstance(parameter, Choice) or is_empty(cell := row[column]):
            continue
        if value_of(parameter, cell) is None:
            whole = "a whole number" if isinstance(parameter.low, int) else "a number"
            yield f"`{column}` must be {whole}, got {str(cell)[:60]!r}"
    yield from wrong_numbers(
        row, [columns.metric, *columns.others.values()], whole=[columns.step] if columns.step is not None else []
    )
