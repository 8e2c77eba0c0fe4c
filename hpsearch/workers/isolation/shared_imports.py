"""What a template imports before it is forked, so that all trials share it."""

import contextlib
import gc
import importlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Start
from hpsearch.core.trial import Params, Report
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.trainer.training_run import Run
from hpsearch.workers.worker import Setup, Worker

MAX_IMPORT_OUTPUT = 1 << 18
"""Bytes of the imports' output that are kept."""

REHEARSALS = 10
"""Trials without a computation that the template trains in advance. Python specialises a function after 8 calls (PEP
659); a trial's process then copies fewer of the shared pages."""


def import_everything(setup: Setup) -> Setup:
    """Import the trainer, and torch if trials may use it; returns the setup with the trainer. The trial raises the
    trainer's error again."""
    setup.trainer.import_libraries()
    if (torch := sys.modules.get("torch")) is not None:
        torch.set_num_threads(1)
    nvml = "PYTORCH_NVML_BASED_CUDA_CHECK"  # torch.cuda.is_available() then does not initialise CUDA
    added = os.environ.setdefault(nvml, "1") == "1"
    with contextlib.suppress(TrainerError):
        setup = replace(setup, trainer=replace(setup.trainer, found=setup.trainer.find()))
        if "torch" in setup.trainer.sources().packages:
            importlib.import_module("torch._dynamo")  # the first optimizer imports it, which takes seconds
    if added:
        os.environ.pop(nvml, None)
    _rehearse(setup)
    gc.collect()
    gc.freeze()  # a collection in a forked process does not touch the shared pages
    return setup


def _rehearse(setup: Setup) -> None:
    """Train trials that compute nothing, with their checkpoints: all trials then share the imports and the caches of
    this. A trainer's module may have replaced what it needs, so it may raise anything."""
    with contextlib.suppress(Exception), tempfile.TemporaryDirectory() as folder:
        context = TrainerContext("", Path(folder), {}, setup.trainer.objective, found=_train_nothing)
        own = Setup(context, Path(folder), setup.study_uid, capture=False, mlflow=setup.mlflow)
        for number in range(REHEARSALS):
            worker = Worker(own)
            worker.environment = {}
            worker.start(Start(number, {}, 0, until=1, epochs=1))
            worker.release(over=True)


class _NoState:
    """A tracked object without a state."""

    def state_dict(self) -> dict[str, object]:
        return {}

    def load_state_dict(self, state: Mapping[str, object]) -> None: ...


def _train_nothing(params: Params, run: Run) -> Iterator[Report]:  # noqa: ARG001
    if "torch" in sys.modules:  # checkpoints are written with it
        run.track(nothing=_NoState())
    for epoch in run.epochs():
        yield Report(epoch, {run.metric: 0.0})


def output_of_imports() -> bytes:
    """The output of the imports: descriptor 1 is a file here; in a trial's process it is the trial's log."""
    for stream in sys.stdout, sys.stderr:
        with contextlib.suppress(Exception):  # a module may have replaced it
            stream.flush()
    with contextlib.suppress(OSError):
        return os.pread(1, MAX_IMPORT_OUTPUT, 0)
    return b""
