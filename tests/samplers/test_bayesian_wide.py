"""50 parameters, 200 values of a choice, integer ranges as wide as 64 bits allow: every model-based sampler."""

from dataclasses import replace

import pytest

from hpsearch.core.constraints import read
from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.random import Random
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS

WIDE = Space(
    (
        *(Float(f"p{i}", 0.0, 1.0) for i in range(47)),
        Int("seed", 1, 2**40),
        Int("width", 1, 2**40, log=True),
        Int("huge", -(2**63), 2**63 - 1),
        Choice("choice", tuple(f"v{i}" for i in range(200))),
    )
)

COUNTABLE = Space((Int("seed", 1, 2**40), Int("width", 1, 2**40, log=True), Float("x", 0.0, 1.0, step=1e-9)))
"""Finitely many points, which must never be listed."""


@pytest.mark.parametrize("constraints", [(), (read("seed > 2**38"), read("x + seed / 2**40 > 0.6"))])
def test_a_space_with_finitely_many_points_is_not_listed(constraints):
    space = replace(COUNTABLE, constraints=constraints)
    sampler, history = Random(space, 0, 4, 1), History(LOSS)
    while isinstance(proposal := sampler.ask(history), New):
        assert space.contains(proposal.params)
        history.put(Trial(len(history), proposal.params, 0, 1))
    assert len(history) == 4
    assert next(iter(COUNTABLE.grid())) == {"seed": 1, "width": 1, "x": 0.0}


@pytest.mark.parametrize("kind", ["tpe", "gp", "cmaes"])
def test_proposals_are_within(kind):
    sampler, history = Bayesian(WIDE, 0, 5, 1, kind, 3), History(LOSS)
    while isinstance(proposal := sampler.ask(history), New):
        assert WIDE.contains(proposal.params)
        assert all(type(proposal.params[name]) is int for name in ("seed", "width", "huge"))
        number, curve = len(history), (Report(1, {"val_loss": float(proposal.params["p0"])}),)
        history.put(Trial(number, proposal.params, 0, 1, State.COMPLETE, curve=curve, ended=number + 1))
    assert len(history) == 5
