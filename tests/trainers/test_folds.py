import math

import numpy as np
import pytest
import torch

from hpsearch import Run
from tests.trainers.continuation import curve
from trainers import digits, heart
from trainers.kit import cleveland, folds


def test_a_report_of_folds_is_their_mean_with_the_standard_error_of_what_was_validated():
    reports = [{"train_loss": 1.0, "val_loss": value} for value in (1.0, 2.0, 4.0, 5.0)]
    found = folds.mean(reports)
    # By hand: the mean is 3, the variance (4 + 1 + 1 + 4) / 3, the error √(10/3) / √4.
    assert found == {"train_loss": 1.0, "val_loss": 3.0, "val_loss_se": pytest.approx(math.sqrt(10 / 3) / 2)}


def test_a_fold_that_has_diverged_shows():
    found = folds.mean([{"val_loss": 1.0}, {"val_loss": math.inf}])
    assert found["val_loss"] == math.inf
    assert math.isnan(found["val_loss_se"])


def test_every_fold_is_a_training_of_its_own_and_the_report_their_mean(data_dir):
    """Each as if it were alone: the folds share nothing but the global random state of the first weights."""
    params, table = heart.Params(folds=3, lr=1e-2, init="zeros"), cleveland.table(data_dir)
    first = next(heart.train(params, Run.local(2, data_dir=data_dir))).metrics
    alone = []
    for fold, data in enumerate(heart.load(table, 3)):
        run = Run.local(2, data_dir=data_dir)
        alone.append(folds.Training(params, heart.build(params), data, heart.losses.binary(params), run, fold).epoch(1))
    for name in alone[0]:
        assert first[name] == pytest.approx(np.mean([report[name] for report in alone])), name
    errors = {name for name in first if name.endswith("_se")}
    assert errors == {f"val_{name}_se" for name in ("loss", "accuracy", "auroc", "f1")}
    assert first["val_loss_se"] > 0


def test_folds_begin_with_weights_of_their_own():
    run = Run.local(1)
    list(digits.train(digits.Params(folds=3), run))
    first, second = (run.tracked[f"fold{number}_model"].output.weight for number in (1, 2))
    assert not torch.equal(first, second)


def test_without_folds_things_are_tracked_by_their_plain_names():
    run = Run.local(1)
    list(digits.train(digits.Params(), run))
    assert set(run.tracked) == {"model", "optimizer", "schedule", "scaler", "shuffle", "augmentation", "smooth"}


def test_folds_that_are_paused_yield_the_same_numbers_bit_for_bit(data_dir):
    params = heart.Params(folds=3, dropout=0.3, schedule="plateau", plateau_patience=0)
    paused = curve(heart.train, params, 4, pauses=(1, 2, 3), data_dir=data_dir)
    assert paused == curve(heart.train, params, 4, data_dir=data_dir)
