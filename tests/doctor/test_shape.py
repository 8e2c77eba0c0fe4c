"""Signs of trainings that begin late or go on improving, and what twice the epochs would reach."""

from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Label, Severity
from hpsearch.doctor.series import series
from hpsearch.doctor.shape import after_twice_the_epochs
from tests.doctor.curve import ACCURACY, LOSS, falling, trial


def labels(curves: dict[str, list[float]], objective: object = LOSS) -> list[Label]:
    return [one.label for one in diagnose(trial(**curves), objective)]  # type: ignore[arg-type]


def test_flat_at_first_and_then_falling_is_the_initialisation() -> None:
    losses = [*[2.3] * 6, *falling(2.2, 0.2, 14)]
    assert Label.SLOW_START in labels({"train_loss": losses, "val_loss": losses})
    at_once = falling(2.3, 0.2, 20)
    assert Label.SLOW_START not in labels({"train_loss": at_once, "val_loss": at_once})
    rises = [*[2.3, 2.9, 2.3] * 2, *falling(2.2, 0.2, 14)]
    assert Label.SLOW_START not in labels({"train_loss": rises, "val_loss": rises})


def test_an_accuracy_that_rises_while_the_loss_is_flat_goes_on_improving() -> None:
    losses = [*falling(2.3, 0.5, 12, 0.6), *[0.5] * 8]
    rising = [0.5 + 0.02 * epoch for epoch in range(20)]
    curves = {"train_loss": losses, "val_loss": losses, "val_accuracy": rising}
    found = diagnose(trial(**curves), LOSS)
    assert [(one.label, one.severity) for one in found] == [(Label.STILL_IMPROVING, Severity.HINT)]
    constant = [0.5, 0.7, *[0.9, 0.91] * 9]
    assert Label.STILL_IMPROVING not in labels({**curves, "val_accuracy": constant}, ACCURACY)


def test_what_twice_the_epochs_reach_of_a_geometric_fall() -> None:
    """Without noise it is the value that the curve has there."""
    one = series([(step, 1 + 0.9**step) for step in range(1, 31)])
    assert one is not None
    expected = after_twice_the_epochs(one)
    assert expected is not None
    low, high = expected
    late = 1 + 0.9**55.5  # the middle of the last third
    assert low <= high
    assert abs((low + high) / 2 - late) < 0.01


def test_noise_widens_the_interval() -> None:
    def width(noise: float) -> float:
        one = series([(step, 1 + 0.95**step + noise * (-1) ** step) for step in range(1, 31)])
        assert one is not None
        found = after_twice_the_epochs(one)
        assert found is not None
        return found[1] - found[0]

    assert width(0.02) > 2 * width(0.002)


def test_a_curve_that_does_not_fall_has_no_expectation() -> None:
    one = series([(step, 1.0) for step in range(1, 31)])
    assert one is not None
    assert after_twice_the_epochs(one) is None
