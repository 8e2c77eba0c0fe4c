"""Writes a trial's checkpoints: of its last epoch and of its best epoch."""

import errno
import math
import re
import resource
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpsearch.core.folders import make_private
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Report
from hpsearch.trainer import state
from hpsearch.workers import checkpoints


class Claim:
    """A file among a trial's checkpoints with the id of the worker that the trial was assigned to last.

    A worker that the driver has given up may still train: it was only suspended, or its node was only unreachable. It
    reads another id in the file and writes nothing more. A missing file means that the trial's files were deleted.
    After the checkpoints are removed, the file has the reason (`checkpoints.Removal`).
    """

    def __init__(self, folder: Path):
        self._path, self._name = folder / checkpoints.CLAIM, uuid.uuid4().hex

    def take(self) -> None:
        """Write this worker's id. OSError if the file cannot be written."""
        with checkpoints.adding_free_space(self._path):
            make_private(self._path.parent)
            self._path.write_text(self._name)

    @property
    def is_held(self) -> bool:
        try:
            return self._path.read_bytes() == self._name.encode()
        except FileNotFoundError:
            return True

    @property
    def why_lost(self) -> str:
        """Why this worker may write no checkpoint of the trial; "" while it may. OSError if the file cannot be read."""
        if self.is_held:
            return ""
        if checkpoints.Removal.read(self._path) or re.fullmatch(rb"([0-9a-f]{32})?", self._path.read_bytes()):
            return "the trial was assigned to another worker"
        rule = "hpsearch records in it which worker trains the trial. A trainer's own files belong in run.scratch_dir"
        return f"{self._path} was overwritten by the trainer or another program; {rule}"


class CheckpointsUnavailable(Exception):
    """A checkpoint cannot be read or written; the message has the path and the free space."""


