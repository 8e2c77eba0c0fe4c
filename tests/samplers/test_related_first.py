"""The best points of earlier studies as first trials, in methods without a model of them: [search] learn_from."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.decisions import New
from hpsearch.core.goals import Goal
from hpsearch.core.history import History
from hpsearch.core.related import RelatedStudy, RelatedTrial
from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial
from hpsearch.orchestrator import build
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.first_trials import known_point
from hpsearch.study.definition import Study
from hpsearch.testing.simulation import LOSS
from tests.samplers.test_transfer import SPACE, earlier, loss

SPACE_TABLE = {"x": {"low": 0.0, "high": 1.0}, "y": {"low": 0.0, "high": 1.0}, "o": ["a", "b"]}
ROUNDS = [{"trials": 6, "epochs": 1}, {"trials": 2, "epochs": 2}]
METHODS = {
    "random": {"method": "random", "trials": 8},
    "nsga2": {"method": "bayesian", "sampler": "nsga2", "trials": 8, "startup_trials": 6},
    "coarse-to-fine": {"method": "coarse-to-fine", "rounds": ROUNDS},
    "recipe": {"method": "recipe", "rounds": ROUNDS, "preflight": False, "lr_range": False},
    "own": {"use": "tests.samplers.test_related_first:Middle", "trials": 8},
    "auto": {"method": "auto", "budget": {"epochs": 4}},
}
BEST = [one.params for one in sorted(earlier().trials, key=lambda one: one.score)[:2]]


class Middle:
    def __init__(self, space):
        self.space = space

    def ask(self, history):
        return New(self.space.from_unit([0.5, 0.1 * len(history), 0.5]), 1, "on a line")


def study(search: Mapping[str, Any], **about: Any) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "s", "metric": "val_loss", "goal": "minimize", "numbers": "full"} | about,
            "trainer": {"use": "a:b", "epochs": 2},
            "space": SPACE_TABLE,
            "search": dict(search) | {"learn_from": ["a"]},
        }
    )


def asked(search: Mapping[str, Any], related: list[RelatedStudy], count: int = 4) -> list[New]:
    sampler, history, found = build.sampler(study(search)), History(LOSS, related=related), list[New]()
    for number in range(count):
        proposal = sampler.ask(history)
        assert isinstance(proposal, New)
        found.append(proposal)
        history.put(Trial(number, proposal.params, 0, proposal.until, State.RUNNING, origin=proposal.reason))
    return found


@pytest.mark.parametrize("search", METHODS.values(), ids=METHODS)
class TestEveryMethod:
    def test_the_best_points_come_first(self, search: Mapping[str, Any]) -> None:
        found = asked(search, [earlier()])
        assert [one.params for one in found[:2]] == BEST
        assert [one.reason.startswith("learn_from: ") for one in found] == [True, True, False, False]

    def test_known_points_come_before_them(self, search: Mapping[str, Any]) -> None:
        point = {"x": 0.25, "y": 0.75, "o": "b"}
        found = asked({**search, "first": [point]}, [earlier()], 3)
        assert [one.params for one in found] == [point, *BEST]


@pytest.mark.parametrize("name", ["random", "nsga2", "coarse-to-fine", "own"])
def test_half_of_the_first_trials_are_of_the_method(name: str) -> None:
    """Three earlier studies have six best points."""
    search = METHODS[name] | ({"trials": 6} if "trials" in METHODS[name] else {})
    related = [
        replace(earlier(one), trials=tuple(_moved(trial, place / 100) for trial in earlier(one).trials))
        for place, one in enumerate("abc")
    ]
    learned = [one.reason.startswith("learn_from: ") for one in asked(search, related, 5)]
    assert learned == [True, True, True, False, False]


def _moved(trial: RelatedTrial, by: float) -> RelatedTrial:
    return RelatedTrial(trial.number, {**trial.params, "x": trial.params["x"] * 0.9 + by}, trial.score)


def test_a_point_that_was_trained_already_is_left_out() -> None:
    sampler, history = build.sampler(study(METHODS["random"])), History(LOSS, related=[earlier()])
    history.put(Trial(0, BEST[1], 0, 1, State.COMPLETE, ended=1))
    proposal = sampler.ask(history)
    assert isinstance(proposal, New)
    assert proposal.params != BEST[1]


def test_auto_that_chooses_a_grid_needs_no_earlier_studies() -> None:
    grid = {"x": {"low": 0.0, "high": 1.0, "points": 2}}
    sections = {
        "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"use": "a:b", "epochs": 2},
        "space": grid,
        "search": {"method": "auto", "budget": {"epochs": 40}, "learn_from": ["a"]},
    }
    found = Study.from_dict(sections).search
    assert (found.method, found.learn_from) == ("grid", None)


@pytest.mark.parametrize("kind", ["tpe", "gp"])
def test_with_two_goals_the_pareto_order_is_learned(kind: Any) -> None:
    objective = Objective("val_loss", "minimize", others=(Goal("far", "minimize"),))
    history = History(objective, related=[earlier()])
    sampler = Bayesian(SPACE, 1, 20, 1, kind, 4)
    reasons = []
    for number in range(8):
        proposal = sampler.ask(history)
        assert isinstance(proposal, New)
        reasons.append(proposal.reason)
        metrics = {"val_loss": loss(proposal.params), "far": loss(proposal.params, (0.35, 0.65))}
        curve = (Report(1, metrics),)
        history.put(Trial(number, proposal.params, 0, 1, State.COMPLETE, curve=curve, ended=number + 1))
    assert "learn_from a with weight" in reasons[-1]
    assert "weight 0.00" not in reasons[-1]


class TestKnownPoints:
    """search.first: also points that were added after other trials, and none twice."""

    POINTS = ({"x": 0.1, "y": 0.2, "o": "a"}, {"x": 0.3, "y": 0.4, "o": "b"})

    @pytest.mark.parametrize(
        ("before", "places"),
        [([], [0, 1]), ([{"x": 0.9, "y": 0.9, "o": "a"}] * 3, [0, 1]), ([POINTS[1]], [0]), ([*POINTS], [])],
    )
    @pytest.mark.parametrize("known", [False, True])
    def test_each_is_trained_once(self, before: list[Params], places: list[int], known: bool) -> None:
        """known: of the study that this one was forked from."""
        trials = [Trial(number, params, 0, 2) for number, params in enumerate(before)]
        history = History(LOSS, known=trials) if known else History(LOSS, trials)
        for place in places:
            proposal = known_point(self.POINTS, history, until=2)
            assert proposal is not None
            assert proposal.params == self.POINTS[place]
            history.put(Trial(len(history), proposal.params, 0, 2))
        assert known_point(self.POINTS, history, until=2) is None

    @pytest.mark.parametrize(
        "method",
        [METHODS["random"], *({"method": "bayesian", "trials": 8, "sampler": one} for one in ("tpe", "freeze-thaw"))],
    )
    def test_one_that_is_added_to_a_study_is_next(self, method: Mapping[str, Any]) -> None:
        added = study({**method, "first": [self.POINTS[1]]})
        space = added.space
        trials = [_ended(number, space.from_unit([number / 6, 0.5, 0.2])) for number in range(6)]
        proposal = build.sampler(added).ask(History(LOSS, trials))
        assert isinstance(proposal, New)
        assert proposal.params == self.POINTS[1]


def _ended(number: int, params: Params) -> Trial:
    curve = tuple(Report(epoch, {"val_loss": 1.0}) for epoch in (1, 2))
    return Trial(number, params, 0, 2, State.COMPLETE, curve=curve, cause=Cause.DONE, ended=number + 1)
