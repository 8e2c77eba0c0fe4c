"""Every limit of the doctor from both sides: just short of it, and just beyond.

The numbers stand here as they stand in the signs, so that none of them changes unnoticed.
"""

from collections.abc import Sequence

import pytest

from hpsearch.doctor import decay_signs as decay
from hpsearch.doctor import shape
from hpsearch.doctor import training_signs as training
from hpsearch.doctor import transfer_signs as transfer
from hpsearch.doctor import validation_signs as validation
from hpsearch.doctor.curves import Curves
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label
from hpsearch.doctor.meanings import Meanings
from hpsearch.doctor.study_evidence import StudyEvidence
from tests.doctor.curve import LOSS, falling, straight, trial

FLAT = {"train_loss": [2.3] * 20, "val_loss": [2.31, 2.3] * 10}
WELL = {"train_loss": falling(2.3, 0.02, 20, 0.5), "val_loss": falling(2.3, 0.1, 20, 0.5)}


def curves(**metrics: Sequence[float]) -> Curves:
    return Curves.of(trial(**metrics), LOSS)


def to(train: float, gap: float = 0.0, **metrics: Sequence[float]) -> dict[str, Sequence[float]]:
    """Losses that begin at 1 and have converged."""
    return {"train_loss": falling(1.0, train, 20, 0.4), "val_loss": falling(1.0, train + gap, 20, 0.4), **metrics}


def label(lowest: float | None = None, **metrics: Sequence[float]) -> Label:
    seen = trial(**metrics)
    return diagnose(seen, LOSS, StudyEvidence(Meanings.of([seen], LOSS), lowest))[0].label


class TestDiagnosis:
    def test_epochs_that_it_takes(self) -> None:
        rising = [1.0, 20.0, 30.0, 40.0]
        assert label(train_loss=rising[:3], val_loss=rising[:3]) is Label.TOO_EARLY
        assert label(train_loss=rising, val_loss=rising) is Label.DIVERGED

    def test_a_low_loss_is_healthy_by_itself(self) -> None:
        assert [label(**to(end)) for end in (0.34, 0.36)] == [Label.HEALTHY, Label.TOO_EARLY]

    def test_a_gap_shows_a_capable_network(self) -> None:
        assert [label(**to(0.5, gap)) for gap in (0.048, 0.052)] == [Label.TOO_EARLY, Label.HEALTHY]

    def test_as_good_as_the_best_of_the_study(self) -> None:
        assert [label(0.5 - far, **to(0.5)) for far in (0.048, 0.052)] == [Label.HEALTHY, Label.TOO_EARLY]

    def test_a_good_fraction(self) -> None:
        found = [label(**to(0.5, train_accuracy=[share] * 20)) for share in (0.74, 0.76)]
        assert found == [Label.UNDERFITTING, Label.HEALTHY]


