"""Each sign on a curve that has it, and on a similar curve that does not."""

import pytest

from hpsearch.core.trial import Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Finding, Label, Severity
from tests.doctor.curve import ACCURACY, LOSS, falling, straight, trial


def first(seen: Trial) -> Finding:
    return diagnose(seen, LOSS)[0]


def labels(seen: Trial) -> list[Label]:
    return [one.label for one in diagnose(seen, LOSS)]


WELL = {"train_loss": falling(2.3, 0.02, 20, 0.5), "val_loss": falling(2.3, 0.1, 20, 0.5)}
FLAT = {"train_loss": [2.3] * 20, "val_loss": [2.31, 2.3] * 10}


class TestDiverged:
    def test_nan_even_in_the_first_epoch(self) -> None:
        found = first(trial(train_loss=[float("nan")], val_loss=[2.0]))
        assert (found.label, found.severity, found.epochs) == (Label.DIVERGED, Severity.SEVERE, (1, 1))
        assert found.evidence == "train_loss is nan at epoch 1"

    def test_finite_and_ten_times_its_start(self) -> None:
        assert first(trial(train_loss=[0.7, 3.0, 20.0, 60.0, 300.0], val_loss=[1.0] * 5)).label is Label.DIVERGED
        assert first(trial(train_loss=[0.7, 3.0, 4.0, 6.0, 6.5], val_loss=[1.0] * 5)).label is not Label.DIVERGED

    def test_a_metric_that_is_no_loss_may_be_infinite(self) -> None:
        assert first(trial(**WELL, size=[float("inf")] * 20)).label is Label.HEALTHY


class TestLearningRateTooHigh:
    def test_long_steps_and_losses_that_show_it(self) -> None:
        shaken = {**WELL, "val_loss": [1.0, 1.4] * 10}
        assert first(trial(**shaken, update_ratio=[0.1] * 20)).label is Label.LR_TOO_HIGH

    def test_long_steps_of_a_small_network_that_comes_to_rest(self) -> None:
        assert first(trial(**WELL, update_ratio=[0.1] * 20)).label is Label.HEALTHY

    def test_explosion_at_a_high_rate(self) -> None:
        exploded = {
            "train_loss": falling(900.0, 2.3, 20),
            "val_loss": falling(200.0, 2.3, 20),
            "val_accuracy": [0.1] * 20,
        }
        assert first(trial(**exploded, lr=[3.0] * 20)).label is Label.LR_TOO_HIGH
        assert first(trial(**exploded, lr=[0.01] * 20)).label is Label.EXPLODING_GRADIENTS
        assert first(trial(**exploded, params={"lr": 3.0})).label is Label.LR_TOO_HIGH

    def test_losses_of_a_regression_may_begin_high(self) -> None:
        assert first(trial(train_loss=falling(900.0, 3.0, 30), val_loss=falling(900.0, 4.0, 30))).label is Label.HEALTHY

    def test_rises_of_the_training_loss(self) -> None:
        rising = [2.3, 1.5, 2.0] * 6
        found = first(trial(train_loss=rising, val_loss=[2.3, *[1.4] * 17]))
        assert (found.label, found.severity) == (Label.LR_TOO_HIGH, Severity.WARNING)
        assert first(trial(train_loss=rising, val_loss=falling(2.3, 1.4, 18))).label is not Label.LR_TOO_HIGH

    def test_one_rise_is_no_finding(self) -> None:
        spiked = [*WELL["train_loss"]]
        spiked[3] = 2.9
        assert first(trial(train_loss=spiked, val_loss=WELL["val_loss"])).label is Label.HEALTHY


class TestGradients:
    @pytest.mark.parametrize("order", [("grad_norm__in", "grad_norm__out"), ("grad_norm__out", "grad_norm__in")])
    def test_vanish_from_the_output_to_the_input(self, order: tuple[str, str]) -> None:
        norms = {"grad_norm__in": [1e-9] * 20, "grad_norm__out": [0.5] * 20}
        assert labels(trial(**FLAT, **{name: norms[name] for name in order}))[0] is Label.VANISHING_GRADIENTS

    def test_gradients_of_exactly_0_are_dead_units(self) -> None:
        found = first(trial(**FLAT, grad_norm__in=[0.0] * 20, grad_norm__out=[0.5] * 20))
        assert found.label is Label.PLATEAU
        assert "grad_norm/in is exactly 0" in found.evidence

    def test_zero_gradients_of_a_frozen_layer_are_no_finding(self) -> None:
        assert first(trial(**WELL, grad_norm__in=[0.0] * 20, grad_norm__out=[0.5] * 20)).label is Label.HEALTHY


