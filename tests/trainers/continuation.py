"""Trains one trial to its end, letting go of everything after some of its epochs, as a worker does."""

from collections.abc import Callable, Collection, Iterator
from typing import Any

from hpsearch import Report, Run
from hpsearch.trainer import state

Train = Callable[[Any, Run], Iterator[Report]]


def curve(train: Train, params: Any, epochs: int, *, pauses: Collection[int] = (), **run_options: Any) -> list[Report]:
    """The reports of a trial that is paused after each of `pauses` and continued from its checkpoint."""
    reports: list[Report] = []
    snapshot = None
    for until in [*sorted(pauses), epochs]:
        state.seed_everything(7)
        run = Run(7, epochs, restored=snapshot, **run_options)
        generator = train(params, run)
        while len(reports) < until:
            reports.append(next(generator))
        snapshot = state.unpack(state.pack(state.take_snapshot("study/0", until, 0.0, run.tracked)))
    return reports
