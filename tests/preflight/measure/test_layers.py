"""The gradients of layers, calls of zero_grad, and the input of the first layer."""

import math
from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.optim.swa_utils import AveragedModel

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.preflight.judge import first_step_checks
from hpsearch.preflight.measure.batches import RepeatedBatches
from hpsearch.preflight.measure.first_steps import STEPS, measure_first_steps
from hpsearch.preflight.measure.instrumentation import Instrumentation, StopTraining
from hpsearch.preflight.measure.interception import instrumented
from hpsearch.preflight.measure.layers import InputChanges
from hpsearch.preflight.measurements import FirstSteps, Measurements
from tests.preflight.measure import faulty, sound
from tests.preflight.measure.helpers import SCORE, under_test


def adversaries(params: Params, run: Run) -> Iterator[Report]:
    """Two models and two optimizers; each loss reaches into the other model too."""
    maker, judge = nn.Linear(4, 3), nn.Linear(3, 1)
    makes, judges = (torch.optim.Adam(model.parameters(), 1e-2) for model in (maker, judge))
    run.track(maker=maker, judge=judge, makes=makes, judges=judges)
    for epoch in run.epochs():
        for (real,) in run.batches([(torch.randn(8, 3),) for _ in range(10)]):
            judges.zero_grad()
            (judge(maker(torch.randn(8, 4))).mean() - judge(real).mean()).backward()
            judges.step()
            makes.zero_grad()
            (-judge(maker(torch.randn(8, 4))).mean()).backward()
            makes.step()
        yield Report(epoch, {"val_score": 0.0})


def folds(params: Params, run: Run) -> Iterator[Report]:
    """Two models, trained one after the other in an epoch."""
    models = [nn.Linear(3, 1), nn.Linear(3, 1)]
    optimizers = [torch.optim.SGD(model.parameters(), 0.1) for model in models]
    run.track(one=models[0], two=models[1], first=optimizers[0], second=optimizers[1])
    for epoch in run.epochs():
        for model, optimizer in zip(models, optimizers, strict=True):
            for inputs in run.batches(torch.randn(80, 3).split(4)):
                optimizer.zero_grad()
                model(inputs).square().mean().backward()
                optimizer.step()
        yield Report(epoch, {"val_score": 0.0})


def averaged(params: Params, run: Run) -> Iterator[Report]:
    """A moving average of the weights is tracked too; it is not trained."""
    model = nn.Linear(3, 1)
    average = AveragedModel(model)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    run.track(model=model, average=average, optimizer=optimizer)
    for epoch in run.epochs():
        for inputs in run.batches(torch.randn(80, 3).split(4)):
            optimizer.zero_grad()
            model(inputs).square().mean().backward()
            optimizer.step()
            average.update_parameters(model)
        with torch.no_grad():
            average(torch.randn(4, 3))
        yield Report(epoch, {"val_score": 0.0})


def closures(params: Params, run: Run) -> Iterator[Report]:
    """Several calls of backward within one step."""
    model = nn.Linear(3, 1)
    optimizer = torch.optim.LBFGS(model.parameters(), max_iter=4)
    inputs = torch.randn(16, 3)
    run.track(model=model, optimizer=optimizer)

    def closure() -> torch.Tensor:
        optimizer.zero_grad()
        loss = F.mse_loss(model(inputs), torch.ones(16, 1))
        loss.backward()
        return loss

    for epoch in run.epochs():
        for _ in range(10):
            optimizer.step(closure)  # type: ignore[arg-type]
        yield Report(epoch, {"val_score": 0.0})


