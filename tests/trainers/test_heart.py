import math

import numpy as np
import pytest
import torch

from hpsearch import Run
from tests.trainers.continuation import curve
from trainers import heart
from trainers.heart import Params, train
from trainers.kit import cleveland
from trainers.kit.data import split


def test_the_lectures_network_has_497_parameters():
    model = heart.build(Params())
    assert sum(p.numel() for p in model.parameters()) == 497 == 29 * 16 + 16 + 16 + 1
    assert model(torch.zeros(3, 29)).shape == (3, 1)


def test_a_search_sees_four_fifths_of_the_patients(data_dir):
    data = heart.load(cleveland.table(data_dir))
    assert data.train.inputs.shape == (120, 29)
    assert data.validation.inputs.shape == (40, 29)
    assert data.train.targets.shape == (120, 1)
    assert set(data.train.targets.flatten().tolist()) == {0.0, 1.0}


def test_the_encoding_is_fitted_on_the_training_rows_alone(data_dir):
    """Whatever stands in the other rows, what is trained on stays the same."""
    table = cleveland.table(data_dir)
    rows = split(cleveland.sick(table))[0]
    others = np.setdiff1d(np.arange(len(table)), rows)
    changed = table.copy()
    changed[others, cleveland.COLUMNS.index("chol")] += 1000
    before, after = heart.load(table), heart.load(changed)
    assert torch.equal(before.train.inputs, after.train.inputs)
    assert not torch.equal(before.validation.inputs, after.validation.inputs)


def test_it_learns_and_reports_every_metric(data_dir):
    first, *_, last = train(Params(lr=1e-2), Run.local(20, data_dir=data_dir))
    assert last.metrics["train_loss"] < 0.7 * first.metrics["train_loss"]
    assert last.metrics["val_auroc"] > 0.75
    assert set(last.metrics) == {
        "train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_auroc", "lr", "grad_norm",
    }  # fmt: skip


@pytest.mark.parametrize("params", [Params(), Params(dropout=0.2, optimizer="sgd", schedule="cosine")], ids=repr)
def test_paused_after_every_epoch_it_yields_the_same_numbers_bit_for_bit(params, data_dir):
    paused = curve(train, params, 5, pauses=(1, 2, 3, 4), data_dir=data_dir)
    assert paused == curve(train, params, 5, data_dir=data_dir)


def test_a_learning_rate_far_too_high_is_reported_as_it_is(data_dir):
    *_, last = train(Params(lr=1e30, optimizer="sgd"), Run.local(3, data_dir=data_dir))
    assert not math.isfinite(last.metrics["val_loss"])
    assert math.isnan(last.metrics["val_auroc"])
