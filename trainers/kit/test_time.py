"""Predictions that are means over several passes: ten crops of each image, and networks with dropout left on.

Validation uses these passes too, so a study can search their parameters. Training is the same with and without them: a
pass draws from a separate random state.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from hpsearch import Predictions
from trainers.kit import ranges
from trainers.kit.ranges import Conditions, NonNegativeInt

View = Callable[[Tensor], Tensor]
"""Changes a batch of inputs."""


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """dropout_samples: predictions are the mean over this many passes with dropout, each with different units dropped,
    and
    `val_uncertainty` is their standard deviation (Gal and Ghahramani 2016, arXiv 1506.02142). 0: one pass without
    dropout.
    """

    WHEN: ClassVar[Conditions] = {"dropout_samples": {"dropout": "nonzero"}}

    dropout_samples: NonNegativeInt = 0


@dataclass(frozen=True)
class ImageSettings(ranges.Settings):
    """ten_crop: predictions are the mean over ten crops that lack this many pixels of each side: the four corners and
    the centre, enlarged to the original size, and their mirror images (Krizhevsky et al. 2012, section 4.1). 0: off.
    Mirror images are unsuitable for digits and letters.
    """

    ten_crop: NonNegativeInt = 0


@dataclass(frozen=True)
class Passes:
    """samples: passes with dropout. crop: see `ten_crop`. seed: for dropout, the same in every call."""

    samples: int
    crop: int
    seed: int

    @classmethod
    def of(cls, params: object, seed: int) -> "Passes":
        """The passes of a trainer's parameters, which may have neither field."""
        samples = params.dropout_samples if isinstance(params, Settings) else 0
        return cls(samples, params.ten_crop if isinstance(params, ImageSettings) else 0, seed)

    @property
    def is_one(self) -> bool:
        """Whether a prediction is one pass without dropout and crops."""
        return not self.samples and not self.crop

    def mean(self, predict: Callable[[View], Predictions]) -> tuple[Predictions, float | None]:
        """The mean prediction, and the uncertainty with samples of dropout: see `spread`.

        predict: predicts all examples in one pass; it keeps dropout on if `samples` is not 0.
        """
        views = ten_crops(self.crop) if self.crop else [_unchanged]
        with _own_random_state(self.seed):
            each = [predict(view) for _, view in product(range(max(self.samples, 1)), views)]
        outputs = np.stack([one.outputs for one in each])
        means = outputs.reshape(-1, len(views), *outputs.shape[1:]).mean(1)
        return Predictions(outputs.mean(0), each[0].targets), spread(means) if self.samples else None


def spread(samples: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> float:
    """The standard deviation over the samples, as the mean over the examples; with classes, for the most probable
    class. samples: shape (samples, n) or (samples, n, classes)."""
    deviations = samples.std(0)
    if deviations.ndim > 1:
        best = samples.mean(0).argmax(1)
        deviations = deviations[np.arange(len(best)), best]
    return float(deviations.mean())


def ten_crops(by: int) -> list[View]:
    """Ten functions; each returns one crop of images (n, channels, side, side), enlarged to their size."""
    half = by // 2
    corners = ((0, 0), (0, by), (by, 0), (by, by), (half, half))
    return [_crop(up, left, by, mirrored) for mirrored in (False, True) for up, left in corners]


def _crop(up: int, left: int, by: int, mirrored: bool) -> View:
    def view(images: Tensor) -> Tensor:
        side = images.shape[-1]
        if by >= side:
            raise ValueError(f"ten_crop = {by} leaves nothing of images of {side} x {side} pixels")
        cut = images[..., up : side - by + up, left : side - by + left]
        whole = interpolate(cut, (side, side), mode="bilinear", align_corners=False)
        return whole.flip(-1) if mirrored else whole

    return view


def _unchanged(inputs: Tensor) -> Tensor:
    return inputs


@contextmanager
def _own_random_state(seed: int) -> Iterator[None]:
    """Restores torch's random state afterwards, so that the passes do not change the training."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
