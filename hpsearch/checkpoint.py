"""Checkpoints: what a trial needs to go on exactly where it was, as bytes that can be verified and cannot run code.

A file and its SHA-256 are written beside their places and then renamed, so that what has a hash is whole, and a disk
that is full or fails takes nothing away that was there. It is read with `weights_only=True`: tensors and plain
containers, nothing that executes. There is no fsync: after a power cut a file that did not reach the disk fails its
hash, and the one before is taken.
"""

import copy
import hashlib
import io
import os
import pickle
import random
import re
import shutil
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hpsearch.errors import TrainerError

if TYPE_CHECKING:
    import numpy as np

BEST, ASIDE = "best.pt", "best.pt.before"

KEPT = 2
"""How many of the newest checkpoints stay beside the best: the last, and the one to fall back on where the last is
damaged, or of an epoch that a verdict dropped."""


@dataclass(frozen=True)
class Snapshot:
    """A trial's state at the end of an epoch.

    owner: "study uid/trial number"; another trial's checkpoint is never taken for this one's.
    best: the loss (smaller is better) at the best epoch so far.
    """

    owner: str
    step: int
    best: float
    objects: Mapping[str, Any]
    random: Mapping[str, Any]

    def check_all_is_tracked(self, names: Collection[str]) -> None:
        """TrainerError where training would go on with something that was not restored."""
        if left := sorted(set(self.objects) - set(names)):
            raise TrainerError(
                f"the checkpoint of epoch {self.step} holds {', '.join(left)}, which the trainer has not given to "
                "run.track(…) when it begins its first epoch"
            )

    def object_state(self, name: str) -> Any:
        if name not in self.objects:
            raise TrainerError(
                f"run.track({name}=…): the checkpoint of epoch {self.step} holds {sorted(self.objects) or 'nothing'}; "
                "was the trainer changed since? Start again with --fork NEW_NAME"
            )
        return self.objects[name]

    def restore_random(self) -> None:
        set_random_state(self.random)


def take(owner: str, step: int, best: float, tracked: Mapping[str, Any]) -> Snapshot:
    """The state of the tracked objects, which training goes on to change, and of every random state."""
    return Snapshot(owner, step, best, {name: state_of(thing) for name, thing in tracked.items()}, random_state())


def frozen(snapshot: Snapshot) -> Snapshot:
    """The same with tensors of its own, so that training may go on."""
    return replace(snapshot, objects=_copied(snapshot.objects))


def _copied(state: Any) -> Any:
    """Every tensor and container of a state anew. A tenth of what torch.save takes for a small model."""
    if hasattr(state, "clone"):
        return state.clone()
    if isinstance(state, Mapping):
        return {key: _copied(value) for key, value in state.items()}
    return type(state)(map(_copied, state)) if type(state) in (list, tuple) else copy.copy(state)


def pack(snapshot: Snapshot) -> bytes:
    """The content of a checkpoint file. TrainerError where a state holds what cannot be written down."""
    import torch

    buffer = io.BytesIO()
    try:
        torch.save({own.name: getattr(snapshot, own.name) for own in fields(snapshot)}, buffer)
    except (pickle.PicklingError, AttributeError, TypeError) as problem:  # what pickle raises
        named = ", ".join(f"{name}=…" for name in snapshot.objects)
        raise TrainerError(f"run.track({named}): a state_dict holds what no checkpoint can: {problem}") from None
    return buffer.getvalue()


def unpack(content: bytes) -> Snapshot:
    """Raises whatever torch raises for bytes that are no checkpoint or hold more than tensors and plain values."""
    import torch

    return Snapshot(**torch.load(io.BytesIO(content), map_location="cpu", weights_only=True))


