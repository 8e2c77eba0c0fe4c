"""Proposals of Optuna's samplers. An Optuna study is built in memory from the observations for every `ask`."""

import importlib
import math
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings, simplefilter

import numpy as np

from hpsearch.core.imports import IMPORT_LOCK
from hpsearch.core.trial import Params, Value
from hpsearch.samplers.agreement import Array
from hpsearch.samplers.believed import Preference
from hpsearch.samplers.observations import Observation, cut_outliers, half_ranked
from hpsearch.samplers.optuna.distributions import decode, encode, encoded, frozen, quiet, suggest
from hpsearch.samplers.optuna.excess_values import constraints, constraints_function
from hpsearch.study.space import Space, is_active

BEST = 5
"""The number of best trials around which a Gaussian process with a preference searches its proposal."""

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution
    from optuna.trial import FrozenTrial


def tpe(
    space: Space,
    seen: Sequence[Observation],
    running: Sequence[Params],
    seed: int,
    preference: Preference | None = None,
) -> Params:
    """Tree-structured Parzen estimator over all parameters at once (Bergstra 2011; Watanabe 2023, arXiv 2304.11127).

    A conditional space has one estimator for each group of parameters that occur together. Pruned trials rank behind
    all complete ones, by their last epoch; without a result they rank last. Running trials count as bad. Trials that do
    not meet the study's requirements rank behind those that do, by the sum of their excesses (c-TPE; Watanabe 2023,
    arXiv 2211.14411). preference: see `guided`.
    """
    if "optuna" not in sys.modules:
        with IMPORT_LOCK:  # called on the loop's thread, which waits for imports of the tracker's thread only here
            importlib.import_module("optuna")
    import optuna

    conditional = any(parameter.when for parameter in space.parameters)
    with catch_warnings():
        simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # `group` is experimental since Optuna 2.8
        settings: dict[str, Any] = {
            "seed": seed,
            "n_startup_trials": 0,
            "multivariate": True,
            "group": conditional,
            "constant_liar": True,
            **_constraints_function(seen),
        }
        if preference is None:
            sampler = optuna.samplers.TPESampler(**settings)
        else:
            from hpsearch.samplers.optuna.guided import GuidedTPE

            sampler = GuidedTPE(space, preference, **settings)
    known = {parameter.key: encoded(parameter) for parameter in space.parameters}
    trials = [_tpe_trial(space, known, one) for one in seen]
    trials += [frozen(_encode(space, one), known, state=optuna.trial.TrialState.RUNNING) for one in running]
    with quiet():
        study = optuna.create_study(directions=["minimize"] * _goals(seen), sampler=sampler)
        study.add_trials(trials)
        trial = study.ask()
        params: dict[str, Value] = dict(space.fixed)
        for parameter in space.parameters:
            if is_active(parameter, params):
                params[parameter.name] = suggest(trial, parameter)
    return params


def _tpe_trial(space: Space, known: "dict[str, BaseDistribution]", one: Observation) -> "FrozenTrial":
    from optuna.trial import TrialState

    values, given = _encode(space, one.params), constraints(one.excess)
    if math.isinf(one.own):
        return frozen(values, known, state=TrialState.PRUNED, **given)
    if one.pruned and not one.losses:  # Optuna prunes with one goal only
        return frozen(values, known, state=TrialState.PRUNED, intermediate_values={one.epoch: one.own}, **given)
    return frozen(values, known, values=one.losses or (one.own,), **given)


def _goals(seen: Sequence[Observation]) -> int:
    """The number of the study's goals."""
    return max((len(one.losses) for one in seen), default=0) or 1


def _encode(space: Space, params: Params) -> dict[str, float]:
    return {p.key: encode(p, params[p.name]) for p in space.parameters if p.is_in(params)}


def gaussian_process(
    space: Space,
    seen: Sequence[Observation],
    running: Sequence[Params],
    seed: int,
    preference: Preference | None = None,
) -> Params:
    """Gaussian process, Matérn 5/2, with the log of the expected improvement (Ament 2023, arXiv 2310.20708).

    A running trial has the median loss (constant liar; Ginsbourger 2010): Optuna's own method, which integrates it out,
    takes four times as long. Conditions are not modelled: an inactive parameter is at the centre of its axis. With
    several goals, each has a Gaussian process, and the expected improvement of the hypervolume is used (Daulton 2020,
    arXiv 2006.05078). Each requirement of the study has a Gaussian process too, and the improvement is weighted by the
    probability that all are met (Gardner 2014, "Bayesian Optimization with Inequality Constraints"). preference: see
    `guided`.
    """
    import optuna

    warped = cut_outliers if _goals(seen) > 1 or any(one.excess for one in seen) else half_ranked
    columns = [warped(own) for own in zip(*(one.losses or (one.free,) for one in seen), strict=True)]
    losses = [*zip(*columns, strict=True), *[tuple(median(own) for own in columns)] * len(running)]
    limits = [constraints(one.excess) for one in seen] + [_middle_constraints(seen)] * len(running)
    known = {parameter.key: encoded(parameter) for parameter in space.parameters}
    middle = {p.key: encode(p, p.from_unit(0.5)) for p in space.parameters}
    points = [{**middle, **_encode(space, params)} for params in (*(one.params for one in seen), *running)]
    with quiet(), _one_thread():
        with catch_warnings():
            simplefilter("ignore", optuna.exceptions.ExperimentalWarning)  # GPSampler is experimental before Optuna 5
            settings: dict[str, Any] = {"seed": seed, "n_startup_trials": 0, "warn_independent_sampling": False}
            settings |= _constraints_function(seen)
            if preference is None:
                sampler = optuna.samplers.GPSampler(**settings)
            else:
                from hpsearch.samplers.optuna.guided import GuidedGP

                sampler = GuidedGP(space, preference, _best_points(space, seen), **settings)
        study = optuna.create_study(directions=["minimize"] * len(columns), sampler=sampler)
        told = zip(points, losses, limits, strict=True)
        study.add_trials([frozen(point, known, values=own, **given) for point, own, given in told])
        drawn = study.ask(known).params
    params: dict[str, Value] = dict(space.fixed)
    for parameter in space.parameters:
        if is_active(parameter, params):
            params[parameter.name] = decode(parameter, drawn[parameter.key])
    return params


def _best_points(space: Space, seen: Sequence[Observation]) -> Array:
    """The points of the best trials in the unit cube."""
    best = sorted(seen, key=lambda one: one.loss)[:BEST]
    return np.array([[0.5 if u is None else min(max(u, 0.0), 1.0) for u in space.to_unit(one.params)] for one in best])


def _middle_constraints(seen: Sequence[Observation]) -> dict[str, Any]:
    """As `constraints`, for a running trial: the medians."""
    return constraints([median(column) for column in zip(*(one.excess for one in seen), strict=True)])


def _constraints_function(seen: Sequence[Observation]) -> dict[str, Any]:
    return constraints_function() if any(one.excess for one in seen) else {}


@contextmanager
def _one_thread() -> Iterator[None]:
    """Optuna fits the Gaussian process with torch, whose threads compete for cores that trials use.

    Measured with 100 trials on 2 idle cores: 2.5 s per `ask` with two threads, 0.2 s with one.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
