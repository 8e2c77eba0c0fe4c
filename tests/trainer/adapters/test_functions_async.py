"""Async functions and async generators as trainers."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hpsearch import Infeasible, Report, Run
from hpsearch.core.trial import Params
from tests.trainer.adapters.test_functions import curve, opened


async def asynchronous(lr: float, run: Run) -> float:
    for epoch in run.epochs():
        await asyncio.sleep(0)
        run.report(epoch, {"val_loss": lr / epoch})
    return lr


CLOSED: list[str] = []


async def asynchronous_generator(params: Params, context: Run) -> AsyncIterator[Report | dict[str, float]]:
    """Its second parameter is the run, as in a generator."""
    try:
        for epoch in context.epochs():
            await asyncio.sleep(0)
            values = {"val_loss": float(str(params["lr"])) / epoch}
            yield values if epoch == 1 else Report(epoch, values)
    finally:
        CLOSED.append("generator")


@pytest.mark.parametrize("trainer", [asynchronous, asynchronous_generator])
def test_in_async_code(trainer: Any) -> None:
    CLOSED.clear()
    assert curve(trainer, {"lr": 0.5}, epochs=2) == [(1, {"val_loss": 0.5}), (2, {"val_loss": 0.25})]
    trial = opened(trainer, {"lr": 0.5})
    trial.next_report()
    trial.close()
    assert len(CLOSED) == (2 if trainer is asynchronous_generator else 0)


def test_an_async_generator_without_a_report_has_parameters_that_cannot_be_trained() -> None:
    async def trainer(params: Params, run: Run) -> AsyncIterator[Report]:
        if params:
            return
        yield Report(1, {})

    with pytest.raises(Infeasible):
        curve(trainer)
