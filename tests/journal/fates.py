"""The trainer of the study `fates` in `assets/0004/`: what becomes of a trial is its one parameter."""

import os
import signal
import time
from collections.abc import Iterator, Mapping
from typing import Any

from hpsearch import Report, Run


def train(params: Mapping[str, Any], run: Run) -> Iterator[Report]:
    fate = params["fate"]
    for epoch in run.epochs():
        loss = 0.5 / epoch
        if fate == "out of memory":
            raise MemoryError
        if fate == "lost":
            os.kill(os.getpid(), signal.SIGKILL)
        if fate == "stalled" and epoch == 2:
            time.sleep(60)
        if fate == "raises" and epoch == 2:
            raise ValueError("größer als erlaubt; 2 workers lost (limits.retries)")
        if fate in ("timeout", "interrupted"):
            time.sleep(1.3)
            loss /= 2
        if fate == "pruned":
            loss = 9.0
        if fate == "patience":
            loss = 0.1
        if fate == "diverges" and epoch == 2:
            loss = float("nan")
        yield Report(epoch, {"val_loss": loss})
