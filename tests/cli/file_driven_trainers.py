"""Trainers that do what a file says, so that the same trial comes to something else when the file has changed."""

import os
import time
from collections.abc import Iterator
from pathlib import Path

from hpsearch import Report, Run
from hpsearch.core.trial import Params


def file_driven(params: Params, run: Run) -> Iterator[Report]:
    """`mood` is a file that holds a word and a number: the loss of the second epoch, or what goes wrong in it.

    named: the trainer says that it uses it.
    """
    path = Path(str(params["mood"]))
    if params.get("named"):
        run.uses("mood", path)
    mood, _, number = path.read_text().partition(" ")
    for epoch in run.epochs():
        loss = 1.0 / epoch
        if epoch == 2 and mood == "raises":
            raise ValueError(f"mood {number}")
        if epoch == 2:
            loss = int.from_bytes(os.urandom(6), "big") / 2**48 if mood == "random" else float(number)
        yield Report(epoch, {"val_loss": loss, "epoch_seconds": time.perf_counter()})
