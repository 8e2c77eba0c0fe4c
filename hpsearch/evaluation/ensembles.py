"""Ensembles of trained models: their mean, and the selection of their members."""

import math
from collections.abc import Callable, Sequence

import numpy as np

from hpsearch.core.errors import TrainerError
from hpsearch.trainer.predictions import Predictions

BEST_FEW = 5
"""The largest number of members that a greedy ensemble starts from."""


def averaged(members: Sequence[Predictions]) -> Predictions:
    """The mean of one or more predictions. TrainerError if they are not of the same examples.

    Targets may differ by float32 rounding: in a regression each fold scales them back to the data's units.
    """
    first = members[0]
    for number, member in enumerate(members[1:], start=2):
        if member.outputs.shape != first.outputs.shape or not _has_same_targets(member, first):
            shapes = f"outputs {first.outputs.shape} and {member.outputs.shape}"
            raise TrainerError(
                f"model 1 and model {number} do not predict the same examples in the same order ({shapes}), so they "
                "cannot be averaged; the split must be the same for all of them"
            )
    return Predictions(np.mean([member.outputs for member in members], axis=0), first.targets)


def _has_same_targets(one: Predictions, other: Predictions) -> bool:
    if one.targets.shape != other.targets.shape:
        return False
    return np.allclose(one.targets, other.targets, rtol=0, atol=1e-5 * np.abs(one.targets).max(initial=0))


def greedy(members: Sequence[Predictions], loss: Callable[[Predictions], float], most: int = 20) -> tuple[int, ...]:
    """The members to average, some more than once: indices in the order in which they were added.

    Ensemble selection (Caruana, Niculescu-Mizil, Crew, Ksikes 2004, "Ensemble selection from libraries of models",
    ICML) with two of the three methods of its section 2 against overfitting the validation set. It starts from the best
    N members, with the N up to `BEST_FEW` that has the smallest loss (sorted initialisation). Then it adds, with
    replacement, the member that gives the smallest loss, until there are `most` (>= 1). The result is the ensemble with
    the smallest loss of all steps; of equal losses, the smallest ensemble. On the data of the selection it is never
    worse than the best member. The third method, bagging of members, is not used.

    members: one or more. loss: of a mean of predictions; smaller is better, NaN is the worst.
    """

    def loss_of(chosen: Sequence[int]) -> float:
        found = loss(averaged([members[i] for i in chosen]))
        return math.inf if math.isnan(found) else found

    ranked = sorted(range(len(members)), key=lambda i: loss_of([i]))[: min(BEST_FEW, most)]
    path = _best_prefix(ranked, loss_of)
    while len(path) < most:
        path.append(min(range(len(members)), key=lambda i: loss_of([*path, i])))
    return tuple(_best_prefix(path, loss_of))


def _best_prefix(path: list[int], loss_of: Callable[[Sequence[int]], float]) -> list[int]:
    """The shortest prefix with the smallest loss, up to rounding: a mean of equal members may differ slightly."""
    losses = [loss_of(path[:size]) for size in range(1, len(path) + 1)]
    least = min(losses)
    return path[: next(size for size, loss in enumerate(losses, start=1) if math.isclose(loss, least, rel_tol=1e-12))]
