"""What trained networks say of validation or test: fold by fold, by their snapshots, of augmented copies.

A task's `predict` and `snapshots` hand over their trainings as they were built, and here the weights come back: from
the checkpoint that the run was made with, or in a notebook, where the same run has trained them, from there.
"""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
from torch import Tensor, nn

from hpsearch import Part, Predictions, Run
from trainers.kit import folds
from trainers.kit.data import Examples
from trainers.kit.losses import Goal
from trainers.kit.training import Training, augmentation, evaluate, generator, unchanged

HeldOut = Callable[[], Sequence[Examples]]
"""The test's examples, as the network of each fold is to be given them. Raises Sealed, except inside `unsealed`."""


def predict(trainings: Sequence[Training], run: Run, part: Part, held_out: HeldOut, augmented: int) -> Predictions:
    """What the best network says. augmented: also of so many copies of each input, changed as in training: the mean."""
    examples = _of(trainings, part, held_out)
    _restore(trainings, run)
    each = zip(trainings, examples, strict=True)
    return _together([_varied(training, given, augmented) for training, given in each], part)


def snapshots(trainings: Sequence[Training], run: Run, part: Part, held_out: HeldOut) -> list[Predictions]:
    """What each of the networks says that were kept at the ends of cycles, oldest first."""
    examples = _of(trainings, part, held_out)
    _restore(trainings, run)
    each = [
        [_said(training, network, given) for network in training.snapshots.networks(training.network)]
        for training, given in zip(trainings, examples, strict=True)
    ]
    return [_together(one, part) for one in zip(*each, strict=True)]


def score(predictions: Predictions, goal: Goal) -> Mapping[str, float]:
    """What the trial reports of validation, without "val_" in front. The loss is without what `loss` may say."""
    outputs, targets = goal.link.outputs(predictions)
    return {"loss": goal.loss(outputs, targets).item(), **goal.validated(outputs, targets)}


def _of(trainings: Sequence[Training], part: Part, held_out: HeldOut) -> list[Examples]:
    if part == "validation":
        return [training.data.validation for training in trainings]
    return [given.to(training.run.device) for training, given in zip(trainings, held_out(), strict=True)]


def _restore(trainings: Sequence[Training], run: Run) -> None:
    """Only what predicts: a checkpoint of a GPU's training has random states that a CPU could not take."""
    trained = dict(run.tracked)
    weights = folds.weights(trainings)
    run.track(**weights)
    for name in weights.keys() & trained.keys():
        weights[name].load_state_dict(trained[name].state_dict())


def _varied(training: Training, examples: Examples, augmented: int) -> Predictions:
    """Of the examples as they are and of `augmented` copies, drawn from a random stream of their own."""
    draws = generator(training.run.seed, training.fold, 2, training.run.device)
    change = augmentation(training.params, training.data.train, draws)
    ways = [unchanged, *[change] * augmented]
    return _mean([_said(training, training.network, examples, way) for way in ways])


def _said(
    training: Training, network: nn.Module, examples: Examples, change: Callable[[Tensor], Tensor] = unchanged
) -> Predictions:
    seen = evaluate(network, examples, training.goal.loss, training.speed, change)
    return training.goal.link.predictions(seen.outputs, seen.targets)


def _together(each: Sequence[Predictions], part: Part) -> Predictions:
    """Of the folds: each speaks of a part of validation, and all of them of the test."""
    if part == "test":
        return _mean(each)
    return Predictions(np.concatenate([one.outputs for one in each]), np.concatenate([one.targets for one in each]))


def _mean(each: Sequence[Predictions]) -> Predictions:
    return Predictions(np.mean([one.outputs for one in each], axis=0), each[0].targets)
