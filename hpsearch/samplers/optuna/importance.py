"""How much each parameter matters for being among the best trials of a study: Optuna's PED-ANOVA.

Watanabe, Bansal and Hutter 2023 (arXiv 2304.10255); conditional parameters: Optuna's conditional PED-ANOVA (2026,
arXiv 2601.20800).
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

from hpsearch.core.errors import NoTrialSucceeded
from hpsearch.core.format import many
from hpsearch.core.trial import Objective, State, Trial
from hpsearch.samplers.optuna.distributions import frozen, native, quiet
from hpsearch.study.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MIN_TRIALS = 10
"""Trials: with fewer any importance is chance."""

AMONG_THE_BEST, FEWEST_BEST = 0.1, 5
"""The best tenth of the trials is compared with all of them, or the best five, as Optuna's documentation advises."""


@dataclass(frozen=True)
class Importance:
    """shares: parameter -> its share of the importance of all, which add up to 1; the largest first.

    trials: that it rests on, of which `complete` are COMPLETE; among_the_best: so many of them count as the best.
    having: in how many of the trials each parameter occurs: a conditional one may be in few.
    constant: parameters that have the same value in all trials, so that nothing is known about them.
    """

    shares: Mapping[str, float]
    trials: int
    complete: int
    among_the_best: int
    having: Mapping[str, int]
    constant: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        return asdict(self)


def importance(trials: Sequence[Trial], objective: Objective, space: Space) -> Importance:
    """From all trials that have ended and reported; FAILED ones say nothing about their parameters.

    PED-ANOVA needs only an order. COMPLETE trials come first, by their value; then those that were pruned or paused, by
    how far they trained, then by their value: they lost to others at the same epoch; diverged ones come last.
    NoTrialSucceeded: too few trials, or nothing in which they differ.
    """
    ended = [trial for trial in trials if not trial.state.is_active and trial.state is not State.FAILED and trial.curve]
    if len(ended) < MIN_TRIALS:
        has = many(len(ended), "trial")
        raise NoTrialSucceeded(
            f"parameter importance needs {MIN_TRIALS} ended trials with a report; this study has {has}"
        )
    places, wanted = _places(ended, objective), max(FEWEST_BEST, math.ceil(AMONG_THE_BEST * len(ended)))
    best = sum(place <= sorted(places)[wanted - 1] for place in places)
    if best == len(ended):
        raise NoTrialSucceeded(
            f"parameter importance compares the best trials with all, and all {best} trials have the same value"
        )
    values = {one.name: [t.params[one.name] for t in ended if one.name in t.params] for one in space.parameters}
    constant = tuple(name for name, own in values.items() if len(set(own)) == 1)
    varied = [one for one in space.parameters if len(set(values[one.name])) > 1]
    if not varied:
        raise NoTrialSucceeded("parameter importance needs a parameter whose values differ between trials")
    with catch_warnings():
        simplefilter("ignore")  # of tqdm, which Optuna imports, in a notebook without ipywidgets
        import optuna  # noqa: F401
    known = {one.name: native(one, values[one.name]) for one in varied}
    shares = _ped_anova([frozen(t.params, known, value=float(p)) for t, p in zip(ended, places, strict=True)], wanted)
    states = Counter(trial.state for trial in ended)
    having = {name: len(values[name]) for name in shares}
    return Importance(shares, len(ended), states[State.COMPLETE], best, having, constant)


def _places(trials: Sequence[Trial], objective: Objective) -> list[int]:
    """Where each trial stands, from 0 for the best; equals share a place."""

    def key(trial: Trial) -> tuple[bool, bool, int, float]:
        loss, unfinished = objective.loss(trial), trial.state is not State.COMPLETE
        return math.isinf(loss), unfinished, -trial.epoch if unfinished else 0, loss

    keys = [key(trial) for trial in trials]
    order = {one: place for place, one in reversed(list(enumerate(sorted(keys))))}
    return [order[one] for one in keys]


def _ped_anova(trials: "Sequence[FrozenTrial]", best: int) -> dict[str, float]:
    """Their values are their places. best: how many of them are compared with all."""
    import optuna

    quantile = (best - 0.5) / len(trials)  # Optuna takes the next whole number of trials
    with quiet(), catch_warnings():
        simplefilter("ignore")  # of a conditional parameter that few trials have: `having` says so
        study = optuna.create_study(direction="minimize")
        study.add_trials(trials)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
        return dict(optuna.importance.get_param_importances(study, evaluator=evaluator))