class Shelf:
    """The checkpoints of one trial: a folder with epoch-000012.pt, its .sha256, and best.pt.

    best.pt is the state at the best epoch that counts, or with study.at = "last" at the last. The worker may have been
    ahead of a verdict that drops what is best; best.pt.before is then the best again. Where the worker was lost before
    it could say so, best.pt is of a later epoch: its `step` says.
    """

    def __init__(self, folder: Path, owner: str):
        self.folder = folder
        self.owner = owner
        self.warnings: list[str] = []

    @classmethod
    def of(cls, work: Path, study_uid: str, number: int) -> "Shelf":
        """That of a study's trial. work: the study's folder, of which every worker has the same."""
        return cls(work / "checkpoints" / f"{number:05d}", f"{study_uid}/{number}")

    def write(self, step: int, content: bytes, best: bool = False) -> None:
        """Put a checkpoint on the shelf; with `best` it stays when newer ones push it off.

        OSError, with the file's name and the room that is left, where the disk does not take it.
        """
        self._put(self._name(step), content)
        if best:
            for end in ("", ".sha256"):
                _link(self.folder / f"{self._name(step)}{end}", self.folder / f"{BEST}{end}")

    def write_best(self, content: bytes) -> None:
        """Put the best on the shelf where it lies in the midst of a slice; it pushes none off to go on from."""
        self._put(BEST, content)

    def set_best_aside(self) -> None:
        """Keep the best under another name until it is known whether the one that takes its place counts."""
        if (self.folder / BEST).exists():
            for end in ("", ".sha256"):
                _link(self.folder / f"{BEST}{end}", self.folder / f"{ASIDE}{end}")

    def take_best_back(self) -> None:
        """The one that was set aside is the best again; without one there is none."""
        self._remove([BEST])
        if (self.folder / ASIDE).exists():
            for end in (".sha256", ""):
                (self.folder / f"{ASIDE}{end}").replace(self.folder / f"{BEST}{end}")

    def _put(self, name: str, content: bytes) -> None:
        path, hashed = self.folder / name, self.folder / f"{name}.sha256"
        with naming(path):
            self.folder.mkdir(parents=True, exist_ok=True)
            with _beside(path) as new, _beside(hashed) as new_hashed:
                new.write_bytes(content)
                new_hashed.write_bytes(hashlib.sha256(content).hexdigest().encode())
                new.replace(path)
                new_hashed.replace(hashed)

    def keep_newest(self) -> None:
        """Remove all but the newest `KEPT`; the best has a file of its own."""
        self._remove(map(self._name, self._steps()[KEPT:]))

    def keep_best(self) -> None:
        """Remove all but the best: the trial will not be continued."""
        self._remove([ASIDE, *map(self._name, self._steps())])

    def forget(self, after: int) -> None:
        """Remove what was trained after an epoch: its reports were dropped, or were lost on their way.

        With it goes what a process that was killed had begun to write.
        """
        for path in self.folder.glob(".*.pt*"):
            path.unlink(missing_ok=True)
        self._remove(self._name(step) for step in self._steps() if step > after)
        while (self.folder / BEST).exists() and not self._best_is_of(after):
            self.take_best_back()

    def _best_is_of(self, epoch: int) -> bool:
        """Or of an earlier one."""
        best = self.read(BEST)
        return best is not None and best.step <= epoch

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / f"{name}.sha256").unlink(missing_ok=True)

    def newest(self, at_most: int) -> Snapshot | None:
        """The newest whole checkpoint of this trial at or before an epoch; None: start from scratch."""
        for step in self._steps():
            if step <= at_most and (snapshot := self.read(self._name(step))) is not None:
                return snapshot
        return None

    def at(self, step: int) -> Snapshot | None:
        """The state at the end of that very epoch, under either name; None (and a warning) where it is not there."""
        names = [name for name in (self._name(step), BEST) if (self.folder / name).exists()]
        for name in names:
            snapshot = self.read(name)
            if snapshot is not None and snapshot.step == step:
                return snapshot
            if snapshot is not None:
                self.warnings.append(f"best.pt is of epoch {snapshot.step}, and epoch {step} is the one that counts")
        if not names:
            self.warnings.append(f"there is no checkpoint of epoch {step} in {self.folder}")
        return None

    def read(self, name: str) -> Snapshot | None:
        """One file of the shelf, None (and a warning) where it is damaged or another trial's."""
        path = self.folder / name
        try:
            content = path.read_bytes()
            expected = (self.folder / f"{name}.sha256").read_text()
            if hashlib.sha256(content).hexdigest() != expected:
                raise ValueError("its SHA-256 is not the one beside it")
            snapshot = unpack(content)
            if snapshot.owner != self.owner:
                raise ValueError(f"it belongs to {snapshot.owner}")
            if name not in (BEST, self._name(snapshot.step)):
                raise ValueError(f"it is that of epoch {snapshot.step}")
        except Exception as problem:  # whatever is wrong with the file, an older one or scratch serves
            self.warnings.append(f"checkpoint {path} is not used: {problem}")
            return None
        return snapshot

    def _name(self, step: int) -> str:
        return f"epoch-{step:06d}.pt"

    def _steps(self) -> list[int]:
        """Newest first."""
        names = (re.fullmatch(r"epoch-(\d{6,})\.pt", path.name) for path in self.folder.glob("epoch-*.pt"))
        return sorted((int(found[1]) for found in names if found), reverse=True)


