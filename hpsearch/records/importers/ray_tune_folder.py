"""The trials of a Ray Tune experiment: a folder each, with params.json and a line of result.json for each report."""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hpsearch.core.errors import BadInput
from hpsearch.core.imported import MAX_IMPORTED, ImportedTrial, from_step_one, other_metrics, shift_to_one
from hpsearch.core.trial import Objective, State
from hpsearch.study.cells import number_of
from hpsearch.study.file.faults import did_you_mean
from hpsearch.study.file.known_points import flat
from hpsearch.study.space import Space


def read(folder: Path, space: Space, objective: Objective, columns: Mapping[str, str]) -> list[ImportedTrial]:
    """folder: of the experiment, or of one trial. columns: parameter or metric -> its name in Ray Tune. BadInput."""
    files = sorted({*folder.glob("result.json"), *folder.glob("*/result.json"), *folder.glob("*/*/result.json")})
    if not files:
        raise BadInput(f"{folder} is not the folder of a Ray Tune experiment: it has no result.json")
    if len(files) > MAX_IMPORTED:
        raise BadInput(f"{folder} has more than {MAX_IMPORTED:,} trials, the limit of an import")
    metric, faults = columns.get(objective.metric, objective.metric), list[str]()
    further = {name: columns.get(name, name) for name in other_metrics(objective)}
    reported: dict[str, None] = {}
    trials = []
    for file in files:
        try:
            results = list(_results(file))
            params = _params(file, results)
        except (ValueError, OSError) as problem:
            faults.append(f"{file}: {problem}")
            continue
        values = [(step, value) for step, one in results if (value := number_of(_at(one, metric))) is not None]
        others = {step: numbers for step, one in results if (numbers := _numbers(one, further))}
        for _, one in results[-1:]:
            reported |= dict.fromkeys(one)
        failed = any((file.parent / name).exists() for name in ("error.txt", "error.pkl"))
        metrics = (objective.metric, *further)
        named = {name: _at(params, columns[name]) for name in columns if name not in metrics}
        whole = dict(flat(space, params)) | {name: value for name, value in named.items() if value is not None}
        state = State.FAILED if failed else None
        shift = shift_to_one([step for step, _ in values])
        shifted = {step + shift: numbers for step, numbers in others.items()}
        trials.append(ImportedTrial(file.parent.name, whole, from_step_one(values), state, shifted))
    absent = [metric] if not any(one.values for one in trials) and metric not in reported else []
    absent += [there for own, there in further.items() if not any(own in row for one in trials for row in _rows(one))]
    for name in absent if trials else ():
        has = did_you_mean(name, reported) or f"; reported are: {', '.join(sorted(reported)[:30])}"
        faults.append(f"no trial in {folder} has reported the metric `{name}`{has}")
    if faults:
        raise BadInput("\n".join(faults[:20]))
    return trials


def _numbers(result: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, float]:
    """The metrics of a report, by their names in the study."""
    found = {own: number_of(_at(result, there)) for own, there in names.items()}
    return {own: value for own, value in found.items() if value is not None}


def _rows(trial: ImportedTrial) -> Iterable[Mapping[str, float]]:
    return trial.others.values()


def _results(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Step and report of each line. An incomplete last line, from a killed process, is left out."""
    lines = file.read_text(encoding="utf-8").splitlines()
    for place, line in enumerate(lines, 1):
        try:
            found = json.loads(line)
        except ValueError:
            if place == len(lines):
                return
            raise ValueError(f"line {place} is not JSON") from None
        if not isinstance(found, dict):
            raise ValueError(f"line {place} is not a JSON object")
        yield int(number_of(found.get("training_iteration")) or place), found


def _params(file: Path, results: list[tuple[int, dict[str, Any]]]) -> Mapping[str, Any]:
    own = file.with_name("params.json")
    if own.exists():
        found = json.loads(own.read_text(encoding="utf-8") or "{}")
    else:
        found = results[0][1].get("config", {}) if results else {}
    if not isinstance(found, dict):
        raise ValueError("params.json is not a JSON object")
    return found


def _at(table: Mapping[str, Any], name: str) -> Any:
    """The value of a name, or of a path such as "eval/accuracy" or "optimizer.lr"."""
    if name in table:
        return table[name]
    for sign in ("/", "."):
        first, _, rest = name.partition(sign)
        if rest and isinstance(table.get(first), dict):
            return _at(table[first], rest)
    return None
