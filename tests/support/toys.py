"""Fast trainers: each shows one thing that a trainer may do. Their `params` say when and where."""

import asyncio
import ctypes
import faulthandler
import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hpsearch import Infeasible, Report, Run
from hpsearch.core.trial import Params


def noop(params: Params, run: Run) -> Iterator[Report]:
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": 1.0 / epoch})


class Weight:
    """A model with one number."""

    def __init__(self) -> None:
        self.value = 0.0

    def state_dict(self) -> dict[str, Any]:
        return {"value": self.value}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.value = state["value"]


def learner(params: Params, run: Run) -> Iterator[Report]:
    """Every loss depends on all random numbers before it. epoch_log: a file that gets a line for each trained epoch."""
    weight = Weight()
    dict(params)  # all parameters count as read
    run.track(weight=weight)
    for epoch in run.epochs():
        _note(params, run, epoch)
        weight.value += random.random() - float(params.get("drift", 0.3))
        yield Report(epoch, {"val_loss": abs(weight.value - float(params.get("x", 0.0))), "weight": weight.value})


def folded(params: Params, run: Run) -> Iterator[Report]:
    """Its loss is the number of its fold plus a random number below 1."""
    fold, weight = run.fold, Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        assert fold is not None
        weight.value = random.random()
        yield Report(epoch, {"val_loss": fold.number + weight.value})


def untracked(params: Params, run: Run) -> Iterator[Report]:
    """As `learner`, but it tracks nothing, so it has no checkpoints."""
    value = 0.0
    for epoch in run.epochs():
        _note(params, run, epoch)
        value += random.random()
        yield Report(epoch, {"val_loss": value})


def _note(params: Params, run: Run, epoch: int) -> None:
    if "epoch_log" in params:
        with Path(str(params["epoch_log"])).open("a", encoding="utf-8") as epoch_log:
            epoch_log.write(f"{run.seed} {epoch}\n")


def scripted(params: Params, run: Run) -> Iterator[Report]:
    """losses: one per epoch, "3 2 nan"; training ends after them. Its weight is the epoch, so a checkpoint shows its
    epoch."""
    weight = Weight()
    run.track(weight=weight)
    losses = [float(loss) for loss in str(params["losses"]).split()]
    for epoch in run.epochs():
        if epoch > len(losses):
            return
        weight.value = float(epoch)
        _note(params, run, epoch)
        yield Report(epoch, {"val_loss": losses[epoch - 1]})


class LocalError(Exception):
    """Two arguments and a lambda as attribute: it cannot be pickled."""

    def __init__(self, what: str, where: object):
        super().__init__(f"{what} at {where}")
        self.where = lambda: where


