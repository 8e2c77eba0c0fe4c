"""Random augmentation of training images: one batch at a time, on its device, with a separate generator.

Each image of a batch is augmented independently. Labels, shapes and types do not change. Validation is not augmented.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample, interpolate, pad

from trainers.kit import ranges
from trainers.kit.ranges import Fraction, NonNegativeFloat, NonNegativeInt, Probability


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """The strength of each augmentation; 0 is off. Drawn uniformly from the range for each image.

    shift: by up to this fraction of the side, along each axis.
    zoom: by a factor from 1 - zoom to 1 + zoom.
    rotation: by up to this many degrees, in both directions.
    crop: pads the image with this many black pixels and takes a random crop of the original size (He et al. 2016,
    arXiv 1512.03385, section 4.2).
    flip: mirrors left to right with this probability; 0.5 is usual. Unsuitable for digits and letters.
    distortion: elastic (Simard et al. 2003): every point moves by a smooth random field, of about this standard
    deviation, as a fraction of the side.
    brightness: up to this much is added to all pixels; contrast: they are multiplied with 1 - contrast to 1 + contrast.
    channel_shift: up to this much is added to all pixels of a colour channel, for each channel by itself; with one
    channel it is brightness.
    noise: Gaussian noise of this standard deviation is added to every pixel.
    erasing: with this probability, a rectangle of 2% to a third of the image becomes black (Zhong et al. 2017, arXiv
    1708.04896).

    Pixels are standardised: the unit is the standard deviation of the training pixels.
    """

    shift: Fraction = 0.0
    zoom: Fraction = 0.0
    rotation: NonNegativeFloat = 0.0
    crop: NonNegativeInt = 0
    flip: Probability = 0.0
    distortion: NonNegativeFloat = 0.0
    brightness: NonNegativeFloat = 0.0
    contrast: Fraction = 0.0
    channel_shift: NonNegativeFloat = 0.0
    noise: NonNegativeFloat = 0.0
    erasing: Probability = 0.0


class Augmentation:
    """(n, channels, side, side) -> the same shape and type. black: the value of a black pixel, (channels, 1, 1).

    generator: on the images' device. No other random state is used.
    """

    def __init__(self, params: Settings, black: Tensor, generator: torch.Generator):
        self._params = params
        self._black = black
        self._generator = generator
        self._idle = not any(getattr(params, field.name) for field in fields(Settings))

    def __call__(self, images: Tensor) -> Tensor:
        if self._idle:
            return images
        params = self._params
        if params.shift or params.zoom or params.rotation or params.distortion:
            images = self._warped(images)
        if params.crop:
            images = self._cropped(images)
        if params.flip:
            images = torch.where(self._happens(images, params.flip), images.flip(-1), images)
        if params.contrast:
            images = images * (1 + self._between(images, params.contrast))
        if params.brightness:
            images = images + self._between(images, params.brightness)
        if params.channel_shift:
            images = images + params.channel_shift * (2 * self._even(images, images.shape[1]) - 1)
        if params.noise:
            images = images + params.noise * self._normal(images.shape, images)
        return self._erased(images) if params.erasing else images

    # Geometry ────────────────────────────────────────────────────────────────────────────────────

    def _warped(self, images: Tensor) -> Tensor:
        """Shift, zoom, rotation and distortion in one bilinear resampling: several would blur the image."""
        grid = affine_grid(self._affine(images), list(images.shape), align_corners=False)
        if self._params.distortion:
            grid = grid + self._field(images)
        return grid_sample(images - self._black, grid, align_corners=False) + self._black

    def _affine(self, images: Tensor) -> Tensor:
        """(n, 2, 3): maps each point of the result to its source; coordinates are from -1 to 1."""
        angle = self._between(images, math.radians(self._params.rotation)).flatten()
        zoom = 1 + self._between(images, self._params.zoom).flatten()
        right, down = (2 * self._between(images, self._params.shift).flatten() for _ in range(2))
        cos, sin = angle.cos() / zoom, angle.sin() / zoom
        return torch.stack([cos, -sin, right, sin, cos, down], dim=1).view(-1, 2, 3)

    def _field(self, images: Tensor) -> Tensor:
        """(n, side, side, 2): a coarse grid of Gaussian draws, smoothed by bicubic interpolation."""
        count, _, height, width = images.shape
        coarse = self._normal((count, 2, max(2, height // 7), max(2, width // 7)), images)
        smooth = interpolate(coarse, (height, width), mode="bicubic", align_corners=True)
        return 2 * self._params.distortion * smooth.permute(0, 2, 3, 1)

    def _cropped(self, images: Tensor) -> Tensor:
        count, channels, height, width = images.shape
        by = self._params.crop
        padded = pad(images - self._black, (by, by, by, by)) + self._black
        up, left = (self._whole(images, 2 * by + 1).view(-1, 1) for _ in range(2))
        rows = (up + torch.arange(height, device=images.device)).view(count, 1, height, 1)
        columns = (left + torch.arange(width, device=images.device)).view(count, 1, 1, width)
        image = torch.arange(count, device=images.device).view(-1, 1, 1, 1)
        channel = torch.arange(channels, device=images.device).view(1, -1, 1, 1)
        return padded[image, channel, rows, columns]

    def _erased(self, images: Tensor) -> Tensor:
        """The rectangle's area and aspect ratio (0.3 to 1/0.3) are the paper's; it may extend beyond the edge."""
        _, _, height, width = images.shape
        area = 0.02 + (1 / 3 - 0.02) * self._even(images)
        ratio = torch.exp(self._between(images, math.log(1 / 0.3)))
        tall, wide = (area * ratio).sqrt() * height, (area / ratio).sqrt() * width
        y = torch.arange(height, device=images.device).view(1, 1, -1, 1) + 0.5 - height * self._even(images)
        x = torch.arange(width, device=images.device).view(1, 1, 1, -1) + 0.5 - width * self._even(images)
        inside = (y.abs() <= tall / 2) & (x.abs() <= wide / 2) & self._happens(images, self._params.erasing)
        return torch.where(inside, self._black, images)

    # Draws, one for each image: (n, 1, 1, 1) ─────────────────────────────────────────────────────

    def _even(self, images: Tensor, channels: int = 1) -> Tensor:
        return torch.rand((len(images), channels, 1, 1), generator=self._generator, device=images.device)

    def _between(self, images: Tensor, most: float) -> Tensor:
        """From -most to most."""
        return most * (2 * self._even(images) - 1)

    def _happens(self, images: Tensor, chance: float) -> Tensor:
        return self._even(images) < chance

    def _whole(self, images: Tensor, below: int) -> Tensor:
        return torch.randint(below, (len(images),), generator=self._generator, device=images.device)

    def _normal(self, shape: tuple[int, ...], images: Tensor) -> Tensor:
        return torch.randn(shape, generator=self._generator, device=images.device)
