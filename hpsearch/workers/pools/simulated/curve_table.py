"""Recorded curves: from a CSV or Parquet file with one row for each epoch of each trial, or from recorded trials."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.format import quoted
from hpsearch.core.imported import shift_to_one
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Params, Report, State, Trial, Value, key_of
from hpsearch.study.cells import number_of, value_of
from hpsearch.study.file.faults import did_you_mean
from hpsearch.study.space import Choice, Float, Parameter, Space, is_active
from hpsearch.study.table_files import MAX_COLUMNS, Faults, Row, column_of, is_empty, rows_of, wrong_numbers
from hpsearch.workers.pools.simulated.played_curves import Curve

TRIAL, EPOCH, SECONDS = ("trial", "number"), ("epoch", "step"), ("seconds",)
"""The names that these columns may have; the second names are from `hpsearch export`."""

OF_EXPORT = frozenset({"round", "state", "cause", "value", "best_epoch", "attempts", "seed", "superseded"})
"""Columns of `hpsearch export` that are not metrics."""


@dataclass(frozen=True)
class CurveTable:
    """curves: by the key of the parameters. rows: the parameter sets, each with the fixed values of the space.

    outside: the number of trials left out because their parameters are not in the space. equal: the number of trials
    left out because an earlier one has the same parameters. shorter: the number of curves that were stopped early. They
    are played back with their last value up to the longest curve's last epoch.
    timed: whether the seconds of each epoch are known; otherwise an epoch takes 1 s.
    """

    rows: Sequence[Params]
    curves: Mapping[str, Curve]
    outside: int
    timed: bool
    equal: int = 0

    @property
    def longest(self) -> int:
        """Epochs of the longest curve."""
        return max(curve.reports[-1].step for curve in self.curves.values() if curve.reports)

    @property
    def shorter(self) -> int:
        longest = self.longest
        return sum(_was_stopped(curve) and curve.reports[-1].step < longest for curve in self.curves.values())

    def curve(self, params: Params, seed: int, epochs: int) -> Curve:  # noqa: ARG002
        own = self.curves[key_of(params)]
        kept = [one for one in zip(own.reports, own.seconds, strict=True) if one[0].step <= epochs]
        if len(kept) < len(own.reports):
            own = replace(own, failure=None)
        if kept and _was_stopped(own):
            cost = mean(own.seconds)
            last = kept[-1][0]
            kept += [(replace(last, step=step), cost) for step in range(last.step + 1, epochs + 1)]
        return replace(own, reports=tuple(one for one, _ in kept), seconds=tuple(seconds for _, seconds in kept))


def _was_stopped(curve: Curve) -> bool:
    """Whether the curve could have continued: it neither failed nor diverged."""
    return curve.failure is None and bool(curve.reports) and all(map(math.isfinite, curve.reports[-1].metrics.values()))


def from_trials(trials: Iterable[Trial], space: Space, objective: Objective) -> CurveTable:
    """The curves of recorded trials. BadInput where none of them has the metric and parameters of the space."""
    rows, curves, outside, equal, timed = list[Params](), dict[str, Curve](), 0, 0, False
    for trial in trials:
        curve = tuple(report for report in trial.curve if objective.is_in(report))
        if trial.superseded or (trial.state.is_active and not curve):
            continue
        if not _contains(space, trial.params):
            outside += 1
            continue
        failure = _failure(str(trial.state), trial.reason)
        if not (curve or failure):
            continue
        if key_of(trial.params) in curves:
            equal += 1
            continue
        seconds = trial.busy / max(1, trial.epoch)
        timed = timed or seconds > 0
        rows.append(dict(trial.params))
        curves[key_of(trial.params)] = Curve(curve, (seconds or 1.0,) * len(curve), failure, trial.reads_epochs)
    return _checked(CurveTable(rows, curves, outside, timed, equal), "the study", objective)


@dataclass(frozen=True)
class _Columns:
    """params: parameter -> column. metrics: metric -> column, in the order of the table."""

    epoch: str
    trial: str | None
    seconds: str | None
    params: Mapping[str, str]
    metrics: Mapping[str, str]


def read(path: Path, space: Space, objective: Objective, encoding: str | None = None) -> CurveTable:
    """The curves of a CSV or Parquet file. BadInput for missing columns, rows or values.

    It has a column `epoch` (or `step`), one for each searched parameter and one for the metric, with names as for
    `column_of`. Optional: `trial` (or `number`), `seconds` of the epoch, and other metrics. Without `trial`, rows with
    the same parameters are one curve. A table of `hpsearch export` has these columns. encoding: see `rows_of`.
    """
    lines = rows_of(path, encoding)
    columns = _columns(path, list(next(lines)[1]), space, objective)
    numbers = [columns.metrics[objective.metric], *([columns.seconds] if columns.seconds else [])]
    faults, trials = Faults(path), dict[str, list[tuple[int, Row]]]()
    for line, row in lines:
        key = row[columns.trial] if columns.trial else [row[name] for name in columns.params.values()]
        own = trials.setdefault(str(key), [])
        faults.add(line, [*wrong_numbers(row, numbers, whole=[] if is_empty(row[columns.epoch]) else [columns.epoch])])
        own.append((line, row))
    if not trials:
        raise BadInput(f"{path} has no rows")
    faults.check()
    steps = (number_of(row[columns.epoch]) for own in trials.values() for _, row in own)
    shift = shift_to_one(int(one) for one in steps if one is not None)
    rows, curves, outside, equal = list[Params](), dict[str, Curve](), 0, 0
    for own in trials.values():
        params = _params({one: own[0][1].get(name) for one, name in columns.params.items()}, space)
        if params is None:
            outside += 1
        elif key_of(params) in curves:
            equal += 1
        else:
            curve = _curve(own, columns, shift, path)
            if curve.reports or curve.failure:
                rows.append(params)
                curves[key_of(params)] = curve
    return _checked(CurveTable(rows, curves, outside, columns.seconds is not None, equal), str(path), objective)


def _columns(path: Path, header: Sequence[str], space: Space, objective: Objective) -> _Columns:
    epoch, trial, seconds = (next((one for one in any_of if one in header), None) for any_of in (EPOCH, TRIAL, SECONDS))
    names = [*dict.fromkeys(one.name for one in space.parameters), *space.fixed]
    params = {one: column for one in names if (column := column_of(header, [one])) is not None}
    metric = column_of([one for one in header if one not in params.values()], [objective.metric])
    missing = dict.fromkeys(one.name for one in space.parameters if one.name not in params and not one.when)
    missing |= dict.fromkeys([*(["epoch"] if epoch is None else []), *([objective.metric] if metric is None else [])])
    if epoch is None or metric is None or missing:
        faults = [f"{path} has no column `{one}`{did_you_mean(one, header)}" for one in missing]
        raise BadInput("\n".join([*faults, f"its columns are {quoted(header, MAX_COLUMNS)}"]))
    used = {epoch, trial, seconds, metric, *params.values(), *OF_EXPORT, "cause_numbers"}
    others = {one: one for one in header if one not in used and not one.startswith("params.")}
    return _Columns(epoch, trial, seconds, params, {objective.metric: metric, **others})


def _checked(table: CurveTable, where: str, objective: Objective) -> CurveTable:
    if not any(curve.reports for curve in table.curves.values()):
        left_out = f"; the parameters of {table.outside} trials are not in [space]" if table.outside else ""
        raise BadInput(f"{where} has no trial with a value of {objective.metric}{left_out}")
    return table


def _curve(lines: Sequence[tuple[int, Row]], columns: _Columns, shift: int, path: Path) -> Curve:
    """shift: is added to all epochs."""
    reports, costs, seconds = list[Report](), list[float](), columns.seconds
    known = [(int(float(row[columns.epoch])), line, row) for line, row in lines if not is_empty(row[columns.epoch])]
    for step, line, row in sorted(known, key=lambda one: one[:2]):
        metrics = {name: value for name, cell in columns.metrics.items() if (value := number_of(row[cell])) is not None}
        if not metrics:
            continue
        if reports and reports[-1].step == step + shift:
            raise BadInput(f"{path}:{line}: {columns.epoch} {step} is there twice for {_identity(row, columns)}")
        reports.append(Report(step + shift, metrics))
        costs.append(max(number_of(row[seconds]) or 0.0, 1e-3) if seconds else 1.0)
    return Curve(tuple(reports), tuple(costs), _failure(str(lines[0][1].get("state", "")), "as in the table"))


def _identity(row: Row, columns: _Columns) -> str:
    if columns.trial is not None:
        return f"{columns.trial} {row[columns.trial]}"
    params = ", ".join(f"{name} = {row[cell]}" for name, cell in columns.params.items())
    return f"the parameters {params}; a column `trial` tells trials with equal parameters apart"


def _failure(state: str, reason: str) -> Failure | None:
    kinds = {State.INFEASIBLE: "infeasible", State.FAILED: "error"}
    return Failure(kinds[State(state)], reason) if state in kinds else None  # type: ignore[arg-type]


# Parameters ──────────────────────────────────────────────────────────────────────────────────────


def _params(cells: Mapping[str, Any], space: Space) -> dict[str, Value] | None:
    """The parameters of a row; None where they are not in the space."""
    for name, value in space.fixed.items():
        if name in cells and value_of(Choice(name, (value,)), cells[name]) is None:
            return None
    params: dict[str, Value] = dict(space.fixed)
    for parameter in space.parameters:
        if is_active(parameter, params):
            value = value_of(parameter, cells.get(parameter.name))
            if value is None:
                return None
            params[parameter.name] = value
    return params if _contains(space, params) else None


def _contains(space: Space, params: Params) -> bool:
    """Whether the parameters are in the space; a range with `expand` has no ends."""
    return _endless(space, params).contains(params)


def _endless(space: Space, params: Params) -> Space:
    wider: dict[str, Parameter] = {}
    for one in space.parameters:
        if not isinstance(one, Choice) and one.expand and one.name in params:
            value = params[one.name]
            if isinstance(one, Float):
                wider[one.key] = replace(one, low=min(one.low, float(value)), high=max(one.high, float(value)))
            else:
                wider[one.key] = replace(one, low=min(one.low, int(value)), high=max(one.high, int(value)))
    return space.narrowed(wider) if wider else space
