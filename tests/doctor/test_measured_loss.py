"""The measured mean of the training loss, in place of the loss of single batches."""

import random

from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.diagnosis import Diagnosis
from hpsearch.doctor.findings import Label
from hpsearch.doctor.meanings import Meanings, Role
from tests.doctor.curve import LOSS, falling, trial

MEAN = falling(2.3, 0.3, 20, 0.8)
LAST = [value * random.Random(place).uniform(0.4, 1.6) for place, value in enumerate(MEAN)]


def seen(**reported: list[float]) -> Trial:
    return trial(hpsearch__mean_loss=MEAN, hpsearch__last_loss=LAST, **reported)


def meanings(one: Trial, objective: Objective = LOSS, **given: str) -> Meanings:
    return Meanings.of([one], objective, given)


def test_a_loss_of_the_last_batch_is_replaced() -> None:
    found = meanings(seen(train_loss=[float(f"{value:.5g}") for value in LAST], val_loss=MEAN))
    assert (found.name(Role.TRAIN_LOSS), found.last_batch, found.comparable) == (
        "hpsearch/mean_loss",
        "train_loss",
        True,
    )


def test_a_mean_is_not() -> None:
    found = meanings(seen(train_loss=[1.01 * value for value in MEAN], val_loss=MEAN))
    assert (found.name(Role.TRAIN_LOSS), found.last_batch) == ("train_loss", "")
    one_batch = trial(hpsearch__mean_loss=LAST, hpsearch__last_loss=LAST, train_loss=LAST, val_loss=MEAN)
    assert meanings(one_batch).name(Role.TRAIN_LOSS) == "train_loss"


def test_without_a_training_loss_the_measured_one_is_used() -> None:
    overfitted = [*falling(2.3, 0.6, 8, 0.6), *[0.7 + 0.15 * step for step in range(12)]]
    one = seen(val_loss=overfitted)
    diagnosis = Diagnosis.of(one, [one], LOSS)
    assert diagnosis.findings[0].label is Label.OVERFITTING
    assert "train_loss" not in diagnosis.not_reported


def test_a_loss_of_another_size_is_not_compared_with_it() -> None:
    assert meanings(seen(val_loss=MEAN)).comparable
    assert not meanings(seen(val_loss=[8 * value for value in MEAN])).comparable, "divided for accumulated gradients"


def test_it_is_not_used_where_losses_need_not_fall() -> None:
    rewards = Objective("episode_reward_mean", "maximize")
    assert meanings(seen(episode_reward_mean=[10 * value for value in MEAN]), rewards).name(Role.TRAIN_LOSS) is None
