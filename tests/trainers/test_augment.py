import math
from dataclasses import fields

import pytest
import torch
from torch import Tensor

from trainers.kit.augment import Augmentation, Settings

EVERY = {
    "shift": 0.2, "zoom": 0.2, "rotation": 30.0, "crop": 2, "flip": 0.5, "distortion": 0.03,
    "brightness": 0.5, "contrast": 0.5, "channel_shift": 0.5, "noise": 0.3, "erasing": 1.0,
}  # fmt: skip


def augmentation(black: float = -1.0, seed: int = 0, channels: int = 3, **settings: float) -> Augmentation:
    return Augmentation(Settings(**settings), torch.full((channels, 1, 1), black), torch.Generator().manual_seed(seed))


def images(count: int = 64, side: int = 16, channels: int = 3) -> Tensor:
    return torch.randn(count, channels, side, side, generator=torch.Generator().manual_seed(1))


def dot(side: int = 15, at: tuple[int, int] = (7, 7), count: int = 200) -> Tensor:
    """Black images, at -1, with one white pixel at 1."""
    black = torch.full((count, 1, side, side), -1.0)
    black[:, :, at[0], at[1]] = 1.0
    return black


def centres(changed: Tensor) -> Tensor:
    """(n, 2): rows and columns where the light is, in pixels."""
    light = (changed[:, 0] + 1).clamp_min(0)
    total = light.sum((1, 2))
    rows, columns = (torch.arange(size, dtype=torch.float32) for size in light.shape[1:])
    return torch.stack([(light.sum(2) @ rows) / total, (light.sum(1) @ columns) / total], 1)


def test_every_parameter_is_tested_here():
    assert set(EVERY) == {field.name for field in fields(Settings)}


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("side", [8, 15])
@pytest.mark.parametrize("channels", [1, 3])
def test_shapes_and_types_stay_the_batch_is_not_touched_and_something_happens(name, side, channels):
    before = images(side=side, channels=channels)
    kept = before.clone()
    changed = augmentation(channels=channels, **{name: EVERY[name]})(before)
    assert torch.equal(before, kept)
    assert (changed.shape, changed.dtype, changed.device) == (before.shape, before.dtype, before.device)
    assert changed.isfinite().all()
    assert not torch.equal(changed, before)


@pytest.mark.parametrize("name", EVERY)
def test_every_image_is_changed_by_itself(name):
    same = images(1).expand(64, -1, -1, -1)
    changed = augmentation(**{name: EVERY[name]})(same)
    different = {tuple(image.flatten().tolist()) for image in changed}
    assert len(different) == 2 if name == "flip" else len(different) > 10


def test_all_at_once_and_none_at_all():
    before = images()
    assert augmentation(**EVERY)(before).shape == before.shape
    assert augmentation()(before) is before


@pytest.mark.parametrize("name", EVERY)
def test_the_generator_is_the_only_random_state(name):
    global_state = torch.get_rng_state()
    first, again, other = (augmentation(seed=seed, **{name: EVERY[name]})(images()) for seed in (0, 0, 1))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)
    assert torch.equal(torch.get_rng_state(), global_state)


def test_shift_moves_by_up_to_its_share_of_the_side_along_each_axis():
    moved = centres(augmentation(channels=1, shift=0.2)(dot())) - 7
    assert moved.abs().max() <= 0.2 * 15 + 1e-4
    # Evenly drawn from ± 3: of 400 draws the largest is beyond 2.9 but for a chance of (2.9/3)^400 = 1e-6.
    assert moved.abs().max() > 2.9
    assert moved.mean().abs() < 0.5  # 400 draws of standard deviation 3/√3: five times their mean's is 0.43


def test_zoom_and_rotation_keep_the_middle_and_the_distance_to_it():
    turned = centres(augmentation(channels=1, rotation=90.0)(dot(at=(7, 11)))) - 7
    distance = turned.square().sum(1).sqrt()
    assert (distance - 4).abs().max() < 0.3  # a pixel's place is blurred by the resampling
    angles = torch.atan2(turned[:, 0], turned[:, 1])
    assert angles.min() < -1.3
    assert angles.max() > 1.3
    assert angles.abs().max() < math.pi / 2 + 0.1
    zoomed = centres(augmentation(channels=1, zoom=0.5)(dot(at=(7, 9)))) - 7
    assert zoomed[:, 0].abs().max() < 1e-3
    assert 1 - 0.3 < zoomed[:, 1].min() < 1.2
    assert 2.8 < zoomed[:, 1].max() < 3.3


