"""docs/trainers.md names exactly the parameters and the metrics that exist."""

import inspect
import re
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn

import hpsearch
from hpsearch import Fold, Run
from hpsearch.trainer import state
from hpsearch.trainer.seal import Sealed, unsealed
from tests.trainers.test_tasks import TASKS, params_of
from trainers.kit import augment, losses, optimizers, schedules
from trainers.kit.ranges import Settings

TEXT = (Path(__file__).parents[2] / "docs" / "trainers.md").read_text(encoding="utf-8")
SETTINGS = {field.name for module, _ in TASKS.values() for field in fields(module.Params)}


def first_cells(section: str) -> set[str]:
    """What is named in the first column of a section's tables."""
    body = TEXT.split(f"## {section}\n")[1].split("\n## ")[0]
    cells = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `")]
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def test_every_parameter_is_described_and_none_that_is_not_there():
    assert first_cells("All parameters") == SETTINGS


def test_every_metric_is_described(data_dir):
    reported = set()
    for task, (module, _) in TASKS.items():
        params = params_of(task, throughput=True, dropout_samples=1)
        reported |= set(next(module.train(params, Run.local(1, device="cpu", data_dir=data_dir))).metrics)
    plain = {name for name in reported if not name.startswith("grad_norm/")}
    assert first_cells("Reported metrics") == plain | {"grad_norm/LAYER"}


@pytest.mark.parametrize(
    "settings", [optimizers.Settings, schedules.Settings, losses.Settings], ids=lambda made: made.__module__
)
def test_every_choice_is_described(settings: type[Settings]):
    for field in fields(settings):
        for choice in getattr(field.type, "__args__", ()):
            if isinstance(choice, str):
                assert f'`"{choice}"`' in TEXT, choice


def test_every_docstring_names_its_parameters():
    for module in {optimizers, schedules, losses, augment}:
        for field in fields(module.Settings):
            assert re.search(rf"\b{field.name}\b", module.Settings.__doc__ or ""), field.name


def test_folds_are_dealt_as_it_is_written():
    own = {"np": np, "load": lambda: (np.zeros(23), np.zeros(23))}
    (code,) = re.findall(r"```python\n(def train\(params, run\):\n.*?run\.fold.*?)```", TEXT, re.DOTALL)
    exec(f"{code}    return train, validation", own)
    parts = [own["train"]({}, Run.local(1, fold=fold)) for fold in Fold.each(5)]
    assert sorted(np.concatenate([validation for _, validation in parts])) == list(range(23))
    assert all(sorted([*train, *validation]) == list(range(23)) for train, validation in parts)


def test_the_functions_of_ones_own_trainer_work_as_they_are_written():
    own = {"hpsearch": hpsearch, "torch": torch, "load": _load, "build": lambda _: nn.Linear(4, 3)}
    (code,) = re.findall(r"```python\n(def predict\(.*?)```", TEXT, re.DOTALL)
    exec(code, own)
    model, others = nn.Linear(4, 3), {"optimizer": torch.optim.Adam(nn.Linear(1, 1).parameters())}
    run = Run(0, 1, restored=state.take_snapshot("study/0", 1, 0.0, {"model": model, **others}))
    inputs, targets = _load("validation")
    predictions = own["predict"]({}, run, "validation")
    assert predictions.outputs == pytest.approx(model(inputs).softmax(1).detach().numpy())
    right = (model(inputs).argmax(1) == targets).float().mean().item()
    assert own["score"](predictions) == {"accuracy": pytest.approx(right)}
    with pytest.raises(Sealed):
        own["predict"]({}, run, "test")
    with unsealed("a test"):
        assert len(own["predict"]({}, run, "test")) == 20


def _load(part: str) -> tuple[torch.Tensor, torch.Tensor]:
    draws = torch.Generator().manual_seed(len(part))
    n = 20 if part == "test" else 30
    return torch.randn(n, 4, generator=draws), torch.randint(0, 3, (n,), generator=draws)


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_the_functions_as_they_are_described(task):
    described = first_cells("Predictions of a trained network: `predict`, `score`, `snapshots`")
    module = TASKS[task][0]
    for name in ("predict", "score", "snapshots"):
        parameters = inspect.signature(getattr(module, name)).parameters.values()
        written = [f"{one.name}={one.default}" if one.default is not one.empty else one.name for one in parameters]
        shown = f"{name}({', '.join(written)})".replace("augmented=0", "*, augmented=0")
        assert shown in described
