"""What pruners and screens see of trials that do not meet a requirement."""

import math
from dataclasses import replace

from hpsearch.core.history import History, Nearest
from hpsearch.core.requirements import read
from hpsearch.core.trial import Objective, Report, State, Trial

OBJECTIVE = Objective("acc", "maximize", require=(read("ms <= 20"),))


def trial(number: int, *curve: dict[str, float]) -> Trial:
    reports = tuple(Report(step, metrics) for step, metrics in enumerate(curve, 1))
    return Trial(number, {"x": number}, 0, until=len(curve), state=State.COMPLETE, curve=reports, ended=number + 1)


def test_its_loss_is_infinite_from_the_epoch_at_which_it_is_known() -> None:
    early = trial(0, {"acc": 0.5}, {"acc": 0.6, "ms": 30.0})
    good = trial(1, {"acc": 0.1, "ms": 9.0}, {"acc": 0.2, "ms": 9.0})
    history = History(OBJECTIVE, [early, good])
    assert history.losses_at(1) == {0: -0.5, 1: -0.1}
    assert history.losses_at(2) == {0: math.inf, 1: -0.2}
    assert history.best() == good


def test_it_is_judged_at_the_best_epoch_so_far() -> None:
    """Epoch 1 is the best one, and meets the requirement; epoch 2 does not and is worse."""
    one = trial(0, {"acc": 0.5, "ms": 9.0}, {"acc": 0.4, "ms": 99.0}, {"acc": 0.6, "ms": 99.0})
    assert [History(OBJECTIVE, [one]).losses_at(step)[0] for step in (1, 2, 3)] == [-0.5, -0.5, math.inf]


def test_the_nearest_is_named_where_none_meets_it() -> None:
    far, near = trial(0, {"acc": 0.9, "ms": 90.0}), trial(1, {"acc": 0.1, "ms": 21.0})
    found = Nearest.of([far, near], OBJECTIVE)
    assert found is not None
    assert (found.trial, found.value, found.epoch, [one.metrics for one in found.unmet]) == (1, 0.1, 1, [{"ms": 21.0}])
    assert Nearest.of([far, near, trial(2, {"acc": 0.0, "ms": 20.0})], OBJECTIVE) is None
    assert Nearest.of([far], replace(OBJECTIVE, require=())) is None
