"""What measurements mean, of numbers that are given."""

import math
from dataclasses import replace

import pytest

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Report
from hpsearch.preflight.judge.check import Check
from hpsearch.preflight.judge.checklist import CHECKS, cost, judge
from hpsearch.preflight.measurements import FirstSteps, Inputs, Layers, Measured, Memory, OverfitAttempt, TrainedEpochs
from hpsearch.study.file.sections import CheckName

SCORE = Objective("val_score", "maximize")


def trained(score: float, loss: float) -> TrainedEpochs:
    """Losses and scores that waver a little."""
    losses = tuple(loss + 0.01 * (i % 3) for i in range(60))
    return TrainedEpochs(1.0, tuple(Report(i, {"val_score": score}) for i in (1, 2, 3)), losses, 500, 2.0)


SOUND = Measured(
    FirstSteps(
        losses=(2.3,) * 8,
        loss_kind="cross entropy",
        chance=math.log(10),
        classes=10,
        inputs=Inputs("0 (Linear)", 0.0, 1.0, -3.0, 3.0),
        layers=Layers(4),
        models=1,
        optimizers=1,
        fed=True,
        rows=64,
    ),
    (OverfitAttempt(1.0, 64, (2.3, *[0.1] * 20), 1.0, math.log(10)),),
    trained(0.9, 0.8),
    (trained(0.1, 2.3), trained(0.11, 2.3)),
    Memory(500 << 20),
)


def only(measured: Measured, name: str) -> Check:
    return next(check for check in judge(measured, SCORE) if check.name == name)


def steps(**changes: object) -> Measured:
    return replace(SOUND, steps=replace(SOUND.steps, **changes))  # type: ignore[arg-type]


def test_a_study_file_may_leave_out_every_check() -> None:
    assert set(CheckName.__args__) == set(CHECKS)  # type: ignore[attr-defined]
    assert [check.name for check in judge(SOUND, SCORE, tuple(CHECKS))] == ["runs"]


def test_nothing_is_wrong_with_what_is_sound() -> None:
    assert {check.outcome for check in judge(SOUND, SCORE)} == {"passed"}


@pytest.mark.parametrize(
    ("measured", "name"),
    [
        (steps(inputs=Inputs("0 (Linear)", 130.0, 50.0, 0.0, 255.0)), "inputs"),
        (steps(probabilities=True), "outputs"),
        (steps(losses=(-2.3,) * 8), "loss sign"),
        (steps(layers=Layers(4, without_gradient=("model.0.weight",))), "gradients"),
        (steps(layers=Layers(4, not_optimized=tuple("abcd"))), "optimizer"),
        (steps(accumulated=7), "zero_grad"),
        (replace(SOUND, attempts=(OverfitAttempt(1.0, 64, (2.3,) * 20, 0.1),)), "overfits"),
        (replace(SOUND, trained=trained(0.1, 2.3)), "labels"),
        (replace(SOUND, trained=trained(math.nan, 0.8)), "metrics"),
        (Measured(failure=Failure("error", "ValueError: no data")), "runs"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_fault_stops_the_study(measured: Measured, name: str) -> None:
    assert only(measured, name).stops
    assert any(check.stops for check in judge(measured, SCORE))


def test_labels_are_not_blamed_for_what_something_else_explains() -> None:
    measured = replace(steps(accumulated=7), trained=trained(0.1, 2.3))
    assert only(measured, "labels").outcome == "skipped"
    assert "zero_grad" in only(measured, "labels").says


def test_so_many_fit_one_gpu() -> None:
    assert cost(SOUND).per_gpu is None
    assert cost(replace(SOUND, memory=Memory(1, 10 << 30, 80 << 30))).per_gpu == 7


def test_what_a_process_has_anyway_counts_once_for_all_that_train_in_it() -> None:
    measured = replace(SOUND, memory=Memory(host=500, gpu=10, gpu_total=80, idle=400))
    assert (cost(measured, 5).host, cost(measured, 5).gpu) == (400 + 5 * 100, 50)
    assert cost(measured).host == 500


def test_few_examples_that_leave_it_in_doubt_stop_nothing() -> None:
    """The yardstick is 0.7 +- 3 x 0.065 for 49 examples: 0.88 is better than all of it, and not by so much."""
    arms = tuple(trained(best, 2.3) for best in (0.6, 0.8, 0.72, 0.68))
    few = replace(SOUND, trained=replace(trained(0.88, 0.8), validated=49), shuffled=arms)
    assert only(few, "labels").outcome == "skipped"
    assert "too small to tell them apart" in only(few, "labels").says
    for value in (0.78, 0.82):  # not better than all of it; hardly more than two standard errors better
        assert only(replace(few, trained=replace(trained(value, 0.8), validated=49)), "labels").stops
    many = replace(few, trained=replace(trained(0.88, 0.8), validated=490))
    assert only(many, "labels").outcome == "passed"
