"""Trainers for studies on Ray whose workers fail. The epoch_log beside the study has all epochs that were trained.

Every trained epoch adds a line "seed epoch" to `epoch_log`, and one "seed epoch pid seconds" to `pids` beside it.
"""

import ctypes
import faulthandler
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import torch

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.support import torch_toy

WRONG = 2
"""The epoch with the fault."""


def network(params: Params, run: Run) -> Iterator[Report]:
    """A real network without faults, exact to the bit; an epoch takes `pace` seconds."""
    epoch_log = Path(str(params["epoch_log"]))
    float(params.get("x", 0.0))  # a parameter that is searched and never read is a warning
    for report in torch_toy.train({"lr": 0.01, **params}, run):
        _write(epoch_log, f"{run.seed} {report.step}")
        _write(epoch_log.with_name("pids"), f"{run.seed} {report.step} {os.getpid()} {time.time()}")
        time.sleep(float(params.get("pace", 0.0)))
        yield report


def failing(params: Params, run: Run) -> Iterator[Report]:
    """`network` with the fault `how` in its second epoch; "once …": on the first worker only."""
    how, epoch_log = str(params.get("how", "")), Path(str(params["epoch_log"]))
    marker = epoch_log.with_name(f"met {run.seed}")
    for report in network(params, run):
        if report.step >= WRONG and how == "slow":
            time.sleep(4)
        elif report.step == WRONG and not (how.startswith("once ") and marker.exists()):
            marker.touch()
            value = _cause_fault(how.removeprefix("once "))
            if value is not None:
                report.metrics["val_loss"] = value  # type: ignore[index]
        yield report


def _cause_fault(how: str) -> float | None:
    """Cause the fault. Returns the loss to report, where the loss is the fault."""
    match how:
        case "SIGKILL" | "SIGSTOP" | "SIGTERM":
            os.kill(os.getpid(), signal.Signals[how])
            time.sleep(0.5)  # until the signal is there
        case "os._exit":
            os._exit(3)
        case "SIGSEGV":
            faulthandler._sigsegv()  # type: ignore[attr-defined]
        case "raise":
            raise ValueError("no such optimizer")
        case "memory":
            raise MemoryError
        case "cuda memory":
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 EiB")
        case "sleep":
            time.sleep(3600)
        case "sleep in C":  # a call that holds the GIL: no other thread of the process runs
            ctypes.PyDLL(None).sleep(3600)
        case "nan" | "inf" | "-inf":
            return float(how)
    return None


def _write(path: Path, line: str) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{line}\n")


def pids(epoch_log: Path) -> list[tuple[int, int, int, float]]:
    """(seed, epoch, pid, seconds since 1970) of every trained epoch, in the order of their ends."""
    file = epoch_log.with_name("pids")
    lines = file.read_text().splitlines() if file.exists() else []
    return [(int(seed), int(epoch), int(pid), float(at)) for seed, epoch, pid, at in map(str.split, lines)]
