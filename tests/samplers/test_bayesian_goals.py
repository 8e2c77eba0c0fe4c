"""Samplers in a study with several goals."""

from typing import Any

import pytest

from hpsearch.core.decisions import New
from hpsearch.core.goals import Goal
from hpsearch.core.history import History
from hpsearch.core.requirements import read
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.observations import observations
from hpsearch.samplers.optuna.adapter import nsga2
from hpsearch.study.space import Float, Space

SPACE = Space((Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)))
OBJECTIVE = Objective("one", "minimize", others=(Goal("two", "minimize"),))


def ended(number: int, params: Any, **given: Any) -> Trial:
    """The front of these goals is x = y, with x from 0 to 1: the distance from it makes both worse."""
    far = abs(params["x"] - params["y"])
    curve = (Report(1, {"one": params["x"] + far, "two": 1 - params["x"] + far}),)
    kinds = {"state": State.COMPLETE, "cause": Cause.DONE, "ended": number + 1, "curve": curve, "ended_before": number}
    return Trial(number, dict(params), 0, until=1, **{**kinds, **given})


def sampler(kind: str, seed: int, trials: int = 60) -> Any:
    if kind == "nsga2":
        return nsga2(SPACE, seed, 1, trials, population=8)
    return Bayesian(SPACE, seed, trials, 1, kind, 8)  # type: ignore[arg-type]


def searched(kind: str, seed: int, trials: int, objective: Objective = OBJECTIVE) -> History:
    history, own = History(objective), sampler(kind, seed)
    for number in range(trials):
        proposal = own.ask(history)
        assert isinstance(proposal, New)
        assert SPACE.contains(proposal.params)
        history.put(ended(number, proposal.params))
    return history


@pytest.mark.parametrize(("kind", "trials"), [("tpe", 40), ("nsga2", 48)])
def test_the_search_comes_nearer_to_the_front(kind: str, trials: int) -> None:
    """A random point is 1/3 away from it in the mean."""
    history = searched(kind, 1, trials)
    last = [abs(one.params["x"] - one.params["y"]) for one in history][-12:]
    assert sum(last) / len(last) < 0.25


@pytest.mark.parametrize("kind", ["tpe", "gp", "nsga2"])
def test_a_proposal_is_a_function_of_the_history(kind: str) -> None:
    history = searched(kind, 3, 10)
    again = [sampler(kind, 3).ask(History(OBJECTIVE, list(history))).params for _ in range(2)]
    assert again[0] == again[1]
    assert sampler(kind, 4).ask(history).params != again[0]


@pytest.mark.parametrize("kind", ["tpe", "gp", "nsga2"])
def test_trials_without_a_result_are_tolerated(kind: str) -> None:
    points = [{"x": n / 12, "y": 1 - n / 12} for n in range(12)]
    trials = [ended(n, one) for n, one in enumerate(points)]
    trials[2] = ended(2, points[2], state=State.FAILED, cause=Cause.TRAINER_RAISED)
    trials[3] = ended(3, points[3], cause=Cause.DIVERGED)
    trials[4] = ended(4, points[4], curve=(Report(1, {"one": 0.1}),))
    running = ended(12, {"x": 0.5, "y": 0.5}, state=State.RUNNING, curve=(), ended=0)
    objective = Objective("one", "minimize", require=(read("two <= 1"),), others=OBJECTIVE.others)
    proposal = sampler(kind, 0).ask(History(objective, [*trials, running]))
    assert SPACE.contains(proposal.params)


def test_a_trial_without_one_of_the_metrics_is_worse_than_all_by_each_goal() -> None:
    trials = [ended(0, {"x": 0.2, "y": 0.2}), ended(1, {"x": 0.9, "y": 0.5}), ended(2, {"x": 0.1, "y": 0.1})]
    trials[2] = ended(2, trials[2].params, curve=(Report(1, {"one": 0.0}),))
    seen = observations(History(OBJECTIVE, trials), SPACE)
    assert seen[0].losses == pytest.approx((0.2, 0.8))
    assert all(bad > max(seen[0].losses[goal], seen[1].losses[goal]) for goal, bad in enumerate(seen[2].losses))
    (one,) = observations(History(Objective("one", "minimize"), trials[:1]), SPACE)
    assert one.losses == ()


def test_nsga2_stays_where_the_requirement_is_met() -> None:
    """Both goals are best at 0, and x + y below 1 does not meet it. Without it, the mean becomes 0.7."""
    objective = Objective("x", "minimize", require=(read("sum >= 1"),), others=(Goal("y", "minimize"),))
    history, own = History(objective), nsga2(SPACE, 1, 1, 64, population=8)
    for number in range(64):
        proposal = own.ask(history)
        assert isinstance(proposal, New)
        x, y = float(proposal.params["x"]), float(proposal.params["y"])
        history.put(ended(number, proposal.params, curve=(Report(1, {"x": x, "y": y, "sum": x + y}),)))
    last = [float(trial.params["x"]) + float(trial.params["y"]) for trial in history][-16:]
    assert sum(last) / len(last) > 0.9


@pytest.mark.parametrize("kind", ["tpe", "gp", "nsga2"])
def test_trials_that_halving_pruned_are_learned_from(kind: str) -> None:
    history = History(OBJECTIVE)
    for number, x in enumerate((0.1, 0.3, 0.5, 0.7, 0.9, 0.2, 0.4, 0.6, 0.8)):
        state = State.PRUNED if number % 2 else State.COMPLETE
        cause = Cause.PRUNED if number % 2 else Cause.DONE
        history.put(ended(number, {"x": x, "y": 1 - x}, state=state, cause=cause))
    proposal = sampler(kind, 1).ask(history)
    assert isinstance(proposal, New)
    assert SPACE.contains(proposal.params)
