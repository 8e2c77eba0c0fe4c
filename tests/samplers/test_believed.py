"""Priors of the user in random and model-based searches."""

import math

import numpy as np
import pytest

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Report, State, Trial
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.believed import JUDGED, number_near, prior_preference, trust, trust_of_draws
from hpsearch.samplers.coarse_to_fine import CoarseToFine
from hpsearch.samplers.freeze_thaw.freezing import FreezeThaw
from hpsearch.samplers.random import Random, draw_with_priors
from hpsearch.study.file.search_sections import Round
from hpsearch.study.priors import Prior
from hpsearch.study.space import Choice, Float, Int, Space
from hpsearch.testing.simulation import LOSS

SPACE = Space(
    (
        Float("lr", 1e-5, 1.0, log=True, prior=Prior(1e-3, "strong")),
        Int("layers", 1, 8, prior=Prior(2)),
        Choice("optimizer", ("sgd", "adam", "adamw"), prior=Prior("adamw", "strong")),
        Float("dropout", 0.0, 0.5),
    )
)
EXPECTED = {"lr": pytest.approx(1e-3), "layers": 2, "optimizer": "adamw"}


def searched(sampler, loss, most=40):
    """The history of a search that trains each proposal for one epoch."""
    history = History(LOSS)
    while len(history) < most and isinstance(proposal := sampler.ask(history), New):
        curve = (Report(1, {"val_loss": loss(proposal.params)}),)
        number = len(history)
        done = {"curve": curve, "ended": number + 1, "origin": proposal.reason}
        history.put(Trial(number, proposal.params, 0, 1, State.COMPLETE, **done))
    return history


@pytest.mark.parametrize(
    "sampler",
    [
        Random(SPACE, 3, 5, 1),
        Bayesian(SPACE, 3, 5, 1, "tpe", 3),
        Bayesian(SPACE, 3, 5, 1, "cmaes", 3),
        FreezeThaw(SPACE, 3, 5, 1, 3),
        CoarseToFine(SPACE, 3, [Round(trials=5, epochs=1)], 0.5, 0.25, 0.1),
    ],
    ids=lambda one: getattr(one, "sampler", type(one).__name__),
)
def test_the_first_trial_has_the_values_of_the_priors(sampler):
    proposal = sampler.ask(History(LOSS))
    assert {name: proposal.params[name] for name in EXPECTED} == EXPECTED
    assert "prior" in proposal.reason


def test_draws_are_near_the_prior_and_then_uniform():
    def far(trials):
        drawn = [draw_with_priors(SPACE, stream(seed, 1), set(), trials)[0] for seed in range(400)]
        return np.mean([abs(math.log10(one["lr"]) + 3) > 1.25 for one in drawn])

    # From the prior (sd 0.1 of 5 decades) 1.25 decades are 2.5 sd; uniformly half of the axis is that far away.
    assert far(1) < 0.12  # of 1/11 uniform draws
    assert far(100_000) > 0.42  # 3 standard errors of a share of 0.5 in 400 draws


def test_a_choice_has_the_odds_of_its_prior():
    space = Space((Choice("a", tuple(range(5)), prior=Prior(3, "strong")),))
    drawn = [draw_with_priors(space, stream(seed, 1), set(), 1)[0]["a"] for seed in range(600)]
    share = sum(one == 3 for one in drawn) / len(drawn)
    assert abs(share - (10 / 11 * 10 / 14 + 1 / 11 / 5)) < 0.06  # 3 standard errors
    assert set(drawn) == set(range(5))


def test_a_model_prefers_the_prior_less_and_less():
    cube = np.array(
        [SPACE.to_unit({"lr": 1e-3, "layers": 2, "optimizer": "adamw", "dropout": 0.1}), [0.9, 0.9, 0.1, 0.5]]
    )
    early, late = prior_preference(SPACE, 10)(cube), prior_preference(SPACE, 1_000)(cube)
    assert early[0] == pytest.approx(0) == late[0]
    assert early[1] == pytest.approx(100 * late[1])
    assert early[1] < -3
    assert prior_preference(Space((Float("lr", 0.1, 1.0),)), 10) is None