class Unprintable(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


def faulty(params: Params, run: Run) -> Iterator[Report]:
    """Fails as `how` says, in epoch `at` or, if that is not trained, after the epoch before. Its first epoch is the
    best."""
    weight = Weight()
    run.track(weight=weight)
    for epoch in run.epochs():
        weight.value = float(epoch)
        if epoch == params["at"]:
            go_wrong(str(params["how"]))
        yield Report(epoch, {"val_loss": float(epoch), "pid": os.getpid()})
    if params["at"] == weight.value + 1:
        go_wrong(str(params["how"]))


def go_wrong(how: str) -> None:
    match how:
        case "raise":
            raise ValueError("no such optimizer")
        case "unpicklable":
            raise LocalError("gone", sys.stdout)
        case "unprintable":
            raise Unprintable
        case "cancelled":
            raise asyncio.CancelledError  # a BaseException, as GeneratorExit is
        case "long":
            raise RuntimeError(
                "CUDA error: device-side assert\nCompile with TORCH_USE_CUDA_DSA\nfor device-side help.\n"
            )
        case "infeasible":
            raise Infeasible("b > a")
        case "memory":
            raise MemoryError
        case "torch memory":
            import torch

            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 EiB")
        case "allocator":
            raise RuntimeError("[enforce fail at alloc_cpu.cpp:117] DefaultCPUAllocator: can't allocate memory: 9 EiB")
        case _ if how.startswith("errno "):
            raise OSError(int(how[6:]), os.strerror(int(how[6:])))
        case _:
            end_badly(how)


def end_badly(how: str) -> None:
    """Failures that end or stop the process."""
    match how:
        case "sys.exit":
            sys.exit(3)
        case "os._exit":
            os._exit(3)
        case "SIGSEGV":
            faulthandler._sigsegv()  # type: ignore[attr-defined]
        case "SIGSTOP":
            os.kill(os.getpid(), signal.SIGSTOP)
            time.sleep(1.0)  # until it is there
        case "hang":
            time.sleep(1e6)
        case "hang in C":  # in a call that holds the GIL
            ctypes.PyDLL(None).sleep(1_000_000)


def wrong(params: Params, run: Run) -> Iterator[Any]:
    """A correct first report, then a wrong report; `how` says what is wrong."""
    yield Report(1, {"val_loss": 1.0})
    match params["how"]:
        case "tuple":
            yield (2, {"val_loss": 1.0})
        case "repeated step":
            yield Report(1, {"val_loss": 1.0})
        case "falling step":
            yield Report(0, {"val_loss": 1.0})
        case "step of a float":
            yield Report(2.0, {"val_loss": 1.0})  # type: ignore[arg-type]
        case "list":
            yield Report(2, [1.0])  # type: ignore[arg-type]
        case "text":
            yield Report(2, {"val_loss": "0.5"})  # type: ignore[dict-item]
        case "none":
            yield Report(2, {"val_loss": None})  # type: ignore[dict-item]


def silent(params: Params, run: Run) -> Iterator[Report]:
    """Ends before it has reported anything."""
    yield from ()


def endless(params: Params, run: Run) -> Iterator[Report]:
    """Does not ask `run` how long to train."""
    weight = Weight()
    run.track(weight=weight)
    epoch = 0
    while True:
        epoch += 1
        weight.value = float(epoch)
        _note(params, run, epoch)
        yield Report(epoch, {"val_loss": float(epoch)})


def chatty(params: Params, run: Run) -> Iterator[Report]:
    for epoch in run.epochs():
        print(f"epoch {epoch}: " + "words " * int(params.get("words", 1)))
        print("and to stderr", file=sys.stderr)
        yield Report(epoch, {"val_loss": 1.0})


def tidy(params: Params, run: Run) -> Iterator[Report]:
    """Creates a file when it is closed; with `how`, closing fails."""
    try:
        yield from noop(params, run)
    finally:
        (run.scratch_dir / "closed").touch()
        go_wrong(str(params.get("how", "")))


def resources(params: Params, run: Run) -> Iterator[Report]:
    """Reports its thread limits."""
    import torch

    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": 0.0, "threads": run.threads, "torch_threads": torch.get_num_threads()})


def tracked_late(params: Params, run: Run) -> Iterator[Report]:
    """Calls run.track after its first epoch has begun, too late for a restore."""
    weight = Weight()
    for epoch in run.epochs():
        run.track(weight=weight)
        weight.value += random.random()
        yield Report(epoch, {"val_loss": weight.value})


def own_range(params: Params, run: Run) -> Iterator[Report]:
    """Does not ask `run` at which epoch to continue."""
    weight = Weight()
    run.track(weight=weight)
    for epoch in range(1, run.max_epochs + 1):
        weight.value += random.random()
        yield Report(epoch, {"val_loss": weight.value})


class Lambda:
    """Its state cannot be pickled."""

    def state_dict(self) -> dict[str, Any]:
        return {"function": lambda: None}

    def load_state_dict(self, state: dict[str, Any]) -> None: ...


def unsavable(params: Params, run: Run) -> Iterator[Report]:
    run.track(schedule=Lambda())
    yield from noop(params, run)


@dataclass
class Settings:
    lr: float
    layers: int = 2
    optimizer: Literal["sgd", "adam"] = "sgd"
    nesterov: bool = False
    name: str = ""


def typed(params: Settings, run: Run) -> Iterator[Report]:
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": params.lr * epoch})


@dataclass
class Picky:
    lr: float

    def __post_init__(self) -> None:
        if self.lr > 1:
            raise ValueError(f"lr = {self.lr} is too much")


def picky(params: Picky, run: Run) -> Iterator[Report]:
    yield Report(1, {"val_loss": params.lr})


def parameterless() -> float:
    return 1.0


def hashes(params: Params, run: Run) -> Iterator[Report]:
    """Reports Python's hash of a string, which orders a set of strings."""
    yield Report(1, {"val_loss": float(hash("a string") % 2**31), "pid": os.getpid()})


def either(params: Params, run: Run) -> Iterator[Any]:
    """Calls the trainer params["toy"], for tests with one pool and several trainers."""
    yield from globals()[str(params["toy"])](params, run)


def network(params: Params, run: Run) -> Iterator[Report]:
    """Trains a network of torch with the learning rate `lr`."""
    from tests.support import torch_toy

    yield from torch_toy.train(params, run)


class Trainer:
    def __call__(self, params: Params, run: Run) -> Iterator[Report]:
        yield Report(1, {"val_loss": 1.0})


setting = 3


def sparse(params: Params, run: Run) -> Iterator[Report]:
    """reports: one for each word, "2:0.5 3 6:nan": its step and, if given, the study's metric; "2:nan/0.3" also
    gives `train_loss`. The weight is the step. Every report also has `kl_loss`, NaN."""
    weight = Weight()
    run.track(weight=weight)
    wanted = dict(word.partition(":")[::2] for word in str(params["reports"]).split())
    for epoch in run.epochs():
        weight.value = epoch
        if str(epoch) in wanted:
            value, _, other = wanted[str(epoch)].partition("/")
            given = {name: float(text) for name, text in (("val_loss", value), ("train_loss", other)) if text}
            yield Report(epoch, {"kl_loss": float("nan"), **given})
    if params.get("then") == "raise":
        raise RuntimeError("could not draw the confusion matrix")
