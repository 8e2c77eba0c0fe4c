from dataclasses import replace

import pytest

from hpsearch.doctor.findings import Label
from hpsearch.doctor.study_diagnosis import Remark
from hpsearch.samplers.recipe.doctor_advice import STEP, Advice, advise
from hpsearch.samplers.recipe.search_ranges import full_ranges
from hpsearch.study.space import Choice, Float, Space

SPACE = Space(
    (
        Float("lr", 1e-4, 1e-2, log=True, expand=True),
        Float("dropout", 0.0, 0.4, expand=True),
        Choice("optimizer", ("sgd", "adam")),
    )
)
PLAIN = Space((Float("lr", 1e-4, 1e-2, log=True), Float("momentum", 0.0, 0.9)))


def advice_for(label: Label, space: Space = SPACE, lr: float = 1e-3, best: bool = True, among: int = 3) -> Advice:
    remark = Remark((label,), "Do something.", (3, 4) if best else (3, 4, 5), among, best)
    return advise([remark], space, full_ranges(space), {"lr": lr, "dropout": 0.1})


def one(advice: Advice, name: str, space: Space = SPACE) -> tuple[float, float]:
    found = next(one for one in advice.applied(space, full_ranges(space), full_ranges(space)) if one.name == name)
    return found.low, found.high


def test_too_low_at_the_upper_end_moves_the_learning_rate_up() -> None:
    advice = advice_for(Label.LR_TOO_LOW, lr=8e-3)
    low, high = one(advice, "lr")
    assert (low, high) == (pytest.approx(1e-3), pytest.approx(1e-1))  # half of two decades
    assert advice.moves["lr"].by == STEP
    assert advice.moves["lr"].why == (
        "2 of the best 3 trials: learning rate too low, and the best value is near the upper end of [0.0001, 0.01]"
    )


@pytest.mark.parametrize("label", [Label.LR_TOO_HIGH, Label.DIVERGED])
def test_too_high_at_the_lower_end_moves_it_down(label: Label) -> None:
    low, high = one(advice_for(label, lr=1.5e-4, best=False, among=6), "lr")
    assert (low, high) == (pytest.approx(1e-5), pytest.approx(1e-3))


@pytest.mark.parametrize(("label", "lr"), [(Label.LR_TOO_LOW, 1e-3), (Label.LR_TOO_HIGH, 8e-3)])
def test_otherwise_the_box_around_the_best_is_the_range(label: Label, lr: float) -> None:
    assert advice_for(label, lr=lr).moves == {}


@pytest.mark.parametrize(("label", "ends"), [(Label.LR_TOO_LOW, (1e-2, 1.0)), (Label.LR_TOO_HIGH, (1e-6, 1e-4))])
def test_where_most_trials_have_the_finding_the_whole_range_moves(label: Label, ends: tuple[float, float]) -> None:
    """For any best value: where no trial learns, the best one is chance."""
    advice = advice_for(label, lr=1e-3, best=False)
    low, high = one(advice, "lr")
    assert (low, high) == (pytest.approx(ends[0]), pytest.approx(ends[1]))
    box = replace(full_ranges(SPACE)[0], low=1e-3, high=2e-3)
    (moved, *_) = advice.applied(SPACE, full_ranges(SPACE), (box, *full_ranges(SPACE)[1:]))
    assert (moved.low, moved.high) == (low, high), "the range was wrong, not the box in it"


def test_a_range_that_may_not_move_is_the_box_around_the_best() -> None:
    bound = Space((Float("lr", 1e-4, 1e-2, log=True),))
    box = replace(full_ranges(bound)[0], low=1e-3, high=2e-3)
    (kept,) = advice_for(Label.LR_TOO_LOW, bound, best=False).applied(bound, full_ranges(bound), (box,))
    assert (kept.low, kept.high, kept.moved) == (1e-3, 2e-3, False)


def test_overfitting_widens_the_range_of_regularisation_upwards() -> None:
    assert one(advice_for(Label.OVERFITTING), "dropout") == (0.0, pytest.approx(0.6))
    assert advice_for(Label.OVERFITTING).long_enough


def test_a_note_where_no_regularisation_is_searched() -> None:
    advice = advice_for(Label.OVERFITTING, PLAIN)
    assert advice.moves == {}
    (note,) = advice.notes
    assert note.endswith("Do something. No regularisation parameter is in the search space.")


@pytest.mark.parametrize("name", ["wd", "optimizer.weight_decay", "dropout_rate"])
def test_other_names_of_regularisers(name: str) -> None:
    advice = advice_for(Label.OVERFITTING, Space((*PLAIN.parameters, Float(name, 0.0, 0.4, expand=True))))
    assert [*advice.moves] == [name]
    assert advice.notes == []


def test_a_choice_of_a_regulariser_is_left_to_the_search() -> None:
    advice = advice_for(Label.OVERFITTING, Space((*PLAIN.parameters, Choice("dropout", (0.0, 0.2)))))
    assert advice.moves == {}
    assert [note.endswith("Do something.") for note in advice.notes] == [True]


@pytest.mark.parametrize("name", ["learning_rate", "optimizer.lr", "lr0"])
def test_other_names_of_the_learning_rate(name: str) -> None:
    space = Space((Float(name, 1e-4, 1e-2, log=True, expand=True),))
    remark = Remark((Label.LR_TOO_LOW,), "Do something.", (3, 4), 3, True)
    assert [*advise([remark], space, full_ranges(space), {name: 8e-3}).moves] == [name]


def test_a_hard_bound_is_not_passed() -> None:
    space = Space((Float("dropout", 0.0, 0.4),))
    assert one(advice_for(Label.OVERFITTING, space), "dropout", space) == (0.0, 0.4)


@pytest.mark.parametrize(("trials", "best"), [((3,), True), ((3, 4), False)])
def test_findings_of_too_few_trials_change_nothing(trials: tuple[int, ...], best: bool) -> None:
    for label in Label:
        remark = Remark((label,), "Do something.", trials, len(trials), best)
        assert advise([remark], SPACE, full_ranges(SPACE), {"lr": 8e-3, "dropout": 0.1}) == Advice()


def test_the_range_of_the_decay_moves_up() -> None:
    space = Space((Float("step_epochs", 2.0, 10.0, expand=True),))
    assert one(advice_for(Label.DECAYED_TOO_EARLY, space), "step_epochs", space) == (6.0, 14.0)


def test_the_evidence_on_the_length_of_a_round() -> None:
    assert Label.STILL_IMPROVING in advice_for(Label.STILL_IMPROVING).improving
    assert Label.HEALTHY in advice_for(Label.HEALTHY).long_enough
    assert advice_for(Label.TOO_EARLY) == Advice()


@pytest.mark.parametrize("label", [Label.NOISY_VALIDATION, Label.METRIC_STUCK, Label.UNDERFITTING])
def test_findings_that_only_the_user_can_act_on_are_noted(label: Label) -> None:
    (note,) = advice_for(label).notes
    assert label in note


def test_results_outrank_curves() -> None:
    """Nothing moves, and both are said."""
    against = "the results of 12 trials improve towards higher learning rates"
    remark = Remark((Label.LR_TOO_HIGH,), "Search lower learning rates.", (3, 4, 5, 6), 4, False, against)
    advice = advise([remark], SPACE, full_ranges(SPACE), {"lr": 1e-4, "dropout": 0.1})
    assert advice.moves == {}
    assert advice.notes == [f"{remark.evidence}, but {against}: the range stays"]
