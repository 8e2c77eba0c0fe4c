"""What is measured of the steps of a trial's optimizers."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from hpsearch import Report, Run
from hpsearch.trainer.measurements.step_measurements import EVERY, StepMeasurements
from hpsearch.trainer.open_trial import OpenTrial
from hpsearch.trainer.state import take_snapshot

STEPS = 3


def train(params: Any, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), params["lr"], momentum=0.9)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        for _ in range(params.get("steps", STEPS)):
            loss = mse_loss(model(torch.randn(8, 3)), torch.randn(8, 1))
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        schedule.step()
        yield Report(epoch, {"val_loss": loss.item()})


def reports(trainer: Any, measure: bool, epochs: int = 4, **params: Any) -> list[Report]:
    trial = OpenTrial(trainer, {"lr": 0.1} | params, Run(7, epochs, measure=measure))
    return [report for _ in range(epochs) if (report := trial.next_report()) is not None]


def test_what_the_trainer_reports_is_the_same_without_it() -> None:
    measured, plain = reports(train, True, lr=0.01, steps=60), reports(train, False, lr=0.01, steps=60)
    assert [one.metrics["val_loss"] for one in measured] == [one.metrics["val_loss"] for one in plain]
    assert all(one.metrics.keys() == {"val_loss"} for one in plain)


def test_rates_and_steps_are_in_every_report() -> None:
    found = reports(train, True)
    assert [one.metrics["hpsearch/lr"] for one in found] == [0.1, 0.05, 0.025, 0.0125], "of the last step"
    assert {one.metrics["hpsearch/steps"] for one in found} == {float(STEPS)}


def test_norms_are_those_of_the_sampled_step() -> None:
    def one_step(params: Any, run: Run) -> Iterator[Report]:
        weight = nn.Parameter(torch.tensor([3.0, 4.0]))
        optimizer = torch.optim.SGD([weight], 0.1)
        run.track(optimizer=optimizer)
        for epoch in run.epochs():
            for step in range(2):
                optimizer.zero_grad()
                (weight * torch.tensor([0.0, 2.0 * step])).sum().backward()
                optimizer.step()
            yield Report(epoch, {"val_loss": 0.0})

    (found,) = reports(one_step, True, epochs=1)
    assert found.metrics["hpsearch/grad_norm"] == 2.0
    assert found.metrics["hpsearch/weight_norm"] == pytest.approx((9 + 3.8**2) ** 0.5)
    assert found.metrics["hpsearch/update_ratio"] == pytest.approx(0.2 / (9 + 3.8**2) ** 0.5)


def test_a_long_epoch_has_a_sample_and_a_short_one_may_have_none() -> None:
    whole = StepMeasurements()
    for step in range(200):
        whole._step = step
        first = whole.next_sample(0)
        second = whole.next_sample(first)
        assert 1 <= first <= EVERY
        assert first < second
        assert whole.next_sample(second) == second + EVERY or (first == 1 and second <= EVERY)
    assert sum("hpsearch/update_ratio" in one.metrics for one in reports(train, True, epochs=20)) < 10


def test_several_optimizers_and_groups_have_names() -> None:
    def two(params: Any, run: Run) -> Iterator[Report]:
        one, other = nn.Linear(2, 1), nn.Linear(2, 1)
        first = torch.optim.SGD([{"params": [one.weight]}, {"params": [one.bias], "lr": 0.3}], 0.1)
        run.track(first=first, second=torch.optim.Adam(other.parameters(), 0.2))
        for epoch in run.epochs():
            for optimizer in (first, run.tracked["second"]):
                (one(torch.ones(1, 2)) + other(torch.ones(1, 2))).sum().backward()
                optimizer.step()
            yield Report(epoch, {"val_loss": 0.0})

    (found,) = reports(two, True, epochs=1)
    rates = {name: value for name, value in found.metrics.items() if name.startswith("hpsearch/lr")}
    assert rates == {"hpsearch/lr": 0.1, "hpsearch/lr/group1": 0.3, "hpsearch/lr/second": 0.2}
    assert found.metrics["hpsearch/steps/second"] == 1.0


def test_what_the_trainer_reports_itself_is_not_measured_twice() -> None:
    def own(params: Any, run: Run) -> Iterator[Report]:
        for report in train(params, run):
            yield Report(report.step, {**report.metrics, "lr": 1.0, "update_ratio": 0.5})

    (found,) = reports(own, True, epochs=1)
    assert {"hpsearch/lr", "hpsearch/update_ratio"}.isdisjoint(found.metrics)
    assert "hpsearch/steps" in found.metrics


def test_a_continued_trial_has_the_same_measurements() -> None:
    """Which steps are sampled depends on the epoch and the step alone."""

    def trained(run: Run, step: int, until: int) -> list[dict[str, float]]:
        trial = OpenTrial(train, {"lr": 0.001, "steps": 60}, run, step=step)
        return [dict(report.metrics) for _ in range(step, until) if (report := trial.next_report()) is not None]

    whole = trained(Run(7, 6, measure=True), 0, 6)
    run = Run(7, 6, measure=True)
    first = trained(run, 0, 3)
    second = trained(Run(7, 6, measure=True, restored=take_snapshot("", 3, 0.0, run.tracked)), 3, 6)
    assert first + second == whole


@pytest.mark.parametrize(
    "place",
    [
        "step_measurements._norm",
        "backward_losses.BackwardLosses.step",
        "backward_losses.BackwardLosses.take",
    ],
)
def test_parameters_that_cannot_be_measured_end_no_training(monkeypatch: pytest.MonkeyPatch, place: str) -> None:
    """Such as on a device without float64, or on several devices."""

    def broken(*_: Any) -> Any:
        raise NotImplementedError

    monkeypatch.setattr(f"hpsearch.trainer.measurements.{place}", broken)
    found = reports(train, True, steps=60)
    assert len(found) == 4
    assert all("hpsearch/update_ratio" not in one.metrics and "hpsearch/steps" in one.metrics for one in found)
