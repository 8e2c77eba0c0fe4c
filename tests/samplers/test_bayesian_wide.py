"""50 parameters, 200 values of a choice, integer ranges as wide as 64 bits allow: every model-based sampler."""

import pytest

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.trial import Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
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


@pytest.mark.parametrize("kind", ["tpe", "gp", "cmaes"])
def test_proposals_are_within(kind):
    sampler, history = Bayesian(WIDE, 0, 5, 1, kind, 3), History(LOSS)
    while isinstance(proposal := sampler.ask(history), New):
        assert WIDE.contains(proposal.params)
        assert all(type(proposal.params[name]) is int for name in ("seed", "width", "huge"))
        number, curve = len(history), (Report(1, {"val_loss": float(proposal.params["p0"])}),)
        history.put(Trial(number, proposal.params, 0, 1, State.COMPLETE, curve=curve, ended=number + 1))
    assert len(history) == 5
