"""The small network of the tests, with the milliseconds of each epoch in its report.

As a program: `timed_toy EPOCHS` trains it in a new Python process, `timed_toy EPOCHS worker` by a worker with
`isolation = "none"` in such a process, which also writes checkpoints between the epochs. It prints the times.
"""

import json
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import torch
import torch._dynamo  # as a template does: otherwise the first optimizer imports it

from hpsearch import Report, Run
from hpsearch.core.messages import Start
from hpsearch.core.trial import Objective, Params
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.workers.worker import Setup, Worker
from tests.benchmarks.processes import ROOT
from tests.support import torch_toy

PARAMS: Params = {"lr": 0.01}


def train(params: Params, run: Run) -> Iterator[Report]:
    began = time.perf_counter()
    for report in torch_toy.train(params, run):
        yield replace(report, metrics={**report.metrics, "ms": 1e3 * (time.perf_counter() - began)})
        began = time.perf_counter()


def context() -> TrainerContext:
    return TrainerContext("tests.benchmarks.timed_toy:train", ROOT, {}, Objective("val_loss", "minimize"))


def _by_worker(epochs: int) -> list[Report]:
    with tempfile.TemporaryDirectory() as folder:
        worker = Worker(Setup(context(), Path(folder), "u"))
        worker.warm_up()
        worker.check(PARAMS)
        reports = list(worker.start(Start(1, PARAMS, 3, until=epochs, epochs=epochs)).reports)
        while len(reports) < epochs:
            reports += worker.advance().reports
        worker.release(over=True)
    return reports


if __name__ == "__main__":
    torch.set_num_threads(1)
    length = int(sys.argv[1])
    trained = _by_worker(length) if "worker" in sys.argv else train(PARAMS, Run.local(epochs=length, seed=3))
    print(json.dumps([report.metrics["ms"] for report in trained]))
