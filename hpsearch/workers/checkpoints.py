"""Checkpoints: the state from which a trial resumes exactly, as bytes that can be verified and cannot run code.

A file and its SHA-256 are written under temporary names and then renamed, so that a file with a hash is complete, and a
full or failing disk damages no earlier file. Files are read with `weights_only=True`: tensors and plain containers, no
code. There is no fsync: after a power cut, a file that did not reach the disk does not match its hash, and the
checkpoint before it is used.
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

from hpsearch.core.folders import make_private
from hpsearch.trainer.state import Snapshot, pack, unpack

BEST, BEST_BACKUP, CLAIM = "best.pt", "best.pt.before", "claim"

KEPT_CHECKPOINTS = 2
"""Number of newest checkpoints that are kept in addition to the best. The second is used if the last is damaged, or if
a verdict dropped its epoch."""


@dataclass(frozen=True)
class Removal:
    """Why a trial has no checkpoint any more: `keep` of [checkpoints], and the number of trials that it keeps."""

    keep: str
    most: int

    def __str__(self) -> str:
        kept = "the best trial's checkpoint" if self.most == 1 else f"the checkpoints of the best {self.most} trials"
        return f'its checkpoint was removed: [checkpoints] keep = "{self.keep}" keeps {kept}'

    @classmethod
    def read(cls, claim: Path) -> Self | None:
        """None where no checkpoint was removed."""
        try:
            found = json.loads(claim.read_text())
            return cls(str(found["keep"]), int(found["most"]))
        except (OSError, ValueError, TypeError, KeyError):  # the claim of a worker, or a file of a trainer
            return None


class CheckpointStore:
    """The checkpoints of one trial: a folder with epoch-000012.pt, its .sha256, and best.pt.

    best.pt is the state after the best epoch that counts, or after the last one unless study.at = "best". A verdict may
    drop an epoch that the worker has trained ahead; best.pt.before then replaces its best.pt. If the worker was lost
    before that, best.pt is of a later epoch than the best one, as its `step` shows.
    """

    def __init__(self, folder: Path, owner: str):
        self.folder = folder
        self.owner = owner
        self.warnings: list[str] = []

    @classmethod
    def of(cls, work: Path, study_uid: str, number: int) -> "CheckpointStore":
        """The store of a study's trial. work: the study's folder, the same for every worker."""
        return cls(work / "checkpoints" / f"{number:05d}", f"{study_uid}/{number}")

    def write(self, step: int, content: bytes, best: bool = False) -> None:
        """Write a checkpoint to resume from. best: it is also the best one, so it gets a second name.

        OSError, with the file's name and the free space, if it cannot be written.
        """
        self._put(self._name(step), content)
        if best:
            self._link(self._name(step), BEST)

    def write_best(self, content: bytes) -> None:
        """Write the best checkpoint, of an epoch within a slice; no trial resumes from it."""
        self._put(BEST, content)

    def back_up_best(self) -> None:
        """Keep the best checkpoint under another name until the verdict on the epoch that replaces it."""
        if (self.folder / BEST).exists():
            self._link(BEST, BEST_BACKUP)

    def restore_best(self) -> None:
        """Make the backup the best checkpoint again; without a backup, there is no best one."""
        self._remove([BEST])
        if (self.folder / BEST_BACKUP).exists():
            for end in (".sha256", ""):
                (self.folder / f"{BEST_BACKUP}{end}").replace(self.folder / f"{BEST}{end}")

    def _link(self, name: str, to: str) -> None:
        """Give a checkpoint a second name; a copy where the file system has no links."""
        for end in ("", ".sha256"):
            path = self.folder / f"{to}{end}"
            with adding_free_space(path), _temporary_name(path) as new:
                try:
                    new.hardlink_to(self.folder / f"{name}{end}")
                except OSError:
                    shutil.copyfile(self.folder / f"{name}{end}", new)
                new.replace(path)

    def _put(self, name: str, content: bytes) -> None:
        path, hashed = self.folder / name, self.folder / f"{name}.sha256"
        with adding_free_space(path):
            make_private(self.folder)
            with _temporary_name(path) as new, _temporary_name(hashed) as new_hashed:
                new.write_bytes(content)
                new_hashed.write_bytes(hashlib.sha256(content).hexdigest().encode())
                new.replace(path)
                new_hashed.replace(hashed)

    def keep_newest(self) -> None:
        """Remove all but the newest `KEPT_CHECKPOINTS` and the best."""
        self._remove(map(self._name, self._steps()[KEPT_CHECKPOINTS:]))

    def keep_best(self, final: int | None = None) -> None:
        """Remove all but the best: the trial has ended. final: the study's last epoch, if the trial has reached it; its
        checkpoint is kept for a longer training, unless it is the same file as the best."""
        if final is not None and self._is_best(self._name(final)):
            final = None
        self._remove([BEST_BACKUP, *(self._name(step) for step in self._steps() if step != final)])

    def _is_best(self, name: str) -> bool:
        try:
            return (self.folder / name).samefile(self.folder / BEST)
        except OSError:
            return False

    def copy_from(self, other: "CheckpointStore") -> None:
        """Copy the newest checkpoint and the best one of another trial, as this trial's. OSError."""
        for name in [*map(self._name, other._steps()[:1]), BEST]:
            if (other.folder / name).exists() and (snapshot := other.read(name)) is not None:
                self._put(name, pack(replace(snapshot, owner=self.owner)))

    def has(self, step: int) -> bool:
        """Whether there is a checkpoint of this epoch. It is not read."""
        return (self.folder / self._name(step)).exists()

    def drop_best_before(self) -> None:
        """Remove the backup of the best: the epoch that replaced it counts."""
        self._remove([BEST_BACKUP])

    def remove_after(self, after: int) -> None:
        """Remove the checkpoints after an epoch, since the reports of later epochs were dropped or lost.

        Also removes the temporary files of killed processes.
        """
        for path in self.folder.glob(".*.pt*"):
            path.unlink(missing_ok=True)
        self._remove(self._name(step) for step in self._steps() if step > after)
        while (self.folder / BEST).exists() and ((best := self.read(BEST)) is None or best.step > after):
            self.restore_best()

    @property
    def removal(self) -> Removal | None:
        """Why its checkpoints were removed; None where they were not."""
        return Removal.read(self.folder / CLAIM)

    def remove(self, why: Removal) -> None:
        """Remove all checkpoints, if there are any: the trial is not continued, and its model is not needed.

        The claim is replaced first, so that a worker that still has the trial writes no more of them. OSError.
        """
        try:
            files = [path for path in self.folder.iterdir() if ".pt" in path.name]
        except FileNotFoundError:
            return
        if not files:
            return
        claim = self.folder / CLAIM
        with _temporary_name(claim) as new:
            new.write_text(json.dumps(asdict(why)))
            new.replace(claim)
        for path in files:
            path.unlink(missing_ok=True)

    def _remove(self, names: Iterable[str]) -> None:
        for name in names:
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / f"{name}.sha256").unlink(missing_ok=True)

    def newest(self, at_most: int) -> Snapshot | None:
        """The newest whole checkpoint of this trial at or before an epoch; None: start from scratch.

        If only the best checkpoint is left, it is used: earlier versions kept no other one of an ended trial.
        """
        for step in self._steps():
            if step <= at_most and (snapshot := self.read(self._name(step))) is not None:
                return snapshot
        best = self.read(BEST) if not self._steps() and (self.folder / BEST).exists() else None
        return best if best is not None and best.step <= at_most and not best.weights_only else None

    def at(self, step: int) -> Snapshot | None:
        """The state after exactly this epoch, from best.pt (which may lack the state that only training needs) or from
        the epoch's own file. None, and a warning, if neither has it."""
        found = self.content_at(step)
        return found[1] if found is not None else None

    def content_at(self, step: int) -> tuple[bytes, Snapshot] | None:
        """The same with the content of its file."""
        names = [name for name in (BEST, self._name(step)) if (self.folder / name).exists()]
        others = []
        for name in names:
            found = self._read(name)
            if found is not None and found[1].step == step:
                return found
            if found is not None:
                others.append(f"best.pt is of epoch {found[1].step}, but epoch {step} is needed")
        self.warnings += others
        if not names:
            missing = f"there is no checkpoint of epoch {step} in {self.folder}"
            self.warnings.append(str(self.removal or missing))
        return None

    def read(self, name: str) -> Snapshot | None:
        """One file of the store; None, and a warning, if it is damaged or belongs to another trial."""
        found = self._read(name)
        return found[1] if found is not None else None

    def _read(self, name: str) -> tuple[bytes, Snapshot] | None:
        path = self.folder / name
        try:
            content = path.read_bytes()
            expected = (self.folder / f"{name}.sha256").read_text()
            if hashlib.sha256(content).hexdigest() != expected:
                raise ValueError("its SHA-256 does not match the recorded one")
            snapshot = unpack(content)
            if snapshot.owner != self.owner:
                raise ValueError(f"it belongs to {snapshot.owner}")
            if name not in (BEST, self._name(snapshot.step)):
                raise ValueError(f"it is of epoch {snapshot.step}")
        except Exception as problem:  # any defect: an older checkpoint is used, or none
            self.warnings.append(f"checkpoint {path} is not used: {problem}")
            return None
        return content, snapshot

    def _name(self, step: int) -> str:
        return f"epoch-{step:06d}.pt"

    def _steps(self) -> list[int]:
        """Newest first."""
        names = (re.fullmatch(r"epoch-(\d{6,})\.pt", path.name) for path in self.folder.glob("epoch-*.pt"))
        return sorted((int(found[1]) for found in names if found), reverse=True)


