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
from hpsearch.core.trial import Objective, State, Trial, value_key
from hpsearch.samplers.optuna.distributions import frozen, native, native_params, quiet
from hpsearch.study.space import Space

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

MIN_TRIALS = 10
"""With fewer trials, every importance may be chance."""

AMONG_THE_BEST, MIN_BEST = 0.1, 5
"""The best tenth of the trials, at least five, is compared with all trials, as Optuna's documentation advises."""


@dataclass(frozen=True)
class Importance:
    """shares: parameter -> its fraction of the total importance, the largest first. They add up to 1.

    trials: the number of trials used; `complete` of them are COMPLETE, `among_the_best` count as the best.
    having: the number of trials that have each parameter; conditional ones may be in few trials.
    constant: parameters with the same value in all trials; their importance is unknown.
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
    """Computed from all ended trials with a report, except FAILED ones.

    PED-ANOVA needs only an order. COMPLETE trials come first, by their value. Then come pruned and paused trials, by
    their last epoch, then by their value. Diverged trials come last.
    NoTrialSucceeded: too few trials, or no difference between them.
    """
    ended = [trial for trial in trials if not trial.state.is_active and trial.state is not State.FAILED and trial.curve]
    if len(ended) < MIN_TRIALS:
        has = many(len(ended), "trial")
        raise NoTrialSucceeded(
            f"parameter importance needs {MIN_TRIALS} ended trials with a report; this study has {has}"
        )
    places, wanted = _places(ended, objective), max(MIN_BEST, math.ceil(AMONG_THE_BEST * len(ended)))
    best = sum(place <= sorted(places)[wanted - 1] for place in places)
    if best == len(ended):
        raise NoTrialSucceeded(
            f"parameter importance compares the best trials with all, but all {best} trials have the same value"
        )
    values = {one.key: [t.params[one.name] for t in ended if one.is_in(t.params)] for one in space.parameters}
    different = {name: len(set(map(value_key, own))) for name, own in values.items()}
    constant = tuple(name for name, count in different.items() if count == 1)
    varied = [one for one in space.parameters if different[one.key] > 1]
    if not varied:
        raise NoTrialSucceeded("parameter importance needs a parameter whose values differ between trials")
    with catch_warnings():
        simplefilter("ignore")  # tqdm, which Optuna imports, warns in a notebook without ipywidgets
        import optuna  # noqa: F401
    known = {one.key: native(one, values[one.key]) for one in varied}
    ranked = zip(ended, places, strict=True)
    shares = _ped_anova([frozen(native_params(space, t.params), known, value=float(p)) for t, p in ranked], wanted)
    states = Counter(trial.state for trial in ended)
    having = {name: len(values[name]) for name in shares}
    return Importance(shares, len(ended), states[State.COMPLETE], best, having, constant)


def _places(trials: Sequence[Trial], objective: Objective) -> list[int]:
    """The rank of each trial, from 0 for the best; equal trials have equal ranks."""

    def key(trial: Trial) -> tuple[bool, bool, int, float]:
        loss, unfinished = objective.loss(trial), trial.state is not State.COMPLETE
        return math.isinf(loss), unfinished, -trial.epoch if unfinished else 0, loss

    keys = [key(trial) for trial in trials]
    order = {one: place for place, one in reversed(list(enumerate(sorted(keys))))}
    return [order[one] for one in keys]


def _ped_anova(trials: "Sequence[FrozenTrial]", best: int) -> dict[str, float]:
    """The share of each parameter. trials: with their ranks as values. best: the number that is compared with all.

    A parameter is evaluated on the trials that have it, and weighted with their number; trials without it add 0
    (conditional PED-ANOVA, theorem 4.2). Optuna 4 leaves out parameters that some trials do not have.
    """
    together: dict[tuple[int, ...], list[str]] = {}
    for name in dict.fromkeys(name for trial in trials for name in trial.params):
        having = tuple(place for place, trial in enumerate(trials) if name in trial.params)
        together.setdefault(having, []).append(name)
    last = sorted(_rank(trial) for trial in trials)[best - 1]
    found: dict[str, float] = {}
    for having, names in together.items():
        some = [trials[place] for place in having]
        divergences = _divergences(names, some, sum(_rank(trial) <= last for trial in some))
        found |= {name: divergences[name] * len(some) for name in names}
    total = sum(found.values())
    shares = {name: one / total if total else 1 / len(found) for name, one in found.items()}
    return dict(sorted(shares.items(), key=lambda share: -share[1]))


def _rank(trial: "FrozenTrial") -> float:
    assert trial.value is not None
    return trial.value


def _divergences(names: list[str], trials: "Sequence[FrozenTrial]", best: int) -> Mapping[str, float]:
    """For each parameter, the divergence between its values in the best trials and in all. All trials have all
    names."""
    import optuna

    if best == 0 or len(trials) == 1:
        return dict.fromkeys(names, 0.0)
    quantile = (best - 0.5) / len(trials)  # Optuna rounds up to a whole number of trials
    with quiet(), catch_warnings():
        simplefilter("ignore")  # `normalize` is experimental, and so is the class before Optuna 5
        study = optuna.create_study(direction="minimize")
        study.add_trials(trials)
        evaluator = optuna.importance.PedAnovaImportanceEvaluator(target_quantile=quantile)
        evaluator._min_n_top_trials = 1  # type: ignore[attr-defined]  # Optuna 4 would use at least two
        return optuna.importance.get_param_importances(study, evaluator=evaluator, params=names, normalize=False)
