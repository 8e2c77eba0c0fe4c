"""Preflight on real trainers: twenty with nothing wrong, and those with one fault each.

`python -m tests.benchmarks preflight` does each with ten seeds; docs/preflight.md has the results.
"""

import json
import pickle
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace

import pytest

from hpsearch import Report, Run
from hpsearch.core.trial import Objective, Params
from hpsearch.preflight.judge.check import Check
from hpsearch.preflight.judge.checklist import judge
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.preflight.measurements import Measurements
from tests.preflight.measure import data, faulty, sound
from tests.preflight.measure.helpers import SCORE, context
from tests.preflight.measure.test_layers import no_torch, untracked

Trainer = Callable[[Params, Run], Iterator[Report]]

QUICK = (sound.digits_linear_sgd, sound.digits_dataloader, sound.cancer_logistic, sound.diabetes_linear)
QUICKLY = (faulty.labels_digits, faulty.labels_validation, faulty.negative_cross_entropy, faulty.maximized)


def found(trainer: Trainer, objective: Objective = SCORE, seed: int = 0, **order: object) -> Measurements:
    return LearningMeasurement({}, seed, 10, **order).measure(context(trainer, objective))  # type: ignore[arg-type]


def failures(checks: tuple[Check, ...]) -> dict[str, str]:
    return {check.name: check.severity for check in checks if check.outcome == "failed"}


def is_passed(trainer: Trainer, seed: int = 0) -> None:
    checks = judge(found(trainer, seed=seed), SCORE)
    assert failures(checks) == {}
    passed = {check.name for check in checks if check.outcome == "passed"}
    assert {"runs", "metrics", "gradients", "optimizer", "zero_grad", "overfits", "labels"} <= passed


def is_caught(trainer: Trainer, seed: int = 0, **order: object) -> None:
    checks = judge(found(trainer, seed=seed, **order), SCORE)
    name = faulty.CAUGHT[trainer]
    assert failures(checks).get(name) == ("warning" if trainer in faulty.SAID_ONLY else "error")
    assert any(check.stops for check in checks) == (trainer not in faulty.SAID_ONLY)


@pytest.mark.parametrize("trainer", QUICK)
def test_a_sound_trainer_passes(trainer: Trainer) -> None:
    is_passed(trainer)


@pytest.mark.slow
@pytest.mark.parametrize("trainer", [trainer for trainer in sound.ALL if trainer not in QUICK])
def test_other_sound_trainers_pass(trainer: Trainer) -> None:
    is_passed(trainer)


@pytest.mark.slow
@pytest.mark.parametrize("trainer", QUICKLY)
def test_a_fault_is_caught(trainer: Trainer) -> None:
    is_caught(trainer)


@pytest.mark.slow
@pytest.mark.parametrize("trainer", [t for t, check in faulty.CAUGHT.items() if check not in ("labels", "loss sign")])
def test_a_fault_is_caught_in_the_first_steps(trainer: Trainer) -> None:
    is_caught(trainer, skip=("overfits", "labels"))


@pytest.mark.slow
@pytest.mark.parametrize("trainer", faulty.ALL)
def test_every_fault_is_caught(trainer: Trainer) -> None:
    is_caught(trainer)


@pytest.mark.slow
def test_shuffled_labels_can_be_memorised_and_fail_the_labels_check_only() -> None:
    checks = {check.name: check for check in judge(found(faulty.labels_digits), SCORE)}
    assert checks["overfits"].outcome == "passed"
    assert failures(tuple(checks.values())) == {"labels": "error"}


@pytest.mark.slow
def test_what_is_learnt_suddenly_has_more_epochs_to_compare() -> None:
    """Nothing is learnt in twelve epochs, so that its losses are those of shuffled labels."""
    measured = found(late)
    labels = next(check for check in judge(measured, SCORE) if check.name == "labels")
    assert measured.trained is not None
    assert (labels.outcome, len(measured.trained.reports)) == ("passed", 30)


@pytest.mark.slow
def test_an_inverted_goal() -> None:
    objective = Objective("val_score", "minimize")
    checks = {check.name: check for check in judge(found(sound.digits_linear_sgd, objective), objective)}
    assert checks["labels"].stops
    assert "study.goal is inverted" in checks["labels"].says


