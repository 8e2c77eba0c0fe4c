"""The maximum disk space of a study's checkpoints at one time, and whether it is free."""

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import CoarseToFine
from hpsearch.study.plan import promotes
from hpsearch.study.schedule import Rung
from hpsearch.workers.checkpoints import KEPT_CHECKPOINTS, CheckpointUse

BEING_WRITTEN = 1
"""A running trial writes a new checkpoint before it removes an old one. So it does with the best checkpoint."""


@dataclass(frozen=True)
class DiskForecast:
    """Sizes in bytes.

    checkpoint: of a checkpoint to resume from. best: of a kept checkpoint of the best epoch. None: not known before
        the first checkpoint.
    ended: the number of ended trials that keep the checkpoints of their best and last epoch; None if it depends on
        the sampler.
    running, paused: the most trials that are running, or paused, at one time.
    used: the size of the study's checkpoints now. free: free space on the disk; None if it cannot be read.
    """

    checkpoint: int | None
    best: int | None
    ended: int | None
    running: int
    paused: int
    used: int
    free: int | None

    @property
    def most(self) -> int | None:
        """All checkpoints at one time, if no trial fails; None if it is not known."""
        if self.checkpoint is None or self.best is None or self.ended is None:
            return None
        running = (KEPT_CHECKPOINTS + BEING_WRITTEN) * self.checkpoint + (1 + BEING_WRITTEN) * self.best
        return (
            self.ended * (self.checkpoint + self.best)
            + self.running * running
            + self.paused * (KEPT_CHECKPOINTS * self.checkpoint + self.best)
        )

    @property
    def fits(self) -> bool | None:
        """None if it is not known."""
        if self.most is None or self.free is None:
            return None
        return self.most - self.used <= self.free

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "most": self.most, "fits": self.fits}


def disk_forecast(
    study: Study, rounds: Sequence[Rung], trials: int | None, cost: Mapping[str, Any] | None, work: Path | None
) -> DiskForecast:
    """trials: the number of new trials; None if it depends on the sampler. cost: as measured by the preflight.
    work: the folder of the recorded study, which may have checkpoints."""
    weights_only = study.checkpoints.weights_only
    use = CheckpointUse.of(work)
    measured = cost or {}  # measured by an earlier version it has no sizes
    whole = use.largest or (0 if weights_only else use.largest_best) or measured.get("checkpoint") or None
    best = use.largest_best or (measured.get("weights") if weights_only else whole) or whole
    keep = study.checkpoints.most
    ended = keep if trials is None else min(keep or trials, trials)
    running = min(_parallel(study), trials or _parallel(study))
    return DiskForecast(whole, best, ended, running, _paused(study, rounds), use.bytes, _free(study.home))


def _parallel(study: Study) -> int:
    """The number of trials in parallel; 1 on a cluster of unknown size."""
    resources = study.resources
    if resources.workers is not None or resources.address != "local":
        return resources.workers or 1
    return max(1, int((os.cpu_count() or 1) / resources.per_trial.cpus))


def _paused(study: Study, rounds: Sequence[Rung]) -> int:
    """The most PAUSED trials at one time: trials of rounds that end before the last epoch, without continued ones. In a
    coarse-to-fine search only trials of the previous round may still be resumed. If a pruner promotes, and in a
    freeze-thaw search, nearly all trials may be paused."""
    if study.search.traits.freezes or promotes(study):
        return sum(one.new for one in rounds)
    pausing = [one.trials * (one.epochs < study.trainer.epochs) for one in rounds]
    left = [paused - one.survivors for paused, one in zip([0, *pausing], rounds, strict=False)]
    if isinstance(study.search, CoarseToFine) and study.checkpoints.keep != "all":
        return max((new + old for new, old in zip(pausing, left, strict=True)), default=0)
    return max(accumulate(new - one.survivors for new, one in zip(pausing, rounds, strict=True)), default=0)


def _free(home: Path) -> int | None:
    try:
        return shutil.disk_usage(next(one for one in (home, *home.absolute().parents) if one.exists())).free
    except OSError:
        return None
