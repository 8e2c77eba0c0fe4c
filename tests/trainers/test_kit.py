import math

import numpy as np
import pytest
import torch
from sklearn.metrics import roc_auc_score
from torch import nn
from torch.nn.functional import cross_entropy

from trainers.kit import models, optimizers, schedules
from trainers.kit.data import Examples, split
from trainers.kit.epoch import CHUNK, Seen, evaluate, fit, grad_norm, numbers
from trainers.kit.metrics import accuracy, auroc, binary_accuracy

# Splits ──────────────────────────────────────────────────────────────────────────────────────────

LABELS = np.random.default_rng(0).choice(3, size=1000, p=[0.7, 0.2, 0.1]).astype(np.int64)


def test_training_and_validation_rows_are_disjoint_and_a_fifth_is_withheld():
    train, validation = split(LABELS)
    assert len({*train, *validation}) == len(train) + len(validation)
    assert len(train) == pytest.approx(600, abs=3)
    assert len(validation) == pytest.approx(200, abs=3)


def test_every_class_has_its_share_in_each():
    train, validation = split(LABELS)
    for label in range(3):
        count = np.bincount(LABELS)[label]
        # Each cut is rounded to a whole row.
        assert np.bincount(LABELS[train])[label] == pytest.approx(0.6 * count, abs=0.5)
        assert np.bincount(LABELS[validation])[label] == pytest.approx(0.2 * count, abs=1)


def test_the_split_is_the_same_whatever_the_global_random_state():
    np.random.seed(1)  # noqa: NPY002
    first = split(LABELS)
    np.random.seed(2)  # noqa: NPY002
    assert all(np.array_equal(a, b) for a, b in zip(first, split(LABELS), strict=True))
    assert not np.array_equal(first[0], split(LABELS, seed=1)[0])


def test_batches_hold_every_example_once_in_an_order_drawn_from_the_generator():
    examples = Examples(torch.arange(10), torch.arange(10) * 2)
    generator = torch.Generator().manual_seed(0)
    first, second = (list(examples.shuffled(generator).batches(4)) for _ in range(2))
    assert [len(inputs) for inputs, _ in first] == [4, 4, 2]
    assert sorted(torch.cat([inputs for inputs, _ in first]).tolist()) == list(range(10))
    assert all(torch.equal(targets, 2 * inputs) for inputs, targets in first)
    assert not torch.equal(first[0][0], second[0][0])


# Models ──────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("layers", "count"), [(0, 20 * 3 + 3), (1, 20 * 8 + 8 + 27), (3, 20 * 8 + 8 + 2 * 72 + 27)])
def test_the_mlp_has_the_layers_it_is_asked_for(layers, count):
    model = models.mlp(20, 3, hidden=8, layers=layers)
    assert sum(p.numel() for p in model.parameters()) == count
    assert model(torch.zeros(5, 4, 5)).shape == (5, 3)


@pytest.mark.parametrize(("side", "channels"), [(8, 1), (28, 1), (32, 3)])
def test_the_cnn_takes_images_of_any_size_divisible_by_four(side, channels):
    model = models.cnn(side, 10, channels=channels, filters=4)
    assert model(torch.zeros(2, channels, side, side)).shape == (2, 10)


@pytest.mark.parametrize("activation", models.ACTIVATIONS)
def test_every_activation_and_dropout_is_where_it_should_be(activation):
    kinds = [type(part) for part in models.mlp(4, 2, hidden=3, layers=1, activation=activation, dropout=0.5)]
    assert kinds == [nn.Flatten, nn.Linear, models.ACTIVATIONS[activation], nn.Dropout, nn.Linear]


# Optimizers ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "momentum", "own"),
    [
        ("sgd", 0.0, lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.01)),
        ("sgd", 0.9, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01)),
        ("nesterov", 0.9, lambda p: torch.optim.SGD(p, 0.1, momentum=0.9, weight_decay=0.01, nesterov=True)),
        ("nesterov", 0.0, lambda p: torch.optim.SGD(p, 0.1, weight_decay=0.01)),
        ("adam", 0.9, lambda p: torch.optim.Adam(p, 0.1, weight_decay=0.01)),
        ("adamw", 0.9, lambda p: torch.optim.AdamW(p, 0.1, weight_decay=0.01)),
        ("rmsprop", 0.9, lambda p: torch.optim.RMSprop(p, 0.1, weight_decay=0.01)),
    ],
)
def test_an_optimizer_steps_as_torchs_own(name, momentum, own):
    def trained(make):
        weights = torch.nn.Parameter(torch.tensor([1.0, -2.0, 3.0]))
        optimizer = make([weights])
        for step in range(1, 6):
            optimizer.zero_grad()
            torch.autograd.backward((weights**2).sum() / step)
            optimizer.step()
        return weights.detach()

    ours = trained(lambda p: optimizers.build(name, p, 0.1, momentum=momentum, weight_decay=0.01))
    assert torch.allclose(ours, trained(own), rtol=1e-6)


