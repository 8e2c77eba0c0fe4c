"""Earlier studies on other data that guide a search: [search] learn_from."""

from statistics import NormalDist, mean

import numpy as np
import pytest

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.related import RelatedStudy, RelatedTrial
from hpsearch.core.trial import Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.freeze_thaw.freezing import FreezeThaw
from hpsearch.samplers.transfer import first_points, transfer
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS

SPACE = Space((Float("x", 0.0, 1.0), Float("y", 0.0, 1.0), Choice("o", ("a", "b"))))


def loss(params, centre=(0.3, 0.7)):
    return (params["x"] - centre[0]) ** 2 + (params["y"] - centre[1]) ** 2 + 0.1 * (params["o"] == "b")


def earlier(name="a", sign=1.0, count=40, parameters=("x", "y", "o")):
    """A study whose ranks are those of `loss`, or the opposite."""
    generator = np.random.default_rng(7)
    drawn = [SPACE.from_unit(point) for point in generator.random((count, 3)).tolist()]
    order = sorted(range(count), key=lambda place: sign * loss(drawn[place]))
    score = {place: NormalDist().inv_cdf((rank + 0.5) / count) for rank, place in enumerate(order)}
    own = [{key: value for key, value in params.items() if key in parameters} for params in drawn]
    return RelatedStudy(name, parameters, tuple(RelatedTrial(i, own[i], score[i]) for i in range(count)))


def searched(sampler, related, most=16):
    history = History(LOSS, related=related)
    reasons = []
    while len(history) < most and isinstance(proposal := sampler.ask(history), New):
        reasons.append(proposal.reason)
        number, curve = len(history), (Report(1, {"val_loss": loss(proposal.params)}),)
        history.put(Trial(number, proposal.params, 0, 1, State.COMPLETE, curve=curve, ended=number + 1))
    return history, reasons


def weights(related, count=12):
    params = [SPACE.from_unit(point) for point in np.random.default_rng(3).random((count, 3)).tolist()]
    found = transfer(SPACE, History(LOSS, related=related), params, [loss(one) for one in params])
    return found.weights


def test_a_study_that_agrees_has_weight_and_a_worthless_one_none():
    right, wrong = weights([earlier(), earlier("b", sign=-1.0)])
    assert right > 0.5
    assert wrong == 0.0
    assert weights([earlier("b", sign=-1.0)], count=1)[0] > 0  # nothing is known yet


def test_the_preference_is_high_where_the_earlier_study_is_good_and_fades():
    params = [SPACE.from_unit(point) for point in np.random.default_rng(3).random((100, 3)).tolist()]
    losses = [loss(one) for one in params]
    cube = np.array([SPACE.to_unit({"x": 0.3, "y": 0.7, "o": "a"}), SPACE.to_unit({"x": 0.9, "y": 0.1, "o": "b"})])

    def gain(count):
        history = History(LOSS, related=[earlier()])
        good, bad = transfer(SPACE, history, params[:count], losses[:count]).preference(cube)
        return good - bad

    assert gain(5) > 1
    assert gain(100) < gain(5) / 3


def test_without_earlier_studies_nothing_is_preferred():
    assert transfer(SPACE, History(LOSS), [], []) is None


def test_the_first_trials_are_the_best_of_the_earlier_studies():
    history, reasons = searched(Bayesian(SPACE, 1, 9, 1, "tpe", 10), [earlier(), earlier("b", count=30)], 5)
    points = first_points(SPACE, History(LOSS, related=[earlier(), earlier("b", count=30)]), history[0].params)
    assert [trial.params for trial in history][: len(points)] == [params for params, _ in points]
    assert reasons[0].startswith("learn_from: ")


@pytest.mark.parametrize("kind", ["tpe", "gp"])
def test_it_helps_where_it_agrees(kind):
    def best(related):
        return mean(
            min(loss(t.params) for t in searched(Bayesian(SPACE, seed, 9, 1, kind, 5), related, 9)[0])
            for seed in (1, 2)
        )

    assert best([earlier()]) < best([])


def test_freeze_thaw_begins_with_them_too():
    history, reasons = searched(FreezeThaw(SPACE, 1, 6, 1, 4), [earlier()], 6)
    assert all(one.startswith("learn_from: ") for one in reasons[:2])
    assert len(history) == 6


def test_other_parameters_are_drawn_and_values_outside_are_moved_into_the_range():
    space = Space((Float("x", 0.5, 1.0), Int("z", 1, 9)))
    history = History(LOSS, related=[earlier(parameters=("x",))])
    (first, _), *_ = first_points(space, history, {"x": 0.6, "z": 3})
    assert first == {"x": 0.5, "z": 3}
    assert transfer(space, history, [first], [1.0]) is not None


def test_proposals_are_a_function_of_the_history():
    related = [earlier(), earlier("b", sign=-1.0)]
    sampler = Bayesian(SPACE, 1, 9, 1, "tpe", 5)
    history, _ = searched(sampler, related, 7)
    again = History(LOSS, list(history), related=[earlier(), earlier("b", sign=-1.0)])
    assert Bayesian(SPACE, 1, 9, 1, "tpe", 5).ask(again).params == sampler.ask(history).params
