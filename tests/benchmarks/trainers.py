"""Trainers that measure what is around them."""

import time
from collections.abc import Iterator

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from hpsearch.workers import worker


def noop(params: Params, run: Run) -> Iterator[Report]:
    """Option `slice`: seconds for which a worker goes on before it reports (`SLICE_SECONDS`); 0: a call a report."""
    worker.SLICE_SECONDS = float(params.get("slice", worker.SLICE_SECONDS))
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": 1.0 / epoch})


def sleeper(params: Params, run: Run) -> Iterator[Report]:
    """As on a GPU: option `seconds` for an epoch, hardly any of it on a core."""
    for epoch in run.epochs():
        time.sleep(float(params["seconds"]))
        yield Report(epoch, {"val_loss": 1.0 / epoch})


def spinner(params: Params, run: Run) -> Iterator[Report]:
    """As on a CPU: option `rounds` of work for an epoch, so whoever takes the core away makes it longer."""
    for epoch in run.epochs():
        work(int(params["rounds"]))
        yield Report(epoch, {"val_loss": 1.0 / epoch})


def work(rounds: int) -> int:
    total = 0
    for number in range(rounds):
        total ^= number
    return total


def rounds_for(seconds: float) -> int:
    """How much work takes so long on a core of this machine that is free: the quickest of several tries."""
    rounds, took = 200_000, []
    for _ in range(10):
        began = time.perf_counter()
        work(rounds)
        took.append(time.perf_counter() - began)
    return int(rounds * seconds / min(took))
