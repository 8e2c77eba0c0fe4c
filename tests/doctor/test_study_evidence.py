"""What the trials of a study say about one of them."""

from hpsearch.core.trial import Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import diagnose_study
from hpsearch.doctor.study_evidence import StudyEvidence
from tests.doctor.curve import LOSS, falling, trial


def at(number: int, lr: float, end: float, **params: float) -> Trial:
    losses = {"train_loss": falling(2.3, end, 20, 0.5), "val_loss": falling(2.3, end + 0.05, 20, 0.5)}
    return trial(number, params={"lr": lr, **params}, **losses)


def first(seen: Trial, *others: Trial) -> Label:
    return diagnose(seen, LOSS, StudyEvidence.of([seen, *others], LOSS))[0].label


def test_trials_that_differ_in_the_rate_alone_show_which_way_it_is_wrong() -> None:
    assert first(at(0, 1.0, 1.5), at(1, 0.1, 0.1), at(2, 0.01, 0.5)) is Label.LR_TOO_HIGH
    assert first(at(0, 1e-4, 1.5), at(1, 0.1, 0.1), at(2, 1.0, 0.5)) is Label.LR_TOO_LOW


def test_good_trials_on_both_sides_or_at_the_same_rate_blame_another_cause() -> None:
    assert first(at(0, 0.1, 1.5), at(1, 0.01, 0.1), at(2, 1.0, 0.1)) not in (Label.LR_TOO_HIGH, Label.LR_TOO_LOW)
    assert first(at(0, 0.1, 1.5), at(1, 0.01, 0.1), at(2, 0.11, 0.1)) not in (Label.LR_TOO_HIGH, Label.LR_TOO_LOW)


def test_trials_with_other_parameters_are_no_evidence_about_the_rate() -> None:
    assert first(at(0, 1.0, 0.7, width=8), at(1, 0.1, 0.1, width=64)) is Label.BEHIND


def test_a_trial_far_behind_at_a_good_rate_whose_loss_stays_high_underfits() -> None:
    assert first(at(0, 0.1, 1.2, width=1), at(1, 0.1, 0.1, width=64)) is Label.UNDERFITTING


def test_a_trial_that_twice_its_epochs_would_leave_far_behind_is_not_trained_longer() -> None:
    slow = falling(2.3, 1.2, 20, 0.93)
    seen = trial(0, params={"lr": 0.1, "width": 1}, train_loss=slow, val_loss=slow)
    assert first(seen) is Label.STILL_IMPROVING
    assert first(seen, at(1, 0.1, 0.1, width=64)) is Label.UNDERFITTING
    assert first(seen, at(1, 0.1, 1.1, width=64)) is Label.STILL_IMPROVING


def test_a_rate_that_is_said_to_be_too_low_where_higher_ones_are_worse() -> None:
    slow = [2.3 - 0.01 * epoch for epoch in range(20)]
    seen = trial(0, params={"lr": 0.01}, train_loss=slow, val_loss=slow)
    rising = [2.3] * 20
    others = [
        trial(number, params={"lr": lr}, train_loss=rising, val_loss=rising) for number, lr in ((1, 0.1), (2, 1.0))
    ]
    assert first(seen) is Label.LR_TOO_LOW
    assert first(seen, *others) is not Label.LR_TOO_LOW


def climbing(number: int, lr: float, end: float) -> Trial:
    """It ends at `end`, and its training loss rises and falls all the way."""
    losses = [end + (0.9 if epoch % 2 else 0.0) for epoch in range(20)]
    return trial(number, params={"lr": lr}, train_loss=losses, val_loss=losses)


class TestAdvice:
    def test_results_that_improve_towards_higher_rates_speak_against_lower_ones(self) -> None:
        trials = [climbing(number, 10.0 ** (number / 2 - 4), 2.0 - number / 10) for number in range(8)]
        remarks = [one for one in diagnose_study(trials, LOSS).remarks if Label.LR_TOO_HIGH in one.labels]
        assert remarks
        assert all(one.against for one in remarks)

    def test_results_that_improve_towards_lower_rates_do_not(self) -> None:
        trials = [climbing(number, 10.0 ** (-number / 2), 2.0 - number / 10) for number in range(8)]
        remarks = [one for one in diagnose_study(trials, LOSS).remarks if Label.LR_TOO_HIGH in one.labels]
        assert remarks
        assert not any(one.against for one in remarks)

    def test_advice_of_one_study_does_not_contradict_itself(self) -> None:
        """One of the two best still improves, one has converged."""
        improving = {
            "train_loss": falling(2.3, 0.1, 9, 0.85),
            "val_loss": falling(2.3, 0.1, 9, 0.85),
        }
        trials = [trial(0, **improving), at(1, 0.1, 0.3)]
        labels = [one.labels for one in diagnose_study(trials, LOSS).remarks if one.best]
        assert (Label.STILL_IMPROVING,) in labels
        assert (Label.HEALTHY,) not in labels

    def test_at_most_three_pieces_of_advice(self) -> None:
        found = diagnose_study([climbing(number, 0.1, 1.0) for number in range(8)], LOSS)
        assert found.advice == found.remarks[: len(found.advice)]
        assert 0 < len(found.advice) <= 3


def test_the_best_trial_has_a_rate_too_high_if_it_loses_its_result_again() -> None:
    """Its early epochs are as good as the best trial's; then the losses jump, as steps of a third of the weights do."""
    jumps = [0.31, 0.9, 1.1, 0.6, 2.4, 0.7, 1.3, 0.5, 0.8, 0.6, 0.9, 0.7]
    wild = trial(0, params={"lr": 1.0}, train_loss=jumps, val_loss=jumps, update_ratio=[0.3] * 12)
    calm = [one + 0.02 * (-1) ** epoch for epoch, one in enumerate(falling(2.3, 0.3, 20, 0.5))]
    best = trial(1, params={"lr": 0.1}, train_loss=calm, val_loss=calm)
    assert first(wild, best, at(2, 0.01, 0.6), at(3, 0.001, 1.2)) is Label.LR_TOO_HIGH
