"""Means of models, and the selection of models to average."""

import math

import numpy as np
import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.evaluation.ensembles import BEST_FEW, averaged, greedy
from hpsearch.trainer.predictions import Predictions

TARGETS = np.array([0.0, 0.0, 0.0, 0.0])


def predicts(*outputs: float) -> Predictions:
    return Predictions(np.array(outputs), TARGETS)


def squared(predictions: Predictions) -> float:
    return float(np.mean((predictions.outputs - predictions.targets) ** 2))


def library(seed: int, models: int = 8, examples: int = 40) -> list[Predictions]:
    """Probabilities of three classes; every model knows something, each something else."""
    draw = np.random.default_rng(seed)
    targets = draw.integers(3, size=examples)
    logits = [np.eye(3)[targets] + draw.normal(scale=draw.uniform(0.5, 3), size=(examples, 3)) for _ in range(models)]
    return [Predictions(np.exp(logit) / np.exp(logit).sum(1, keepdims=True), targets) for logit in logits]


def cross_entropy(predictions: Predictions) -> float:
    return float(-np.log(predictions.outputs[np.arange(len(predictions)), predictions.targets]).mean())


# The mean ────────────────────────────────────────────────────────────────────────────────────────


def test_the_mean_is_of_each_output_over_the_models():
    mean = averaged([predicts(0, 1, 2, 3), predicts(4, 1, 0, 3), predicts(2, 1, 1, 0)])
    assert mean.outputs.tolist() == [2, 1, 1, 2]
    assert mean.targets is TARGETS


def test_the_rounding_of_targets_is_no_other_example():
    one, other = np.array([0.0, 77.0, 346.0]), np.array([1e-5, 76.99999, 346.00003])
    assert averaged([Predictions(one, one), Predictions(one, other)]).targets is one


@pytest.mark.parametrize("other", [[0.0, 77.0, 346.01], [0.01, 77.0, 346.0], [0.0, 76.99, 346.0]])
def test_targets_that_differ_by_more_than_rounding_are_of_other_examples(other):
    targets = np.array([0.0, 77.0, 346.0])
    with pytest.raises(TrainerError, match="do not predict the same examples"):
        averaged([Predictions(targets, targets), Predictions(targets, np.array(other))])


def test_the_mean_of_probabilities_is_one_of_probabilities():
    assert np.allclose(averaged(library(0)).outputs.sum(axis=1), 1)


def test_one_model_is_its_own_mean():
    assert averaged([predicts(1, 2, 3, 4)]).outputs.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(
    "other",
    [
        Predictions(np.zeros(4), np.ones(4)),
        Predictions(np.zeros(3), TARGETS[:3]),
        Predictions(np.zeros((4, 2)), TARGETS),
    ],
)
def test_models_of_other_examples_have_no_mean(other):
    with pytest.raises(TrainerError, match=r"model 1 and model 3 do not predict the same examples"):
        averaged([predicts(0, 0, 0, 0), predicts(1, 1, 1, 1), other])


# The choice ──────────────────────────────────────────────────────────────────────────────────────


def test_models_with_opposite_errors_are_combined():
    """Alone the third is the best of them; the mean of the first two errs not at all."""
    members = [predicts(2, 2, 2, 2), predicts(-2, -2, -2, -2), predicts(1, -1, 1, 1.5)]
    assert squared(members[2]) < squared(members[0])
    chosen = greedy(members, squared)
    assert {0, 1} <= set(chosen)
    assert squared(averaged([members[i] for i in chosen])) < 0.1 * squared(members[2])


def test_a_model_may_join_more_than_once():
    """The errors are 3 and -1: one part of the first to three of the second leave none."""
    assert sorted(greedy([predicts(3, 3, 3, 3), predicts(-1, -1, -1, -1)], squared, most=10)) == [0, 1, 1, 1]


def test_an_equal_loss_does_not_enlarge_the_ensemble():
    same = predicts(0.1, 0.2, 0.3, 0.7)
    assert greedy([same, same, same], squared) == (0,)


def test_the_best_model_stays_alone_where_no_other_improves_it():
    assert greedy([predicts(5, 5, 5, 5), predicts(1, 1, 1, 1), predicts(3, 3, 3, 3)], squared) == (1,)


@pytest.mark.parametrize("seed", range(10))
def test_it_is_never_worse_on_what_it_is_chosen_on_than_the_best_model_or_the_best_few(seed):
    members = library(seed)
    chosen = greedy(members, cross_entropy)
    found = cross_entropy(averaged([members[i] for i in chosen]))
    ranked = sorted(members, key=cross_entropy)
    assert 1 <= len(chosen) <= 20
    for few in range(1, BEST_FEW + 1):
        assert found <= cross_entropy(averaged(ranked[:few])) * (1 + 1e-9)


def test_with_every_way_tried_it_finds_what_the_search_by_hand_finds():
    """Of three models every multiset up to four: greedy is no search of them all, but here it ends at the best."""
    members = library(3, models=3)
    chosen = greedy(members, cross_entropy, most=4)
    ways = [way for size in range(1, 5) for way in np.ndindex(*[3] * size)]
    best = min(cross_entropy(averaged([members[i] for i in way])) for way in ways)
    assert cross_entropy(averaged([members[i] for i in chosen])) == pytest.approx(best, rel=0.01)


def test_there_are_no_more_than_asked_for():
    members = library(1)
    assert len(greedy(members, cross_entropy, most=1)) == 1
    assert greedy(members, cross_entropy, most=1)[0] == min(range(8), key=lambda i: cross_entropy(members[i]))
    assert len(greedy(members, cross_entropy, most=3)) <= 3


def test_a_model_that_has_diverged_is_never_chosen():
    diverged = predicts(math.nan, 0, 0, 0)
    assert greedy([diverged, predicts(1, 1, 1, 1)], squared) == (1,)
    assert greedy([diverged], squared) == (0,)
