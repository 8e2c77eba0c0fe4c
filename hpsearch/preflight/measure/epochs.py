"""Trains a few whole epochs and records their reports, losses, time and memory."""

import resource
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from statistics import median
from typing import Any

from hpsearch.core.trial import Report
from hpsearch.preflight.measure.batches import BatchFilter, unchanged
from hpsearch.preflight.measure.instrumentation import Instrumentation, scaled_lr
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_to_end
from hpsearch.preflight.measurements import LOSSES, CheckpointSizes, PeakMemory, TrainedEpochs
from hpsearch.trainer import state


def train_epochs(
    trainer: TrainerUnderTest,
    most: int,
    factor: float,
    deadline: float,
    feed: BatchFilter = unchanged,
    sized: bool = False,
    regularized: bool = True,
) -> TrainedEpochs:
    """Train `most` epochs, or as many as end before `deadline`. sized: also measure the size of a checkpoint."""
    seen = Instrumentation(feed, scaled_lr(factor), without_regularization=not regularized, deadline=deadline)
    marks = [time.perf_counter()]
    reports, failure = run_to_end(_marking(trainer.train(seen), marks), most)
    losses = tuple(seen.losses)
    return TrainedEpochs(
        factor,
        reports,
        losses
        if len(losses) <= LOSSES
        else (*losses[: LOSSES - 1], losses[-1]),  # the last shows whether they diverged
        round(seen.validated / max(len(reports), 1)),
        _seconds(marks, reports, seen),
        failure.summary if failure else "",
        _sizes(seen.objects) if sized else CheckpointSizes(),
        regularized,
        seen.modes.in_training,
        seen.modes.evaluated,
        seen.modes.in_evaluation,
        seen.modes.trained,
    )


def _sizes(tracked: Mapping[str, Any]) -> CheckpointSizes:
    """The sizes of a checkpoint of these objects now. (An optimizer has its state only after its first step.)"""
    if not tracked:
        return CheckpointSizes()
    try:
        taken = state.take_snapshot("", 1, 0.0, tracked), state.take_weights("", 1, 0.0, tracked)
        return CheckpointSizes(*(len(state.pack(one)) for one in taken))
    except Exception:  # any exception of a state_dict; the first trial reports it
        return CheckpointSizes()


def _marking(reports: Iterator[Report], marks: list[float]) -> Iterator[Report]:
    """Appends the time of every report to `marks`."""
    for report in reports:
        marks.append(time.perf_counter())
        yield report


def _seconds(marks: list[float], reports: Sequence[Report], seen: Instrumentation) -> float | None:
    """Seconds per epoch or training step (one report may span several).

    If there are several reports, the first is left out, because it includes building the model and filling caches.
    """
    lengths = [after - before for before, after in pairwise([0, *(report.step for report in reports)])]
    times = (after - before for before, after in pairwise(marks))
    taken = [seconds / max(length, 1) for seconds, length in zip(times, lengths, strict=False)]
    if taken:
        return median(taken[1:] or taken)
    return (seen.until - seen.since) / seen.in_epoch if seen.in_epoch and seen.backwards else None


def host_memory() -> int:
    """Peak memory of the process so far, in bytes. On macOS ru_maxrss is in bytes, elsewhere in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def memory(device: str, idle: int) -> PeakMemory:
    """Peak memory so far. idle: bytes of host memory before any training."""
    host = host_memory()
    if device != "cuda":
        return PeakMemory(host, idle=idle)
    import torch

    free, total = torch.cuda.mem_get_info()
    beside = total - free - torch.cuda.memory_reserved()  # the CUDA context, and other processes
    return PeakMemory(host, torch.cuda.max_memory_reserved() + min(beside, _CONTEXT), total, idle)


_CONTEXT = 1 << 30
"""The most bytes of a CUDA context; memory above that belongs to other processes."""