class TestShape:
    def test_little_was_learnt(self) -> None:
        assert [shape.learns_little(curves(**to(end))) for end in (0.76, 0.74)] == [True, False]

    @pytest.mark.parametrize(("fall", "stays"), [(0.019, True), (0.021, False)])
    def test_a_loss_that_has_not_moved(self, fall: float, stays: bool) -> None:
        losses = [1.0, *[1 - fall] * 19]
        assert (training.plateau(curves(train_loss=losses, val_loss=losses)) is not None) == stays

    def test_long_enough_for_a_plateau(self) -> None:
        found = [training.plateau(curves(train_loss=[2.3] * n, val_loss=[2.3] * n)) for n in (5, 6)]
        assert [one is not None for one in found] == [False, True]

    @pytest.mark.parametrize(("ratio", "slow"), [(2.4e-4, True), (2.6e-4, False)])
    def test_a_low_update_ratio(self, ratio: float, slow: bool) -> None:
        losses = falling(1.0, 0.6, 30, 0.933)  # half as fast in every third
        assert shape.falls_slowly(curves(train_loss=losses, val_loss=losses, update_ratio=[ratio] * 30)) == slow

    @pytest.mark.parametrize(("end", "slow"), [(0.195, True), (0.165, False)])
    def test_a_high_loss(self, end: float, slow: bool) -> None:
        losses = falling(1.0, end, 30, 0.933)  # at 0.31 and 0.28 by the last fifth
        assert shape.falls_slowly(curves(train_loss=losses, val_loss=losses, update_ratio=[1e-4] * 30)) == slow

    @pytest.mark.parametrize(("fall", "slow"), [(0.0029, True), (0.0031, False)])
    def test_a_slow_fall_in_steps_of_a_normal_size(self, fall: float, slow: bool) -> None:
        losses = straight(1.0, 1 - 30 * fall * 29 / 27, 30)  # the end is the median of epochs 26 to 30
        given = {"train_loss": losses, "val_loss": losses, "update_ratio": [2e-3] * 30}
        assert shape.falls_slowly(curves(**given, **{"hpsearch/descent": [0.16] * 30})) == slow
        assert not shape.falls_slowly(curves(**given)), "a straight line alone is one sign"

    @pytest.mark.parametrize(("fall", "slow"), [(0.0199, True), (0.0201, False)])
    def test_a_slow_fall_in_steps_of_unknown_size(self, fall: float, slow: bool) -> None:
        losses = straight(1.0, 1 - 29 * fall, 30)
        assert shape.falls_slowly(curves(train_loss=losses, val_loss=losses)) == slow

    @pytest.mark.parametrize(("ratio", "slow"), [(0.69, False), (0.71, True)])
    def test_a_straight_line(self, ratio: float, slow: bool) -> None:
        pace = ratio**0.1  # over the ten epochs of a third
        losses = [0.9 + 0.1 * pace**epoch for epoch in range(30)]
        assert shape.falls_slowly(curves(train_loss=losses, val_loss=losses)) == slow


class TestTraining:
    @pytest.mark.parametrize(("end", "seen"), [(9.9, False), (10.1, True)])
    def test_an_exploded_loss(self, end: float, seen: bool) -> None:
        assert (training.diverged(curves(train_loss=[1.0, 5.0, *[end] * 5])) is not None) == seen

    @pytest.mark.parametrize(("stride", "seen"), [(0.059, False), (0.061, True)])
    def test_a_high_update_ratio(self, stride: float, seen: bool) -> None:
        assert (training.rate_too_high(curves(**FLAT, update_ratio=[stride] * 20)) is not None) == seen

    @pytest.mark.parametrize(("stride", "seen"), [(0.0059, False), (0.0061, True)])
    def test_steps_that_are_not_small_and_shrinking_weights(self, stride: float, seen: bool) -> None:
        held = curves(**FLAT, weight_norm=falling(8.0, 0.1, 20), update_ratio=[stride] * 20)
        assert (training.weights_shrink(held) is not None) == seen

    @pytest.mark.parametrize(("end", "seen"), [(0.76, False), (0.74, True)])
    def test_shrinking_weights(self, end: float, seen: bool) -> None:
        assert (training.weights_shrink(curves(**FLAT, weight_norm=[1.0, *[end] * 19])) is not None) == seen

    @pytest.mark.parametrize(("climb", "seen"), [(0.0098, False), (0.0102, True)])
    def test_an_unstable_validation_loss(self, climb: float, seen: bool) -> None:
        up = 2 * climb * 2.3  # half of the steps go up
        losses = {"train_loss": WELL["train_loss"], "val_loss": [1.0, 1.0 + up] * 10}
        assert (training.rate_too_high(curves(**losses, update_ratio=[0.1] * 20)) is not None) == seen

    @pytest.mark.parametrize(("climb", "seen"), [(0.0148, False), (0.0152, True)])
    def test_rises_of_the_training_loss(self, climb: float, seen: bool) -> None:
        losses = curves(train_loss=[1.0, 1.0 + 2 * climb] * 10, val_loss=[1.0] * 20)
        assert (training.rate_too_high(losses) is not None) == seen

    @pytest.mark.parametrize(("start", "seen"), [(11.9, False), (12.1, True)])
    def test_worse_than_guessing(self, start: float, seen: bool) -> None:
        assert training.exploded(curves(train_loss=[start, 2.0], val_accuracy=[0.1, 0.2])) == seen

    @pytest.mark.parametrize(("rate", "seen"), [(0.099, False), (0.101, True)])
    def test_a_rate_that_explains_an_explosion(self, rate: float, seen: bool) -> None:
        exploded = {"train_loss": falling(900.0, 2.3, 20), "train_accuracy": [0.1] * 20}
        assert (training.rate_too_high(curves(**exploded, lr=[rate] * 20)) is not None) == seen

    @pytest.mark.parametrize(("rate", "seen"), [(0.29, False), (0.31, True)])
    def test_a_rate_that_explains_a_constant_loss(self, rate: float, seen: bool) -> None:
        assert (training.rate_too_high(curves(**FLAT, lr=[rate] * 20)) is not None) == seen

    @pytest.mark.parametrize(("ratio", "seen"), [(1.1e-5, False), (0.9e-5, True)])
    def test_a_vanishing_gradient(self, ratio: float, seen: bool) -> None:
        norms = {"grad_norm__in": [ratio] * 20, "grad_norm__out": [1.0] * 20}
        assert (training.vanishing(curves(**FLAT, **norms)) is not None) == seen


