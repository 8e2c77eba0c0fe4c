"""Trainers of studies that are run as a user runs them. Each writes a line into `epoch_log` for each epoch."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.support import torch_toy, toys


def learner(params: Params, run: Run) -> Iterator[Report]:
    """Takes `pace` seconds an epoch, and minds the files `bell` and `gate` beside the epoch_log."""
    for report in toys.learner(params, run):
        time.sleep(float(params.get("pace", 0.0)))
        mind(Path(str(params["epoch_log"])))
        yield report


def mind(epoch_log: Path) -> None:
    """A `bell` that holds "7 SIGINT": the signal comes in the seventh epoch that is trained. A `gate` that holds "7":
    the seventh epoch lasts until somebody takes it away."""
    bell, gate = epoch_log.with_name("bell"), epoch_log.with_name("gate")
    epochs = len(epoch_log.read_text().splitlines())
    if bell.exists():
        epoch, *names = bell.read_text().split()
        for name in names if epochs == int(epoch) else ():
            os.kill(os.getpid(), signal.Signals[name])
    while gate.exists() and gate.read_text() == str(epochs):
        time.sleep(0.01)


def torch_learner(params: Params, run: Run) -> Iterator[Report]:
    """A real network; as exact as `learner`."""
    for report in torch_toy.train(params, run):
        with Path(str(params["epoch_log"])).open("a", encoding="utf-8") as epoch_log:
            epoch_log.write(f"{run.seed} {report.step}\n")
        time.sleep(float(params.get("pace", 0.0)))
        mind(Path(str(params["epoch_log"])))
        yield report


def picky(params: Params, run: Run) -> Iterator[Report]:
    """Raises in its second epoch where x is beyond `limit`."""
    for report in toys.learner(params, run):
        if report.step == 2 and float(params["x"]) > float(params["limit"]):
            raise ValueError(f"x = {params['x']} is too much")
        yield report


def exploding(params: Params, run: Run) -> Iterator[Report]:
    """The loss is NaN in the second epoch where x is beyond `limit`; its size is always infinite."""
    dict(params)  # all parameters count as read
    for epoch in run.epochs():
        bad = epoch == 2 and float(params["x"]) > float(params["limit"])
        yield Report(epoch, {"val_loss": float("nan") if bad else 1.0 / epoch, "size": float("inf")})


def plots(params: Params, run: Run) -> Iterator[Report]:
    """Raises after its last report."""
    yield from toys.learner(params, run)
    raise OSError("no such folder")


def talkative(params: Params, run: Run) -> Iterator[Report]:
    for epoch in run.epochs():
        print(f"epoch {epoch} to stdout")
        print(f"epoch {epoch} to stderr", file=sys.stderr)
        yield Report(epoch, {"val_loss": 1.0 / epoch})


def network(params: Params, run: Run) -> Iterator[Report]:
    """`torch_learner`, which raises in its second epoch where the learning rate is beyond `limit`."""
    dict(params)  # all parameters count as read
    for report in torch_learner(params, run):
        if report.step == 2 and float(params["lr"]) > float(params["limit"]):
            raise ValueError(f"lr = {params['lr']} is too much")
        yield report


def slope(params: Params, run: Run) -> Iterator[Report]:
    """The loss falls by 1 / epoch, and 0.1 in each epoch; `val_error` is lowest in the second, and `signal` rises."""
    run.track(weight=toys.Weight())
    for epoch in run.epochs():
        with Path(str(params["epoch_log"])).open("a", encoding="utf-8") as epoch_log:
            epoch_log.write(f"{run.number} {epoch}\n")
        loss = float(params["x"]) + 1.0 / epoch - 0.1 * (epoch - 1)
        yield Report(epoch, {"val_loss": loss, "val_error": abs(epoch - 2.0), "signal": float(epoch)})


def to_the_end(params: Params, run: Run) -> Iterator[Report]:
    """As `learner`, with a loss that depends on the number of epochs of the whole training."""
    total = run.epochs_total
    for report in learner(params, run):
        yield Report(report.step, {"val_loss": report.metrics["val_loss"] / total})


def without_checkpoints(params: Params, run: Run) -> Iterator[Report]:
    yield from toys.untracked(dict(params), run)


def improving(params: Params, run: Run) -> Iterator[Report]:
    """Both losses fall in a straight line, to the last epoch."""
    run.track(weight=toys.Weight())
    for epoch in run.epochs():
        loss = 4.0 - 0.1 * epoch + float(params["x"])
        yield Report(epoch, {"train_loss": loss, "val_loss": loss + 0.01})


def two_goals(params: Params, run: Run) -> Iterator[Report]:
    """The gap is 1 - x, and 2 where x is above 0.8; `signal` is the epoch."""
    run.track(weight=toys.Weight())
    x = float(dict(params)["x"])  # type: ignore[arg-type]
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": x, "gap": 2.0 if x > 0.8 else 1.0 - x, "signal": float(epoch)})
