"""The observations that a surrogate is fitted to: one finite loss per trial; trials without a result count as bad."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, median

from hpsearch.core.goals import pareto_order
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Objective, Params, State, Trial
from hpsearch.study.space import Space


@dataclass(frozen=True, slots=True)
class Observation:
    """An ended trial, for a surrogate.

    epoch: its last epoch. own: its loss; +inf if it diverged, failed, is infeasible or reported nothing.
    loss: the finite loss for the surrogate. It equals `own`, except that a pruned trial has at least the median, and a
        trial with +inf, or that does not meet the study's requirements, a value worse than all others.
    losses: as `free`, for each goal of a study with several goals; else empty.
    free: as `loss`, for a surrogate that models the requirements separately, by `excess`.
    excess: how far it is from meeting each requirement, <= 0 if it meets it; a finite number.
    pruned: it was stopped or paused by comparison with other trials, so its loss is from a shorter training.
    """

    params: Params
    epoch: int
    own: float
    loss: float
    pruned: bool
    free: float = 0.0
    excess: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()


def observations(history: History, space: Space) -> list[Observation]:
    """The trials of the study that this one was forked from, then its own ended trials in the order of their end.

    The list only grows at its end, unless a failed trial is tried again. FAILED and INFEASIBLE trials are worse than
    all others, like diverged ones, so that the search leaves a region in which trials fail. On a function whose minimum
    runs out of memory, 34 % of 60 trials failed; without these observations 85 %.
    """
    own = sorted((trial for trial in history if not trial.state.is_active), key=lambda trial: trial.ended)
    trials = at_one_length([*usable_evidence(history, space), *own], space.dimensions + 1)
    objective = history.objective
    free_objective = replace(objective, require=())
    losses = [math.inf if trial.state is State.FAILED else objective.loss(trial) for trial in trials]
    free = losses
    if objective.require:
        free = [math.inf if trial.state is State.FAILED else free_objective.loss(trial) for trial in trials]
    pruned = [trial.state is State.PRUNED or trial.cause is Cause.PRUNED for trial in trials]
    excesses = _excesses(trials, objective)
    columns = (trials, free, _behind(_finite(pruned, losses), free, excesses), pruned, _finite(pruned, free), excesses)
    goals = _by_goal(trials, pruned, free_objective)
    return [
        Observation(trial.params, trial.epoch, own, loss, is_pruned, measured, excess, losses)
        for (trial, own, loss, is_pruned, measured, excess), losses in zip(
            zip(*columns, strict=True), goals, strict=True
        )
    ]


def comparable(found: Sequence[Observation]) -> list[float]:
    """One number for each, smaller is better; with several goals their Pareto order."""
    several = any(one.losses for one in found)
    return pareto_order([one.losses for one in found]) if several else [one.loss for one in found]


def _by_goal(trials: Sequence[Trial], pruned: Sequence[bool], objective: Objective) -> list[tuple[float, ...]]:
    """See `Observation.losses`. A trial without one of the metrics is worse than all others by each goal."""
    if not objective.others:
        return [()] * len(trials)
    worst = (math.inf,) * len(objective.goals)
    rows = [
        worst if one.state is State.FAILED or not objective.counts(one) else objective.losses(one) for one in trials
    ]
    return list(zip(*(_finite(pruned, column) for column in zip(*rows, strict=True)), strict=True))


def _behind(losses: Sequence[float], own: Sequence[float], excesses: Sequence[tuple[float, ...]]) -> list[float]:
    """The losses. Trials that do not meet the requirements are worse than all others, ordered by their excess (Deb
    2000, "An efficient constraint handling method for genetic algorithms")."""
    if not any(excesses):
        return list(losses)
    span = max(losses, default=0.0) - min(losses, default=0.0) or 1.0
    broken = [
        sum(max(value, 0.0) for value in row) if math.isfinite(one) else 0.0
        for one, row in zip(own, excesses, strict=True)
    ]
    return [loss + span * excess for loss, excess in zip(losses, broken, strict=True)]


def _excesses(trials: Sequence[Trial], objective: Objective) -> list[tuple[float, ...]]:
    """How far each trial is from meeting each requirement; if it is not known, the median of the others."""
    if not objective.require:
        return [()] * len(trials)
    judged = [None if trial.diverged else objective.judged(trial) for trial in trials]
    rows = [
        [
            one.excess(objective.metrics_of(trial.curve, report, one)) if report else math.inf
            for one in objective.require
        ]
        for trial, report in zip(trials, judged, strict=True)
    ]
    known = [[value for value in column if math.isfinite(value)] for column in zip(*rows, strict=True)]
    middle = [median(column) if column else 1.0 for column in known]
    return [tuple(one if math.isfinite(one) else other for one, other in zip(row, middle, strict=True)) for row in rows]


def at_one_length(trials: Sequence[Trial], fewest: int) -> list[Trial]:
    """Trials that trained to different epochs, such as after `hpsearch extend`, in their state at one common epoch.

    The epoch is the largest that at least `fewest` of them have reached: longer trials are cut there, shorter ones left
    out (as in BOHB; Falkner 2018, arXiv 1807.01774, section 3.2). Trials that ended before their planned epoch are not
    changed.
    """
    lengths = sorted({trial.until for trial in trials if _is_whole(trial)})
    if len(lengths) < 2:
        return list(trials)
    enough = [one for one in lengths if sum(_is_whole(t) and t.until >= one for t in trials) >= fewest]
    length = max(enough, default=lengths[0])
    return [
        replace(trial, curve=trial.as_of(length).curve) if _is_whole(trial) and trial.until > length else trial
        for trial in trials
        if not _is_whole(trial) or trial.until >= length
    ]


def _is_whole(trial: Trial) -> bool:
    """Whether it trained to its planned epoch."""
    return trial.cause is Cause.DONE and trial.epoch >= trial.until


def usable_evidence(history: History, space: Space) -> list[Trial]:
    """The trials of the study that this one was forked from that a surrogate can be fitted to.

    FAILED trials are excluded: a study is often forked after its trainer was fixed.
    """
    ended = (one for one in history.evidence if not one.state.is_active and one.state is not State.FAILED)
    return [trial for trial in ended if space.contains(trial.params)]


def pending(history: History) -> list[Params]:
    """The parameters of trials that are running or waiting."""
    return [trial.params for trial in history if trial.state.is_active]


def _finite(pruned: Sequence[bool], losses: Sequence[float]) -> list[float]:
    """The losses for the surrogate: see `Observation.loss`."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    if not finite:
        return [0.0] * len(losses)
    complete = [loss for loss, is_pruned in zip(losses, pruned, strict=True) if math.isfinite(loss) and not is_pruned]
    middle, worst = median(complete or finite), max(finite)
    worse_than_all = worst + (0.1 * (worst - min(finite)) or 1.0)
    return [
        worse_than_all if math.isinf(loss) else max(loss, middle) if is_pruned else loss
        for loss, is_pruned in zip(losses, pruned, strict=True)
    ]