def test_points_that_several_priors_exclude_are_alike():
    """Otherwise a search with wrong priors stays at points that fewer of them exclude."""
    space = Space(tuple(Float(f"x{place}", 0.0, 1.0, prior=Prior(0.1, "strong")) for place in range(4)))
    cube = np.array([[0.9] * 4, [0.1, 0.9, 0.9, 0.9], [0.1] * 4, [0.2] * 4])
    found = prior_preference(space, 10)(cube)
    assert found[0] == found[1] > -7
    assert found[2] == 0 > found[3] > found[0]
    group = prior_preference(space, 10)(np.array([[0.1, 0.2, np.nan, np.nan]]))
    assert group == pytest.approx([found[3] / 4])


NARROW = Space((Float("x", 0.0, 1.0, prior=Prior(0.2, "strong")), Choice("c", ("a", "b"), prior=Prior("a"))))


@pytest.mark.parametrize("kind", ["tpe", "gp"])
def test_a_right_prior_is_followed_and_a_wrong_one_overcome(kind):
    sampler = Bayesian(NARROW, 1, 26, 1, kind, 5)
    right = searched(sampler, lambda params: abs(params["x"] - 0.2))
    assert min(abs(trial.params["x"] - 0.2) for trial in right) < 0.02
    wrong = searched(sampler, lambda params: abs(params["x"] - 0.95))
    assert min(abs(trial.params["x"] - 0.95) for trial in wrong) < 0.1


@pytest.mark.parametrize(("best", "least", "most"), [(0.2, 1.0, 1.0), (0.95, 0.0, 0.0), (0.4, 0.3, 0.9)])
def test_priors_are_trusted_as_far_as_the_trials_agree(best, least, most):
    """The prior is at 0.2. With the best at 0.4, points beyond it are as good as the value of the prior."""
    tried = [{"x": x, "c": c} for x in np.linspace(0.0, 1.0, 11).tolist() for c in ("a", "b")]
    assert least <= trust(NARROW, tried, [abs(one["x"] - best) for one in tried]) <= most
    assert trust(NARROW, [], []) == trust(Space((Float("x", 0.0, 1.0),)), [{"x": 0.1}, {"x": 0.9}], [1.0, 0.0]) == 1


def test_a_prior_that_the_trials_contradict_is_not_used():
    """Startup trials are uniform then, and the model has no preference; of a parameter without a value nothing
    follows."""
    drawn = [draw_with_priors(NARROW, stream(seed, 1), set(), 1, trusted=0.0) for seed in range(50)]
    assert not any(by for _, by in drawn)
    assert max(params["x"] for params, _ in drawn) > 0.8
    assert prior_preference(NARROW, 10, trusted=0.0) is None
    half, whole = (prior_preference(NARROW, 10, one)(np.array([[0.4, 0.2]])) for one in (0.5, 1.0))
    assert half == pytest.approx(whole / 2)
    reasons = [trial.origin for trial in searched(Bayesian(NARROW, 1, 12, 1, "tpe", 5), lambda params: -params["x"])]
    assert "prior with weight 0.00" in reasons[-1]


@pytest.mark.parametrize(
    "sampler",
    [
        Random(NARROW, 3, 40, 1),
        CoarseToFine(NARROW, 3, [Round(trials=40, epochs=1), Round(trials=5, epochs=1)], 0.5, 0.25, 0.1),
        FreezeThaw(NARROW, 3, 40, 1, 40),
    ],
    ids=lambda one: type(one).__name__,
)
def test_draws_without_a_model_leave_a_prior_that_the_trials_contradict(sampler):
    def from_prior(loss):
        drawn = [trial for trial in searched(sampler, loss) if "drawn from `prior`" in trial.origin]
        return [trial.number for trial in drawn]

    # The expected numbers: of right ones 19, the sum of 10 / (10 + n) up to 40, without the first
    assert len(from_prior(lambda params: abs(params["x"] - 0.2))) >= 8
    assert not [number for number in from_prior(lambda params: -params["x"]) if number >= 20]


def test_the_reason_of_a_random_draw_has_the_weight_of_the_prior():
    reasons = [trial.origin for trial in searched(Random(NARROW, 1, 30, 1), lambda params: -params["x"])]
    assert reasons[0] == "random draw 1 of 30, with the values of `prior`; prior with weight 1.00"
    assert reasons[-1] == "random draw 30 of 30; prior with weight 0.00"