def untracked(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Linear(3, 1)
    for epoch in run.epochs():
        model(torch.randn(4, 3)).square().mean().backward()
        yield Report(epoch, {"val_score": 0.0})


def no_torch(params: Params, run: Run) -> Iterator[Report]:
    for epoch in run.epochs():
        yield Report(epoch, {"val_score": 1.0 / epoch})


def seen(trainer: object) -> FirstSteps:
    steps, failure = measure_first_steps(under_test(trainer), float("inf"))  # type: ignore[arg-type]
    assert failure is None
    return steps


@pytest.mark.parametrize(
    "trainer",
    [sound.digits_residual, sound.digits_frozen_layer, sound.words_attention, adversaries, folds, averaged, closures],
)
def test_all_layers_are_found(trainer: object) -> None:
    steps = seen(trainer)
    assert len(steps.losses) == STEPS
    layers = steps.layers
    assert layers is not None
    assert layers.count > 0
    assert layers.without_gradient == layers.zero_gradient == layers.not_finite == layers.not_optimized == ()
    assert steps.accumulated == 0


def test_frozen_parameters_are_counted() -> None:
    layers = seen(sound.digits_frozen_layer).layers
    assert layers is not None
    assert (layers.count, layers.frozen) == (2, 2)


class TestFaults:
    def test_a_detached_layer(self) -> None:
        for trainer in (faulty.detached_digits, faulty.detached_numpy):
            layers = seen(trainer).layers
            assert layers is not None
            assert layers.without_gradient == ("model.first.weight", "model.first.bias")

    def test_dead_units(self) -> None:
        layers = seen(faulty.dead_units).layers
        assert layers is not None
        assert layers.zero_gradient == ("model.1.weight", "model.1.bias", "model.3.weight")

    def test_layers_that_no_optimizer_has(self) -> None:
        layers = seen(faulty.forgotten_layer).layers
        assert layers is not None
        assert layers.not_optimized == ("model.3.weight", "model.3.bias")

    def test_an_optimizer_without_steps(self) -> None:
        forgotten, other = seen(faulty.forgotten_step), seen(faulty.step_of_another)
        assert forgotten.without_step == other.without_step > 0
        assert (forgotten.moves, other.moves) == (False, True)
        assert len(forgotten.losses) == STEPS

    def test_layers_in_a_plain_list(self) -> None:
        assert sorted(seen(faulty.listed_layers).unregistered) == [(32,), (32,), (32, 32), (32, 64)]
        assert seen(sound.digits_residual).unregistered == ()

    def test_a_schedule_that_stays_at_0(self) -> None:
        steps = seen(faulty.rate_of_zero)
        assert steps.rates == (0.0,) * STEPS
        check = first_step_checks.optimizer(Measurements(steps), SCORE)
        assert (check.outcome, check.stops) == ("failed", False)

    @pytest.mark.filterwarnings("ignore:Using a target size")
    def test_outputs_and_targets_that_broadcast(self) -> None:
        assert seen(faulty.broadcast_targets).broadcast
        assert seen(faulty.broadcast_squares).broadcast
        assert not seen(sound.diabetes_linear).broadcast

    def test_a_forgotten_zero_grad(self) -> None:
        for trainer in (faulty.zero_grad_digits, faulty.zero_grad_diabetes):
            assert seen(trainer).accumulated == STEPS - 1


class TestInputs:
    def test_the_input_of_the_first_layer(self) -> None:
        inputs = seen(faulty.bytes_digits).inputs
        assert inputs is not None
        assert inputs.layer == "1 (Linear)"
        assert 100 < inputs.mean < 150
        assert inputs.std > 40
        assert (inputs.low, inputs.high) == (0.0, 255.0)

    def test_a_model_that_normalises_its_input_has_no_statistics(self) -> None:
        assert seen(sound.spirals_deep).inputs is None

    def test_a_model_with_integer_input_has_no_statistics(self) -> None:
        assert seen(sound.words_attention).inputs is None


class TestUnmeasuredTrainers:
    def test_a_model_that_is_not_tracked(self) -> None:
        steps = seen(untracked)
        assert (steps.models, steps.optimizers, steps.layers, steps.inputs) == (0, 0, None, None)
        assert len(steps.losses) == STEPS
        assert not steps.fed

    def test_a_trainer_without_torch(self) -> None:
        assert seen(no_torch) == FirstSteps()


@pytest.mark.parametrize("strength", [0.0, 0.5])
def test_augmentation_shows_in_the_inputs_of_a_model(strength: float) -> None:
    def augmented(params: Params, run: Run) -> Iterator[Report]:
        model = nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), 0.1)
        run.track(model=model, optimizer=optimizer)
        for epoch in run.epochs():
            for inputs, targets in run.batches([(torch.randn(8, 3), torch.randn(8, 1))]):
                optimizer.zero_grad()
                F.mse_loss(model(inputs + strength * torch.randn(8, 3)), targets).backward()
                optimizer.step()
            yield Report(epoch, {"val_score": 0.0})

    run = Run(0, 3, instrument=(seen := Instrumentation(RepeatedBatches(), end=lambda seen: len(seen.steps) == 4)))
    changes = InputChanges(seen)
    with pytest.raises(StopTraining), instrumented(seen):
        list(augmented({}, run))
    assert changes.changed == bool(strength)


def weighed(params: Params, run: Run) -> Iterator[Report]:
    """Two layers with weights that are multiplied by a factor."""
    model = nn.Sequential(nn.Linear(4, 8), nn.Linear(8, 1))
    with torch.no_grad():
        for weight in (one for one in model.parameters() if one.dim() > 1):
            weight.mul_(params["factor"])
    optimizer = torch.optim.SGD(model.parameters(), 1e-3)
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        for inputs in run.batches(torch.randn(80, 4).split(4)):
            optimizer.zero_grad()
            loss = model(inputs).square().mean()
            (loss.detach() if params["detached"] else loss).backward()
            optimizer.step()
        yield Report(epoch, {"val_score": 0.0})


@pytest.mark.parametrize(("factor", "low", "high"), [(0.0, 0.0, 0.0), (1.0, 0.4, 1.0), (20.0, 8.0, 20.0)])
def test_the_scale_of_the_initial_weights(factor: float, low: float, high: float) -> None:
    trainer = under_test(weighed, params={"factor": factor, "detached": False})
    found, _ = measure_first_steps(trainer, math.inf)
    assert found.initial_scale is not None
    assert low <= found.initial_scale <= high


def test_a_loss_without_a_gradient_is_known() -> None:
    found, failure = measure_first_steps(under_test(weighed, params={"factor": 1.0, "detached": True}), math.inf)
    assert found.detached
    assert failure is not None
