"""Bayesian search: random starts, then what a surrogate of the loss thinks best (Optuna's, or CMA-ES).

An Optuna study is built in memory for every ask from what the history says, and its sampler is seeded from the study's
seed and the trial's number; so an ask is a pure function of the history, and nothing is told twice or forgotten.

Optuna sees every parameter as one of three things: a continuum as [0, 1] (the unit cube, so log where log), a
log-integer as itself, and whatever else takes a handful of values as the index of its value.
"""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING, Any, Literal
from warnings import catch_warnings, simplefilter

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params, Plain
from hpsearch.samplers import cma_es
from hpsearch.samplers.observations import Observation, evidence_count, half_ranked, observations, pending
from hpsearch.samplers.random import Cycle, draw, key
from hpsearch.study.space import Choice, Float, Int, Parameter, Space, is_active

if TYPE_CHECKING:
    import optuna

SURROGATE_NEEDS = 2
"""Observations below which there is nothing to model."""


@dataclass(frozen=True)
class Bayesian:
    """The sampler of `sampler`: "tpe", "gp" or "cmaes".

    startup_trials: drawn at random before the surrogate is asked; usable evidence of a forked study counts.
    """

    space: Space
    seed: int
    trials: int
    epochs: int
    sampler: Literal["tpe", "gp", "cmaes"] = "tpe"
    startup_trials: int = 10
    _cycle: Cycle = field(default_factory=Cycle, init=False, repr=False, compare=False)

    @property
    def slow(self) -> bool:
        """A Gaussian process takes 0.1 s and more, growing with the trials."""
        return self.sampler == "gp"

    def ask(self, history: History) -> New | None:
        number = len(history)
        if number >= self.trials:
            return None
        seen, generator = observations(history, self.space), stream(self.seed, number)
        taken = self._cycle.keys(self.space, history)
        learned = evidence_count(history, self.space)
        starts = max(0, self.startup_trials - learned)
        if number < starts or len(seen) < SURROGATE_NEEDS:
            reason = f"random start {number + 1} of {starts}" if number < starts else "random: too few trials settled"
            return New(draw(self.space, generator, taken), self.epochs, reason)
        running = pending(history)
        params = self._propose(seen, running, max(self.startup_trials, learned, 1), int(generator.integers(2**31)))
        reason = f"{self.sampler} on {len(seen)} settled trials, {len(running)} running"
        if key(self.space, params) in taken:
            params, reason = draw(self.space, generator, taken), f"{reason}: a point tried before, so drawn at random"
        return New(params, self.epochs, reason)

    def _propose(self, seen: Sequence[Observation], running: Sequence[Params], starts: int, seed: int) -> Params:
        match self.sampler:
            case "tpe":
                return _tpe(self.space, seen, running, seed)
            case "gp":
                return _gp(self.space, seen, running, seed)
            case "cmaes":
                return cma_es.propose(self.space, seen, starts, seed)


def _tpe(space: Space, seen: Sequence[Observation], running: Sequence[Params], seed: int) -> Params:
    """Tree-structured Parzen estimator over all parameters at once (Bergstra 2011; Watanabe 2023, arXiv 2304.11127).

    In a conditional space one for each group of parameters that occur together. A pruned trial is told as pruned: it
    ranks behind all others, then by how far it came, and last where it diverged; a running one counts as bad.
    """
    import optuna

    conditional = any(parameter.when for parameter in space.parameters)
    with catch_warnings():
        simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # `group` is called that since 2.8
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=0, multivariate=True, group=conditional, constant_liar=True
        )
    trials = [_tpe_trial(space, one) for one in seen]
    trials += [_frozen(_encoded(space, point), space, state=optuna.trial.TrialState.RUNNING) for point in running]
    with _quiet():
        trial = _study(sampler, trials).ask()
        params: dict[str, Plain] = dict(space.fixed)
        for parameter in space.parameters:
            if is_active(parameter, params):
                params[parameter.name] = _decode(parameter, _suggest(trial, parameter))
    return params


def _tpe_trial(space: Space, one: Observation) -> "optuna.trial.FrozenTrial":
    from optuna.trial import TrialState

    values = _encoded(space, one.params)
    if math.isinf(one.own):
        return _frozen(values, space, state=TrialState.PRUNED)
    if one.pruned:
        return _frozen(values, space, state=TrialState.PRUNED, intermediate_values={one.epoch: one.own})
    return _frozen(values, space, value=one.own)


