"""A trainer without a fault, or with the one that `fault` names. It writes a line into `epoch_log` for each epoch."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.preflight.measure import data
from tests.preflight.measure.sound import logits, minibatches


def logistic(params: Params, run: Run) -> Iterator[Report]:
    """A line through 30 features, for two classes. lr: of SGD.

    fault: "zero_grad", "nan" (of the metric), "large" (inputs, worth a warning), "untracked", "unfed" (it asks nobody
    for its batches), "deaf" (it has a learning rate of its own).
    """
    fault, split = str(params.get("fault", "")), data.cancer()
    scale = 5.0 if fault == "large" else 1.0
    model = nn.Linear(30, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1 if fault == "deaf" else float(params["lr"]))
    if fault != "untracked":
        run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        _note(Path(str(params["epoch_log"])), f"{run.seed} {epoch}")
        given = minibatches(split, 64)
        for inputs, targets in given if fault == "unfed" else run.batches(given):
            if fault != "zero_grad":
                optimizer.zero_grad()
            logits(model(scale * inputs), targets).backward()
            optimizer.step()
        loss = _validated(model, scale * split.val_inputs, split.val_targets)
        yield Report(epoch, {"val_loss": float("nan") if fault == "nan" else loss})


@torch.no_grad()
def _validated(model: nn.Module, inputs: Tensor, targets: Tensor) -> float:
    model.eval()
    loss = logits(model(inputs), targets).item()
    model.train()
    return loss


def _note(epoch_log: Path, line: str) -> None:
    """A `bell` beside the epoch_log is an interrupt in the epoch whose number it holds; it rings once."""
    with epoch_log.open("a", encoding="utf-8") as lines:
        lines.write(f"{line}\n")
    bell = epoch_log.with_name("bell")
    if bell.exists() and len(epoch_log.read_text().splitlines()) == int(bell.read_text()):
        bell.unlink()
        os.kill(os.getpid(), signal.SIGINT)
