"""What a trained network says of validation or test, its snapshots, and augmented copies.

A task's `predict` and `snapshots` hand over their training as it was built, and here the weights come back: from the
checkpoint that the run was made with, or in a notebook, where the same run has trained them, from there.
"""

from collections.abc import Callable, Mapping

import numpy as np
from torch import Tensor, nn

from hpsearch import Part, Predictions
from trainers.kit.data import Examples
from trainers.kit.losses import Goal
from trainers.kit.training import Training, augmentation, evaluate, generator, unchanged

HeldOut = Callable[[], Examples]
"""The test's examples, as the network is to be given them. Raises Sealed, except inside `unsealed`."""


def predict(training: Training, part: Part, held_out: HeldOut, augmented: int) -> Predictions:
    """What the best network says. augmented: also of so many copies of each input, changed as in training: the mean."""
    examples = _of(training, part, held_out)
    _restore(training)
    draws = generator(training.run.seed, 2, training.run.device)
    change = augmentation(training.params, training.data.train, draws)
    each = [_said(training, training.network, examples, way) for way in (unchanged, *[change] * augmented)]
    return Predictions(np.mean([one.outputs for one in each], axis=0), each[0].targets)


def snapshots(training: Training, part: Part, held_out: HeldOut) -> list[Predictions]:
    """What each of the networks says that were kept at the ends of cycles, oldest first."""
    examples = _of(training, part, held_out)
    _restore(training)
    return [_said(training, network, examples) for network in training.snapshots.networks(training.network)]


def score(predictions: Predictions, goal: Goal) -> Mapping[str, float]:
    """What the trial reports of validation, without "val_" in front. The loss is without what `loss` may say."""
    outputs, targets = goal.link.outputs(predictions)
    return {"loss": goal.loss(outputs, targets).item(), **goal.validated(outputs, targets)}


def _of(training: Training, part: Part, held_out: HeldOut) -> Examples:
    return training.data.validation if part == "validation" else held_out().to(training.run.device)


def _restore(training: Training) -> None:
    """Only what predicts: a checkpoint of a GPU's training has random states that a CPU could not take."""
    trained = dict(training.run.tracked)
    weights = training.weights
    training.run.track(**weights)
    for name in weights.keys() & trained.keys():
        weights[name].load_state_dict(trained[name].state_dict())


def _said(
    training: Training, network: nn.Module, examples: Examples, change: Callable[[Tensor], Tensor] = unchanged
) -> Predictions:
    seen = evaluate(network, examples, training.goal.loss, training.speed, change)
    return training.goal.link.predictions(seen.outputs, seen.targets)
