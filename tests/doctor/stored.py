"""A few of the labelled trainings' curves, kept for regression tests: one for each fault, of the half to develop on.

`python -m tests.doctor.stored` trains them again and writes the file; numbers have five digits.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from hpsearch.core.trial import Report, Trial
from tests.doctor.faults import FAULTS, Case
from tests.doctor.trainings import train

FILE = Path(__file__).parent / "assets" / "curves.json"
SEEDS = {"digits": 10, "heart": 0}


def chosen() -> Iterator[Case]:
    """The tasks in turn; sound trainings of both."""
    for place, (name, fault) in enumerate(FAULTS.items()):
        tasks = fault.tasks if name == "none" else fault.tasks[place % len(fault.tasks) :][:1]
        yield from (Case(name, task, SEEDS[task]) for task in tasks)


def load() -> dict[str, Trial]:
    """By fault and task."""
    found = json.loads(FILE.read_text("utf-8"))
    return {f"{one['fault']} ({one['task']})": _trial(one) for one in found}


def _trial(one: dict[str, Any]) -> Trial:
    columns = {name: list(map(float, values)) for name, values in one["curve"].items()}
    rows = zip(*columns.values(), strict=True)
    curve = tuple(Report(step, dict(zip(columns, row, strict=True))) for step, row in enumerate(rows, start=1))
    return Trial(0, {"lr": one["lr"]}, one["seed"], len(curve), curve=curve)


def _stored(case: Case) -> dict[str, Any]:
    setup = case.setup
    curve = train(setup)
    columns = {name: [f"{report.metrics[name]:.5g}" for report in curve] for name in curve[0].metrics}
    return {"fault": case.fault, "task": case.task, "seed": case.seed, "lr": setup.lr, "curve": columns}


def write() -> None:
    torch.set_num_threads(1)
    lines = [json.dumps(_stored(case)) for case in chosen()]
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text("[\n" + ",\n".join(lines) + "\n]\n", "utf-8")


if __name__ == "__main__":
    write()
