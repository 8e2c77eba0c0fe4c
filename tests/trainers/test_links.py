"""Outputs of a network as numbers that can be averaged, and back."""

import numpy as np
import pytest
import torch
from torch.nn.functional import binary_cross_entropy_with_logits, cross_entropy

from trainers.kit.links import Classes, Two, Values


def test_classes_are_a_softmax_and_back():
    logits = torch.tensor([[1.0, 2.0, 4.0], [-30.0, 0.0, 30.0]])
    predictions = Classes().predictions(logits, torch.tensor([2, 0]))
    by_hand = np.exp([1.0, 2.0, 4.0])
    assert predictions.outputs[0] == pytest.approx(by_hand / by_hand.sum())
    assert predictions.targets.tolist() == [2, 0]
    outputs, targets = Classes().outputs(predictions)
    assert targets.tolist() == [2, 0]
    assert (outputs - outputs[:, :1]).numpy() == pytest.approx((logits - logits[:, :1]).numpy())


def test_of_two_classes_both_probabilities_are_kept():
    logits, targets = torch.tensor([[0.0], [2.0], [-3.0]]), torch.tensor([[0.0], [1.0], [1.0]])
    predictions = Two().predictions(logits, targets)
    assert predictions.outputs[:, 1] == pytest.approx([0.5, 1 / (1 + np.exp(-2)), 1 / (1 + np.exp(3))])
    assert predictions.outputs.sum(axis=1) == pytest.approx([1, 1, 1])
    assert predictions.targets.tolist() == [0, 1, 1]
    outputs, back = Two().outputs(predictions)
    assert outputs.numpy() == pytest.approx(logits.numpy())
    assert torch.equal(back, targets.double())


def test_a_network_that_is_very_sure_and_wrong_loses_nothing_on_the_way():
    """Of 60 the sigmoid is 1 as float64, and of 1 the loss would be infinite."""
    logits, targets = torch.tensor([[60.0], [-200.0], [61.0]]), torch.tensor([[0.0], [1.0], [1.0]])
    outputs, back = Two().outputs(Two().predictions(logits, targets))
    assert outputs.numpy() == pytest.approx(logits.numpy())
    loss = binary_cross_entropy_with_logits(outputs, back)
    assert loss.item() == pytest.approx(260 / 3)


def test_a_loss_stays_finite_where_a_probability_is_zero():
    logits, targets = torch.tensor([[0.0, 5000.0]]), torch.tensor([0])
    outputs, back = Classes().outputs(Classes().predictions(logits, targets))
    assert 700 < cross_entropy(outputs, back).item() < 5000


def test_values_are_in_the_units_of_the_data_and_back():
    link = Values(mean=150.0, unit=77.0)
    outputs, targets = torch.tensor([[0.0], [1.0]]), torch.tensor([[-1.0], [0.5]])
    predictions = link.predictions(outputs, targets)
    assert predictions.outputs.tolist() == [150, 227]
    assert predictions.targets.tolist() == [73, 188.5]
    back = link.outputs(predictions)
    assert [part.tolist() for part in back] == [outputs.tolist(), targets.tolist()]
