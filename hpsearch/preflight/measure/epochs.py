"""Some whole epochs: what they report and take, and the same with labels that belong to other examples."""

import resource
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from statistics import median

from hpsearch.core.trial import Report
from hpsearch.preflight.measure.batches import Feed, as_given
from hpsearch.preflight.measure.instrumentation import Instrumentation, times
from hpsearch.preflight.measure.instrumented_training import TrainerUnderTest, run_out
from hpsearch.preflight.measurements import LOSSES, Memory, TrainedEpochs


def some(trainer: TrainerUnderTest, most: int, factor: float, deadline: float, feed: Feed = as_given) -> TrainedEpochs:
    """`most` epochs of a training, or as many as fit until `deadline`."""
    seen = Instrumentation(feed, times(factor), deadline=deadline)
    marks = [time.perf_counter()]
    reports, failure = run_out(_marking(trainer.train(seen), marks), most)
    losses = tuple(seen.losses)
    return TrainedEpochs(
        factor,
        reports,
        losses if len(losses) <= LOSSES else (*losses[: LOSSES - 1], losses[-1]),  # the last says whether they diverged
        round(seen.validated / max(len(reports), 1)),
        _seconds(marks, seen),
        failure.summary if failure else "",
    )


def _marking(reports: Iterator[Report], marks: list[float]) -> Iterator[Report]:
    """Adds the moment of every report."""
    for report in reports:
        marks.append(time.perf_counter())
        yield report


def _seconds(marks: list[float], seen: Instrumentation) -> float | None:
    """Of an epoch, the first left out where there are others: it builds the model and fills caches."""
    taken = [after - before for before, after in pairwise(marks)]
    if taken:
        return median(taken[1:] or taken)
    return (seen.until - seen.since) / seen.in_epoch if seen.in_epoch and seen.backwards else None


def host_memory() -> int:
    """The most that the process had so far, bytes. On macOS ru_maxrss is in bytes, elsewhere in KiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def memory(device: str, idle: int) -> Memory:
    """The most so far. idle: what it was before anything was trained."""
    host = host_memory()
    if device != "cuda":
        return Memory(host, idle=idle)
    import torch

    free, total = torch.cuda.mem_get_info()
    beside = total - free - torch.cuda.memory_reserved()  # CUDA's own, and what other processes have
    return Memory(host, torch.cuda.max_memory_reserved() + min(beside, _CONTEXT), total, idle)


_CONTEXT = 1 << 30
"""More than a gigabyte beside what torch has reserved is another process's."""