@pytest.mark.slow
class TestMissingMeasurements:
    def test_it_is_skipped_with_a_reason(self) -> None:
        checks = judge(found(untracked), SCORE)
        assert failures(checks) == {}
        skipped = {check.name: check.says for check in checks if check.outcome == "skipped"}
        assert "run.track(model=…)" in skipped["gradients"]
        assert "run.track(optimizer=…)" in skipped["zero_grad"]
        assert "run.batches(…)" in skipped["overfits"]
        assert "run.batches(…)" in skipped["labels"]

    def test_without_torch_metrics_and_time_are_left(self) -> None:
        measured = found(no_torch)
        checks = judge(measured, SCORE)
        assert [check.name for check in checks if check.outcome == "passed"] == ["runs", "metrics"]
        assert measured.trained is not None
        assert measured.trained.seconds is not None


@pytest.mark.slow
class TestTrainersThatCannotBeUsed:
    def test_one_that_raises(self) -> None:
        checks = judge(found(raising), SCORE)
        assert [check.name for check in checks] == ["runs"]
        assert "ValueError: no data" in checks[0].says
        assert "no data" in checks[0].details

    def test_one_that_raises_later(self) -> None:
        assert "in epoch 2: ValueError: too late" in judge(found(raising_later), SCORE)[0].says

    def test_one_without_the_metric(self) -> None:
        checks = judge(
            found(sound.digits_linear_sgd, Objective("val_acc", "maximize")), Objective("val_acc", "maximize")
        )
        assert 'study.metric = "val_acc" is not reported by the trainer' in checks[0].says

    def test_one_that_calls_sys_exit(self) -> None:
        assert "sys.exit" in judge(found(leaving), SCORE)[0].says


@pytest.mark.slow
class TestTime:
    def test_no_part_starts_after_the_time_limit(self) -> None:
        measured = found(sound.digits_mlp_adam, seconds=0.0)
        assert measured.seconds < 10
        assert measured.shuffled == ()
        assert not any(check.stops for check in judge(measured, SCORE))

    def test_the_time_of_an_epoch_is_estimated_from_the_part_that_was_trained(self) -> None:
        found(endless, seconds=0.0)  # torch takes its time at its first step
        measured = found(endless, seconds=2.0)
        assert measured.trained is not None
        assert (measured.trained.reports, measured.trained.problem) == ((), "")
        assert measured.trained.seconds is not None
        assert 60 <= measured.trained.seconds < 600, "1,000 batches of at least 60 ms, on a machine however busy"
        outcomes = {check.name: check.outcome for check in judge(measured, SCORE)}
        assert outcomes["runs"] == outcomes["labels"] == outcomes["metrics"] == "skipped"


@pytest.mark.slow
def test_it_pickles() -> None:
    measured = found(sound.cancer_logistic, skip=("overfits", "labels"))
    assert pickle.loads(pickle.dumps(measured)) == measured
    json.dumps(asdict(measured.steps))
    assert measured.memory.host > 50e6


def late(params: Params, run: Run) -> Iterator[Report]:
    """Its rate is nearly 0 for twelve epochs."""
    import torch

    split = data.digits()
    few = replace(split, inputs=split.inputs[:256], targets=split.targets[:256])
    model = sound.mlp(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 0.5)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 1e-9 if epoch < 12 else 1.0)
    yield from sound.fit(run, few, model, optimizer, torch.nn.functional.cross_entropy, schedule=schedule)


def raising(params: Params, run: Run) -> Iterator[Report]:
    raise ValueError("no data")
    yield Report(1, {})


def raising_later(params: Params, run: Run) -> Iterator[Report]:
    for report in sound.digits_linear_sgd(params, run):
        if report.step == 2:
            raise ValueError("too late")
        yield report


def leaving(params: Params, run: Run) -> Iterator[Report]:
    raise SystemExit(3)
    yield Report(1, {})


def endless(params: Params, run: Run) -> Iterator[Report]:
    import time

    import torch

    model = torch.nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.01)
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        for inputs, targets in run.batches([(torch.randn(4, 3), torch.randn(4, 1))] * 1000):
            time.sleep(0.06)
            optimizer.zero_grad()
            torch.nn.functional.mse_loss(model(inputs), targets).backward()
            optimizer.step()
        yield Report(epoch, {"val_score": 0.0})
