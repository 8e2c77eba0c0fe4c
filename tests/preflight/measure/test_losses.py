"""The kind of loss, read from the autograd graph."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from hpsearch.preflight.measure.losses import Loss, read

torch.manual_seed(0)
INPUTS, CLASSES, NUMBERS = torch.randn(64, 5), torch.randint(3, (64,)), torch.randn(64, 3) * 2
MODEL = nn.Linear(5, 3)
PENALTY = 1e-3


def outputs() -> Tensor:
    return MODEL(INPUTS)


def one() -> Tensor:
    return outputs()[:, 0]


SHARES = torch.linspace(0.0, 1.0, 64)

KINDS: dict[str, tuple[Callable[[], Tensor], str, float | None]] = {
    "cross entropy": (lambda: F.cross_entropy(outputs(), CLASSES), "cross entropy", math.log(3)),
    "smoothed": (lambda: F.cross_entropy(outputs(), CLASSES, label_smoothing=0.1), "cross entropy", math.log(3)),
    "of shares": (lambda: F.cross_entropy(outputs(), torch.ones(64, 3) / 3), "cross entropy", math.log(3)),
    "in two parts": (lambda: F.nll_loss(outputs().log_softmax(-1), CLASSES), "cross entropy", math.log(3)),
    "with a penalty": (
        lambda: F.cross_entropy(outputs(), CLASSES) + PENALTY * sum(p.square().sum() for p in MODEL.parameters()),
        "cross entropy",
        math.log(3),
    ),
    "of a divergence": (
        lambda: F.kl_div(outputs().log_softmax(1), NUMBERS.softmax(1), reduction="batchmean"),
        "cross entropy",
        None,
    ),
    "of an alignment": (
        lambda: F.ctc_loss(outputs()[:, None].log_softmax(2), torch.tensor([[1, 2]]), (64,), (2,)),
        "",
        None,
    ),
    "of a mixture": (
        lambda: -torch.logsumexp(outputs().log_softmax(1) - (MODEL(INPUTS) - NUMBERS).square(), 1).mean(),
        "",
        None,
    ),
    "pixel by pixel": (
        lambda: F.cross_entropy(nn.Conv2d(1, 4, 1)(torch.ones(2, 1, 3, 3)), torch.zeros(2, 3, 3, dtype=torch.long)),
        "cross entropy",
        math.log(4),
    ),
    "negative": (lambda: -F.cross_entropy(outputs(), CLASSES), "cross entropy", math.log(3)),
    "nll of logits": (lambda: F.nll_loss(outputs(), CLASSES), "cross entropy", None),
    "logits": (
        lambda: F.binary_cross_entropy_with_logits(one(), (CLASSES > 0).float()),
        "binary cross entropy",
        math.log(2),
    ),
    "sigmoid": (
        lambda: F.binary_cross_entropy(one().sigmoid(), (CLASSES > 0).float()),
        "binary cross entropy",
        math.log(2),
    ),
    "square": (
        lambda: F.mse_loss(outputs(), NUMBERS),
        "squared error",
        float(NUMBERS.var(0, unbiased=False).mean()),
    ),
    "huber": (
        lambda: F.smooth_l1_loss(outputs(), NUMBERS),
        "absolute error",
        float(F.smooth_l1_loss(NUMBERS.median(0).values.expand(64, 3), NUMBERS)),
    ),
    "a sum of squares": (
        lambda: F.mse_loss(outputs(), NUMBERS, reduction="sum") / 64,
        "squared error",
        float(3 * NUMBERS.var(0, unbiased=False).mean()),
    ),
    "a sum of logits": (
        lambda: F.binary_cross_entropy_with_logits(one(), (CLASSES > 0).float(), reduction="sum"),
        "binary cross entropy",
        64 * math.log(2),
    ),
    "a sum with another term": (
        lambda: F.binary_cross_entropy_with_logits(one(), SHARES, reduction="sum") + outputs().square().sum(),
        "binary cross entropy",
        None,
    ),
    "by hand": (lambda: ((outputs() - NUMBERS) ** 2).mean(), "squared error", None),
    "by hand, of a constant": (lambda: -(NUMBERS**2).mean() * MODEL.bias.sum(), "", None),
    "two kinds": (lambda: F.cross_entropy(outputs(), CLASSES) + F.mse_loss(outputs(), NUMBERS), "", None),
    "two of a kind": (lambda: F.mse_loss(outputs(), NUMBERS) + F.mse_loss(one(), NUMBERS[:, 0]), "squared error", None),
}


@pytest.mark.parametrize("name", KINDS)
def test_kind_and_chance(name: str) -> None:
    make, kind, chance = KINDS[name]
    loss = make()
    found = read(loss)
    assert (found.kind, found.value) == (kind, loss.item())
    assert found.chance == (pytest.approx(chance) if chance is not None else None)
    assert not found.probabilities


def test_accuracy_is_that_of_the_batch() -> None:
    expected = (outputs().argmax(1) == CLASSES).float().mean().item()
    assert read(F.cross_entropy(outputs(), CLASSES)).accuracy == pytest.approx(expected)
    sides = ((one() > 0) == (CLASSES > 0)).float().mean().item()
    for loss in (
        F.binary_cross_entropy_with_logits(one(), (CLASSES > 0).float()),
        F.binary_cross_entropy(one().sigmoid(), (CLASSES > 0).float()),
    ):
        assert read(loss).accuracy == pytest.approx(sides)


def test_shares_as_targets_are_no_classes_and_their_entropy_is_the_lowest_loss() -> None:
    best = F.binary_cross_entropy(SHARES, SHARES, reduction="sum").item()
    found = read(F.binary_cross_entropy_with_logits(one(), SHARES, reduction="sum"))
    assert (found.accuracy, found.wrong) == (None, None)
    assert found.floor == pytest.approx(best, rel=1e-4)
    assert read(F.mse_loss(outputs(), NUMBERS)).floor == 0
    assert read(F.mse_loss(outputs(), NUMBERS) + outputs().square().sum()).floor is None


def test_ignored_targets_do_not_count() -> None:
    best = outputs().argmax(1)
    best[::2] = -100
    assert read(F.cross_entropy(outputs(), best)).accuracy == 1.0


class TestProbabilities:
    def test_a_softmax_before_the_loss(self) -> None:
        assert read(F.cross_entropy(outputs().softmax(1), CLASSES)).probabilities
        assert read(F.binary_cross_entropy_with_logits(one().sigmoid(), (CLASSES > 0).float())).probabilities

    def test_operations_that_change_the_shape_are_skipped(self) -> None:
        shares = outputs().softmax(1).view(8, 8, 3).reshape(64, 3)
        assert read(F.cross_entropy(shares, CLASSES)).probabilities

    def test_rows_of_the_models_output_that_sum_to_one(self) -> None:
        shares = F.normalize(outputs().exp(), p=1.0, dim=1)
        assert read(F.cross_entropy(shares, CLASSES), shares).probabilities

    def test_log_probabilities_are_not_a_fault(self) -> None:
        shares = outputs().softmax(1)
        assert not read(F.cross_entropy(shares.log(), CLASSES), shares).probabilities

    def test_probabilities_are_right_for_a_loss_that_expects_them(self) -> None:
        shares = one().sigmoid()
        assert not read(F.binary_cross_entropy(shares, (CLASSES > 0).float()), shares).probabilities

    def test_a_softmax_inside_the_model_is_not_a_fault(self) -> None:
        mixed = torch.softmax(outputs(), 1) @ torch.randn(3, 3, requires_grad=True)
        assert not read(F.cross_entropy(mixed, CLASSES), mixed).probabilities

    def test_logits_are_not_a_fault(self) -> None:
        assert not read(F.cross_entropy(own := outputs(), CLASSES), own).probabilities


def test_a_loss_without_a_graph_is_a_number() -> None:
    assert read(torch.tensor(2.0, requires_grad=True)) == Loss(2.0)


VARIANCE, DISTANCE = NUMBERS.var(0, unbiased=False), (NUMBERS - NUMBERS.median(0).values).abs()


@pytest.mark.parametrize(
    ("loss", "kind", "chance"),
    [
        (lambda out: ((out - NUMBERS) ** 2).mean(), "squared error", VARIANCE.mean()),
        (lambda out: (NUMBERS - out).pow(2).sum(1).mean() / 2, "squared error", VARIANCE.sum() / 2),
        (lambda out: F.l1_loss(out, NUMBERS), "absolute error", DISTANCE.mean()),
        (lambda out: (out - NUMBERS).abs().sum(), "absolute error", DISTANCE.sum()),
        (lambda out: ((out - NUMBERS) ** 2).mean() + out.square().mean(), "", None),
        (lambda out: ((out - out.roll(1, 0)) ** 2).mean(), "", None),
        (lambda out: -((out - NUMBERS) ** 2).mean(), "", None),
        (lambda out: -1.0 * (out - NUMBERS).abs().mean(), "", None),
    ],
)
def test_a_loss_that_is_written_out(loss: Callable[[Tensor], Tensor], kind: str, chance: Tensor | None) -> None:
    """Its chance level is that of the best constant prediction, in the units of the loss."""
    given = outputs()
    found = read(loss(given), given)
    assert found.kind == kind
    assert found.chance == (None if chance is None else pytest.approx(float(chance), rel=1e-4))
