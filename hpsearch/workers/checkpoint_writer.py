"""Keeps what of a trial must last: the checkpoint of its last epoch, and that of its best."""

import math
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any

from hpsearch.core.errors import TrainerError
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Objective, Report
from hpsearch.trainer import state
from hpsearch.workers import checkpoints


class Claim:
    """A word on a trial's shelf that says which worker has the trial: the one that it was given to last.

    A worker that was given up may train on: it was only stopped, or its node only cut off. It finds the word of another
    and changes nothing more. Where the file is gone, somebody has tidied up.
    """

    def __init__(self, folder: Path):
        self._path, self._word = folder / "claim", uuid.uuid4().hex

    def take(self) -> None:
        """OSError where the disk does not take it."""
        with checkpoints.naming(self._path):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.write_text(self._word)

    @property
    def holds(self) -> bool:
        try:
            return self._path.read_text() == self._word
        except FileNotFoundError:
            return True


class Unkept(Exception):
    """The disk does not give or take what a trial needs; the message says what, where, and how much room there is."""


class CheckpointWriter:
    """Of one trial in one worker's hands. When it is made the trial is its own, from epoch `after` on.

    restored: the checkpoint to go on from. tracked: what the trainer has named, once it has. Unkept: see there.
    """

    def __init__(self, shelf: checkpoints.CheckpointStore, objective: Objective, after: int):
        self.shelf, self._objective = shelf, objective
        self._claim = Claim(shelf.folder)
        try:
            self._claim.take()
            shelf.forget(after)
        except OSError as problem:
            raise Unkept(f"the trial's checkpoints in {shelf.folder} cannot be changed: {problem}") from None
        self.restored = shelf.newest(after) if after else None
        self.tracked: dict[str, Any] = {}
        self._least = self.restored.best if self.restored else math.inf
        self.begin()

    def begin(self) -> None:
        """A slice begins: what came before has been judged."""
        self._bests: list[state.Snapshot] = []
        self._last = 0

    def saw(self, report: Report, going_on: bool) -> None:
        """Take note of an epoch; `going_on`: the trainer changes its state before there is time to write.

        Where a curve is judged at its last epoch, the best is the last so far.
        """
        self._last = report.step
        loss = self._objective.loss_of(report)
        if self.tracked and (loss < self._least or self._objective.at == "last"):
            self._least = loss
            snapshot = self._take()
            self._bests.append(state.frozen(snapshot) if going_on else snapshot)

    def write(self, at_rest: bool) -> Failure | None:
        """Not `at_rest`: the trainer went on after its last report, so its state now is nobody's checkpoint.

        Returns why the trial cannot go on: its state cannot be kept, the disk does not take it, it is another's.
        """
        if not self.tracked:
            return None
        try:
            if not self._claim.holds:
                return Failure("error", "another worker was given the trial")
            self._write(at_rest)
        except TrainerError as problem:
            return Failure("contract", str(problem))
        except OSError as problem:
            return Failure("disk", f"a checkpoint could not be written: {problem}")
        return None

    def _write(self, at_rest: bool) -> None:
        best = self._bests[-1] if self._bests else None
        last = best if best is not None and best.step == self._last else None
        if best is not None:
            self.shelf.set_best_aside()
            if not (at_rest and last):
                self.shelf.write_best(state.pack(best))
        if at_rest:
            self.shelf.write(self._last, state.pack(last or self._take()), best=last is not None)
        self.shelf.keep_newest()

    def _take(self) -> state.Snapshot:
        return state.take(self.shelf.owner, self._last, self._least, self.tracked)

    def settle(self, over: bool, epoch: int | None) -> None:
        """The trial is to go no further: as trial.Release says. The best is one that counts."""
        with suppress(OSError):  # what cannot be removed does no harm
            if not self._claim.holds:
                return
            if epoch is not None and self._bests and self._bests[-1].step > epoch:
                self._take_back(epoch)
            if over:
                self.shelf.keep_best()

    def _take_back(self, epoch: int) -> None:
        """A verdict dropped the epoch that was the best: that before it is the best again."""
        before = [one for one in self._bests if one.step <= epoch]
        if before:
            self.shelf.write_best(state.pack(before[-1]))
        else:
            self.shelf.take_best_back()
