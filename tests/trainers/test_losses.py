import math

import numpy as np
import pytest
import torch
from sklearn.metrics import accuracy_score, f1_score, r2_score, roc_auc_score, root_mean_squared_error
from torchmetrics.functional.classification import binary_f1_score, multiclass_accuracy, multiclass_f1_score

from trainers.kit import links, losses, metrics
from trainers.kit.losses import Settings

DRAWS = torch.Generator().manual_seed(3)
LOGITS = torch.randn(200, 4, generator=DRAWS)
CLASSES = torch.randint(0, 4, (200,), generator=DRAWS)
TWO = torch.randint(0, 2, (80, 1), generator=DRAWS).float()
SCORES = torch.randn(80, 1, generator=DRAWS) + TWO


# Losses ──────────────────────────────────────────────────────────────────────────────────────────


def test_cross_entropy_is_minus_the_log_of_the_right_classs_probability():
    goal = losses.classification(Settings(), 4)
    right = LOGITS.softmax(1)[torch.arange(200), CLASSES]
    assert goal.loss(LOGITS, CLASSES).item() == pytest.approx(-right.log().mean().item(), rel=1e-5)
    assert goal.minimized is goal.loss


def test_binary_cross_entropy_is_too_and_exact_for_large_logits():
    goal = losses.binary(Settings())
    right = torch.where(TWO > 0, SCORES.sigmoid(), 1 - SCORES.sigmoid())
    assert goal.loss(SCORES, TWO).item() == pytest.approx(-right.log().mean().item(), rel=1e-5)
    assert goal.loss(torch.tensor([[-200.0]]), torch.tensor([[1.0]])).item() == 200


@pytest.mark.parametrize("share", [0.1, 0.5])
def test_label_smoothing_is_minimised_and_not_reported(share):
    goal = losses.classification(Settings(label_smoothing=share), 4)
    spread = (1 - share) * torch.eye(4)[CLASSES] + share / 4
    expected = -(spread * LOGITS.log_softmax(1)).sum(1).mean()
    assert goal.minimized(LOGITS, CLASSES).item() == pytest.approx(expected.item(), rel=1e-5)
    assert goal.loss(LOGITS, CLASSES) == losses.classification(Settings(), 4).loss(LOGITS, CLASSES)


def test_label_smoothing_of_two_classes_is_that_of_many():
    two = losses.binary(Settings(label_smoothing=0.2)).minimized(SCORES, TWO)
    logits = torch.cat([torch.zeros_like(SCORES), SCORES], 1)
    many = losses.classification(Settings(label_smoothing=0.2), 2).minimized(logits, TWO.long().flatten())
    assert two.item() == pytest.approx(many.item(), rel=1e-5)


def test_the_squared_error_of_probabilities():
    goal = losses.classification(Settings(loss="mse"), 4)
    expected = ((LOGITS.softmax(1) - torch.eye(4)[CLASSES]) ** 2).mean()
    assert goal.loss(LOGITS, CLASSES).item() == pytest.approx(expected.item(), rel=1e-5)
    goal = losses.binary(Settings(loss="mse"))
    assert goal.minimized(SCORES, TWO).item() == pytest.approx(((SCORES.sigmoid() - TWO) ** 2).mean().item(), rel=1e-5)


def test_a_regressions_loss_is_its_mean_squared_error():
    goal = losses.regression(links.Values(mean=0.0, unit=10.0))
    assert goal.loss(torch.tensor([[1.0], [3.0]]), torch.tensor([[2.0], [5.0]])).item() == 2.5


# Metrics, against scikit-learn and torchmetrics' own functions ───────────────────────────────────


def test_accuracy_and_f1_of_classes():
    found, chosen = metrics.Classes(4)(LOGITS, CLASSES), LOGITS.argmax(1)
    assert found["accuracy"] == pytest.approx(accuracy_score(CLASSES, chosen))
    assert found["f1"] == pytest.approx(f1_score(CLASSES, chosen, average="macro"))
    assert found["accuracy"] == pytest.approx(multiclass_accuracy(chosen, CLASSES, 4, average="micro").item())
    assert found["f1"] == pytest.approx(multiclass_f1_score(chosen, CLASSES, 4, average="macro").item())
    assert metrics.Classes(4).accuracy(LOGITS, CLASSES) == {"accuracy": found["accuracy"]}


def test_a_class_that_does_not_occur_counts_for_nothing():
    logits, few = LOGITS.clone(), CLASSES % 3
    logits[:, 3] = -100
    found, chosen = metrics.Classes(4)(logits, few), logits.argmax(1)
    assert found["f1"] == pytest.approx(multiclass_f1_score(chosen, few, 4, average="macro").item())


@pytest.mark.parametrize("scale", [1.0, 0.1])
def test_accuracy_and_f1_of_two_are_those_of_logits_wherever_these_lie(scale):
    """torchmetrics would take numbers between 0 and 1 for probabilities."""
    logits = (SCORES * scale).clamp(-0.2, 0.9) if scale < 1 else SCORES
    found, chosen = metrics.binary(logits, TWO), (logits > 0).long()
    assert found["accuracy"] == pytest.approx(accuracy_score(TWO, chosen))
    assert found["f1"] == pytest.approx(f1_score(TWO, chosen))
    assert found["f1"] == pytest.approx(binary_f1_score(chosen, TWO.long()).item())
    assert metrics.binary_accuracy(logits, TWO) == {"accuracy": found["accuracy"]}
    inside = torch.rand(80, 1, generator=torch.Generator().manual_seed(0))
    assert metrics.binary(inside, TWO)["accuracy"] == pytest.approx(TWO.mean().item())


@pytest.mark.parametrize("decimals", [0, 3])
@pytest.mark.parametrize("scale", [1.0, 1000.0])
def test_auroc_is_scikit_learns_with_many_ties_and_few_and_with_large_logits(decimals, scale):
    outputs = SCORES.round(decimals=decimals) * scale
    expected = roc_auc_score(TWO.flatten().numpy(), outputs.flatten().numpy())
    assert metrics.auroc(outputs, TWO) == pytest.approx(expected)
    assert metrics.binary(outputs, TWO)["auroc"] == pytest.approx(expected)


def test_auroc_of_one_class_of_nan_and_of_infinity_is_nan():
    scores, both = torch.tensor([[0.1], [0.9]]), torch.tensor([[0.0], [1.0]])
    assert math.isnan(metrics.auroc(scores, torch.ones(2, 1)))
    assert math.isnan(metrics.auroc(scores, torch.zeros(2, 1)))
    assert math.isnan(metrics.auroc(torch.tensor([[math.nan], [0.9]]), both))
    assert math.isnan(metrics.auroc(torch.tensor([[0.1], [math.inf]]), both))
    assert metrics.auroc(torch.ones(2, 1), both) == 0.5


def test_rmse_and_r2_are_in_the_data_sets_units():
    outputs, targets = np.random.default_rng(0).normal(size=(2, 60, 1)).astype(np.float32)
    found = metrics.Regression(unit=77.0)(torch.from_numpy(outputs), torch.from_numpy(targets))
    assert found["rmse"] == pytest.approx(root_mean_squared_error(77 * targets, 77 * outputs), rel=1e-5)
    assert found["r2"] == pytest.approx(r2_score(77 * targets, 77 * outputs), rel=1e-5)