MAX_SPREAD = 20
"""See `cut_outliers`."""


def half_ranked(losses: Sequence[float]) -> list[float]:
    """Half-rank warping: the better half is unchanged, the worse half becomes normal quantiles of its ranks.

    The worst loss is then as far above the median as the best is below it. Otherwise outliers would dominate a Gaussian
    process: a slightly too high learning rate can give a loss of a million. (Song et al. 2024, "The Vizier Gaussian
    Process Bandit Algorithm", arXiv 2408.11527.)
    """
    ordered, middle, count = sorted(losses), median(losses), len(losses)
    quantile = NormalDist().inv_cdf
    unit = (middle - ordered[0]) / quantile(1 - 0.5 / count) if count > 1 else 1.0

    def warped(loss: float) -> float:
        rank = (bisect_left(ordered, loss) + bisect_right(ordered, loss)) / 2
        return loss if loss <= middle else middle + (unit or 1.0) * quantile(rank / count)

    return [warped(loss) for loss in losses]


def cut_outliers(losses: Sequence[float]) -> list[float]:
    """Losses far above the median are cut at `MAX_SPREAD` times the distance of the best one from it.

    For a Gaussian process in a study with requirements or several goals. There half ranks, which also change the losses
    just above the median, needed 10 to 20 trials more in 2 of 10 searches on the bird function (docs/benchmarks.md).
    Without outliers, the proposals are those of Optuna.
    """
    middle, best = median(losses), min(losses)
    return [min(loss, middle + MAX_SPREAD * (middle - best)) if middle > best else loss for loss in losses]