class TestPlateau:
    def test_a_plateau_without_a_visible_cause(self) -> None:
        assert first(trial(**FLAT)).label is Label.PLATEAU

    def test_five_epochs_are_too_few(self) -> None:
        assert first(trial(train_loss=[2.3] * 5, val_loss=[2.3] * 5)).label is Label.TOO_EARLY

    def test_a_loss_that_is_low_from_the_first_epoch_on_is_none(self) -> None:
        assert (
            first(trial(train_loss=[0.01] * 9, val_loss=[0.01] * 9, val_accuracy=[0.99] * 9)).label is not Label.PLATEAU
        )


SLOW = {"train_loss": straight(2.3, 2.2, 30), "val_loss": straight(2.31, 2.21, 30)}


class TestLearningRateTooLow:
    def test_by_the_steps(self) -> None:
        found = first(trial(**SLOW, update_ratio=[3e-5] * 30))
        assert (found.label, found.numbers["update_ratio"]) == (Label.LR_TOO_LOW, 3e-5)

    def test_by_the_shape(self) -> None:
        assert first(trial(**SLOW)).label is Label.LR_TOO_LOW

    def test_short_steps_at_the_end_are_none(self) -> None:
        assert first(trial(**WELL, update_ratio=[3e-5] * 20)).label is Label.HEALTHY

    def test_short_steps_that_the_schedule_makes_are_none(self) -> None:
        ended = {"train_loss": [2.3, 1.9, *[1.8] * 12], "val_loss": [2.3, 1.9, *[1.8] * 12]}
        rates = {"lr": [0.1, 0.1, *[1e-4] * 12], "update_ratio": [1e-2, 1e-2, *[1e-5] * 12]}
        assert first(trial(**ended, **rates)).label is Label.DECAYED_TOO_EARLY


class TestHeldWeights:
    def test_shrink_and_nothing_is_learnt(self) -> None:
        found = first(trial(**FLAT, weight_norm=falling(8.0, 0.1, 20), update_ratio=[0.02] * 20))
        assert (found.label, found.severity) == (Label.UNDERFITTING, Severity.SEVERE)

    def test_weights_that_shrink_while_much_is_learnt_are_no_finding(self) -> None:
        assert first(trial(**WELL, weight_norm=falling(8.0, 0.1, 20))).label is Label.HEALTHY


class TestMetricStuck:
    def test_validation_loss_rises_from_the_first_epoch(self) -> None:
        learnt = trial(train_loss=falling(2.3, 0.1, 20), val_loss=straight(2.3, 4.0, 20))
        assert labels(learnt) == [Label.METRIC_STUCK]

    def test_an_accuracy_on_other_data_than_the_loss(self) -> None:
        assert first(trial(**WELL, val_accuracy=[0.11, 0.1, 0.09, 0.1] * 5)).label is Label.METRIC_STUCK


class TestDecayedTooEarly:
    def test_fast_before_and_nothing_after(self) -> None:
        losses = {"train_loss": [2.3, 2.0, 1.7, *[1.65] * 17], "val_loss": [2.3, 2.0, 1.7, *[1.65] * 17]}
        found = first(trial(**losses, lr=[0.1, 0.1, 0.1, *[0.001] * 17]))
        assert (found.label, found.epochs) == (Label.DECAYED_TOO_EARLY, (4, 20))

    def test_a_loss_below_0_may_be_high(self) -> None:
        losses = {"train_loss": [0.3, -0.1, -0.5, *[-0.6] * 17], "val_loss": [0.3, -0.1, -0.5, *[-0.6] * 17]}
        assert first(trial(**losses, lr=[0.1, 0.1, 0.1, *[0.001] * 17])).label is Label.DECAYED_TOO_EARLY

    def test_after_it_had_converged_is_in_time(self) -> None:
        assert first(trial(**WELL, lr=[*[0.1] * 15, *[0.001] * 5])).label is Label.HEALTHY

    def test_warm_up_is_no_decay(self) -> None:
        assert first(trial(**WELL, lr=[0.01, 0.05, *[0.1] * 18])).label is Label.HEALTHY


