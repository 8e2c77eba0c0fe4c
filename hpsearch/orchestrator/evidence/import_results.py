"""Imports results of another program as evidence for the sampler of a study."""

import math
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hpsearch.core.clock import now_ms
from hpsearch.core.errors import BadInput, NotFound
from hpsearch.core.imported import ImportedTrial
from hpsearch.core.trial import Objective, Report, State, Trial, key_of
from hpsearch.journal import Journal, recorded_imports
from hpsearch.orchestrator.evidence import earlier_evidence
from hpsearch.records.find import looked_up
from hpsearch.records.importers import ray_tune_folder, result_table
from hpsearch.study.definition import Study
from hpsearch.study.earlier_results import Unusable, Why, counted
from hpsearch.study.table_files import PARQUET

MLFLOW = "mlflow:"
TABLES = (".csv", ".tsv", ".txt", *PARQUET)


@dataclass(frozen=True)
class Request:
    """source: a file, a folder, the URL of a storage, or "mlflow:EXPERIMENT". columns: parameter, metric, "step" or
    "trial" -> its name there. study: the name in a storage with several studies. mlflow: the URI of MLflow; None: the
    study's. encoding: of a CSV file. same_trainer: the user confirms that trainer and data are the study's."""

    source: str
    columns: Mapping[str, str]
    study: str | None = None
    mlflow: str | None = None
    encoding: str | None = None
    same_trainer: bool = False


@dataclass(frozen=True)
class ImportResult:
    """read: the number of trials in the source. found: the usable ones, and why others are not. learns: whether the
    search method of the study uses them."""

    study: str
    kind: str
    read: int
    found: earlier_evidence.Source
    learns: bool

    def document(self) -> dict[str, Any]:
        used = len(self.found.trials)
        left = [one.document() for one in self.found.left_out]
        about = {"study": self.study, "source": self.found.name, "kind": self.kind, "learns": self.learns}
        return {**about, "read": self.read, "imported": used, "left_out": left, "ignored": list(self.found.ignored)}


def import_results(study: Study, asked: Request) -> ImportResult:
    """BadInput: the source cannot be read, or has no usable trial; then nothing is recorded. StudyBusy while the study
    is running."""
    if not asked.same_trainer:
        raise BadInput(
            f'the sampler of study "{study.study.name}" treats imported values like those of its own trials. If they '
            "come from the same trainer and the same data, confirm it with --same-trainer; values of another trainer "
            "or other data would mislead the sampler"
        )
    name, kind, read = _read(study, asked)
    trials, reasons = with_values(read, study.objective, study.trainer.epochs)
    with ExitStack() as stack:
        journal = stack.enter_context(Journal.open(study.journal_url))
        record = journal.find(study.study.name)
        lease = stack.enter_context(journal.held(record)) if record else None
        before = [trial for one in recorded_imports.of_study(journal, study.study.name) for trial in one.trials]
        known = {_key(trial, study.objective) for trial in earlier_evidence.of_trials(study, before, name).trials}
        found = earlier_evidence.of_trials(study, trials, name)
        new, twice = _without_duplicates(found.trials, known, study.objective)
        found = replace(found, trials=new, left_out=(*counted(reasons), *found.left_out, *counted(twice)))
        if not (new or twice):
            why = "\n".join(f"  {one.text}" for one in found.left_out) or "  it has no trials"
            raise BadInput(f"no trial of {name} can be used, so nothing is imported:\n{why}")
        if new:
            whole = {trial.number: trial for trial in trials}
            own = [whole[trial.number] for trial in new]
            document = {"same_trainer": True, "columns": dict(asked.columns), "read": len(read)}
            recorded_imports.add(
                journal, recorded_imports.Import(study.study.name, name, kind, now_ms(), document, own)
            )
        if new and record and lease:
            earlier_evidence.record(earlier_evidence.sources(study, journal, record), study, journal, record, lease)
    return ImportResult(study.study.name, kind, len(read), found, study.search.learns)


