"""What a surrogate learns from the trials so far: one finite loss each, with what went wrong counted as bad."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, median

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State, Trial
from hpsearch.study.space import Space


@dataclass(frozen=True, slots=True)
class Observation:
    """An ended trial as a surrogate sees it.

    epoch: how far it trained. own: its loss, +inf where it diverged or reported nothing.
    loss: finite, for the surrogate: `own`, but for one that was pruned at least the median, and for +inf worse than
        all others.
    pruned: it lost against the others, so its loss is that of a shorter training.
    """

    params: Params
    epoch: int
    own: float
    loss: float
    pruned: bool


def observations(history: History, space: Space) -> list[Observation]:
    """The study's evidence, then its ended trials as they ended. A FAILED trial says nothing about its parameters.

    So the list only ever grows at its end.
    """
    own = sorted(filter(_has_result, history), key=lambda trial: trial.ended)
    trials = [*usable_evidence(history, space), *own]
    losses = [history.loss(trial) for trial in trials]
    learned = _finite([trial.state is State.PRUNED for trial in trials], losses)
    return [
        Observation(trial.params, trial.epoch, own_loss, loss, trial.state is State.PRUNED)
        for trial, own_loss, loss in zip(trials, losses, learned, strict=True)
    ]


def usable_evidence(history: History, space: Space) -> list[Trial]:
    """Trials of the study that this one was forked from which a surrogate can learn from."""
    return [trial for trial in history.evidence if _has_result(trial) and space.contains(trial.params)]


def _has_result(trial: Trial) -> bool:
    return not trial.state.is_active and trial.state is not State.FAILED


def pending(history: History) -> list[Params]:
    """The parameters that are being trained or wait to be."""
    return [trial.params for trial in history if trial.state.is_active]


def _finite(pruned: Sequence[bool], losses: Sequence[float]) -> list[float]:
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return [0.0] * len(losses)
    whole = [loss for loss, cut in zip(losses, pruned, strict=True) if math.isfinite(loss) and not cut]
    middle, worst = median(whole or finite), max(finite)
    worse_than_all = worst + (0.1 * (worst - min(finite)) or 1.0)
    return [
        worse_than_all if math.isinf(loss) else max(loss, middle) if cut else loss
        for loss, cut in zip(losses, pruned, strict=True)
    ]


def half_ranked(losses: Sequence[float]) -> list[float]:
    """The better half as it is, the worse half by rank, spread as if normal: the worst as far above as the best below.

    A Gaussian process takes distances literally, and a learning rate that is almost too high costs a million.
    (Half-rank warping: Song et al. 2024, "The Vizier Gaussian Process Bandit Algorithm", arXiv 2408.11527.)
    """
    ordered, middle, count = sorted(losses), median(losses), len(losses)
    quantile = NormalDist().inv_cdf
    unit = (middle - ordered[0]) / quantile(1 - 0.5 / count) if count > 1 else 1.0

    def warped(loss: float) -> float:
        rank = (bisect_left(ordered, loss) + bisect_right(ordered, loss)) / 2
        return loss if loss <= middle else middle + (unit or 1.0) * quantile(rank / count)

    return [warped(loss) for loss in losses]
