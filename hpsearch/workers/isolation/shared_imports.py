"""What a template imports before it is forked, so that all trials share it."""

import contextlib
import gc
import importlib
import os
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from hpsearch.core.errors import TrainerError
from hpsearch.trainer import state
from hpsearch.workers.checkpoint_writer import CheckpointsUnavailable, CheckpointWriter
from hpsearch.workers.checkpoints import CheckpointStore
from hpsearch.workers.own_logging import OwnLogging
from hpsearch.workers.worker import Setup

MAX_IMPORT_OUTPUT = 1 << 18
"""Bytes of the imports' output that are kept."""


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
    _write_a_checkpoint(setup)
    gc.collect()
    gc.freeze()  # a collection in a forked process does not touch the shared pages
    return setup


def _write_a_checkpoint(setup: Setup) -> None:
    """Write and read a checkpoint, and look for W&B: all trials then share these imports and what was found."""
    with contextlib.suppress(OSError, CheckpointsUnavailable), tempfile.TemporaryDirectory() as folder:
        store = CheckpointStore(Path(folder), "")
        CheckpointWriter(store, setup.trainer.objective, after=0, weights_only=False)
        OwnLogging(setup.mlflow, store.folder, setup.study_uid).environment(0, store.folder)
        if "torch" in sys.modules:
            store.write(1, state.pack(state.Snapshot("", 1, 0.0, {}, state.random_state())))
            store.newest(1)


def output_of_imports() -> bytes:
    """The output of the imports: descriptor 1 is a file here; in a trial's process it is the trial's log."""
    for stream in sys.stdout, sys.stderr:
        with contextlib.suppress(Exception):  # a module may have replaced it
            stream.flush()
    with contextlib.suppress(OSError):
        return os.pread(1, MAX_IMPORT_OUTPUT, 0)
    return b""