def _read(study: Study, asked: Request) -> tuple[str, str, list[ImportedTrial]]:
    """The name of the source, its kind, its trials."""
    source, space, objective = asked.source, study.space, study.objective
    if source.startswith(MLFLOW):
        from hpsearch.tracking.imported_runs import read as read_runs

        return source, "mlflow", read_runs(study, source.removeprefix(MLFLOW), asked.mlflow, asked.columns)
    if "://" in source:
        return _optuna(source, _existing(looked_up(source, "SOURCE"), source), asked, objective)
    path = Path(source)
    if not path.exists():
        raise NotFound(f"there is no file or folder {source}")
    if path.is_dir():
        return source, "ray", ray_tune_folder.read(path, space, objective, asked.columns)
    if path.suffix.lower() in TABLES:
        return source, "table", result_table.read(path, space, objective, asked.columns, asked.encoding)
    with path.open("rb") as file:
        head = file.read(200)
    if head.startswith(b"SQLite format 3\0"):
        return _optuna(source, f"sqlite:///{path.absolute()}", asked, objective)
    if head.startswith(b"{") and b'"op_code"' in head:
        return _optuna(source, path, asked, objective)
    kinds = "a CSV or Parquet file (.csv, .parquet), an Optuna storage, or the folder of a Ray Tune experiment"
    raise BadInput(f"{source} is not {kinds}")


def _existing(url: str, source: str) -> str:
    """NotFound for a SQLite file that does not exist: opening it would create it."""
    path = url.partition("?")[0].removeprefix("sqlite:///")
    if url.startswith("sqlite:///") and not Path(path).is_file():
        raise NotFound(f"there is no file {path} ({source})")
    return url


def _optuna(
    source: str, address: str | Path, asked: Request, objective: Objective
) -> tuple[str, str, list[ImportedTrial]]:
    from hpsearch.samplers.optuna import earlier_study

    name, trials = earlier_study.read(source, address, asked.study, objective, asked.columns)
    return f'study "{name}" of {source}', "optuna", trials


def with_values(read: Sequence[ImportedTrial], objective: Objective, epochs: int) -> tuple[list[Trial], list[Unusable]]:
    """The imported trials as Trials; their numbers are their places in the source. In a source without states, a curve
    that is shorter than the longest one was stopped early."""
    longest = max((one.values[-1][0] for one in read if one.values), default=0)
    trials, reasons = list[Trial](), list[Unusable]()
    for place, one in enumerate(read):
        if one.state is State.FAILED:
            reasons.append(Unusable(Why.FAILED))
        elif not one.values:
            reasons.append(Unusable(Why.NO_VALUE, objective.metric))
        else:
            values = [(step or longest or epochs, value) for step, value in one.values]
            short = values[-1][0] < longest and math.isfinite(values[-1][1])
            state = one.state or (State.PRUNED if short else State.COMPLETE)
            longer = _at_steps(one, longest or epochs, [step for step, _ in values])
            curve = tuple(Report(step, {**longer.get(step, {}), objective.metric: value}) for step, value in values)
            trials.append(recorded_imports.ended(place, one.params, state, curve, one.label))
    return trials, reasons


def _at_steps(trial: ImportedTrial, last: int, steps: Sequence[int]) -> dict[int, dict[str, float]]:
    """The other metrics, moved to steps that have the study's metric: each to the last such step up to its own, or to
    the first one. last: the step of metrics that were recorded at step 0."""
    found: dict[int, dict[str, float]] = {}
    for step, metrics in sorted(trial.others.items()):
        place = bisect_right(steps, step or last)
        found.setdefault(steps[max(0, place - 1)], {}).update(metrics)
    return found


def _without_duplicates(
    trials: Sequence[Trial], known: set[str], objective: Objective
) -> tuple[list[Trial], list[Unusable]]:
    new, twice = list[Trial](), list[Unusable]()
    for trial in trials:
        if (key := _key(trial, objective)) in known:
            twice.append(Unusable(Why.DUPLICATE))
        else:
            known.add(key)
            new.append(trial)
    return new, twice


def _key(trial: Trial, objective: Objective) -> str:
    """Equal for the same trial in two sources, also if only one of them has its curve."""
    return f"{key_of(trial.params)} {objective.loss(trial)!r}"