@dataclass(frozen=True)
class CheckpointUse:
    """Disk space of a study's checkpoints, in bytes: all together, the largest one to resume from, and the largest
    best.pt; 0 if there is none."""

    bytes: int = 0
    largest: int = 0
    largest_best: int = 0

    @classmethod
    def of(cls, work: Path | None) -> Self:
        """work: the study's folder; None if it is not on this machine. A file with two names counts once."""
        sizes: dict[int, int] = {}
        largest = largest_best = 0
        for folder in _entries(work / "checkpoints") if work is not None else ():
            for file in _entries(folder):
                if ".pt" not in file.name:
                    continue
                with suppress(OSError):  # a run may have removed it
                    found = file.stat()
                    sizes[found.st_ino] = found.st_size
                    if file.name == BEST:
                        largest_best = max(largest_best, found.st_size)
                    elif file.name.endswith(".pt"):
                        largest = max(largest, found.st_size)
        return cls(sum(sizes.values()), largest, largest_best)


def _entries(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return list(entries)
    except OSError:
        return []


@contextmanager
def _temporary_name(path: Path) -> Iterator[Path]:
    """A temporary name to write a file under before it is renamed. The temporary file is removed at the end."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with suppress(OSError):
        new.unlink()
    try:
        yield new
    finally:
        with suppress(OSError):
            new.unlink()


@contextmanager
def adding_free_space(path: Path) -> Iterator[None]:
    """Add the file's name and the free space to an OSError of writing it."""
    try:
        yield
    except OSError as problem:
        raise OSError(problem.errno, f"{problem.strerror} ({_free_space(path)})", str(path)) from problem


def _free_space(path: Path) -> str:
    try:
        folder = next(folder for folder in path.parents if folder.exists())
        return f"{shutil.disk_usage(folder).free:,} bytes are free"
    except OSError:
        return "the free space is unknown"
