"""Trainers with very much output: lines, metrics, odd names, a long error, processes, large checkpoints."""

import os
import subprocess
import sys
import time
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


def prints_lines(params: Params, run: Run) -> Iterator[Report]:
    """lines: printed in each epoch, half of them to stderr; raw: with os.write instead of print."""
    float(params["x"])  # a parameter that is never read is a warning
    for epoch in run.epochs():
        for i in range(int(params["lines"])):
            if params.get("raw"):
                os.write(1 + i % 2, f"epoch {epoch}, step {i}: everything is fine\n".encode())
            else:
                print(f"epoch {epoch}, step {i}: everything is fine", file=(sys.stdout, sys.stderr)[i % 2])
        yield Report(epoch, {"val_loss": 1.0 / epoch})


def many_metrics(params: Params, run: Run) -> Iterator[Report]:
    """metrics: the number in each report, besides val_loss."""
    for epoch in run.epochs():
        weights = {f"weight/{i:07d}": i / epoch for i in range(int(params["metrics"]))}
        yield Report(epoch, {"val_loss": 1.0 / epoch, **weights})


def odd_names(params: Params, run: Run) -> Iterator[Report]:
    """Reports a metric for each name of HOSTILE, each with its own value."""
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": 1.0 / epoch, **{name: float(i + 10) for i, name in enumerate(HOSTILE)}})


def long_error(params: Params, run: Run) -> Iterator[Report]:
    """Raises an exception with a message of `size` characters in its second epoch."""
    for epoch in run.epochs():
        if epoch == 2:
            raise ValueError("x" * int(params["size"]))
        yield Report(epoch, {"val_loss": 1.0 / epoch})


def starts_processes(params: Params, run: Run) -> Iterator[Report]:
    """Starts processes in sessions of their own, without end, and waits where it may start no more if `stubborn`."""
    stubborn = bool(params.get("stubborn"))
    for epoch in run.epochs():
        while True:
            try:
                subprocess.Popen(["sleep", "600"], start_new_session=True)
            except OSError:
                if not stubborn:
                    raise
                time.sleep(0.1)
        yield Report(epoch, {"val_loss": 1.0})


class Megabytes:
    """What a checkpoint has of a model of 4 MiB."""

    def state_dict(self) -> dict[str, bytes]:
        return {"weights": os.urandom(4 << 20)}

    def load_state_dict(self, state: dict[str, bytes]) -> None:
        pass


def large_checkpoints(params: Params, run: Run) -> Iterator[Report]:
    float(params["x"])
    run.track(model=Megabytes())
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": 1.0 / epoch})
