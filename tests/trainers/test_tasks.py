"""The trainers themselves: that they can be called in a notebook, learn, and see no more than they may."""

import math
from dataclasses import fields
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits

from hpsearch import Fold, Run
from hpsearch.core.errors import TrainerError
from hpsearch.trainer import arguments, contract
from tests.trainers.continuation import curve
from trainers import breast_cancer, cifar10, diabetes, digits, heart, mnist
from trainers.kit import cleveland
from trainers.kit.data import Data, split, strata_of

WATCHED = {"lr", "grad_norm", "weight_norm", "update_ratio", "train_loss", "train_loss_smooth", "val_loss"}

TASKS: dict[str, tuple[ModuleType, set[str]]] = {
    "digits": (digits, {"train_accuracy", "val_accuracy", "val_f1"}),
    "heart": (heart, {"train_accuracy", "val_accuracy", "val_auroc", "val_f1"}),
    "breast_cancer": (breast_cancer, {"train_accuracy", "val_accuracy", "val_auroc", "val_f1"}),
    "diabetes": (diabetes, {"train_rmse", "val_rmse", "val_r2"}),
    "mnist": (mnist, {"train_accuracy", "val_accuracy", "val_f1"}),
    "cifar10": (cifar10, {"train_accuracy", "val_accuracy", "val_f1"}),
}

SMALL = {"digits": {}, "mnist": {"filters": 2}, "cifar10": {"filters": 2, "blocks": 1}}


def params_of(task: str, **settings: object) -> object:
    return TASKS[task][0].Params(**{**SMALL.get(task, {}), **settings})


def run(epochs: int, data_dir: Path, seed: int = 0) -> Run:
    return Run.local(epochs, seed=seed, device="cpu", data_dir=data_dir)


def test_every_task_is_tried_here():
    folder = Path(digits.__file__).parent
    assert {path.stem for path in folder.glob("*.py")} - {"__init__"} == set(TASKS)


@pytest.mark.parametrize("task", TASKS)
def test_in_a_notebook_it_is_a_plain_for_and_reports_what_is_watched(task, data_dir):
    module, metrics = TASKS[task]
    reports = list(module.train(params_of(task), run(2, data_dir)))
    assert [report.step for report in reports] == [1, 2]
    for report in reports:
        assert {name for name in report.metrics if not name.startswith("grad_norm/")} == WATCHED | metrics
        assert any(name.startswith("grad_norm/") for name in report.metrics)
        assert all(type(value) is float and math.isfinite(value) for value in report.metrics.values())


@pytest.mark.parametrize("task", TASKS)
def test_same_seed_same_curve_and_another_seed_another(task, data_dir):
    train, params = TASKS[task][0].train, params_of(task)
    first, again, other = (next(train(params, run(1, data_dir, seed))) for seed in (1, 1, 2))
    assert first == again
    assert first != other


@pytest.mark.parametrize("task", TASKS)
def test_every_task_has_a_linear_baseline_of_inputs_times_outputs(task, data_dir):
    model = TASKS[task][0].build(params_of(task, model="linear"))
    inputs, outputs = {
        "digits": (64, 10), "heart": (29, 1), "breast_cancer": (30, 1), "diabetes": (10, 1), "mnist": (784, 10),
        "cifar10": (3072, 10),
    }[task]  # fmt: skip
    assert sum(weight.numel() for weight in model.parameters()) == inputs * outputs + outputs


@pytest.mark.parametrize("task", TASKS)
def test_it_is_found_by_name_and_its_parameters_are_checked(task):
    found = contract.find(f"trainers.{task}:train", None)
    assert arguments.params_argument(found, {"lr": 1, "model": "linear"}) == TASKS[task][0].Params(
        lr=1.0, model="linear"
    )
    with pytest.raises(TrainerError, match="`dropout`"):
        arguments.params_argument(found, {"droput": 0.1})
    with pytest.raises(TrainerError, match="must be one of"):
        arguments.params_argument(found, {"optimizer": "adamax"})
    with pytest.raises(ValueError, match=r"dropout must be >= 0 and < 1, got 1\.0"):
        arguments.params_argument(found, {"dropout": 1.0})