def _link(path: Path, to: Path) -> None:
    """Give a file a second name; a copy where the file system knows no links."""
    with naming(to), _beside(to) as new:
        try:
            new.hardlink_to(path)
        except OSError:
            shutil.copyfile(path, new)
        new.replace(to)


@contextmanager
def _beside(path: Path) -> Iterator[Path]:
    """A name to write a file under before it is renamed; nothing is left there."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        new.unlink()
    try:
        yield new
    finally:
        with suppress(OSError):
            new.unlink()


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """An error of the disk names the file, which those of writing do not, and how much room there is."""
    try:
        yield
    except OSError as problem:
        raise OSError(problem.errno, f"{problem.strerror} ({_room(path)})", str(path)) from problem


def _room(path: Path) -> str:
    try:
        folder = next(folder for folder in path.parents if folder.exists())
        return f"{shutil.disk_usage(folder).free:,} bytes are free"
    except OSError:
        return "how much is free cannot be seen"


# The state of one tracked object ─────────────────────────────────────────────────────────────────


def check_can_be_tracked(name: str, thing: Any) -> None:
    """TrainerError for something whose state cannot be taken and given back."""
    if not (hasattr(thing, "load_state_dict") or hasattr(thing, "set_state") or hasattr(thing, "bit_generator")):
        raise TrainerError(
            f"run.track({name}=…): a {type(thing).__name__} has neither state_dict/load_state_dict nor "
            "get_state/set_state, so it cannot be put into a checkpoint"
        )


def state_of(thing: Any) -> Any:
    if hasattr(thing, "state_dict"):
        return thing.state_dict()
    return thing.get_state() if hasattr(thing, "get_state") else thing.bit_generator.state


def restore(thing: Any, state: Any) -> None:
    if hasattr(thing, "load_state_dict"):
        thing.load_state_dict(state)
    elif hasattr(thing, "set_state"):
        thing.set_state(state)
    else:
        thing.bit_generator.state = state


# Random states ───────────────────────────────────────────────────────────────────────────────────


def seed_everything(seed: int) -> None:
    """Seed random, NumPy and torch (those that are imported), CPU and CUDA."""
    random.seed(seed)
    for numpy in _imported("numpy"):
        numpy.random.seed(seed)
    for torch in _imported("torch"):
        torch.manual_seed(seed)


def random_state() -> dict[str, Any]:
    """Every global random state, as plain values and tensors."""
    version, words, gauss = random.getstate()
    state: dict[str, Any] = {"python": (version, list(words), gauss)}
    for numpy in _imported("numpy"):
        kind, keys, *rest = numpy.random.get_state()
        state["numpy"] = [kind, keys.tolist(), *rest]
    for torch in _imported("torch"):
        state["torch"] = torch.get_rng_state()
        if torch.cuda.is_available() and torch.cuda.is_initialized():
            state["cuda"] = torch.cuda.get_rng_state_all()
    return state


def set_random_state(state: Mapping[str, Any]) -> None:
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    for numpy in _imported("numpy"):
        if "numpy" in state:
            kind, keys, *rest = state["numpy"]
            numpy.random.set_state((kind, _words(numpy, keys), *rest))
    for torch in _imported("torch"):
        if "torch" in state:
            torch.set_rng_state(state["torch"])
        if "cuda" in state and torch.cuda.is_available():
            torch.cuda.set_rng_state_all(state["cuda"])


def _words(numpy: Any, keys: list[int]) -> "np.ndarray[Any, Any]":
    return numpy.array(keys, dtype=numpy.uint32)  # type: ignore[no-any-return]


def _imported(name: str) -> Iterator[Any]:
    """The module if somebody has imported it: what nobody uses needs no state, and importing torch takes a second."""
    if name in sys.modules:
        yield sys.modules[name]
