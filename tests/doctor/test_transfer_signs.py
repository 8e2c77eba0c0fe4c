"""Curves of trainings that learn nothing that transfers, and similar ones that do."""

from hpsearch.core.metric_names import PREFIX
from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_evidence import StudyEvidence
from tests.doctor.curve import ACCURACY, LOSS, falling, straight, trial

ROUGH = (0.0, 0.01, -0.01, 0.004, -0.006)
"""Added in turn: a validation loss is not smooth."""


SLIGHTLY = {"train_loss": falling(4.3, 3.7, 20, 0.8), "val_loss": falling(4.2, 4.1, 20, 0.8)}
FAST = {"train_loss": falling(2.6, 0.05, 40, 0.9), "val_loss": straight(2.57, 8.0, 40)}


def rough(values: list[float]) -> list[float]:
    return [value + ROUGH[place % len(ROUGH)] for place, value in enumerate(values)]


def first(seen: Trial, objective: Objective = LOSS) -> Label:
    return diagnose(seen, objective)[0].label


class TestNeverBetter:
    """The mean of the targets is learnt in the first epoch, and then only single examples."""

    TRAIN = (1900.0, *straight(1230.0, 1150.0, 19))

    def test_a_validation_loss_that_is_best_after_the_first_epoch(self) -> None:
        held = [1230 + 20 * one for one in rough(straight(0.0, 2.0, 20))]
        assert first(trial(train_loss=self.TRAIN, val_loss=held)) is Label.METRIC_STUCK

    def test_one_that_falls_as_well(self) -> None:
        held = [1230 + 20 * one for one in rough(straight(0.0, -4.0, 20))]
        assert first(trial(train_loss=self.TRAIN, val_loss=held)) is not Label.METRIC_STUCK

    def test_a_metric_of_another_quantity(self) -> None:
        """Nothing says whether an error of 4.5 is low, but it is no better after 39 epochs than after one."""
        held = [4.5 + 10 * one for one in rough(straight(0.0, 0.02, 20))]
        metrics = {"train_mse": [160.0, *straight(30.0, 9.0, 19)], "val_mae": held}
        assert first(trial(**metrics), Objective("val_mae", "minimize")) is Label.METRIC_STUCK


class TestGetsWorse:
    def test_an_accuracy_that_falls_while_little_is_learnt(self) -> None:
        assert first(trial(**SLIGHTLY, val_accuracy=straight(0.86, 0.73, 20)), ACCURACY) is Label.METRIC_STUCK

    def test_one_that_varies(self) -> None:
        assert first(trial(**SLIGHTLY, val_accuracy=[0.5, 0.6, 0.4, 0.5] * 5), ACCURACY) is not Label.METRIC_STUCK


class TestFewExamples:
    """A training loss near 0 within 40 steps is that of few examples: wrong labels of many take far more."""

    def test_steps_show_which_it_is(self) -> None:
        assert first(trial(**FAST)) is Label.METRIC_STUCK
        seen = trial(**FAST)
        for steps, label in ((1.0, Label.OVERFITTING), (60.0, Label.METRIC_STUCK)):
            curve = tuple(Report(one.step, {**one.metrics, f"{PREFIX}steps": steps}) for one in seen.curve)
            assert first(Trial(0, {}, 0, 40, curve=curve)) is label

    def test_a_third_is_enough_where_an_epoch_is_one_step(self) -> None:
        losses = {"train_loss": falling(2.6, 1.6, 40, 0.9), "val_loss": straight(2.57, 8.0, 40)}
        for steps, label in ((1.0, Label.OVERFITTING), (3.0, Label.METRIC_STUCK)):
            assert first(trial(**losses, **{f"{PREFIX}steps": [steps] * 40})) is label


class TestSuddenly:
    """A network that learns in the last two epochs."""

    FLAT = rough([0.7] * 23)

    def test_it_has_begun_to_learn(self) -> None:
        losses = {"train_loss": [*self.FLAT, 0.45, 0.31], "val_loss": [*self.FLAT, 0.31, 0.36]}
        found = diagnose(trial(**losses), LOSS)
        assert found[0].label is Label.STILL_IMPROVING
        assert "0.36" in found[0].evidence

    def test_one_split_alone_is_no_sign(self) -> None:
        losses = {"train_loss": [*self.FLAT, 0.45, 0.31], "val_loss": [*self.FLAT, 0.7, 0.7]}
        assert first(trial(**losses)) is not Label.STILL_IMPROVING