@pytest.mark.parametrize("kind", ["tpe", "gp", "cmaes"])
def test_tpe_replaces_startup_trials_near_a_contradicted_prior(kind):
    """All of them may have been drawn there."""
    wrong = searched(Bayesian(NARROW, 1, 24, 1, kind, 10), lambda params: -params["x"])
    right = searched(Bayesian(NARROW, 1, 24, 1, kind, 10), lambda params: abs(params["x"] - 0.2))
    near = number_near(NARROW, [trial.params for trial in wrong[:10]])
    assert near > 2
    assert sum("random startup" in trial.origin for trial in wrong) == 10 + near * (kind == "tpe")
    assert sum("random startup" in trial.origin for trial in right) == 10
    if kind == "tpe":
        more = f"({near} more, because the results contradict `prior`)"
        assert wrong[9 + near].origin == f"random startup trial {10 + near} of {10 + near} {more}"


def test_points_near_the_priors_are_those_that_they_do_not_exclude():
    """The lowest log density of 2 priors is -4, times 7.5, the mean of their powers. The strong one has the power 10,
    so the limit is 2.45 standard deviations of 0.1 from 0.2, and less with the other choice."""
    points = [{"x": x, "c": c} for c in ("a", "b") for x in (0.2, 0.43, 0.46, 0.5, 0.9)]
    assert number_near(NARROW, points[:5]) == 2
    assert number_near(NARROW, points[5:]) == 1
    assert number_near(NARROW, []) == number_near(Space((Float("x", 0.0, 1.0),)), [{"x": 0.1}]) == 0


def test_a_long_random_search_looks_at_its_first_trials():
    """Trials after the first JUDGED ones change nothing."""
    long = searched(Random(NARROW, 1, 130, 1), lambda params: -params["x"], most=130)
    other = searched(Random(NARROW, 1, 130, 1), lambda params: abs(params["x"] - 0.2), most=130)
    mixed = History(LOSS)
    for trial in [*long][:JUDGED] + [*other][JUDGED:]:
        mixed.put(trial)
    assert trust_of_draws(NARROW, mixed) == trust_of_draws(NARROW, long) < trust_of_draws(NARROW, other)


def test_of_a_trial_without_the_parameter_nothing_follows():
    momentum = Float("momentum", 0.0, 1.0, when={"o": ("sgd",)}, prior=Prior(0.9, "strong"))
    space = Space((Choice("o", ("sgd", "adam")), momentum))
    tried = [{"o": "sgd", "momentum": 0.9}, {"o": "adam"}]
    assert trust(space, tried, [0.0, 1.0]) == trust(space, tried, [1.0, 0.0])


def test_a_conditional_space_has_priors():
    space = Space(
        (
            Choice("o", ("sgd", "adam"), prior=Prior("sgd")),
            Float("momentum", 0.0, 1.0, when={"o": ("sgd",)}, prior=Prior(0.9, "strong")),
        )
    )
    history = searched(Bayesian(space, 1, 12, 1, "tpe", 4), lambda params: params.get("momentum", 2.0))
    assert all(space.contains(trial.params) for trial in history)


def test_constraints_are_kept():
    from hpsearch.core.constraints import read

    space = Space(SPACE.parameters, constraints=(read("layers >= 4"),))
    history = searched(Random(space, 1, 20, 1), lambda _: 0.0)
    assert all(trial.params["layers"] >= 4 for trial in history)


def test_the_first_trial_keeps_constraints_between_other_parameters():
    from hpsearch.core.constraints import read

    others = (Float("a", 0.0, 1.0), Float("b", 0.0, 1.0))
    space = Space((*SPACE.parameters, *others), constraints=(read("a + b <= 0.1"),))
    for seed in range(20):
        params, _ = draw_with_priors(space, stream(seed, 0), set(), 0)
        assert {name: params[name] for name in EXPECTED} == EXPECTED
        assert params["a"] + params["b"] <= 0.1


def test_without_priors_draws_are_as_before():
    space = Space((Float("x", 0.0, 1.0),))
    params, by = draw_with_priors(space, stream(1, 0), set(), 0)
    assert not by
    assert params["x"] == stream(1, 0).random(1)[0]
