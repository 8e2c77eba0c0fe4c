"""What is measured of layers."""

import pytest
import torch
from torch import nn

from hpsearch.trainer.measurements.layer_measurements import (
    MAX_LAYERS,
    MAX_NAMED,
    LayerMeasurements,
    gradient_shares,
    largest_scale,
    silent_shares,
)


def of(model: nn.Module) -> list[torch.Tensor]:
    measured = LayerMeasurements()
    measured.tracked({"model": model, "other": 3})
    return measured.of([*model.parameters()])


def test_layers_are_matrices_and_no_embeddings() -> None:
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3), nn.LayerNorm(3), nn.Conv1d(3, 2, 1), nn.GRU(3, 2))
    shapes = [tuple(one.shape) for one in of(model)]
    assert shapes == [(3, 4), (2, 3, 1), (6, 3), (6, 2)]
    assert len(of(nn.Sequential(*(nn.Linear(1, 1) for _ in range(3 * MAX_LAYERS))))) == MAX_LAYERS


@pytest.mark.parametrize("layer", [nn.Linear(50, 40), nn.Conv2d(20, 30, 3), nn.Conv1d(16, 64, 5)])
def test_a_scale_is_that_of_the_outputs(layer: nn.Module) -> None:
    nn.init.kaiming_normal_(layer.weight)  # type: ignore[arg-type]
    # The relative deviation of a root mean square of n normal numbers is sqrt(1 / 2n): below 2% here.
    assert float(largest_scale(of(layer))) == pytest.approx(2**0.5, rel=0.1)


def test_gradients_of_layers_are_compared_and_units_without_one_are_counted() -> None:
    first, second = nn.Linear(2, 4, bias=False), nn.Linear(4, 1, bias=False)
    model = nn.Sequential(first, nn.ReLU(), second)
    nn.init.constant_(first.weight, -1.0)
    nn.init.constant_(second.weight, 1.0)
    with torch.no_grad():
        first.weight[0] = 1.0  # the one unit that is active
    model(torch.ones(3, 2)).sum().backward()
    layers = of(model)
    assert silent_shares(layers).tolist() == [0.75, 0.0]
    # Gradients: 3 twice over weights of norm sqrt(8), and 6 over 2.
    assert gradient_shares(layers).tolist() == pytest.approx([(18 / 8) ** 0.5, 3.0])


def test_layers_have_the_names_of_their_modules() -> None:
    measured = LayerMeasurements()
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.Sequential(nn.LSTM(2, 2)))
    measured.tracked({"model": model})
    assert measured.named(measured.of([*model.parameters()])) == [(0, "0"), (2, "2.0")]
    measured.tracked({"judge": (judge := nn.Linear(2, 1))})
    assert measured.named(measured.of([*judge.parameters()])) == [(0, "judge")]


def test_of_many_layers_the_first_and_the_last_are_named() -> None:
    measured = LayerMeasurements()
    model = nn.Sequential(*(nn.Linear(1, 1) for _ in range(MAX_LAYERS)))
    measured.tracked({"model": model})
    named = measured.named(measured.of([*model.parameters()]))
    assert len(named) == MAX_NAMED
    assert (named[0], named[-1]) == ((0, "0"), (MAX_LAYERS - 1, str(MAX_LAYERS - 1)))