class CheckpointWriter:
    """One trial on one worker. The constructor claims the trial and removes its checkpoints after epoch `after`.

    restored: the checkpoint to resume from. tracked: the objects given to `Run.track`.
    weights_only: the best checkpoint is without the state that only training needs; the others are complete.
    only_best: the trainer does not continue from a checkpoint, so only the best one is kept.
    was_removed: the checkpoints were removed when the trial had ended, so it is trained again from its first epoch.
    unsaved: why a trial of this trainer cannot be resumed; "" if it can, or while that is unknown.
    """

    def __init__(self, store: checkpoints.CheckpointStore, objective: Objective, after: int, weights_only: bool):
        self.store, self._objective, self._weights_only = store, objective, weights_only
        removal = store.removal
        self._claim = Claim(store.folder)
        try:
            self._claim.take()
            store.remove_after(after)
        except OSError as problem:
            message = f"the trial's checkpoints in {store.folder} cannot be changed: {problem}"
            raise CheckpointsUnavailable(message) from None
        self.restored = store.newest(after) if after else None
        self.was_removed = removal is not None and self.restored is None
        self.only_best = False
        self._is_first, self._disabled = self.restored is None, False
        self.unsaved = ""
        self._max_file_size = _max_file_size()
        self.tracked: dict[str, Any] = {}
        self._best_loss = self.restored.best if self.restored else math.inf
        self.begin_slice()

    def restart(self) -> None:
        """Discard the restored state: the trial is trained again from its first epoch."""
        self.restored, self._best_loss = None, math.inf
        self.begin_slice()

    def begin_slice(self) -> None:
        """Start a slice: all earlier epochs have their verdicts."""
        self._bests: list[state.Snapshot] = []
        self._final: state.Snapshot | None = None
        self._last = 0

    def observe(self, report: Report, continues: bool) -> None:
        """Take a snapshot if the epoch is the best so far.

        continues: the trainer trains on before the checkpoint is written, so the snapshot is a copy. If the objective
        uses the last epoch, the best is the last one with the metric.
        """
        self._last = report.step
        loss = self._objective.loss_of(report)
        is_last = self._objective.at != "best" and self._objective.is_in(report)
        if self.tracked and not self._disabled and (loss < self._best_loss or is_last):
            self._best_loss = loss
            snapshot = self._take(state.take_weights if self._weights_only else state.take_snapshot)
            self._bests.append(state.cloned(snapshot) if continues else snapshot)

    def observe_last(self) -> None:
        """Copy the state after the last epoch that the trial may train, before the trainer runs to its end: `hpsearch
        extend` continues from it."""
        if self.tracked and not self._disabled and not self.only_best:
            self._final = state.cloned(self._take(state.take_snapshot))

    def write(self, is_resumable: bool) -> Failure | None:
        """Write the checkpoints of a slice.

        is_resumable: False if the trainer went on after its last report, so that its present state belongs to no epoch.
        Returns a failure if the disk is full or another worker has the trial. If the state cannot be serialized,
        training continues without checkpoints (`unsaved`).
        """
        if not self.tracked and not self.unsaved:
            self.unsaved = "the trainer passes no object to run.track(…), so there is no model for `evaluate` either"
        if not self.tracked or self._disabled:
            return None
        try:
            if why := self._claim.why_lost:
                return Failure("error", why)
            self._write(is_resumable and not self.only_best)
        except state.NotSerializable as problem:
            self._disabled, self.unsaved = True, str(problem)
        except OSError as problem:
            text = f"a checkpoint could not be written: {problem}"
            why = self._why_in_this_process(problem)
            return Failure("error", f"{text}; {why}") if why else Failure("disk", text)
        return None

    def _why_in_this_process(self, problem: OSError) -> str:
        """Why only the files of this process cannot be written, so that other trials are not affected; else ""."""
        if problem.errno == errno.EMFILE:
            return "the trainer may have left files open"
        if problem.errno == errno.EFBIG and _max_file_size() != self._max_file_size:
            return "the trainer has limited the size of files (RLIMIT_FSIZE)"
        if problem.errno is None:  # not from the system
            return "the trainer may have replaced functions of Python, such as open"
        return ""

    def _write(self, is_resumable: bool) -> None:
        best = self._bests[-1] if self._bests else None
        last = best if best is not None and best.step == self._last and not self._weights_only else None
        final = self._final if not self.only_best else None
        content = None
        if is_resumable or final is not None:
            content = self._serialized(last or final or self._take(state.take_snapshot))
        if best is not None:
            self.store.back_up_best()
            if content is None or last is None:
                self.store.write_best(self._serialized(best))
        if content is not None:
            self.store.write(self._last, content, best=last is not None)
        self.store.keep_newest()

    def _serialized(self, snapshot: state.Snapshot) -> bytes:
        """Raises NotSerializable. The first complete checkpoint is read back, to check that the trial can be
        resumed."""
        content = state.pack(snapshot)
        if self._is_first:
            state.check_can_be_read(content)
            self._is_first = snapshot.weights_only and not self.only_best
        return content

    def _take(self, take: Callable[[str, int, float, Mapping[str, Any]], state.Snapshot]) -> state.Snapshot:
        return take(self.store.owner, self._last, self._best_loss, self.tracked)

    def finish(self, over: bool, epoch: int | None) -> None:
        """End the trial's training on this worker, with the best checkpoint of an epoch that counts. over, epoch: see
        Release."""
        with suppress(OSError):  # a file that cannot be removed does no harm
            if not self._claim.is_held:
                return
            if epoch is not None and self._bests and self._bests[-1].step > epoch:
                # A verdict dropped the best epoch: the best one before it is the best again.
                before = [one for one in self._bests if one.step <= epoch]
                if before:
                    self.store.write_best(state.pack(before[-1]))
                else:
                    self.store.restore_best()
            if over:
                self.store.keep_best(self._final.step if self._final is not None else None)
            elif epoch is not None:
                self.store.drop_best_before()


def _max_file_size() -> int:
    return resource.getrlimit(resource.RLIMIT_FSIZE)[0]
