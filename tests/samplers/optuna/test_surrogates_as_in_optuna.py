"""hpsearch feeds Optuna's samplers as Optuna's own study does: from the same trials and seeds, the same proposals.

The exception: a point that was proposed before is not trained again (`PROPOSED_AGAIN`).
"""

import math
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

import optuna
import pytest

from hpsearch.core.decisions import New
from hpsearch.core.goals import Goal
from hpsearch.core.history import History
from hpsearch.core.requirements import read
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.optuna.adapter import PROPOSED_AGAIN, nsga2
from hpsearch.samplers.optuna.excess_values import KEY, constraints_function
from hpsearch.study.space import Float, Space

SEED, STARTUP = 3, 10

Values = Callable[[Sequence[float]], Sequence[float]]


def gardner(x: Sequence[float]) -> Sequence[float]:
    """Gardner 2014, "Bayesian Optimization with Inequality Constraints": one goal, one requirement (<= 0)."""
    a, b = 6 * x[0], 6 * x[1]
    return math.cos(2 * a) * math.cos(b) + math.sin(a), math.cos(a + b) - 0.5


def zdt1(x: Sequence[float]) -> Sequence[float]:
    """Zitzler 2000, "Comparison of Multiobjective Evolutionary Algorithms": two goals."""
    g = 1 + 9 * fmean(x[1:])
    return x[0], g * (1 - math.sqrt(x[0] / g))


def c2dtlz2(x: Sequence[float]) -> Sequence[float]:
    """Jain 2014, "An Evolutionary Many-Objective Optimization Algorithm, Part II": two goals, one requirement."""
    g = 1 + sum((one - 0.5) ** 2 for one in x[1:])
    one, two = g * math.cos(x[0] * math.pi / 2), g * math.sin(x[0] * math.pi / 2)
    ends = min((one - 1) ** 2 + two**2, (two - 1) ** 2 + one**2)
    return one, two, min(ends, (one - math.sqrt(0.5)) ** 2 + (two - math.sqrt(0.5)) ** 2) - 0.04


def set_constraints(study: optuna.Study, trial: optuna.Trial, values: Sequence[float]) -> None:
    if hasattr(trial, "set_constraint"):
        for place, value in enumerate(values):
            trial.set_constraint(str(place), value)
    else:  # before Optuna 5
        study._storage.set_trial_system_attr(trial._trial_id, KEY, list(values))


def bare(kind: str, number: int, has_constraints: bool) -> Any:
    """The sampler of Optuna with the random states that hpsearch gives it for this trial."""
    given: Any = constraints_function() if has_constraints else {}
    generator = stream(SEED, number)
    seeds = [int(generator.integers(2**31)) for _ in range(2)]
    if kind == "tpe":
        return optuna.samplers.TPESampler(seed=seeds[0], n_startup_trials=STARTUP, multivariate=True, **given)
    if kind == "gp":
        return optuna.samplers.GPSampler(seed=seeds[0], n_startup_trials=STARTUP, **given)
    sampler = optuna.samplers.NSGAIISampler(population_size=STARTUP, **given)
    sampler._random_sampler._rng.rng.seed(seeds[0])
    sampler._rng.rng.seed(seeds[1])
    return sampler


@pytest.mark.parametrize(("values", "dimensions", "goals"), [(gardner, 2, 1), (zdt1, 5, 2), (c2dtlz2, 4, 2)])
@pytest.mark.parametrize(("kind", "trials"), [("tpe", 40), ("nsga2", 40), ("gp", 11)])
@pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")
def test_the_proposals_are_the_same(kind: str, trials: int, values: Values, dimensions: int, goals: int) -> None:
    space = Space(tuple(Float(f"x{place}", 0.0, 1.0) for place in range(dimensions)))
    require = tuple(read(f"v{place} <= 0") for place in range(goals, len(values([0.5] * dimensions))))
    others = tuple(Goal(f"v{place}", "minimize") for place in range(1, goals))
    history = History(Objective("v0", "minimize", require=require, others=others))
    ours: Any = nsga2(space, SEED, 1, trials, STARTUP) if kind == "nsga2" else Bayesian(space, SEED, trials, 1, kind)
    study = optuna.create_study(directions=["minimize"] * goals, sampler=bare(kind, 0, bool(require)))
    distributions = {one.name: optuna.distributions.FloatDistribution(0.0, 1.0) for one in space.parameters}
    for number in range(trials):
        proposal = ours.ask(history)
        assert isinstance(proposal, New)
        study.sampler = bare(kind, number, bool(require))
        if number < STARTUP and kind != "nsga2":
            study.enqueue_trial(dict(proposal.params))
        theirs = study.ask(distributions)
        if proposal.reason.endswith(PROPOSED_AGAIN):
            assert theirs.params in [trial.params for trial in history]
            for name, value in proposal.params.items():
                study._storage.set_trial_param(theirs._trial_id, name, float(value), distributions[name])  # type: ignore[arg-type]
        else:
            assert theirs.params == proposal.params, f"trial {number}"
        row = values([float(proposal.params[one.name]) for one in space.parameters])
        set_constraints(study, theirs, row[goals:])
        study.tell(theirs, list(row[:goals]))
        curve = (Report(1, {f"v{place}": value for place, value in enumerate(row)}),)
        done: Any = {"state": State.COMPLETE, "cause": Cause.DONE, "ended": number + 1, "ended_before": number}
        history.put(Trial(number, proposal.params, 0, 1, curve=curve, **done))
