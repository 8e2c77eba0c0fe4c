from dataclasses import replace

import pytest

from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import Remark
from hpsearch.samplers.recipe.doctor_advice import Advice, advise
from hpsearch.samplers.recipe.search_ranges import whole
from hpsearch.study.space import Choice, Float, Space

SPACE = Space(
    (
        Float("lr", 1e-4, 1e-2, log=True, expand=True),
        Float("dropout", 0.0, 0.4, expand=True),
        Choice("optimizer", ("sgd", "adam")),
    )
)
PLAIN = Space((Float("lr", 1e-4, 1e-2, log=True), Float("momentum", 0.0, 0.9)))


def said(label: Label, space: Space = SPACE, lr: float = 1e-3, best: bool = True, among: int = 3) -> Advice:
    remark = Remark((label,), "Do something.", (3, 4) if best else (3, 4, 5), among, best)
    return advise([remark], space, whole(space), {"lr": lr, "dropout": 0.1})


def one(advice: Advice, name: str, space: Space = SPACE) -> tuple[float, float, str]:
    found = next(one for one in advice.applied(space, whole(space), whole(space)) if one.name == name)
    return found.low, found.high, found.reason


def test_too_slow_at_the_upper_end_moves_the_learning_rate_up() -> None:
    low, high, reason = one(said(Label.LR_TOO_LOW, lr=8e-3), "lr")
    assert (low, high) == (pytest.approx(1e-3), pytest.approx(1e-1))  # half of two decades
    assert reason == (
        "lr: window moved to [0.001, 0.1], from [0.0001, 0.01]: 2 of the best 3 trials: learning rate too low, and the "
        "best lies near the upper end of [0.0001, 0.01]"
    )


@pytest.mark.parametrize("label", [Label.LR_TOO_HIGH, Label.DIVERGED])
def test_too_hot_at_the_lower_end_moves_it_down(label: Label) -> None:
    low, high, _ = one(said(label, lr=1.5e-4, best=False, among=6), "lr")
    assert (low, high) == (pytest.approx(1e-5), pytest.approx(1e-3))


@pytest.mark.parametrize(("label", "lr"), [(Label.LR_TOO_LOW, 1e-3), (Label.LR_TOO_HIGH, 8e-3)])
def test_elsewhere_the_box_round_the_best_says_more(label: Label, lr: float) -> None:
    assert said(label, lr=lr).moves == {}


@pytest.mark.parametrize(("label", "ends"), [(Label.LR_TOO_LOW, (1e-2, 1.0)), (Label.LR_TOO_HIGH, (1e-6, 1e-4))])
def test_where_most_trials_say_so_the_whole_window_is_wrong(label: Label, ends: tuple[float, float]) -> None:
    """Wherever the best lies: where nothing is learnt that is luck."""
    advice = said(label, lr=1e-3, best=False)
    low, high, reason = one(advice, "lr")
    assert (low, high) == (pytest.approx(ends[0]), pytest.approx(ends[1]))
    assert reason.endswith(f": 3 of 3 trials with a curve to judge: {label}")
    box = replace(whole(SPACE)[0], low=1e-3, high=2e-3)
    (moved, *_) = advice.applied(SPACE, whole(SPACE), (box, *whole(SPACE)[1:]))
    assert (moved.low, moved.high) == (low, high), "it is the window that was wrong, not the box in it"


def test_a_window_that_may_not_move_is_the_box_round_the_best() -> None:
    bound = Space((Float("lr", 1e-4, 1e-2, log=True),))
    box = replace(whole(bound)[0], low=1e-3, high=2e-3)
    (kept,) = said(Label.LR_TOO_LOW, bound, best=False).applied(bound, whole(bound), (box,))
    assert (kept.low, kept.high) == (1e-3, 2e-3)
    assert "ends at the space's bound" in kept.reason


def test_overfitting_opens_what_regularises_upwards() -> None:
    low, high, reason = one(said(Label.OVERFITTING), "dropout")
    assert (low, high) == (0.0, pytest.approx(0.6))
    assert reason == "dropout: window opened to [0, 0.6], from [0, 0.4]: 2 of the best 3 trials: overfitting"
    assert said(Label.OVERFITTING).long_enough


def test_where_nothing_regularises_it_says_what_to_add() -> None:
    advice = said(Label.OVERFITTING, PLAIN)
    assert advice.moves == {}
    assert advice.notes == ["2 of the best 3 trials: overfitting. Do something. Nothing of the sort is searched"]


def test_a_bound_that_may_not_be_passed_stays() -> None:
    space = Space((Float("dropout", 0.0, 0.4),))
    low, high, reason = one(said(Label.OVERFITTING, space), "dropout", space)
    assert (low, high) == (0.0, 0.4)
    assert "ends at the space's bound" in reason


@pytest.mark.parametrize(("trials", "best"), [((3,), True), ((3, 4), False)])
def test_what_too_few_trials_say_changes_nothing(trials: tuple[int, ...], best: bool) -> None:
    for label in Label:
        remark = Remark((label,), "Do something.", trials, len(trials), best)
        assert advise([remark], SPACE, whole(SPACE), {"lr": 8e-3, "dropout": 0.1}) == Advice()


def test_decay_comes_later() -> None:
    space = Space((Float("step_epochs", 2.0, 10.0, expand=True),))
    low, high, _ = one(said(Label.DECAYED_TOO_EARLY, space), "step_epochs", space)
    assert (low, high) == (6.0, 14.0)


def test_what_the_length_of_a_round_follows_from() -> None:
    assert said(Label.STILL_IMPROVING).improving == "2 of the best 3 trials: still improving"
    assert said(Label.HEALTHY).long_enough == "2 of the best 3 trials: healthy"
    assert said(Label.TOO_EARLY) == Advice()


@pytest.mark.parametrize("label", [Label.NOISY_VALIDATION, Label.METRIC_STUCK, Label.UNDERFITTING])
def test_what_only_a_person_can_mend_is_said(label: Label) -> None:
    assert said(label).notes == [f"2 of the best 3 trials: {label}. Do something."]
