"""What the instrumentation measures and changes, and that it is removed at the end."""

from collections.abc import Iterator

import pytest
import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.preflight.measure.batches import RepeatedBatches
from hpsearch.preflight.measure.instrumentation import Instrumentation, constant_lr, scaled_lr
from hpsearch.preflight.measure.interception import instrumented
from tests.preflight.measure import sound
from tests.preflight.measure.helpers import measured


def tiny(params: Params, run: Run) -> Iterator[Report]:
    """Four batches an epoch, a rate that halves with every epoch, and what it was in the metrics."""
    model = nn.Sequential(nn.Linear(3, 4), nn.Dropout(0.5), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, weight_decay=0.01)
    schedule = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        model.train()
        for inputs in run.batches(torch.randn(32, 3).split(8)):
            optimizer.zero_grad()
            model(inputs).square().mean().backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            model(torch.randn(20, 3))
        schedule.step()
        yield Report(epoch, {"val_score": optimizer.param_groups[0]["lr"]})


def stubborn(params: Params, run: Run) -> Iterator[Report]:
    """Catches every exception."""
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        for _ in range(100):
            try:
                model(torch.randn(8, 3)).square().mean().backward()
                optimizer.step()
            except Exception:
                continue
        yield Report(epoch, {"val_score": 0.0})


def without_an_optimizer(params: Params, run: Run) -> Iterator[Report]:
    weight = torch.ones(3, requires_grad=True)
    for epoch in run.epochs():
        for inputs in run.batches(torch.randn(32, 3).split(8)):
            loss = (inputs @ weight).square().mean()
            torch.autograd.backward([loss])
            with torch.no_grad():
                weight -= 0.1 * weight.grad
            weight.grad = None
        yield Report(epoch, {"val_score": 0.0})


def fine_tuned(params: Params, run: Run) -> Iterator[Report]:
    """Trains other weights before it tracks anything."""
    model = nn.Linear(3, 1)
    first = torch.optim.SGD(model.parameters(), lr=0.5)
    for inputs in torch.ones(40, 3).split(4):
        first.zero_grad()
        F.mse_loss(model(inputs), torch.ones(len(inputs), 1)).backward()
        first.step()
    optimizer = torch.optim.SGD(model.parameters(), lr=float(params["lr"]))
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        for inputs in run.batches(torch.randn(20, 3).split(4)):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), torch.ones(len(inputs), 1)).backward()
            optimizer.step()
        yield Report(epoch, {"val_score": 0.0})


def skipping(params: Params, run: Run) -> Iterator[Report]:
    """Trains on no batch that is smaller than the others."""
    run.track(model=nn.Linear(3, 1))
    for epoch in run.epochs():
        for inputs in run.batches(torch.ones(8, 3).split(4)):
            assert len(inputs) < 4
        yield Report(epoch, {"val_score": float(params["lr"])})


def scaled(params: Params, run: Run) -> Iterator[Report]:
    """As with automatic mixed precision."""
    model = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    run.track(model=model, optimizer=optimizer, scaler=scaler)
    for epoch in run.epochs():
        for inputs in run.batches(torch.ones(8, 3).split(4)):
            optimizer.zero_grad()
            loss = F.mse_loss(model(inputs), torch.ones(4, 1))
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()
        yield Report(epoch, {"val_score": loss.item()})


class TestSteps:
    def test_one_of_the_optimizer_each(self) -> None:
        seen = Instrumentation()
        reports, failure = measured(tiny, seen)
        assert (len(reports), failure) == (2, None)
        assert (
            len(seen.steps),
            seen.backwards,
            seen.fed,
            seen.rows,
            seen.validated,
        ) == (8, 8, True, 8, 40)
        assert [step.rate for step in seen.steps] == [0.1] * 4 + [0.05] * 4
        assert seen.base == 0.1

    def test_of_backward_where_no_optimizer_is_tracked(self) -> None:
        seen = Instrumentation()
        measured(without_an_optimizer, seen)
        assert (len(seen.steps), seen.base) == (8, None)

    def test_a_training_before_the_optimizer_is_tracked_is_none_of_it(self) -> None:
        seen = Instrumentation(end=lambda seen: len(seen.steps) == 7)
        reports, _ = measured(fine_tuned, seen, epochs=3, params={"lr": 0.1})
        assert (len(reports), len(seen.steps), seen.backwards) == (1, 7, 7)
        assert {step.rate for step in seen.steps} == {0.1}

    def test_the_loss_is_what_it_was_before_a_scaler(self) -> None:
        seen = Instrumentation()
        reports, _ = measured(scaled, seen, epochs=1)
        assert seen.losses[-1] == pytest.approx(reports[0].metrics["val_score"])
        assert seen.steps[0].loss.kind == "squared error"

    def test_several_calls_of_backward_may_make_one(self) -> None:
        seen = Instrumentation(end=lambda seen: len(seen.steps) == 3)
        measured(sound.digits_accumulated, seen)
        assert (len(seen.steps), seen.backwards) == (3, 12)


