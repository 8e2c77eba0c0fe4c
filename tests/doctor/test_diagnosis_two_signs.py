"""A direction for the learning rate needs two signs that do not depend on each other; one of them alone gives none."""

import pytest

from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label
from tests.doctor.curve import LOSS, falling, straight, trial

RATES = {Label.LR_TOO_HIGH, Label.LR_TOO_LOW}
SLOW = straight(2.3, 2.1, 30)
NOISY = [2.3, 1.5, 2.0] * 10
FEW_EPOCHS_AT_IT = [0.1] * 2 + [0.01] * 2 + [0.001] * 26


def labels(**metrics: list[float]) -> set[Label]:
    given = {name.replace("measured_", "hpsearch/"): values for name, values in metrics.items()}
    return {one.label for one in diagnose(trial(**given), LOSS)}


@pytest.mark.parametrize(
    ("label", "metrics"),
    [
        (
            Label.LR_TOO_LOW,
            {"train_loss": SLOW, "val_loss": SLOW, "measured_descent": [0.5] * 30, "update_ratio": [1e-3] * 30},
        ),
        (Label.LR_TOO_HIGH, {"train_loss": NOISY, "val_loss": [2.3, *[1.4] * 29]}),
        (Label.LR_TOO_HIGH, {"train_loss": NOISY, "val_loss": NOISY, "update_ratio": [0.08] * 30, "lr": [0.1] * 30}),
    ],
)
def test_two_signs_agree(label: Label, metrics: dict[str, list[float]]) -> None:
    assert labels(**metrics) & RATES == {label}


@pytest.mark.parametrize(
    "metrics",
    [
        pytest.param(
            {"update_ratio": [5e-3] * 30, "measured_descent": [0.0] * 30}, id="a straight line in normal steps"
        ),
        pytest.param(
            {
                "update_ratio": [1e-4] * 30,
                "measured_initial_norm": [1.0] * 30,
                "weight_norm": [50.0] * 30,
                "measured_descent": [0.5] * 30,
            },
            id="small steps of weights that grew",
        ),
    ],
)
def test_a_slow_fall_alone(metrics: dict[str, list[float]]) -> None:
    assert Label.LR_TOO_LOW not in labels(train_loss=SLOW, val_loss=SLOW, **metrics)


def test_noise_of_single_batches() -> None:
    """The mean loss over the steps falls, so that the reported losses of last batches are noise."""
    noisy = {"train_loss": NOISY, "val_loss": [2.3, *[1.4] * 29]}
    assert Label.LR_TOO_HIGH not in labels(**noisy, measured_mean_loss=falling(2.3, 1.4, 30))


def test_large_steps_in_the_few_epochs_before_the_rate_was_lowered() -> None:
    """The first steps of Adam are large at every rate. What stays is a decay that came too early, and no plateau."""
    losses = [2.3, 2.2, 2.15, *[2.14] * 27]
    found = labels(train_loss=losses, val_loss=losses, update_ratio=[0.08] * 30, lr=FEW_EPOCHS_AT_IT)
    assert Label.DECAYED_TOO_EARLY in found
    assert not found & {*RATES, Label.PLATEAU}


def test_weights_that_grew_in_the_first_epochs_by_steps_that_were_too_large() -> None:
    """Later steps are tiny beside these weights, and the loss falls in their direction."""
    exploded = [3e8, *[1e8 - 1e5 * epoch for epoch in range(9)]]
    grown = {"measured_initial_norm": [3.0] * 10, "weight_norm": [9e3, *[2e8] * 9], "update_ratio": [1.0, *[1e-5] * 9]}
    found = labels(train_loss=exploded, val_loss=exploded, measured_descent=[-0.1, -0.1, *[0.9] * 8], **grown)
    assert found & RATES == {Label.LR_TOO_HIGH}