def _gp(space: Space, seen: Sequence[Observation], running: Sequence[Params], seed: int) -> Params:
    """Gaussian process, Matérn 5/2, with the log of the expected improvement (Ament 2023, arXiv 2310.20708).

    A running trial is told with the median loss (the constant liar; Ginsbourger 2010): Optuna's own way, to integrate
    it out, takes four times as long. It knows no conditions: an inactive parameter stands in the middle of its axis.
    """
    import optuna

    losses = half_ranked([one.told for one in seen])
    points = [one.params for one in seen] + list(running)
    told = losses + [median(losses)] * len(running)
    trials = [_frozen(_filled(space, point), space, value=loss) for point, loss in zip(points, told, strict=True)]
    sampler = optuna.samplers.GPSampler(seed=seed, n_startup_trials=0, warn_independent_sampling=False)
    with _quiet(), _one_thread():
        trial = _study(sampler, trials).ask({p.name: _distribution(p) for p in space.parameters})
    return _activated(space, trial.params)


@contextmanager
def _one_thread() -> Iterator[None]:
    """Optuna fits the process with torch, whose threads stand in each other's way where trials fill the cores.

    Measured, 100 trials on 2 idle cores: 2.5 s an ask with two threads, 0.2 s with one.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


# From our parameters to Optuna's and back ────────────────────────────────────────────────────────


def _distribution(parameter: Parameter) -> "optuna.distributions.BaseDistribution":
    from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

    match parameter:
        case Choice():
            return CategoricalDistribution(tuple(range(parameter.count)))
        case Float(count=None):
            return FloatDistribution(0.0, 1.0)
        case Int(log=True):
            return IntDistribution(parameter.low, parameter.high, log=True)
    return IntDistribution(0, (parameter.count or 1) - 1)


def _suggest(trial: "optuna.Trial", parameter: Parameter) -> float:
    match parameter:
        case Choice():
            return trial.suggest_categorical(parameter.name, tuple(range(parameter.count)))
        case Float(count=None):
            return trial.suggest_float(parameter.name, 0.0, 1.0)
        case Int(log=True):
            return trial.suggest_int(parameter.name, parameter.low, parameter.high, log=True)
    return trial.suggest_int(parameter.name, 0, (parameter.count or 1) - 1)


def _encode(parameter: Parameter, value: Plain) -> float:
    if isinstance(parameter, Int) and parameter.log:
        return int(value)
    u = min(max(parameter.to_unit(value), 0.0), 1.0)
    return u if parameter.count is None else min(int(u * parameter.count), parameter.count - 1)


def _decode(parameter: Parameter, value: float) -> Plain:
    if isinstance(parameter, Int) and parameter.log:
        return int(value)
    return parameter.from_unit(value if parameter.count is None else (value + 0.5) / parameter.count)


def _encoded(space: Space, params: Params) -> dict[str, float]:
    return {p.name: _encode(p, params[p.name]) for p in space.parameters if p.name in params}


def _filled(space: Space, params: Params) -> dict[str, float]:
    return {p.name: _encode(p, params.get(p.name, p.from_unit(0.5))) for p in space.parameters}


def _activated(space: Space, values: dict[str, Any]) -> Params:
    params: dict[str, Plain] = dict(space.fixed)
    for parameter in space.parameters:
        if is_active(parameter, params):
            params[parameter.name] = _decode(parameter, values[parameter.name])
    return params


# Optuna studies ──────────────────────────────────────────────────────────────────────────────────


def _study(sampler: "optuna.samplers.BaseSampler", trials: Sequence["optuna.trial.FrozenTrial"]) -> "optuna.Study":
    import optuna

    study = optuna.create_study(direction="minimize", sampler=sampler)
    study.add_trials(trials)
    return study


def _frozen(values: dict[str, float], space: Space, **told: Any) -> "optuna.trial.FrozenTrial":
    import optuna

    distributions = {p.name: _distribution(p) for p in space.parameters if p.name in values}
    return optuna.trial.create_trial(params=values, distributions=distributions, **told)


@contextmanager
def _quiet() -> Iterator[None]:
    """Optuna announces every study that it makes."""
    logger = logging.getLogger("optuna")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)