class TestNoisyValidation:
    def test_coarse_steps(self) -> None:
        found = first(trial(**WELL, val_accuracy=[0.7, 0.8, 0.9, 1.0] * 5))
        assert (found.label, found.numbers["examples"]) == (Label.NOISY_VALIDATION, 10)

    def test_fine_steps(self) -> None:
        assert first(trial(**WELL, val_accuracy=[k / 360 for k in range(330, 350)])).label is Label.HEALTHY

    def test_an_accuracy_of_1_is_no_finding(self) -> None:
        assert first(trial(**WELL, val_accuracy=[1.0] * 20)).label is Label.HEALTHY


class TestOverfitting:
    def test_gap_opens_and_validation_turns(self) -> None:
        turned = [*falling(2.3, 1.0, 10), *straight(1.1, 1.6, 10)]
        found = first(trial(train_loss=falling(2.3, 0.01, 20), val_loss=turned))
        assert found.label is Label.OVERFITTING
        assert 8 <= found.epochs[0] <= 12

    def test_accuracies_far_apart_while_both_losses_fall(self) -> None:
        losses = {"train_loss": straight(1.9, 0.6, 20), "val_loss": straight(1.9, 0.9, 20)}
        found = first(trial(**losses, train_accuracy=straight(0.2, 0.9, 20), val_accuracy=straight(0.2, 0.6, 20)))
        assert found.label is Label.OVERFITTING
        assert "train_accuracy is 0.8632 at epoch 19; val_accuracy is 0.5789 at epoch 19" in found.evidence

    def test_easy_task_whose_shares_are_alike(self) -> None:
        losses = {"train_loss": falling(0.3, 0.001, 20), "val_loss": falling(0.3, 0.08, 20)}
        assert first(trial(**losses)).label is Label.OVERFITTING
        alike = trial(**losses, train_accuracy=falling(0.9, 1.0, 20), val_accuracy=falling(0.9, 0.9861, 20))
        assert first(alike).label is Label.HEALTHY

    def test_by_the_metric_where_no_validation_loss_is(self) -> None:
        seen = trial(
            train_loss=falling(2.3, 0.01, 20), val_accuracy=[*straight(0.3, 0.811, 10), *straight(0.8, 0.613, 10)]
        )
        assert diagnose(seen, ACCURACY)[0].label is Label.OVERFITTING


class TestStillImproving:
    def test_a_large_part_of_the_improvement_in_the_last_third(self) -> None:
        seen = trial(train_loss=falling(2.3, 0.1, 9, 0.85), val_loss=falling(2.3, 0.1, 9, 0.85))
        assert labels(seen) == [Label.STILL_IMPROVING]

    def test_a_metric_that_has_converged_is_what_counts(self) -> None:
        losses = {"train_loss": falling(2.3, 0.1, 9, 0.85), "val_loss": falling(2.3, 0.1, 9, 0.85)}
        converged = trial(**losses, val_accuracy=[0.613, 0.822, 0.911, *[0.907] * 6])
        assert Label.STILL_IMPROVING not in [one.label for one in diagnose(converged, ACCURACY)]


class TestUnderfitting:
    def test_no_gap_and_both_high(self) -> None:
        assert (
            first(trial(train_loss=falling(2.3, 1.9, 20), val_loss=falling(2.3, 1.91, 20))).label is Label.UNDERFITTING
        )

    def test_a_medium_level_needs_a_fraction_to_be_judged(self) -> None:
        middling = {"train_loss": falling(2.3, 1.1, 20), "val_loss": falling(2.3, 1.11, 20)}
        assert first(trial(**middling)).label is Label.TOO_EARLY
        assert first(trial(**middling, train_accuracy=[0.6] * 20)).label is Label.UNDERFITTING
        assert first(trial(**middling, train_accuracy=[0.9] * 20)).label is Label.HEALTHY