@pytest.mark.parametrize("task", TASKS)
def test_every_parameter_is_a_plain_value_that_a_study_file_can_hold(task):
    for field in fields(TASKS[task][0].Params):
        assert isinstance(field.default, bool | int | float | str | None), field.name


# That they learn ─────────────────────────────────────────────────────────────────────────────────


def best(task: str, metric: str, epochs: int, data_dir: Path, **settings: object) -> float:
    reports = TASKS[task][0].train(params_of(task, **settings), run(epochs, data_dir))
    return max(report.metrics[metric] for report in reports)


def test_the_digits_are_learnt_by_each_network(data_dir):
    assert best("digits", "val_accuracy", 15, data_dir, model="mlp") >= 0.97
    assert best("digits", "val_accuracy", 12, data_dir, model="cnn", lr=3e-3) >= 0.97
    assert best("digits", "val_accuracy", 6, data_dir, model="resnet", filters=4, blocks=1) >= 0.9
    assert best("digits", "val_accuracy", 20, data_dir, model="linear") >= 0.94


def test_the_tables_are_learnt(data_dir):
    assert best("heart", "val_auroc", 20, data_dir, lr=1e-2) > 0.75
    assert best("breast_cancer", "val_auroc", 15, data_dir, lr=1e-2, hidden=32) > 0.98
    assert best("diabetes", "val_r2", 40, data_dir, lr=1e-2) > 0.3


def test_the_photographs_are_learnt(data_dir):
    assert best("mnist", "val_accuracy", 5, data_dir, lr=1e-2, filters=4) > 0.9
    assert best("cifar10", "val_accuracy", 6, data_dir, lr=1e-2, filters=4, batch_size=16) > 0.5


@pytest.mark.parametrize("task", ["digits", "heart", "diabetes"])
def test_a_learning_rate_far_too_high_is_reported_as_it_is(task, data_dir):
    *_, last = TASKS[task][0].train(params_of(task, lr=1e30, optimizer="sgd"), run(3, data_dir))
    for name in ("train_loss", "val_loss", "grad_norm", "weight_norm"):
        assert not math.isfinite(last.metrics[name])
    assert not math.isfinite(last.metrics.get("val_auroc", math.nan))
    assert 0 <= last.metrics.get("val_accuracy", 0.0) < 0.7


@pytest.mark.parametrize("task", TASKS)
def test_paused_after_every_epoch_it_yields_the_same_numbers_bit_for_bit(task, data_dir):
    train, params = TASKS[task][0].train, params_of(task, dropout=0.2)
    paused = curve(train, params, 3, pauses=(1, 2), data_dir=data_dir)
    assert paused == curve(train, params, 3, data_dir=data_dir)


# What they see ───────────────────────────────────────────────────────────────────────────────────


def test_the_lectures_network_has_29_inputs_and_497_parameters():
    model = heart.build(heart.Params())
    assert cleveland.INPUTS == 29
    assert sum(weight.numel() for weight in model.parameters()) == 497 == 29 * 16 + 16 + 16 + 1
    assert model(torch.zeros(3, 29)).shape == (3, 1)


def test_a_search_sees_four_fifths_of_the_examples(data_dir):
    data = digits.load()
    assert data.train.inputs.shape == (1078, 1, 8, 8)
    assert data.validation.inputs.shape == (360, 1, 8, 8)
    data = heart.load(cleveland.table(data_dir))
    assert data.train.inputs.shape == (120, 29)
    assert data.validation.targets.shape == (40, 1)
    data, _ = diabetes.load()
    assert (len(data.train), len(data.validation)) == (265, 87)
    data = breast_cancer.load()
    assert (len(data.train), len(data.validation)) == (341, 115)
    assert data.train.targets.mean().item() == pytest.approx(212 / 569, abs=0.005)  # the malignant are the 1s


