"""Which functions decide in their code to return before they report."""

import threading
from typing import Any

import pytest

from hpsearch import Run
from hpsearch.core.trial import Params
from hpsearch.trainer.adapters import functions


def returns_none(x: float) -> float | None:
    if x > 1:
        return None
    return x


def returns_in_a_loop(params: Params, run: Run) -> None:
    for _ in run.epochs():
        with threading.Lock():
            if params["x"]:
                return


def returns_at_its_end(params: Params, run: Run) -> None:
    run.report(1, {"val_loss": 1.0})
    return


def returns_inside(params: Params, run: Run) -> None:
    def inner() -> None:
        if params:
            return
        run.report(1, {"val_loss": 1.0})

    inner()


@pytest.mark.parametrize(
    ("function", "has"),
    [
        (returns_none, True),
        (returns_in_a_loop, True),
        (returns_at_its_end, False),
        (returns_inside, False),
        (max, False),
        (lambda: None, False),
    ],
)
def test_early_returns(function: Any, has: bool) -> None:
    assert functions.has_early_return(function) is has
