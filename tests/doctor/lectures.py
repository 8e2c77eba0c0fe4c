"""Real trainings of the kit that show what lectures draw: `python -m tests.doctor.lectures` trains them again.

Each has one cause, and the label with the advice that a lecture gives for it.
"""

import gzip
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from hpsearch.core.history import History
from hpsearch.core.metric_names import PREFIX
from hpsearch.core.trial import Params, Report, Trial
from hpsearch.doctor.findings import Label
from hpsearch.orchestrator import build
from hpsearch.orchestrator.loop import Loop
from hpsearch.study.definition import Study
from hpsearch.workers.pools.in_process import InProcess
from tests.support.list_recorder import ListRecorder

FILE = Path(__file__).parent / "assets" / "lectures.json.gz"

KEPT = (
    *("train_loss", "val_loss", "train_accuracy", "val_accuracy", "lr", "update_ratio", "weight_norm", "grad_norm"),
    *(f"{PREFIX}{name}" for name in ("steps", "descent", "initial_norm", "initial_scale", "silent_units")),
)
"""The metrics that are stored."""


@dataclass(frozen=True)
class Lecture:
    """params: that differ from the kit's defaults. label: None for a training without a fault."""

    params: Params
    epochs: int
    label: Label | None
    task: str = "digits"


EARLY = Label.DECAYED_TOO_EARLY

LECTURES: dict[str, Lecture] = {
    "rate / 100": Lecture({"lr": 3e-3, "optimizer": "sgd"}, 60, Label.LR_TOO_LOW),
    "rate / 300": Lecture({"lr": 1e-3, "optimizer": "sgd"}, 60, Label.LR_TOO_LOW),
    "rate / 300, Adam": Lecture({"lr": 3e-6}, 60, Label.LR_TOO_LOW),
    "rate / 300, heart": Lecture({"lr": 1e-3, "optimizer": "sgd"}, 60, Label.LR_TOO_LOW, "heart"),
    "rate x 300, SGD": Lecture({"lr": 30.0, "optimizer": "sgd"}, 30, Label.LR_TOO_HIGH),
    "rate x 300, Adam": Lecture({"lr": 0.3}, 30, Label.LR_TOO_HIGH),
    "rate x 1000, Adam": Lecture({"lr": 1.0}, 30, Label.LR_TOO_HIGH),
    "a good rate": Lecture({"lr": 0.3, "optimizer": "sgd"}, 60, None),
    "constant": Lecture({"lr": 0.03, "optimizer": "sgd"}, 60, None),
    "decayed at 5": Lecture({"lr": 0.03, "optimizer": "sgd", "schedule": "step", "step_at": "5"}, 60, EARLY),
    "decayed at 10": Lecture({"lr": 0.03, "optimizer": "sgd", "schedule": "step", "step_at": "10"}, 60, EARLY),
    "decayed at 8 and 16": Lecture({"lr": 0.03, "optimizer": "sgd", "schedule": "step", "step_at": "8,16"}, 60, EARLY),
    "decayed to 1/100": Lecture(
        {"lr": 0.02, "optimizer": "sgd", "schedule": "step", "step_at": "3", "step_factor": 0.01}, 60, EARLY
    ),
    "decayed every 2": Lecture({"lr": 0.1, "optimizer": "sgd", "schedule": "step", "step_epochs": 2}, 60, EARLY),
    "exponential": Lecture(
        {"lr": 0.03, "optimizer": "sgd", "schedule": "exponential", "exponential_factor": 0.7}, 60, EARLY
    ),
    "decayed at 1, Adam": Lecture({"lr": 1e-3, "schedule": "step", "step_at": "1"}, 40, EARLY),
    "weights 0": Lecture({"lr": 0.1, "optimizer": "sgd", "init": "zeros"}, 30, Label.PLATEAU),
    "overfitting": Lecture({"lr": 3e-3, "hidden": 256}, 100, Label.OVERFITTING, "heart"),
    "slight overfitting": Lecture({"lr": 1e-3}, 40, None),
    "2 units": Lecture({"lr": 1e-2, "hidden": 2}, 40, Label.UNDERFITTING),
}

STUDY = """
[study]
name = "lecture"
metric = "val_loss"
goal = "minimize"
[trainer]
use = "trainers.{task}:train"
epochs = {epochs}
options = {{ {options} }}
[space]
lr = [{lr}]
[search]
method = "random"
trials = 1
[resources]
address = "none"
workers = 1
[tracking]
mlflow = "none"
"""


def trained(lecture: Lecture) -> Trial:
    options = ", ".join(f"{name} = {json.dumps(value)}" for name, value in lecture.params.items() if name != "lr")
    text = STUDY.format(task=lecture.task, epochs=lecture.epochs, options=options, lr=lecture.params["lr"])
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "study.toml"
        path.write_text(text, encoding="utf-8")
        study = Study.load(path)
        history = History(study.objective)
        setup = replace(build.setup(study, "lecture"), work=Path(folder) / "work")
        pruners = build.pruner(study), build.early_stopping(study)
        Loop(build.rules(study), build.sampler(study), *pruners, InProcess(setup), ListRecorder(), history).run()
    return next(iter(history))


def stored() -> Iterator[tuple[str, Trial]]:
    with gzip.open(FILE, "rt", encoding="utf-8") as file:
        kept = json.load(file)
    for name, rows in kept.items():
        curve = tuple(Report(step, row) for step, row in enumerate(rows, start=1))
        yield name, Trial(0, LECTURES[name].params, 0, len(curve), curve=curve)


def main() -> None:
    torch.set_num_threads(1)
    kept = {}
    for name, lecture in LECTURES.items():
        rows = [report.metrics for report in trained(lecture).curve]
        kept[name] = [{key: float(f"{row[key]:.4g}") for key in KEPT if key in row} for row in rows]
        print(name, flush=True)
    with gzip.GzipFile(FILE, "wb", mtime=0) as file:
        file.write(json.dumps(kept).encode())


if __name__ == "__main__":
    main()
