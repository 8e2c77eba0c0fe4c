"""Recorded curves: from a CSV or Parquet file with one row for each epoch of each trial, or from recorded trials."""

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import mean
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Params, Report, State, Trial, Value, key_of
from hpsearch.study.cells import number_of, value_of
from hpsearch.study.space import Choice, Float, Parameter, Space, is_active
from hpsearch.workers.pools.simulated.played_curves import Curve

TRIAL, EPOCH, SECONDS = ("trial", "number"), ("epoch", "step"), ("seconds",)
"""The names that these columns may have; the second names are from `hpsearch export`."""

OF_EXPORT = frozenset({"round", "state", "cause", "value", "best_epoch", "attempts", "seed", "superseded"})
"""Columns of `hpsearch export` that are not metrics."""


@dataclass(frozen=True)
class CurveTable:
    """curves: by the key of the parameters. rows: the parameter sets, each with the fixed values of the space.

    outside: the number of trials left out because their parameters are not in the space. shorter: the number of curves
    that were stopped early. They are played back with their last value up to the longest curve's last epoch.
    timed: whether the seconds of each epoch are known; otherwise an epoch takes 1 s.
    """

    rows: Sequence[Params]
    curves: Mapping[str, Curve]
    outside: int
    timed: bool

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
        return Curve(tuple(one for one, _ in kept), tuple(seconds for _, seconds in kept), own.failure)


def _was_stopped(curve: Curve) -> bool:
    """Whether the curve could have continued: it neither failed nor diverged."""
    return curve.failure is None and bool(curve.reports) and all(map(math.isfinite, curve.reports[-1].metrics.values()))


def from_trials(trials: Iterable[Trial], space: Space, objective: Objective) -> CurveTable:
    """The curves of recorded trials. BadInput where none of them has the metric and parameters of the space."""
    rows, curves, outside, timed = list[Params](), dict[str, Curve](), 0, False
    for trial in trials:
        curve = tuple(report for report in trial.curve if objective.is_in(report))
        if trial.superseded or (trial.state.is_active and not curve):
            continue
        if not _contains(space, trial.params):
            outside += 1
            continue
        failure = _failure(str(trial.state), trial.reason)
        if key_of(trial.params) in curves or not (curve or failure):
            continue
        seconds = trial.busy / max(1, trial.epoch)
        timed = timed or seconds > 0
        rows.append(dict(trial.params))
        curves[key_of(trial.params)] = Curve(curve, (seconds or 1.0,) * len(curve), failure)
    return _checked(CurveTable(rows, curves, outside, timed), "the study", objective)


def read(path: Path, space: Space, objective: Objective) -> CurveTable:
    """The curves of a CSV or Parquet file. BadInput for missing columns, rows or values.

    It has a column `epoch` (or `step`), one for each searched parameter (`NAME` or `params.NAME`), and one for the
    metric. Optional: `trial` (or `number`), `seconds` of the epoch, and other metrics. Without `trial`, rows with the
    same parameters are one curve. A table of `hpsearch export` has these columns.
    """
    lines = _lines(path)
    if not lines:
        raise BadInput(f"{path} has no rows")
    names = set(lines[0])
    epoch, trial, seconds = (next((one for one in any_of if one in names), None) for any_of in (EPOCH, TRIAL, SECONDS))
    columns = {one: next((name for name in (f"params.{one}", one) if name in names), None) for one in _names(space)}
    missing = [one.name for one in space.parameters if columns[one.name] is None and not one.when]
    if epoch is None:
        missing.append("epoch")
    if objective.metric not in names:
        missing.append(objective.metric)
    if missing or epoch is None:
        has = ", ".join(sorted(names))
        raise BadInput(f"{path} has no column {', '.join(f'`{one}`' for one in missing)}; its columns are: {has}")
    used = {epoch, trial, seconds, *columns.values(), *OF_EXPORT, "cause_numbers"}
    metrics = [name for name in lines[0] if name not in used and not name.startswith("params.")]
    trials: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        key = line[trial] if trial else [line[name] for name in columns.values() if name]
        trials.setdefault(str(key), []).append(line)
    rows, curves, outside = list[Params](), dict[str, Curve](), 0
    for own in trials.values():
        params = _params({one: own[0].get(name) for one, name in columns.items() if name}, space)
        if params is None:
            outside += 1
        elif key_of(params) not in curves:
            curve = _curve(own, epoch, seconds, metrics, path)
            if curve.reports or curve.failure:
                rows.append(params)
                curves[key_of(params)] = curve
    return _checked(CurveTable(rows, curves, outside, seconds is not None), str(path), objective)


def _checked(table: CurveTable, where: str, objective: Objective) -> CurveTable:
    if not any(curve.reports for curve in table.curves.values()):
        left_out = f"; the parameters of {table.outside} trials are not in [space]" if table.outside else ""
        raise BadInput(f"{where} has no trial with a value of {objective.metric}{left_out}")
    return table


def _lines(path: Path) -> list[dict[str, Any]]:
    if path.suffix == ".parquet":
        import pyarrow.parquet as pq

        return list(pq.read_table(path).to_pylist())
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def _names(space: Space) -> list[str]:
    return [*dict.fromkeys(one.name for one in space.parameters), *space.fixed]


def _curve(
    lines: Sequence[Mapping[str, Any]], epoch: str, seconds: str | None, names: Sequence[str], path: Path
) -> Curve:
    reports, costs = list[Report](), list[float]()
    for line in sorted((one for one in lines if number_of(one[epoch]) is not None), key=lambda one: float(one[epoch])):
        step = int(float(line[epoch]))
        metrics = {name: value for name in names if (value := number_of(line[name])) is not None}
        if step < 1 or not metrics:
            continue
        if reports and reports[-1].step == step:
            raise BadInput(f"{path} has epoch {step} twice for the parameters {dict(lines[0])}")
        reports.append(Report(step, metrics))
        costs.append(max(number_of(line[seconds]) or 0.0, 1e-3) if seconds else 1.0)
    return Curve(tuple(reports), tuple(costs), _failure(str(lines[0].get("state", "")), "as in the table"))


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
