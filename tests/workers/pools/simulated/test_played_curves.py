"""Curves from a Python function."""

import math

from hpsearch.core.errors import Infeasible
from hpsearch.core.trial import Params
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves


def test_one_report_for_each_epoch() -> None:
    curve = FunctionCurves(lambda params, epoch: {"a": params["x"], "b": epoch}, "a", seconds=2.5).curve({"x": 3}, 0, 2)
    assert [(one.step, one.metrics) for one in curve.reports] == [(1, {"a": 3.0, "b": 1.0}), (2, {"a": 3.0, "b": 2.0})]
    assert (curve.seconds, curve.failure) == ((2.5, 2.5), None)


def test_a_diverged_curve_ends() -> None:
    curve = FunctionCurves(lambda _params, epoch: math.nan if epoch == 2 else 1.0, "a").curve({}, 0, 9)
    assert len(curve.reports) == 2


def test_exceptions_are_failures_after_the_epochs_before() -> None:
    def raises(params: Params, epoch: int) -> float:
        if epoch == 2:
            raise params["kind"]("no")
        return 1.0

    for kind, name in ((Infeasible, "infeasible"), (ValueError, "error")):
        curve = FunctionCurves(raises, "a").curve({"kind": kind}, 0, 9)
        assert curve.failure is not None
        assert (len(curve.reports), curve.failure.kind) == (1, name)
