import math

import pytest
import torch

from hpsearch import Run, trainer
from hpsearch.errors import TrainerError
from tests.trainers.continuation import curve
from trainers import digits
from trainers.digits import Params, train

METRICS = {"train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "grad_norm"}


def test_a_search_sees_four_fifths_of_the_images():
    data = digits.load()
    assert data.train.inputs.shape == (1078, 1, 8, 8)
    assert data.validation.inputs.shape == (360, 1, 8, 8)
    assert data.train.targets.unique().tolist() == list(range(10))


def test_pixels_are_scaled_by_the_training_split_alone():
    data = digits.load()
    assert data.train.inputs.mean().item() == pytest.approx(0, abs=1e-5)
    assert data.train.inputs.std().item() == pytest.approx(1, abs=1e-5)
    assert data.validation.inputs.mean().item() != pytest.approx(0, abs=1e-4)


@pytest.mark.parametrize("model", ["mlp", "cnn"])
@pytest.mark.parametrize("examples", [1, 5])
def test_logits_for_ten_classes(model, examples):
    assert digits.build(Params(model=model))(torch.zeros(examples, 1, 8, 8)).shape == (examples, 10)


def test_good_parameters_learn_it():
    best = max(report.metrics["val_accuracy"] for report in train(Params(lr=1e-2), Run.local(15)))
    assert best >= 0.97


def test_the_cnn_learns_it():
    best = max(report.metrics["val_accuracy"] for report in train(Params(model="cnn", lr=3e-3), Run.local(12)))
    assert best >= 0.97


def test_reports_count_from_one_and_say_the_rate_that_was_used():
    params = Params(schedule="step", step_epochs=2, step_factor=0.5, lr=0.08, optimizer="sgd")
    reports = list(train(params, Run.local(5)))
    assert [report.step for report in reports] == [1, 2, 3, 4, 5]
    assert [report.metrics["lr"] for report in reports] == pytest.approx([0.08, 0.08, 0.04, 0.04, 0.02])
    assert all(set(report.metrics) == METRICS for report in reports)
    assert all(type(value) is float for report in reports for value in report.metrics.values())


def test_same_seed_same_curve_and_another_seed_another():
    params = Params(dropout=0.2)
    first = list(train(params, Run.local(3, seed=1)))
    assert list(train(params, Run.local(3, seed=1))) == first
    assert list(train(params, Run.local(3, seed=2))) != first


@pytest.mark.parametrize(
    "params",
    [
        Params(dropout=0.3, schedule="cosine"),
        Params(optimizer="adamw", weight_decay=0.01, hidden_layers=2, activation="gelu"),
        Params(optimizer="nesterov", lr=0.03, schedule="step", step_epochs=2),
        Params(optimizer="sgd", lr=0.03, momentum=0.9),
        Params(optimizer="rmsprop", lr=1e-3),
        Params(model="cnn", dropout=0.3, filters=4),
    ],
    ids=lambda params: f"{params.model}-{params.optimizer}-{params.schedule}",
)
def test_paused_after_every_epoch_it_yields_the_same_numbers_bit_for_bit(params):
    assert curve(train, params, 5, pauses=(1, 2, 3, 4)) == curve(train, params, 5)


def test_a_learning_rate_far_too_high_is_reported_as_it_is():
    *_, last = train(Params(lr=1e30, optimizer="sgd"), Run.local(3))
    assert not math.isfinite(last.metrics["train_loss"])
    assert not math.isfinite(last.metrics["val_loss"])
    assert not math.isfinite(last.metrics["grad_norm"])
    assert 0 <= last.metrics["val_accuracy"] < 0.2


def test_the_worker_finds_it_and_checks_its_parameters():
    found = trainer.find("trainers.digits:train", None)
    assert trainer.argument(found, {"lr": 1, "model": "cnn"}) == Params(lr=1.0, model="cnn")
    with pytest.raises(TrainerError, match="must be one of 'mlp', 'cnn', got 'resnet'"):
        trainer.argument(found, {"model": "resnet"})
