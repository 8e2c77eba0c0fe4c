"""Synthetic curves, for cases that are rare in real trainings."""

from collections.abc import Sequence

from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial

LOSS = Objective("val_loss", "minimize")
ACCURACY = Objective("val_accuracy", "maximize")


def trial(
    number: int = 0,
    *,
    every: int = 1,
    params: Params | None = None,
    state: State = State.COMPLETE,
    cause: Cause | None = None,
    **metrics: Sequence[float],
) -> Trial:
    """One report every so many epochs; `grad_norm__a` is grad_norm/a."""
    rows = [dict(zip(metrics, row, strict=True)) for row in zip(*metrics.values(), strict=True)]
    curve = tuple(
        Report((place + 1) * every, {name.replace("__", "/"): value for name, value in row.items()})
        for place, row in enumerate(rows)
    )
    return Trial(number, params or {}, 0, max(1, len(curve) * every), state=state, curve=curve, cause=cause)


def falling(start: float, end: float, epochs: int, pace: float = 0.7) -> list[float]:
    """From start towards end, a share of the way that is left in every epoch."""
    return [end + (start - end) * pace**epoch for epoch in range(epochs)]


def straight(start: float, end: float, epochs: int) -> list[float]:
    return [start + (end - start) * epoch / (epochs - 1) for epoch in range(epochs)]
