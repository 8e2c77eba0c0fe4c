"""Predictions of a trained network and its snapshots on the validation or test set, also for augmented copies.

A task's `predict` and `snapshots` pass a newly built training. Its weights are restored here: from the run's
checkpoint, or in a notebook from the training that used the same run.
"""

from collections.abc import Callable, Mapping

import numpy as np

from hpsearch import Part, Predictions
from trainers.kit.data import Examples
from trainers.kit.losses import Goal
from trainers.kit.training import Training, augmentation, generator, unchanged

HeldOut = Callable[[], Examples]
"""The test examples, as the network's inputs. Raises Sealed, except inside `unsealed`."""


def predict(training: Training, part: Part, held_out: HeldOut, augmented: int) -> Predictions:
    """Predictions of the network. augmented: the mean with this many augmented copies of each input."""
    examples = _of(training, part, held_out)
    _restore(training)
    draws = generator(training.run.seed, 2, training.run.device)
    change = augmentation(training.params, training.data.train, draws)
    each = [training.predictions(training.network, examples, way) for way in (unchanged, *[change] * augmented)]
    return Predictions(np.mean([one.outputs for one in each], axis=0), each[0].targets)


def snapshots(training: Training, part: Part, held_out: HeldOut) -> list[Predictions]:
    """Predictions of each snapshot, oldest first."""
    examples = _of(training, part, held_out)
    _restore(training)
    return [training.predictions(network, examples) for network in training.snapshots.networks(training.network)]


def score(predictions: Predictions, goal: Goal) -> Mapping[str, float]:
    """The trial's validation metrics, without "val_". The loss does not depend on the parameter `loss`."""
    outputs, targets = goal.link.outputs(predictions)
    return {"loss": goal.loss(outputs, targets).item(), **goal.validated(outputs, targets)}


def _of(training: Training, part: Part, held_out: HeldOut) -> Examples:
    return training.data.validation if part == "validation" else held_out().to(training.run.device)


def _restore(training: Training) -> None:
    """Restore only the weights: a CPU cannot restore the random states in a GPU's checkpoint."""
    trained = dict(training.run.tracked)
    weights = training.weights
    training.run.track(**weights)
    for name in weights.keys() & trained.keys():
        weights[name].load_state_dict(trained[name].state_dict())
