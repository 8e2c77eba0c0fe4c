"""Trainers that say too much: lines, metrics, epochs, names."""

import os
import sys
from collections.abc import Iterator

from hpsearch import Report, Run
from hpsearch.core.trial import Params

HOSTILE = (
    "100%",
    "%s%n",
    "../../etc/passwd",
    "/absolute",
    "..",
    "a/../../b",
    "x" * 300,
    "x" * 301,
    "größe_µ_损失_🙂",
    "'; DROP TABLE metrics; --",
    "<script>alert(1)</script>",
    " spaced ",
)


def babbler(params: Params, run: Run) -> Iterator[Report]:
    """lines: how many in each epoch, half of them to stderr; by print, or with `raw` past Python to the process."""
    for epoch in run.epochs():
        for i in range(int(params["lines"])):
            if params.get("raw"):
                os.write(1 + i % 2, f"epoch {epoch}, step {i}: everything is fine\n".encode())
            else:
                print(f"epoch {epoch}, step {i}: everything is fine", file=(sys.stdout, sys.stderr)[i % 2])
        yield Report(epoch, {"val_loss": 1.0 / epoch})


def hoarder(params: Params, run: Run) -> Iterator[Report]:
    """metrics: how many in each report, beside val_loss."""
    for epoch in run.epochs():
        weights = {f"weight/{i:07d}": i / epoch for i in range(int(params["metrics"]))}
        yield Report(epoch, {"val_loss": 1.0 / epoch, **weights})


def namer(params: Params, run: Run) -> Iterator[Report]:
    """Each name has a value of its own."""
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": 1.0 / epoch, **{name: float(i + 10) for i, name in enumerate(HOSTILE)}})


def screamer(params: Params, run: Run) -> Iterator[Report]:
    """Raises with a message of `size` characters in its second epoch."""
    for epoch in run.epochs():
        if epoch == 2:
            raise ValueError("x" * int(params["size"]))
        yield Report(epoch, {"val_loss": 1.0 / epoch})
