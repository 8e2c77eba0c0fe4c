"""How often the curve doctor's first finding is the known fault, on real trainings whose seeds it was not developed on.

All are trained here, one after the other on one thread, which takes about ten minutes; nothing is timed but the doctor.
"""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from statistics import median

import torch

from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table
from tests.doctor.faults import FAULTS, Case, cases
from tests.doctor.trainings import train

LOSS = Objective("val_loss", "minimize")

MlflowStudy = tuple[Case, Trial, Label]
"""A case, its trial, and what the doctor says first about it."""

NORMS = ("grad_norm", "weight_norm", "update_ratio")
LESS: dict[str, tuple[str, ...]] = {
    "all": (),
    "no norms": NORMS,
    "no norms, no learning rate": (*NORMS, "lr"),
    "the two losses alone": (*NORMS, "lr", "train_accuracy", "val_accuracy"),
    "train_loss alone": (*NORMS, "lr", "train_accuracy", "val_accuracy", "val_loss"),
}
"""What is left out of the reports, by what remains."""


def tables(half: str = "report") -> Iterator[Table]:
    trials = trained("develop" if half == "develop" else "report")
    shown = [(case, trial, diagnose(trial, LOSS)[0].label) for case, trial in trials]
    yield _by_class(shown)
    yield _confusion(shown)
    yield _with_less(trials)
    yield _cost([trial for _, trial in trials])


def trained(half: str) -> list[tuple[Case, Trial]]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_trained(case) for case in cases("develop" if half == "develop" else "report")]
    finally:
        torch.set_num_threads(threads)


def _trained(case: Case) -> tuple[Case, Trial]:
    if case.seed < 2:
        progress(f"{case.fault}, {case.task}")
    setup = case.setup
    return case, Trial(0, {"lr": setup.lr}, setup.seed, setup.epochs, curve=train(setup))


def _by_class(shown: Sequence[MlflowStudy]) -> Table:
    rows: list[Row] = []
    for name, fault in FAULTS.items():
        for task in fault.tasks:
            said = Counter(label for case, _, label in shown if (case.fault, case.task) == (name, task))
            right = sum(said[label] for label in fault.labels)
            wrong = ", ".join(f"{label} {n}" for label, n in said.most_common() if label not in fault.labels)
            rows.append([f"{name} ({task})", " or ".join(sorted(fault.labels)), said.total(), right, wrong])
    right = [label in FAULTS[case.fault].labels for case, _, label in shown]
    sound = [label is not Label.HEALTHY for case, _, label in shown if case.fault == "none"]
    note = f"right: {sum(right)} of {len(right)} ({sum(right) / len(right):.1%}); false alarms on healthy trainings: "
    note += f"{sum(sound)} of {len(sound)} ({sum(sound) / len(sound):.1%})"
    return Table("Class by class", ["fault", "expected label", "trainings", "right", "other labels"], rows, note)


def _confusion(shown: Sequence[MlflowStudy]) -> Table:
    counts = Counter((case.fault, label) for case, _, label in shown)
    rows: list[Row] = [[name, *(counts[name, label] or None for label in Label)] for name in FAULTS]
    return Table("Confusion matrix", ["fault", *Label], rows, "both tasks; labels of the first findings")


def _with_less(trials: Sequence[tuple[Case, Trial]]) -> Table:
    rows: list[Row] = []
    for name, left_out in LESS.items():
        said = [(case, diagnose(without(trial, left_out), LOSS)[0].label) for case, trial in trials]
        right = sum(label in FAULTS[case.fault].labels for case, label in said)
        silent = sum(label is Label.TOO_EARLY and label not in FAULTS[case.fault].labels for case, label in said)
        missed = sum(label is Label.HEALTHY and case.fault != "none" for case, label in said)
        alarms = sum(label not in (Label.HEALTHY, Label.TOO_EARLY) and case.fault == "none" for case, label in said)
        rows.append([name, *(f"{n / len(said):.1%}" for n in (right, silent, missed)), alarms])
    columns = ["reported", "right", "too early to say", "a fault called healthy", "false alarms"]
    return Table("With fewer metrics", columns, rows, f"of {len(trials)} trainings; alarms: on the healthy ones")


def without(trial: Trial, names: Sequence[str]) -> Trial:
    """The same trial, had it not reported these; `grad_norm` is all layers' too."""
    curve = tuple(
        Report(report.step, {name: v for name, v in report.metrics.items() if name.partition("/")[0] not in names})
        for report in trial.curve
    )
    return replace(trial, curve=curve, params={} if "lr" in names else trial.params)


def _cost(trials: Sequence[Trial]) -> Table:
    times = [_seconds(lambda trial=trial: diagnose(trial, LOSS)) * 1000 for trial in trials]  # type: ignore[misc]
    epochs = median(trial.epoch for trial in trials)
    return Table(
        "What a diagnosis costs", ["", "ms"], [["median", median(times)], ["most", max(times)]], f"{epochs:g} epochs"
    )


def _seconds(call: Callable[[], object]) -> float:
    began = time.perf_counter()
    call()
    return time.perf_counter() - began
