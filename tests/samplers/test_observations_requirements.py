"""Samplers and requirements on results."""

import math
from typing import Any

import pytest

from hpsearch.core.history import History
from hpsearch.core.requirements import read
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.observations import observations
from hpsearch.study.space import Float, Space

SPACE = Space((Float("x", 0.0, 1.0),))
OBJECTIVE = Objective("acc", "maximize", require=(read("ms <= 20"),))


def ended(number: int, x: float, ms: float | None, **given: Any) -> Trial:
    """Its accuracy is x."""
    metrics = {"acc": x} | ({} if ms is None else {"ms": ms})
    kinds = {"state": State.COMPLETE, "cause": Cause.DONE, "ended": number + 1, **given}
    return Trial(number, {"x": x}, 0, until=1, curve=(Report(1, metrics),), **kinds)


def test_a_trial_that_does_not_meet_it_is_worse_than_all_others_and_keeps_its_own_loss() -> None:
    trials = [ended(0, 0.9, 40.0), ended(1, 0.2, 10.0), ended(2, 0.5, None), ended(3, 0.7, 10.0, cause=Cause.DIVERGED)]
    seen = observations(History(OBJECTIVE, trials), SPACE)
    assert [one.own for one in seen] == [-0.9, -0.2, -0.5, math.inf]
    assert all(one.loss > seen[1].loss for one in seen if one is not seen[1])
    assert [one.free for one in seen[:3]] == [-0.9, -0.2, -0.5]
    assert [one.excess for one in seen] == [(1.0,), (-0.5,), (0.25,), (0.25,)]


def test_without_requirements_nothing_is_added() -> None:
    (one,) = observations(History(Objective("acc", "maximize"), [ended(0, 0.9, 40.0)]), SPACE)
    assert (one.excess, one.free) == ((), one.loss)


def test_those_that_do_not_meet_it_are_in_the_order_of_their_excesses() -> None:
    trials = [ended(0, 0.9, 40.0), ended(1, 0.2, 10.0), ended(2, 0.1, 22.0), ended(3, 0.8, 30.0)]
    losses = [one.loss for one in observations(History(OBJECTIVE, trials), SPACE)]
    assert losses[1] < losses[2] < losses[3] < losses[0]


@pytest.mark.parametrize("sampler", ["tpe", "gp"])
def test_proposals_stay_where_it_is_met(sampler: Any) -> None:
    """The accuracy is best at x = 1, and x above 0.5 does not meet the requirement."""
    trials = [ended(number, x / 20, 40.0 * x / 20) for number, x in enumerate(range(21))]
    asked = [Bayesian(SPACE, seed, 99, 1, sampler).ask(History(OBJECTIVE, trials)) for seed in range(4)]
    places = [one.params["x"] for one in asked if one is not None]
    assert sum(places) / len(places) == pytest.approx(0.45, abs=0.2)