class TestEnd:
    def test_it_ends_within_an_epoch(self) -> None:
        seen = Instrumentation(end=lambda seen: len(seen.steps) == 6)
        reports, failure = measured(tiny, seen)
        assert (len(reports), len(seen.steps), failure) == (1, 6, None)

    def test_except_exception_in_a_trainer_does_not_prevent_the_end(self) -> None:
        seen = Instrumentation(end=lambda seen: len(seen.steps) == 6)
        assert measured(stubborn, seen) == ((), None)
        assert len(seen.steps) == 6

    def test_it_ends_at_the_deadline(self) -> None:
        seen = Instrumentation(deadline=0.0)
        measured(tiny, seen)
        assert len(seen.steps) <= 1

    def test_batches_that_the_trainer_skips_are_not_repeated_for_ever(self) -> None:
        seen = Instrumentation(RepeatedBatches(most=2))
        assert measured(skipping, seen) == ((), None)
        assert not seen.steps

    def test_endless_batches(self) -> None:
        seen = Instrumentation(RepeatedBatches(), end=lambda seen: len(seen.steps) == 50)
        assert measured(tiny, seen) == ((), None)
        assert len(seen.steps) == 50


class TestLrOverride:
    def test_scaled_lr_keeps_the_schedule(self) -> None:
        seen = Instrumentation(rates=scaled_lr(10.0))
        reports, _ = measured(tiny, seen)
        assert [step.rate for step in seen.steps] == [1.0] * 4 + [0.5] * 4
        assert [report.metrics["val_score"] for report in reports] == [0.05, 0.025], "the trainer finds its own"

    def test_constant_lr_ignores_the_schedule(self) -> None:
        seen = Instrumentation(rates=constant_lr(2.0))
        reports, _ = measured(tiny, seen)
        assert {step.rate for step in seen.steps} == {0.2}
        assert [report.metrics["val_score"] for report in reports] == [0.1, 0.1], "it stands still"

    def test_the_step_uses_the_replaced_rate(self) -> None:
        seen = Instrumentation(rates=constant_lr(0.0))
        measured(tiny, seen)
        model = seen.models["model"]
        torch.manual_seed(0)
        assert torch.equal(next(model.parameters()), next(nn.Linear(3, 4).parameters())), "nothing has moved"

    def test_without_regularisation_there_is_no_dropout_and_weight_decay(self) -> None:
        rates: list[float] = []
        seen = Instrumentation(without_regularization=True)
        seen.after_backward.append(lambda: rates.append(seen.models["model"][1].p))  # type: ignore[index,union-attr,arg-type]
        measured(tiny, seen)
        assert set(rates) == {0.0}
        assert seen.optimizers["optimizer"].param_groups[0]["weight_decay"] == 0.01, "put back after each step"


def test_dropout_by_functions_is_off_too() -> None:
    ones = torch.ones(1, 1, 50, 4)
    with instrumented(Instrumentation(without_regularization=True)):
        found = torch.nn.functional.dropout(ones, 0.5)
        attended = torch.nn.functional.scaled_dot_product_attention(ones, ones, ones, None, 0.9)
        named = torch.nn.functional.scaled_dot_product_attention(ones, ones, ones, dropout_p=0.9)
    assert torch.equal(found, ones)
    torch.testing.assert_close(attended, ones)
    torch.testing.assert_close(named, ones)
    assert not torch.equal(torch.nn.functional.dropout(ones, 0.5), ones)


class TestDataLoaders:
    def test_the_loader_for_training_is_distinguished_from_that_for_validation(self) -> None:
        seen = Instrumentation(RepeatedBatches(), end=lambda seen: len(seen.steps) == 80)
        assert measured(sound.digits_dataloader, seen) == ((), None)
        assert (seen.fed, seen.rows) == (True, 32)
        assert seen.losses[-1] < 0.05, "the same examples all the time"

    def test_a_loader_inside_run_batches_is_not_counted_again(self) -> None:
        seen = Instrumentation()
        with instrumented(seen):
            loader = DataLoader(TensorDataset(torch.arange(6)), batch_size=2)
            assert len(list(seen.batches(loader))) == 3


def test_the_instrumentation_is_removed() -> None:
    def now() -> list[object]:
        return [
            torch.Tensor.backward,
            torch.autograd.backward,
            torch.amp.GradScaler.scale,
            DataLoader.__iter__,
            torch.nn.functional.dropout,
        ]

    before = now()
    measured(tiny, Instrumentation(end=lambda seen: len(seen.steps) == 2))
    assert now() == before
    with instrumented(Instrumentation(without_regularization=True)):
        assert not any(new is old for new, old in zip(now(), before, strict=True))
    with pytest.raises(ZeroDivisionError), instrumented(Instrumentation()):
        raise ZeroDivisionError
    assert now() == before
