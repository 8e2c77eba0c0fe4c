"""The mean of the losses on which a trainer calls backward."""

from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import torch
from torch import nn

from hpsearch import Report, Run
from hpsearch.trainer.measurements import backward_losses
from hpsearch.trainer.measurements.backward_losses import MAX_PENDING, BackwardLosses, collect
from tests.trainer.measurements.test_step_measurements import reports


def backward(value: float) -> None:
    (nn.Parameter(torch.tensor(1.0)) * value).backward()  # type: ignore[no-untyped-call]


@pytest.fixture
def losses() -> Iterator[BackwardLosses]:
    collect()
    backward_losses._thread.pending.clear()
    yield BackwardLosses()
    backward_losses._thread.pending.clear()


def taken(losses: BackwardLosses) -> tuple[float, float]:
    found = losses.take()
    return float(found["mean_loss"]), float(found["last_loss"])


def test_losses_belong_to_the_optimizer_that_makes_the_next_step(losses: BackwardLosses) -> None:
    other = BackwardLosses()
    backward(1.0)
    losses.step()
    backward(5.0)
    other.step()
    backward(3.0)
    losses.step()
    assert (taken(losses), taken(other)) == ((2.0, 3.0), (5.0, 5.0))
    assert losses.take() == {}, "each report has its own"


def test_losses_of_a_training_before_do_not_count(losses: BackwardLosses) -> None:
    backward(7.0)
    own = BackwardLosses()
    backward(1.0)
    own.step()
    assert taken(own) == (1.0, 1.0)


def test_losses_of_other_threads_are_not_mixed_in(losses: BackwardLosses) -> None:
    backward(1.0)
    thread = Thread(target=backward, args=(9.0,))
    thread.start()
    thread.join()
    losses.step()
    assert taken(losses) == (1.0, 1.0)


def test_many_losses_are_added_up_and_those_without_a_step_are_dropped(losses: BackwardLosses) -> None:
    for value in range(MAX_PENDING + 5):
        backward_losses._thread.pending.append(torch.tensor(float(value)))
        losses.step()
    assert taken(losses) == ((MAX_PENDING + 4) / 2, MAX_PENDING + 4.0)
    backward_losses._thread.pending.extend([torch.tensor(7.0)] * MAX_PENDING)
    backward(1.0)
    assert len(backward_losses._thread.pending) == 1


def test_losses_of_other_shapes_and_types(losses: BackwardLosses) -> None:
    weight = nn.Parameter(torch.tensor([1.0, 2.0]))
    weight.sum().backward()  # type: ignore[no-untyped-call]
    weight[:1].double().backward()
    weight.backward(torch.ones(2))  # no number
    losses.step()
    assert taken(losses) == (2.0, 1.0)


def test_a_scaled_loss_counts_without_its_factor(losses: BackwardLosses) -> None:
    scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    loss = nn.Parameter(torch.tensor(1.0)) * 3.0
    scaler.scale(loss).backward()
    losses.step()
    assert taken(losses) == (3.0, 3.0)


def test_it_is_in_the_reports_under_names_of_our_own() -> None:
    def train(params: Any, run: Run) -> Iterator[Report]:
        weight = nn.Parameter(torch.tensor(1.0))
        optimizer = torch.optim.SGD([weight], 0.0)
        run.track(optimizer=optimizer)
        for epoch in run.epochs():
            for step in range(4):
                optimizer.zero_grad()
                (loss := weight * epoch * step).backward()  # type: ignore[no-untyped-call]
                optimizer.step()
            yield Report(epoch, {"loss": loss.item()})

    measured = [
        (one.metrics["loss"], one.metrics["hpsearch/mean_loss"], one.metrics["hpsearch/last_loss"])
        for one in reports(train, True, epochs=2)
    ]
    assert measured == [(3.0, 1.5, 3.0), (6.0, 3.0, 6.0)]