# Schedules ───────────────────────────────────────────────────────────────────────────────────────


def rates(name: schedules.Name, epochs: int, **options: float) -> list[float]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.8)
    schedule = schedules.build(name, optimizer, epochs, **options)  # type: ignore[arg-type]
    seen = []
    for _ in range(epochs + 2):
        seen.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    return seen


def test_constant():
    assert rates("constant", 3) == [0.8] * 5


def test_cosine():
    expected = [0.4 * (1 + math.cos(math.pi * min(done / 6, 1))) for done in range(8)]
    assert rates("cosine", 6) == pytest.approx(expected)
    assert rates("cosine", 6)[-2:] == [0, 0]


def test_step():
    assert rates("step", 5, every=2, factor=0.5) == pytest.approx([0.8, 0.8, 0.4, 0.4, 0.2, 0.2, 0.1])


# The epoch ───────────────────────────────────────────────────────────────────────────────────────


def test_one_epoch_is_what_a_hand_written_loop_does():
    torch.manual_seed(0)
    examples = Examples(torch.randn(50, 4), torch.randint(0, 3, (50,)))
    ours = models.mlp(4, 3, hidden=5, layers=1)
    plain = models.mlp(4, 3, hidden=5, layers=1)
    plain.load_state_dict(ours.state_dict())

    seen = fit(ours, examples, cross_entropy, torch.optim.SGD(ours.parameters(), 0.1), 16, torch.Generator())

    optimizer = torch.optim.SGD(plain.parameters(), 0.1)
    losses = []
    for batch in torch.split(torch.randperm(50, generator=torch.Generator()), 16):
        optimizer.zero_grad()
        loss = cross_entropy(plain(examples.inputs[batch]), examples.targets[batch])
        torch.autograd.backward(loss)
        optimizer.step()
        losses.append(loss.item() * len(batch))

    assert all(torch.equal(a, b) for a, b in zip(ours.parameters(), plain.parameters(), strict=True))
    assert seen.loss.item() == pytest.approx(sum(losses) / 50, rel=1e-6)
    squares = [(p.grad**2).sum().item() for p in plain.parameters() if p.grad is not None]
    assert grad_norm(ours.parameters()).item() == pytest.approx(math.sqrt(sum(squares)), rel=1e-6)


def test_evaluating_in_chunks_changes_nothing_and_leaves_dropout_out():
    torch.manual_seed(0)
    examples = Examples(torch.randn(CHUNK + 10, 3), torch.randint(0, 2, (CHUNK + 10,)))
    model = models.mlp(3, 2, hidden=4, layers=1, dropout=0.9)
    seen = evaluate(model, examples, cross_entropy)
    assert torch.allclose(seen.outputs, model.eval()(examples.inputs))
    assert torch.equal(seen.targets, examples.targets)
    assert not seen.loss.requires_grad
    fit(model, examples, cross_entropy, torch.optim.SGD(model.parameters(), 0.1), 64, torch.Generator())
    assert model.training


def test_numbers_are_plain_floats():
    assert numbers(loss=torch.tensor(0.5), share=torch.tensor(0.25, dtype=torch.float64), lr=0.1) == {
        "loss": 0.5,
        "share": 0.25,
        "lr": 0.1,
    }
    assert numbers(lr=0.1) == {"lr": 0.1}


# Metrics ─────────────────────────────────────────────────────────────────────────────────────────


def seen(outputs: torch.Tensor, targets: torch.Tensor) -> Seen:
    return Seen(outputs, targets, torch.tensor(0.0))


def test_accuracy():
    logits = torch.tensor([[2.0, 1.0], [0.0, 1.0], [3.0, 1.0], [0.0, 0.5]])
    assert accuracy(seen(logits, torch.tensor([0, 1, 1, 1]))).item() == 0.75
    assert binary_accuracy(seen(torch.tensor([[1.0], [-2.0], [0.5]]), torch.tensor([[1.0], [0.0], [0.0]]))) == 2 / 3


@pytest.mark.parametrize("decimals", [0, 3])
def test_auroc_is_scikit_learns_with_many_ties_and_few(decimals):
    generator = torch.Generator().manual_seed(3)
    targets = torch.randint(0, 2, (80, 1), generator=generator)
    outputs = (torch.randn(80, 1, generator=generator) + targets).round(decimals=decimals)
    expected = roc_auc_score(targets.flatten().numpy(), outputs.flatten().numpy())
    assert auroc(seen(outputs, targets.float())).item() == pytest.approx(expected)


def test_auroc_of_one_class_or_of_nan_is_nan():
    scores = torch.tensor([[0.1], [0.9]])
    assert auroc(seen(scores, torch.ones(2, 1))).isnan()
    assert auroc(seen(scores, torch.zeros(2, 1))).isnan()
    assert auroc(seen(torch.tensor([[math.nan], [0.9]]), torch.tensor([[0.0], [1.0]]))).isnan()
