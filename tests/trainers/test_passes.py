"""Predictions that are means over several passes: ten crops, and dropout that stays on."""

import numpy as np
import pytest
import torch

from hpsearch import Predictions, Run
from trainers import diabetes, digits
from trainers.kit.test_time import Passes, spread, ten_crops

EPOCHS = 2


def curve(**settings: object) -> list[dict[str, float]]:
    params = digits.Params(batch_size=256, **settings)  # type: ignore[arg-type]
    return [dict(report.metrics) for report in digits.train(params, Run.local(EPOCHS, device="cpu"))]


class TestTenCrops:
    def test_they_are_the_corners_the_centre_and_their_mirror_images(self) -> None:
        ramp = torch.arange(64.0).view(1, 1, 8, 8)
        seen = [view(ramp) for view in ten_crops(2)]
        assert {tuple(one.shape) for one in seen} == {(1, 1, 8, 8)}
        # The first pixel of an enlarged crop is the first of the crop, and the last the last.
        assert [one[0, 0, 0, 0].item() for one in seen[:5]] == [0, 2, 16, 18, 9]
        assert [one[0, 0, -1, -1].item() for one in seen[:5]] == [45, 47, 61, 63, 54]
        assert all(torch.equal(one.flip(-1), other) for one, other in zip(seen[:5], seen[5:], strict=True))

    def test_a_constant_image_stays(self) -> None:
        assert all(torch.equal(view(torch.ones(2, 3, 9, 9)), torch.ones(2, 3, 9, 9)) for view in ten_crops(3))

    def test_crops_of_nothing_are_refused(self) -> None:
        with pytest.raises(ValueError, match="ten_crop = 8 leaves nothing of images of 8 x 8 pixels"):
            ten_crops(8)[0](torch.zeros(1, 1, 8, 8))

    def test_the_training_is_the_same_and_the_validation_is_a_mean(self) -> None:
        plain, cropped = curve(), curve(ten_crop=2)
        assert [one["train_loss"] for one in cropped] == [one["train_loss"] for one in plain]
        assert all(one["val_loss"] != other["val_loss"] for one, other in zip(plain, cropped, strict=True))


class TestDropout:
    def test_the_training_is_the_same_with_the_uncertainty_in_its_reports(self) -> None:
        plain, sampled = curve(dropout=0.5), curve(dropout=0.5, dropout_samples=4)
        assert [one["train_loss"] for one in sampled] == [one["train_loss"] for one in plain]
        assert all(0 < one["val_uncertainty"] < 0.5 for one in sampled)
        assert "val_uncertainty" not in plain[0]
        assert curve(dropout=0.5, dropout_samples=4) == sampled

    def test_without_dropout_every_pass_is_the_same(self) -> None:
        plain, sampled = curve(), curve(dropout_samples=3)
        assert [one["val_uncertainty"] for one in sampled] == pytest.approx([0] * EPOCHS, abs=1e-12)
        assert [one["val_loss"] for one in sampled] == pytest.approx([one["val_loss"] for one in plain], rel=1e-5)

    def test_batch_norm_stays_as_in_validation(self) -> None:
        first, second = curve(batch_norm=True), curve(batch_norm=True, dropout_samples=2)
        assert [one["val_loss"] for one in second] == pytest.approx([one["val_loss"] for one in first], rel=1e-5)

    def test_a_regression_has_it_in_the_units_of_its_data(self) -> None:
        params = diabetes.Params(dropout=0.3, dropout_samples=5)
        (report,) = diabetes.train(params, Run.local(1, device="cpu"))
        assert 1 < report.metrics["val_uncertainty"] < 100  # targets have a standard deviation of 77


class TestPredictions:
    @pytest.mark.parametrize("settings", [{"ten_crop": 2}, {"dropout": 0.5, "dropout_samples": 3}], ids=str)
    def test_a_score_is_what_the_trial_reported(self, settings: dict[str, object]) -> None:
        run, params = Run.local(EPOCHS, device="cpu"), digits.Params(batch_size=256, **settings)  # type: ignore[arg-type]
        *_, last = digits.train(params, run)
        found = digits.score(digits.predict(params, run, "validation"))
        assert found["loss"] == pytest.approx(last.metrics["val_loss"], rel=1e-4)
        assert found["accuracy"] == last.metrics["val_accuracy"]

    def test_passes_are_drawn_from_a_state_of_their_own(self) -> None:
        before = torch.get_rng_state()
        drawn = [
            Passes(2, 0, seed).mean(lambda _: Predictions(torch.rand(3).numpy(), np.zeros(3)))[0].outputs
            for seed in (0, 0, 1)
        ]
        assert (drawn[0] == drawn[1]).all()
        assert (drawn[0] != drawn[2]).all()
        assert torch.equal(torch.get_rng_state(), before)

    def test_the_spread_is_that_of_the_most_probable_class(self) -> None:
        samples = np.array([[[0.6, 0.4], [0.2, 0.8]], [[0.8, 0.2], [0.2, 0.8]]])
        assert spread(samples) == pytest.approx(0.05)  # 0.1 and 0 on average
        assert spread(np.array([[1.0, 2.0], [3.0, 2.0]])) == pytest.approx(0.5)

    def test_parameters_of_a_trainer_without_either_are_one_pass(self) -> None:
        assert Passes.of(object(), 0).is_one
        assert not Passes.of(digits.Params(ten_crop=1), 0).is_one
