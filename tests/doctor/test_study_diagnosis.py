from collections.abc import Sequence

from hpsearch.core.trial import Cause, State, Trial
from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import CONVERGED_BEFORE_OTHERS, best_of, diagnose_study, direction_of
from tests.doctor.curve import LOSS, falling, straight, trial


def improving(number: int, end: float = 0.1) -> Trial:
    return trial(number, train_loss=falling(2.3, end, 9, 0.85), val_loss=falling(2.3, end, 9, 0.85))


def healthy(number: int, end: float = 0.1) -> Trial:
    return trial(number, train_loss=falling(2.3, end / 2, 20), val_loss=falling(2.3, end, 20))


def overfitted(number: int) -> Trial:
    return trial(number, train_loss=falling(2.3, 0.01, 20), val_loss=[*falling(2.3, 1.0, 10), *falling(1.1, 1.7, 10)])


def diverged(number: int) -> Trial:
    losses = [2.3, float("nan")]
    return trial(number, train_loss=losses, val_loss=losses, state=State.PRUNED, cause=Cause.DIVERGED)


def remarks_by_advice(trials: Sequence[Trial]) -> dict[str, tuple[int, ...]]:
    return {remark.advice: remark.trials for remark in diagnose_study(trials, LOSS).remarks}


def test_best_are_a_quarter_of_those_with_a_value() -> None:
    many = [healthy(number, end=0.1 + number / 100) for number in range(24)]
    failed = trial(24, val_loss=[0.01], state=State.FAILED)
    assert best_of([*many, failed, diverged(25)], LOSS) == (0, 1, 2, 3, 4, 5)
    assert best_of(many[:5], LOSS) == (0, 1, 2)
    assert best_of(many[:1], LOSS) == (0,)
    assert len(best_of([healthy(number) for number in range(100)], LOSS)) == 10
    assert best_of([], LOSS) == ()


def test_best_still_improve() -> None:
    falls_by_a_sixth = healthy(2, end=0.3)  # in its last third
    trials = [improving(0), improving(1), falls_by_a_sixth, overfitted(3)]
    assert remarks_by_advice(trials) == {"Train longer.": (2, 0, 1)}


def test_best_have_converged_and_others_still_improve() -> None:
    losses = [*falling(2.3, 0.1, 10), *[0.1] * 15]
    converged = [trial(number, train_loss=losses, val_loss=losses) for number in range(3)]
    (alone,) = diagnose_study(converged, LOSS).remarks
    (beside,) = diagnose_study([*converged, improving(3, end=0.3)], LOSS).remarks
    assert alone.labels == beside.labels == (Label.HEALTHY,)
    assert beside.advice == CONVERGED_BEFORE_OTHERS != alone.advice


def test_a_gap_that_is_small_for_the_study_is_no_overfitting() -> None:
    """A trial that learns most of it in its first epoch begins low, so that its own gap looks wide."""
    quick = trial(0, params={"lr": 1.0}, train_loss=falling(0.03, 0.0, 20), val_loss=falling(0.16, 0.05, 20, 0.5))
    slow = [
        trial(number, params={"lr": 1e-3 * number}, train_loss=falling(1.1, 0.9, 20), val_loss=falling(1.1, 0.9, 20))
        for number in (1, 2)
    ]
    (alone, *_), (beside, *_) = (
        diagnose_study([quick], LOSS).findings[0],
        diagnose_study([quick, *slow], LOSS).findings[0],
    )
    assert (alone.label, beside.label) == (Label.OVERFITTING, Label.HEALTHY)


def test_best_overfit() -> None:
    found = diagnose_study([overfitted(0), overfitted(1), overfitted(2)], LOSS)
    (remark,) = found.remarks
    assert (remark.labels, remark.trials, remark.among, remark.best) == ((Label.OVERFITTING,), (0, 1, 2), 3, True)
    assert remark.evidence == "3 of the best 3 trials: overfitting"


def test_a_third_diverged() -> None:
    trials = [healthy(0), healthy(1), healthy(2), healthy(3), diverged(4), diverged(5)]
    (remark,) = [one for one in diagnose_study(trials, LOSS).remarks if not one.best]
    assert (remark.trials, remark.among) == ((4, 5), 6)
    assert remark.evidence == "2 of 6 trials with a curve to judge: diverged or learning rate too high"
    assert [one for one in diagnose_study(trials[:5], LOSS).remarks if not one.best] == []


def test_advice_on_the_rate_has_one_direction() -> None:
    """The best trials have rates that are too low, and a third of all diverged: nothing advises lower rates."""
    losses = straight(2.3, 1.6, 40)
    slow = [trial(number, train_loss=losses, val_loss=losses) for number in range(4)]
    found = diagnose_study([*slow, *(diverged(number) for number in (4, 5, 6))], LOSS)
    assert [one.labels for one in found.remarks if direction_of(one)] == [(Label.LR_TOO_LOW,)] * 2


def test_trials_that_are_too_short_to_judge_do_not_count() -> None:
    short = [trial(number, train_loss=[2.3], val_loss=[2.3]) for number in range(2, 9)]
    (remark,) = [one for one in diagnose_study([healthy(0), diverged(1), *short], LOSS).remarks if not one.best]
    assert (remark.trials, remark.among) == ((1,), 2)


def test_nothing_was_recorded() -> None:
    found = diagnose_study([], LOSS)
    assert (dict(found.findings), found.best, found.remarks) == ({}, (), ())
