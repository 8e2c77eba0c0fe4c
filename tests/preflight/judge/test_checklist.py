"""The checks of a preflight, for given measurements."""

import math
from dataclasses import replace

import pytest

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Report
from hpsearch.preflight.judge.check import Check
from hpsearch.preflight.judge.checklist import CHECKS, cost, judge
from hpsearch.preflight.measurements import (
    CheckpointSizes,
    FirstSteps,
    InputStatistics,
    Measurements,
    OverfitAttempt,
    ParameterGradients,
    PeakMemory,
    TrainedEpochs,
)
from hpsearch.study.file.sections import CheckName

SCORE = Objective("val_score", "maximize")


def trained(score: float, loss: float, fall: float = 0.2) -> TrainedEpochs:
    """Losses and scores with little noise. fall: the fraction by which the losses fall."""
    losses = tuple(loss * (1 - fall * i / 60) + 0.01 * (i % 3) for i in range(60))
    return TrainedEpochs(1.0, tuple(Report(i, {"val_score": score}) for i in (1, 2, 3)), losses, 500, 2.0)


SOUND = Measurements(
    FirstSteps(
        losses=(2.3,) * 8,
        loss_kind="cross entropy",
        chance=math.log(10),
        classes=10,
        inputs=InputStatistics("0 (Linear)", 0.0, 1.0, -3.0, 3.0),
        layers=ParameterGradients(4),
        initial_scale=0.6,
        models=1,
        optimizers=1,
        fed=True,
        rows=64,
    ),
    (OverfitAttempt(1.0, 64, (2.3, *[0.1] * 20), 1.0, math.log(10)),),
    trained(0.9, 0.8),
    (trained(0.1, 2.3), trained(0.11, 2.3)),
    PeakMemory(500 << 20),
)


def only(measured: Measurements, name: str) -> Check:
    return next(check for check in judge(measured, SCORE) if check.name == name)


def steps(**changes: object) -> Measurements:
    return replace(SOUND, steps=replace(SOUND.steps, **changes))  # type: ignore[arg-type]


def test_every_check_can_be_skipped() -> None:
    assert set(CheckName.__args__) == set(CHECKS)  # type: ignore[attr-defined]
    assert [check.name for check in judge(SOUND, SCORE, tuple(CHECKS))] == ["runs"]