class TestValidation:
    @pytest.mark.parametrize(("fall", "seen"), [(0.21, False), (0.19, True)])
    def test_what_transfers(self, fall: float, seen: bool) -> None:
        losses = to(0.1, 0.9 - fall)
        assert (transfer.metric_stuck(curves(**losses)) is not None) == seen

    @pytest.mark.parametrize(("examples", "seen"), [(21, False), (20, True)])
    def test_few_examples(self, examples: int, seen: bool) -> None:
        shares = [k / examples for k in (11, 13, 16, 17)] * 5
        assert (validation.noisy_validation(curves(**WELL, val_accuracy=shares)) is not None) == seen

    @pytest.mark.parametrize(("gap", "seen"), [(0.32, False), (0.34, True)])
    def test_a_wide_gap(self, gap: float, seen: bool) -> None:
        assert (validation.overfitting(curves(**to(0.4, gap))) is not None) == seen

    @pytest.mark.parametrize(("gap", "seen"), [(0.19, False), (0.21, True)])
    def test_a_gap_that_is_most_of_the_validation_loss(self, gap: float, seen: bool) -> None:
        assert (validation.overfitting(curves(**to(0.2, gap))) is not None) == seen

    @pytest.mark.parametrize(("gap", "seen"), [(0.21, False), (0.19, True)])
    def test_underfitting_has_no_gap(self, gap: float, seen: bool) -> None:
        assert (validation.underfitting(curves(**to(0.7, gap))) is not None) == seen

    @pytest.mark.parametrize(("share", "seen"), [(0.91, False), (0.89, True)])
    def test_a_high_fraction(self, share: float, seen: bool) -> None:
        assert (validation.underfitting(curves(**to(0.8, train_accuracy=[share] * 20))) is not None) == seen

    @pytest.mark.parametrize(("turn", "seen"), [(0.058, False), (0.062, True)])
    def test_a_validation_loss_that_rises_again(self, turn: float, seen: bool) -> None:
        losses = {
            "train_loss": falling(1.0, 0.3, 20, 0.4),
            "val_loss": [*falling(1.0, 0.5, 10, 0.3), *[0.5 + turn] * 10],
        }
        assert (validation.overfitting(curves(**losses)) is not None) == seen

    @pytest.mark.parametrize(("apart", "seen"), [(0.039, False), (0.041, True)])
    def test_similar_fractions(self, apart: float, seen: bool) -> None:
        shares = {"train_accuracy": [1.0] * 20, "val_accuracy": [1.0 - apart] * 20}
        assert (validation.overfitting(curves(**to(0.1, 0.4), **shares)) is not None) == seen

    @pytest.mark.parametrize(("pace", "seen"), [(0.0098, False), (0.0102, True)])
    def test_a_fast_fall_before_the_rate_is_lowered(self, pace: float, seen: bool) -> None:
        fall = 3 * pace  # between the medians of three points
        losses = [1.0, 1.0, 1.0, 1 - fall, 1 - 2 * fall, *[1 - 2.2 * fall] * 15]
        found = decay.decayed_too_early(curves(train_loss=losses, val_loss=losses, lr=[*[0.1] * 5, *[0.001] * 15]))
        assert (found is not None) == seen