def test_crop_moves_by_whole_pixels_and_fills_with_black():
    changed = augmentation(channels=1, crop=2)(dot())
    assert set(changed.unique().tolist()) == {-1.0, 1.0}
    moved = centres(changed) - 7
    assert {tuple(place) for place in moved.tolist()} == {(y, x) for y in range(-2, 3) for x in range(-2, 3)}
    white = augmentation(black=-1.0, channels=1, crop=2)(torch.ones(100, 1, 9, 9))
    assert set(white.unique().tolist()) == {-1.0, 1.0}
    assert (white[:, :, 2:7, 2:7] == 1).all()


def test_what_is_shifted_in_is_black():
    changed = augmentation(black=-1.5, channels=1, shift=0.5)(torch.ones(100, 1, 9, 9))
    assert changed.min() == -1.5
    assert changed.max() <= 1 + 1e-6


def test_flip_mirrors_left_to_right_with_its_chance():
    before = images(400)
    changed = augmentation(flip=0.5)(before)
    mirrored = torch.tensor([torch.equal(new, old.flip(-1)) for new, old in zip(changed, before, strict=True)])
    same = torch.tensor([torch.equal(new, old) for new, old in zip(changed, before, strict=True)])
    assert (mirrored ^ same).all()
    assert abs(mirrored.float().mean().item() - 0.5) < 0.125  # five standard deviations of 400 tosses
    assert torch.equal(augmentation(flip=1.0)(before), before.flip(-1))


def test_brightness_adds_the_same_to_all_pixels_and_contrast_multiplies_them():
    before = images()
    added = augmentation(brightness=0.5)(before) - before
    spread = added.amax((1, 2, 3)) - added.amin((1, 2, 3))
    assert spread.max() < 1e-5
    assert 0.4 < added.abs().max() <= 0.5 + 1e-5
    factor = augmentation(contrast=0.5)(before) / before
    assert (factor.amax((1, 2, 3)) - factor.amin((1, 2, 3))).max() < 1e-4
    assert 0.5 <= factor.min() + 1e-4 < 0.6
    assert 1.4 < factor.max() <= 1.5 + 1e-4


def test_channel_shift_adds_to_each_channel_by_itself():
    before = images()
    added = augmentation(channel_shift=0.5)(before) - before
    assert (added.amax((2, 3)) - added.amin((2, 3))).max() < 1e-5
    shifts = added.mean((2, 3))
    assert 0.4 < shifts.abs().max() <= 0.5 + 1e-5
    assert (shifts[:, 0] - shifts[:, 1]).abs().min() > 0  # continuous draws


def test_noise_has_its_standard_deviation():
    added = augmentation(noise=0.3)(images()) - images()
    # Of 49,152 draws: known to 0.3%; five times that is allowed.
    assert added.std().item() == pytest.approx(0.3, rel=0.016)


def test_erasing_blackens_one_rectangle_of_at_most_a_third():
    before = torch.ones(400, 1, 32, 32)
    changed = augmentation(channels=1, erasing=0.5)(before)
    black = changed == -1
    assert set(changed.unique().tolist()) == {-1.0, 1.0}
    share = black.float().mean((1, 2, 3))
    assert (
        abs((share > 0).float().mean().item() - 0.5) < 0.14
    )  # of 400 tosses; a sliver at a corner may miss all pixels
    assert share.max() <= 1 / 3 + 0.05  # whole pixels
    for image in black[share > 0]:
        rows, columns = image[0].any(1), image[0].any(0)
        assert torch.equal(image[0], rows[:, None] & columns[None, :])


def test_distortion_moves_points_smoothly_and_by_about_its_share():
    ramp = torch.arange(28.0).expand(200, 1, 28, 28)  # each pixel's value is its column
    moved = (augmentation(black=0.0, channels=1, distortion=0.03)(ramp) - ramp)[:, 0, 4:-4, 4:-4]
    assert 0.4 * 0.03 * 28 < moved.std().item() < 1.2 * 0.03 * 28
    assert (moved[:, :, 1:] - moved[:, :, :-1]).abs().mean() < 0.5 * moved.std()
