"""A training with a rising learning rate, for any use of it by the trainer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.preflight.judge.lr_curve import read
from hpsearch.preflight.measure.lr_sweep import LrSweep
from tests.preflight.measure import data, lr_trainers, sound
from tests.preflight.measure.helpers import context
from tests.preflight.measure.test_instrumentation import fine_tuned
from tests.support import toys


@dataclass(frozen=True)
class Settings:
    lr: float
    per_batch: float = 0.5


def two_groups(params: Settings, run: Run) -> Iterator[Report]:
    """A linear rule, two groups, a warm-up that begins at zero."""
    model = sound.mlp(64, 10)
    lr = params.lr * params.per_batch
    groups = [{"params": model[1].parameters(), "lr": lr}, {"params": model[3].parameters(), "lr": lr / 10}]
    optimizer = torch.optim.SGD(groups)
    warmup = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: min(step / 5, 1.0))
    yield from sound.fit(run, data.digits(), model, optimizer, F.cross_entropy, schedule=warmup)


def exponent(params: Params, run: Run) -> Iterator[Report]:
    """The parameter is the logarithm of the learning rate."""
    model = nn.Linear(64, 10)
    optimizer = torch.optim.SGD(model.parameters(), 10 ** float(params["lr"]))
    yield from sound.fit(run, data.digits(), model, optimizer, F.cross_entropy)


def raising(params: Params, run: Run) -> Iterator[Report]:
    raise ValueError(f"no lr like {params['lr']}")
    yield Report(1, {})


def order(**changes: object) -> LrSweep:
    usual = {"params": {"lr": 1e-2}, "seed": 0, "epochs": 3, "parameter": "lr", "low": 1e-5, "high": 10.0}
    return LrSweep(**{**usual, "iterations": 60, **changes})  # type: ignore[arg-type]


def test_the_rate_rises_exponentially_over_epochs() -> None:
    """17 batches an epoch: four epochs, more than the study has."""
    sweep = order(high=1e-2).measure(context(lr_trainers.digits_adam))
    assert sweep.problem == ""
    assert len(sweep.losses) == len(sweep.rates) == 60
    assert (sweep.rates[0], sweep.rates[-1]) == (1e-5, pytest.approx(1e-2))
    steps = [math.log(b / a) for a, b in zip(sweep.rates, sweep.rates[1:], strict=False)]
    assert max(steps) == pytest.approx(min(steps))
    assert sweep.losses[-1] < 0.7 * sweep.losses[0]


def test_the_same_batches_at_a_rate_of_0_show_how_hard_each_is() -> None:
    """At rates that change nothing, both losses are the same."""
    sweep = order(low=1e-12, high=1e-10, iterations=30).measure(context(lr_trainers.digits_sgd))
    assert sweep.unmoved == pytest.approx(sweep.losses, rel=1e-5)
    assert len(set(sweep.unmoved)) > 10


def test_it_ends_where_the_loss_has_diverged() -> None:
    sweep = order(high=1e4).measure(context(lr_trainers.digits_sgd))
    assert 20 < len(sweep.losses) < 60
    assert not sweep.losses[-1] < sweep.losses[0]


def test_a_rate_above_the_divergence_is_tried_from_the_start() -> None:
    sweep = order().measure(context(lr_trainers.digits_adam))
    diverges = read(sweep).diverges
    assert diverges is not None
    assert sweep.beyond is not None
    assert sweep.beyond[0] == pytest.approx(3 * diverges)
    assert 0 < len(sweep.beyond[1]) <= 60


def test_rates_are_those_of_the_parameter_for_any_optimizer() -> None:
    seen: list[list[float]] = []

    class Spy(torch.optim.SGD):
        def step(self, closure=None):  # type: ignore[no-untyped-def]
            seen.append([group["lr"] for group in self.param_groups])
            return super().step(closure)

    torch.optim.SGD, own = Spy, torch.optim.SGD  # type: ignore[misc]
    try:
        sweep = order(high=1.0, iterations=40).measure(context(two_groups))
    finally:
        torch.optim.SGD = own  # type: ignore[misc]
    assert len(sweep.rates) == 40
    assert [one[0] for one in seen[-40:]] == [pytest.approx(0.5 * rate) for rate in sweep.rates]
    assert [one[1] for one in seen[-40:]] == [pytest.approx(0.05 * rate) for rate in sweep.rates]


def test_the_same_seed_measures_the_same() -> None:
    one, other = (order().measure(context(lr_trainers.cancer_sgd)) for _ in range(2))
    assert one.losses == other.losses


def test_a_training_before_the_tracked_one_has_no_part_in_it() -> None:
    sweep = order(iterations=30, high=1e-3).measure(context(fine_tuned))
    assert (sweep.problem, len(sweep.losses)) == ("", 30)
    assert sweep.rates[0] == 1e-5


class TestImpossibleSweeps:
    def test_without_a_tracked_optimizer(self) -> None:
        sweep = order().measure(context(toys.learner, sound_loss()))
        assert sweep.losses == ()
        assert "run.track(optimizer=…)" in sweep.problem

    def test_with_a_parameter_that_is_something_else(self) -> None:
        sweep = order(params={"lr": -2.0}).measure(context(exponent))
        assert "lr is not the learning rate" in sweep.problem

    def test_with_a_parameter_that_does_nothing(self) -> None:
        sweep = order().measure(context(sound.digits_linear_sgd))
        assert (bool(sweep.problem), sweep.losses) == (True, ())

    def test_with_a_trainer_that_raises(self) -> None:
        assert order().measure(context(raising)).problem == "ValueError: no lr like 0.01"

    def test_at_the_time_limit(self) -> None:
        sweep = order(seconds=0.0).measure(context(lr_trainers.cancer_sgd))
        assert (bool(sweep.problem), len(sweep.losses) < 3) == (True, True)


def sound_loss() -> object:
    from hpsearch.core.trial import Objective

    return Objective("val_loss", "minimize")
