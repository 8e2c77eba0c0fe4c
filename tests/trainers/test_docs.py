"""docs/trainers.md names every knob and every metric: no more and no fewer than there are."""

import re
from dataclasses import fields
from pathlib import Path

import pytest

from hpsearch import Run
from tests.trainers.test_tasks import TASKS, params_of
from trainers.kit import augment, losses, optimizers, schedules
from trainers.kit.knobs import Knobs

TEXT = (Path(__file__).parents[2] / "docs" / "trainers.md").read_text(encoding="utf-8")
KNOBS = {field.name for module, _ in TASKS.values() for field in fields(module.Params)}


def first_cells(section: str) -> set[str]:
    """What is named in the first column of a section's tables."""
    body = TEXT.split(f"## {section}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_knob_is_described_and_none_that_is_not_there():
    assert first_cells("Every knob") == KNOBS


def test_every_metric_is_described(data_dir):
    reported = set()
    for task, (module, _) in TASKS.items():
        params = params_of(task, throughput=True)
        reported |= set(next(module.train(params, Run.local(1, device="cpu", data_dir=data_dir))).metrics)
    plain = {name for name in reported if not name.startswith("grad_norm/")}
    assert first_cells("What is reported") == plain | {"grad_norm/LAYER", "val_…_se"}


@pytest.mark.parametrize("knobs", [optimizers.Knobs, schedules.Knobs, losses.Knobs], ids=lambda made: made.__module__)
def test_every_choice_is_described(knobs: type[Knobs]):
    for field in fields(knobs):
        for choice in getattr(field.type, "__args__", ()):
            if isinstance(choice, str):
                assert f'`"{choice}"`' in TEXT, choice


def test_every_docstring_names_its_knobs():
    for module in {optimizers, schedules, losses, augment}:
        for field in fields(module.Knobs):
            assert re.search(rf"\b{field.name}\b", module.Knobs.__doc__ or ""), field.name