def sealed(task: str) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """The rows of the test split, read off the whole: those that `split` hands out to nobody."""
    source = {
        "digits": load_digits,
        "breast_cancer": load_breast_cancer,
        "diabetes": lambda: load_diabetes(scaled=False),
    }[task]()
    strata = strata_of(source.target) if task == "diabetes" else source.target
    rows = split(strata)
    return np.setdiff1d(np.arange(len(strata)), [*rows.train, *rows.validation])


@pytest.mark.parametrize("task", ["digits", "breast_cancer", "diabetes"])
@pytest.mark.parametrize("fold", [None, *Fold.each(5)])
def test_no_example_of_the_test_split_reaches_a_trainer(task, fold, monkeypatch):
    """Every target of the test's rows is marked; a trainer that held one of them would hold the mark."""
    name = {"digits": "load_digits", "breast_cancer": "load_breast_cancer", "diabetes": "load_diabetes"}[task]
    module, rows = TASKS[task][0], sealed(task)
    source = getattr(module, name)() if task != "diabetes" else module.load_diabetes(scaled=False)
    before = data_of(module.load.__wrapped__(fold))
    inputs = source.images if task == "digits" else source.data
    inputs[rows] = 1e6
    monkeypatch.setattr(module, name, lambda **_: source)
    after = data_of(module.load.__wrapped__(fold))
    assert torch.equal(before.train.inputs, after.train.inputs)
    assert torch.equal(before.validation.inputs, after.validation.inputs)


def test_what_a_trainer_is_handed_has_no_test_split():
    assert [field.name for field in fields(Data)] == ["train", "validation"]


def data_of(loaded: Data | tuple[Data, object]) -> Data:
    return loaded[0] if isinstance(loaded, tuple) else loaded


def whole(task: str, data_dir: Path) -> Data:
    module = TASKS[task][0]
    return data_of(module.load(data_dir) if task in ("mnist", "cifar10") else module.load())


@pytest.mark.parametrize("task", ["digits", "breast_cancer", "diabetes", "mnist", "cifar10"])
def test_inputs_are_standardised_by_the_training_split_alone(task, data_dir):
    data = whole(task, data_dir)
    inputs = torch.cat([batch for batch, _ in data.train.batches(1000)])
    columns = inputs.transpose(0, 1).flatten(1) if inputs.ndim == 4 else inputs.T
    assert columns.mean(1).abs().max() < 1e-4
    assert (columns.std(1) - 1).abs().max() < 1e-2
    validated = torch.cat([batch for batch, _ in data.validation.batches(1000)])
    assert validated.mean().abs() > 1e-4


def test_the_encoding_of_patients_is_fitted_on_the_training_rows_alone(data_dir):
    """Whatever stands in the other rows, what is trained on stays the same."""
    table = cleveland.table(data_dir)
    rows = split(cleveland.sick(table))
    others = np.setdiff1d(np.arange(len(table)), rows.train)
    changed = table.copy()
    changed[others, cleveland.COLUMNS.index("chol")] += 1000
    before, after = heart.load(table), heart.load(changed)
    assert torch.equal(before.train.inputs, after.train.inputs)
    assert not torch.equal(before.validation.inputs, after.validation.inputs)


def test_the_error_of_a_regression_is_in_the_diseases_units(data_dir):
    """A model of zeros predicts the training mean: its error is the spread of the targets, 77 in their units."""
    params = diabetes.Params(init="zeros", lr=1e-12)
    report = next(diabetes.train(params, run(1, data_dir)))
    assert report.metrics["train_rmse"] == pytest.approx(load_diabetes().target.std(), rel=0.03)
    assert report.metrics["train_loss"] == pytest.approx(1.0, abs=1e-5)
    assert report.metrics["val_r2"] == pytest.approx(0.0, abs=0.02)