class TestFewMetrics:
    """A training loss and an accuracy, nothing else."""

    NEVER = (0.20, 0.21, 0.19, 0.20, 0.22, 0.18, 0.20, 0.21, 0.20, 0.19, 0.20, 0.21, 0.20, 0.20, 0.19, 0.20)

    def test_an_accuracy_that_stays_at_chance_while_the_loss_falls(self) -> None:
        seen = trial(train_loss=falling(1.65, 1.3, 16, 0.85), val_accuracy=self.NEVER)
        assert first(seen, ACCURACY) is Label.METRIC_STUCK
        rising = trial(train_loss=falling(1.65, 1.3, 16, 0.85), val_accuracy=straight(0.2, 0.45, 16))
        assert first(rising, ACCURACY) is not Label.METRIC_STUCK
        slow = trial(train_loss=falling(2.5, 0.9, 16, 0.85), val_accuracy=[*[0.05] * 8, *straight(0.06, 0.15, 8)])
        assert first(slow, ACCURACY) is not Label.METRIC_STUCK, "it begins to rise"

    def test_an_accuracy_that_falls_far_while_both_losses_fall(self) -> None:
        worse = {"train_loss": falling(0.64, 0.5, 20), "val_loss": falling(0.62, 0.51, 20)}
        assert first(trial(**worse, val_accuracy=straight(0.75, 0.53, 20)), ACCURACY) is Label.METRIC_STUCK

    def test_a_training_loss_near_0_beside_a_low_accuracy(self) -> None:
        seen = trial(train_loss=falling(1.6, 0.1, 40, 0.85), val_accuracy=falling(0.25, 0.46, 40, 0.5))
        assert first(seen, ACCURACY) is Label.OVERFITTING


class TestBesideOtherTrials:
    """A trial that learns what the validation split shares within its first epoch, and then single examples."""

    SLOW = trial(0, params={"lr": 1e-6}, train_loss=straight(4.1, 4.09, 20), val_loss=straight(4.1, 4.09, 20))

    def overfitted(self, level: float) -> Trial:
        held = [level * one for one in rough(straight(1.0, 1.2, 20))]
        return trial(1, params={"lr": 0.03}, train_loss=straight(1.07 * level, 0.33 * level, 20), val_loss=held)

    def label(self, level: float, lowest: float, rate: float = 0.003) -> Label:
        losses = {"train_loss": falling(3.5, lowest - 0.3, 20), "val_loss": falling(3.4, lowest, 20)}
        good = trial(2, params={"lr": rate}, **losses)
        found = self.overfitted(level)
        return diagnose(found, LOSS, StudyEvidence.of([self.SLOW, found, good], LOSS))[0].label

    def test_one_of_them_is_far_better_than_an_untrained_network(self) -> None:
        assert self.label(2.9, 2.6) is Label.OVERFITTING

    def test_none_is_better_than_this_one_after_its_first_epoch(self) -> None:
        """That may be the loss of a constant prediction."""
        assert self.label(2.9, 2.85) is Label.METRIC_STUCK

    def test_none_is_far_better_than_an_untrained_network(self) -> None:
        assert self.label(3.7, 3.4, rate=0.03) is Label.METRIC_STUCK


def test_a_training_loss_that_falls_alone_above_a_high_floor_is_overfitting() -> None:
    train = [31.0, 24.5, 19.7, 17.1, 15.6, 14.6, 13.9, 13.3, 12.8, 12.3, 12.0, 11.7]
    held = [29.8, 23.9, 20.6, 18.7, 17.7, 17.2, 16.9, 16.8, 16.8, 16.7, 16.8, 16.8]
    assert first(trial(train_ppl=train, val_ppl=held), Objective("val_ppl", "minimize")) is Label.OVERFITTING