def test_a_sound_trainer_passes_every_check() -> None:
    assert {check.outcome for check in judge(SOUND, SCORE)} == {"passed"}


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        (steps(inputs=InputStatistics("0 (Linear)", 130.0, 50.0, 0.0, 255.0)), "inputs"),
        (steps(probabilities=True), "outputs"),
        (steps(losses=(-2.3,) * 8), "loss sign"),
        (steps(layers=ParameterGradients(4, without_gradient=("model.0.weight",))), "gradients"),
        (steps(layers=ParameterGradients(4, not_optimized=tuple("abcd"))), "optimizer"),
        (steps(accumulated=7), "zero_grad"),
        (replace(SOUND, attempts=(OverfitAttempt(1.0, 64, (2.3,) * 20, 0.1),)), "overfits"),
        (replace(SOUND, trained=trained(0.1, 2.31)), "labels"),
        (replace(SOUND, trained=trained(math.nan, 0.8)), "metrics"),
        (Measurements(failure=Failure("error", "ValueError: no data")), "runs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_stops_the_study(measured: Measurements, name: str) -> None:
    assert only(measured, name).stops
    assert any(check.stops for check in judge(measured, SCORE))


@pytest.mark.parametrize(
    ("measured", "name", "says"),
    [
        (
            replace(SOUND, trained=trained(math.nan, 0.8)),
            "metrics",
            "the study's metric val_score is nan, nan, nan in the first epochs: check for a division by zero, a "
            "logarithm of zero, or a validation set on which the metric is not defined",
        ),
        (
            steps(accumulated=7),
            "zero_grad",
            "before 7 of the first 8 steps the gradients still contained those of the previous step: "
            "call optimizer.zero_grad() once per step",
        ),
    ],
)
def test_what_to_do_about_a_fault(measured: Measurements, name: str, says: str) -> None:
    assert only(measured, name).says == says


def test_labels_are_in_doubt_where_nothing_is_learnt_from_any_labels() -> None:
    """A task that is learnt suddenly looks the same before; shuffled labels that are memorised do not."""
    check = only(replace(SOUND, trained=trained(0.1, 2.31, 0.02)), "labels")
    assert (check.outcome, check.severity) == ("failed", "warning")
    assert "hardly falls (2.32 to 2.28), with your labels and with shuffled ones" in check.says


def test_labels_are_not_judged_where_another_check_fails() -> None:
    measured = replace(steps(accumulated=7), trained=trained(0.1, 2.31))
    assert only(measured, "labels").outcome == "skipped"
    assert "zero_grad" in only(measured, "labels").says


def test_the_number_of_trials_that_fit_one_gpu() -> None:
    assert cost(SOUND).per_gpu is None
    assert cost(replace(SOUND, memory=PeakMemory(1, 10 << 30, 80 << 30))).per_gpu == 7


def test_a_checkpoint_has_all_replicates() -> None:
    found = cost(replace(SOUND, sizes=CheckpointSizes(300, 100)), replicates=2)
    assert (found.checkpoint, found.weights) == (600, 200)


def test_host_memory_before_training_counts_once_for_all_replicates() -> None:
    measured = replace(SOUND, memory=PeakMemory(host=500, gpu=10, gpu_total=80, idle=400))
    assert (cost(measured, 5).host, cost(measured, 5).gpu) == (400 + 5 * 100, 50)
    assert cost(measured).host == 500


def test_labels_is_skipped_where_too_few_examples_leave_it_in_doubt() -> None:
    """The baseline is 0.7 +- 3 x 0.065 for 49 examples: 0.88 is better than all of it, but not by the margin."""
    arms = tuple(trained(best, 2.3) for best in (0.6, 0.8, 0.72, 0.68))
    few = replace(SOUND, trained=replace(trained(0.88, 0.8), validated=49), shuffled=arms)
    assert only(few, "labels").outcome == "skipped"
    for value in (0.78, 0.82):  # not better than all of it; hardly more than two standard errors better
        assert only(replace(few, trained=replace(trained(value, 0.8), validated=49)), "labels").stops
    many = replace(few, trained=replace(trained(0.88, 0.8), validated=490))
    assert only(many, "labels").outcome == "passed"


def test_examples_of_a_minibatch_that_stay_wrong_are_named() -> None:
    """A tenth of the first loss is not enough: all have to be right."""
    whole = OverfitAttempt(1.0, 64, (2.4, *(0.2,) * 20), 60 / 64, math.log(10), wrong=(3, 19), conflicting=(3, 19, 35))
    few = OverfitAttempt(1.0, 8, (2.4, *(0.01,) * 20), 1.0, math.log(10))
    assert not whole.memorised
    check = only(replace(SOUND, attempts=(whole, few)), "overfits")
    assert (check.outcome, check.severity, check.evidence["wrong"]) == ("failed", "warning", 2)
    for part in ("62 of 64", "3, 19 stay wrong", "different labels: 3, 19, 35"):
        assert part in check.says


def test_a_trainer_that_lists_its_batches_before_the_first_step_memorises_none() -> None:
    check = only(replace(SOUND, attempts=(OverfitAttempt(1.0, 16, ()), OverfitAttempt(0.1, 16, ()))), "overfits")
    assert check.outcome == "skipped"
    assert "list(run.batches(…))" in check.says


def test_a_model_that_is_too_small_for_a_minibatch_names_no_examples() -> None:
    whole = OverfitAttempt(1.0, 64, (2.4, *(1.5,) * 20), 0.4, math.log(10), wrong=tuple(range(38)))
    few = OverfitAttempt(1.0, 8, (2.4, *(0.01,) * 20), 1.0, math.log(10))
    assert only(replace(SOUND, attempts=(whole, few)), "overfits").outcome == "passed"


@pytest.mark.parametrize(
    ("last", "accuracy", "outcome"),
    [(2.2, 0.2, "failed"), (1.5, 0.4, "warned"), (0.2, 0.9, "passed"), (1.5, None, "passed"), (2.2, None, "failed")],
)
def test_a_minibatch_that_cannot_be_made_smaller(last: float, accuracy: float | None, outcome: str) -> None:
    chance = math.log(10)
    attempt = OverfitAttempt(1.0, 0, (2.4, *(last,) * 20), accuracy, chance, held=True)
    check = only(replace(SOUND, attempts=(attempt,)), "overfits")
    assert ("warned" if check.severity == "warning" else check.outcome) == outcome


@pytest.mark.parametrize(
    ("changes", "part"),
    [
        ({"losses": (90.0,) * 20, "chance": 9.0}, "scale the targets"),
        ({"changing": True}, "augmentation or noise"),
        ({"conflicting": (3, 7)}, "have different targets: 3, 7"),
        ({}, "Usual causes"),
    ],
)
def test_the_measured_cause_of_what_cannot_be_memorised(changes: dict[str, object], part: str) -> None:
    attempt = replace(OverfitAttempt(1.0, 64, (2.3,) * 20), **changes)  # type: ignore[arg-type]
    check = only(replace(SOUND, attempts=(attempt,)), "overfits")
    assert check.stops
    assert part in check.says


@pytest.mark.parametrize(
    ("optimizers", "last", "changes", "stops"),
    [
        (1, 1.0, {"changing": True}, False),
        (1, 1.0, {"floor": None}, False),
        (1, 1.0, {"floor": None, "accuracy": 0.5}, True),
        (1, 2.0, {"floor": None, "changing": True}, True),
        (1, 2.0, {"chance": 2.3, "accuracy": 0.5, "changing": True}, False),
        (1, 1.0, {}, True),
        (2, 2.3, {}, False),
        (2, 2.3, {"floor": None}, False),
    ],
)
def test_a_loss_that_need_not_fall_to_0_stops_nothing(
    optimizers: int, last: float, changes: dict[str, object], stops: bool
) -> None:
    attempt = replace(OverfitAttempt(1.0, 64, (2.3, *(last,) * 20)), **changes)  # type: ignore[arg-type]
    skipped = OverfitAttempt(1.0, 8, (), floor=None)  # by the trainer, because of its size
    measured = replace(steps(optimizers=optimizers), attempts=(attempt, skipped))
    check = only(measured, "overfits")
    assert (check.outcome, check.stops) == ("failed", stops)


def test_an_entropy_above_0_is_memorised() -> None:
    attempt = OverfitAttempt(1.0, 64, (45.0, *(16.0,) * 20), chance=44.0)
    assert not attempt.memorised
    assert replace(attempt, floor=15.0).memorised


def test_a_second_part_of_the_batch_without_effect_is_no_label() -> None:
    falls = replace(trained(0.1, 2.3), losses=(2.3, 1.9, 1.5, 1.2))
    assert only(replace(SOUND, trained=falls, shuffled=(falls, falls)), "labels").outcome == "skipped"


def test_a_regularisation_that_prevents_all_learning_is_a_warning() -> None:
    without = replace(SOUND, trained=replace(trained(0.9, 0.8), regularized=False))
    check = only(without, "labels")
    assert (check.outcome, check.stops) == ("failed", False)


@pytest.mark.parametrize(("loss", "outcome"), [(0.2, "passed"), (0.9, "passed"), (9.0, "failed")])
def test_a_regression_may_begin_below_a_constant_prediction(loss: float, outcome: str) -> None:
    check = only(steps(losses=(loss,) * 8, loss_kind="squared error", chance=1.0), "loss at start")
    assert (check.outcome, check.stops) == (outcome, False)


@pytest.mark.parametrize(("scale", "outcome"), [(0.0, "failed"), (0.6, "passed"), (3.9, "passed"), (12.0, "failed")])
def test_initial_weights_are_not_zero_and_not_large(scale: float, outcome: str) -> None:
    check = only(steps(initial_scale=scale), "initial weights")
    assert (check.outcome, check.stops, check.evidence) == (outcome, False, {"scale": scale})
    assert only(steps(initial_scale=None), "initial weights").outcome == "passed"


def test_a_loss_without_a_gradient_is_explained_beside_the_exception() -> None:
    failure = Failure("error", "RuntimeError: element 0 of tensors does not require grad", "")
    runs, gradients = judge(replace(steps(detached=True), failure=failure), SCORE)
    assert (runs.name, runs.stops) == ("runs", True)
    assert (gradients.name, gradients.stops) == ("gradients", True)
    assert [one.name for one in judge(replace(SOUND, failure=failure), SCORE)] == ["runs"]
