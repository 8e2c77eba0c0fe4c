"""The runs of any MLflow experiment, as trials to import."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.core.errors import BadInput, NotFound
from hpsearch.core.imported import MAX_IMPORTED, ImportedTrial, from_step_one, other_metrics, shift_to_one, state_named
from hpsearch.core.trial import State
from hpsearch.records.find import looked_up
from hpsearch.study.definition import Study
from hpsearch.study.file.faults import did_you_mean
from hpsearch.tracking import mlflow_logging
from hpsearch.tracking.connection import check_address, check_server
from hpsearch.tracking.location import without_credentials

if TYPE_CHECKING:
    from hpsearch.tracking.mlflow_runs import FoundRun


def read(study: Study, experiment: str, uri: str | None, columns: Mapping[str, str]) -> list[ImportedTrial]:
    """uri: of MLflow, as for --mlflow; None: the study's. columns: parameter or metric -> its name in MLflow.
    BadInput: MLflow cannot be read, or has no such experiment or metric."""
    address = _address(study, uri)
    where = f"MLflow at {without_credentials(address)}"
    mlflow_logging.configure()
    from hpsearch.tracking import mlflow_runs

    own = [study.objective.metric, *other_metrics(study.objective)]
    wanted = [columns.get(name, name) for name in own]
    try:
        found = mlflow_runs.runs_of(address, experiment, wanted, MAX_IMPORTED)
        names = mlflow_runs.experiment_names(address) if found is None else []
    except Exception as problem:  # also of database drivers
        raise BadInput(f"{where} cannot be read: {without_credentials(str(problem))[:300]}") from None
    if found is None:
        hint = did_you_mean(experiment, names) or f"; it has {', '.join(names[:30])}"
        raise NotFound(f"{where} has no experiment {experiment!r}{hint}")
    if len(found) > MAX_IMPORTED:
        raise BadInput(f"{where}: experiment {experiment!r} has more than {MAX_IMPORTED:,} runs, the limit")
    known = sorted({name for run in found for name in run.metrics})
    for metric in wanted:
        if metric not in known:
            hint = did_you_mean(metric, known) or f"; they have {', '.join(known[:30]) or 'no metrics'}"
            raise BadInput(f"{where}: no run of experiment {experiment!r} has the metric `{metric}`{hint}")
    today = {there: own for own, there in columns.items()}
    return [_trial(run, today) for run in found]


def _address(study: Study, uri: str | None) -> str:
    address = study.tracking_uri if uri is None else looked_up(uri, "--mlflow")
    if address == "none":
        raise BadInput('tracking.mlflow = "none": name the MLflow store with --mlflow URI')
    check_address(address, "--mlflow")
    path = address.partition("?")[0].removeprefix("sqlite:///")
    if address.startswith("sqlite:///") and not Path(path).is_file():
        raise NotFound(f"the MLflow store {path} does not exist")
    if problem := check_server(address):
        raise BadInput(problem)
    return address


def _trial(run: "FoundRun", today: Mapping[str, str]) -> ImportedTrial:
    """Equal steps count as no steps: `log_metric` without a step has step 0."""
    params = {today.get(name, name): value for name, value in run.params.items()}
    steps = {step for step, _ in run.points}
    values = from_step_one(run.points) if len(steps) > 1 else [(0, value) for _, value in run.points[-1:]]
    others: dict[int, dict[str, float]] = {}
    for name, points in run.further.items():
        for step, value in points if len(steps) > 1 else [(0, value) for _, value in points[-1:]]:
            placed = step + shift_to_one(steps) if len(steps) > 1 else step
            others.setdefault(placed, {})[today.get(name, name)] = value
    pruned = run.state == "PRUNED" or (run.status == "KILLED" and values)
    state = State.PRUNED if pruned else state_named(run.state or run.status)
    return ImportedTrial(f"run {run.id}", params, values, state, others)
