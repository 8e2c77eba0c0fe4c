"""One epoch of the kit, against the loop that one would write by hand."""

import math
from dataclasses import dataclass, replace

import pytest
import torch
from torch import nn, optim
from torch.nn.functional import cross_entropy

from hpsearch import Run
from trainers.kit import augment, losses, models, training
from trainers.kit.data import Data, Examples, Scaling
from trainers.kit.training import CHUNK, Training, evaluate, generator


@dataclass(frozen=True)
class Params(training.Settings, models.MlpSettings):
    """A small MLP."""


@dataclass(frozen=True)
class ImageParams(training.Settings, models.ImageSettings, augment.Settings):
    """A small CNN with augmentation."""


def examples(n: int, seed: int) -> Examples:
    draws = torch.Generator().manual_seed(seed)
    return Examples(torch.randn(n, 4, generator=draws), torch.randint(0, 3, (n,), generator=draws))


DATA = Data(examples(50, 1), examples(30, 2))
SGD = Params(optimizer="sgd", lr=0.1, batch_size=16, hidden=5, init="torch")


def started(params: Params, data: Data = DATA, epochs: int = 10, seed: int = 3) -> Training:
    run = Run.local(epochs, seed=seed, device="cpu")
    goal = losses.classification(params, 3)
    return Training(params, models.mlp(4, 3, params), data, goal, run)


def by_hand(params: Params, epochs: int) -> tuple[nn.Module, list[float]]:
    """The same first weights and order of examples; plain SGD."""
    torch.manual_seed(3)
    model = models.mlp(4, 3, params)
    optimizer, order = optim.SGD(model.parameters(), 0.1), generator(3, 0)
    means = []
    for _ in range(epochs):
        total = 0.0
        for batch in torch.split(torch.randperm(50, generator=order), params.batch_size):
            optimizer.zero_grad()
            loss = cross_entropy(model(DATA.train.inputs[batch]), DATA.train.targets[batch])
            torch.autograd.backward(loss)
            optimizer.step()
            total += loss.item() * len(batch)
        means.append(total / 50)
    return model, means


def test_epochs_are_what_a_hand_written_loop_does():
    ours = started(SGD)
    reports = [ours.epoch(epoch) for epoch in (1, 2)]
    model, means = by_hand(SGD, 2)
    assert all(torch.equal(a, b) for a, b in zip(ours.model.parameters(), model.parameters(), strict=True))
    assert [report["train_loss"] for report in reports] == pytest.approx(means, rel=1e-6)
    model.eval()
    outputs = model(DATA.validation.inputs)
    assert reports[1]["val_loss"] == pytest.approx(cross_entropy(outputs, DATA.validation.targets).item(), rel=1e-6)
    right = (outputs.argmax(1) == DATA.validation.targets).float().mean().item()
    assert reports[1]["val_accuracy"] == pytest.approx(right)
    squares = [(weight.grad**2).sum().item() for weight in model.parameters() if weight.grad is not None]
    assert reports[1]["grad_norm"] == pytest.approx(math.sqrt(sum(squares)), rel=1e-6)


def test_what_an_epoch_reports():
    assert list(started(SGD).epoch(1)) == [
        "train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_f1", "lr", "train_loss_smooth",
        "grad_norm", "grad_norm/hidden1", "grad_norm/output", "weight_norm", "update_ratio",
    ]  # fmt: skip
    report = started(replace(SGD, throughput=True)).epoch(1)
    assert report["examples_per_second"] > 0
    assert all(type(value) is float for value in report.values())


def test_training_metrics_are_of_the_outputs_on_the_way():
    """In training mode, before each step: with a rate of nearly 0, those of the model as it is."""
    ours = started(replace(SGD, lr=1e-12))
    report = ours.epoch(1)
    seen = evaluate(ours.model, DATA.train, cross_entropy, ours.speed)
    assert report["train_loss"] == pytest.approx(seen.loss, rel=1e-6)
    right = (seen.outputs.argmax(1) == DATA.train.targets).float().mean().item()
    assert report["train_accuracy"] == pytest.approx(right)


def test_the_rate_of_an_epoch_is_that_of_its_last_step():
    ours = started(replace(SGD, schedule="linear"))
    steps = 4  # of 50 examples in batches of 16
    rates = [ours.epoch(epoch)["lr"] for epoch in (1, 2)]
    assert rates == pytest.approx([0.1 * (1 - 0.75 / 10), 0.1 * (1 - 1.75 / 10)])
    assert steps == math.ceil(50 / 16)


def test_the_plateau_watches_the_validation_loss():
    """Of labels that contradict those trained on: the one falls, the other never."""
    contrary = Data(DATA.train, Examples(DATA.train.inputs, (DATA.train.targets + 1) % 3))
    ours = started(replace(SGD, schedule="plateau", plateau_patience=1), contrary)
    reports = [ours.epoch(epoch) for epoch in (1, 2, 3, 4)]
    assert reports[3]["train_loss"] < reports[0]["train_loss"]
    assert reports[3]["val_loss"] > reports[0]["val_loss"]
    assert [report["lr"] for report in reports] == pytest.approx([0.1, 0.1, 0.1, 0.01])


def test_label_smoothing_is_minimised_and_left_out_of_what_is_reported():
    ours = started(replace(SGD, lr=1e-12, label_smoothing=0.5))
    plain = started(replace(SGD, lr=1e-12))
    first, second = ours.epoch(1), plain.epoch(1)
    assert first["train_loss"] == pytest.approx(second["train_loss"], rel=1e-6)
    assert first["val_loss"] == second["val_loss"]
    assert first["grad_norm"] != pytest.approx(second["grad_norm"], rel=1e-3)


def test_the_gradient_that_is_watched_is_without_clipping_and_penalties():
    plain, clipped = started(SGD), started(replace(SGD, clip_norm=1e-9, l1=1e-3))
    for one in (plain, clipped):
        one.data = Data(Examples(DATA.train.inputs[:16], DATA.train.targets[:16]), DATA.validation)
    assert clipped.epoch(1)["grad_norm"] == pytest.approx(plain.epoch(1)["grad_norm"])


def test_adamw_decays_apart_from_the_gradient_and_adam_does_not():
    def weights(params: Params) -> torch.Tensor:
        ours = started(params)
        ours.epoch(1)
        return ours.model.output.weight.detach()

    adamw = replace(SGD, optimizer="adamw", weight_decay=0.5, lr=0.01)
    assert torch.equal(weights(adamw), weights(replace(adamw, optimizer="adam", decoupled=True)))
    assert not torch.equal(weights(adamw), weights(replace(adamw, optimizer="adam")))


def test_a_weight_average_is_its_formula_and_what_is_validated():
    ours, plain = started(replace(SGD, weight_average=0.9)), started(SGD)
    report = ours.epoch(1)
    model = plain.model
    average: list[torch.Tensor] = []
    batches = plain.data.train.shuffled(plain.shuffle).batches(16)
    for inputs, targets in batches:
        plain._step(inputs, targets, watched=False)
        now = [weight.detach().clone() for weight in model.parameters()]
        average = [0.9 * old + 0.1 * new for old, new in zip(average, now, strict=True)] if average else now
    for weight, value in zip(model.parameters(), average, strict=True):
        weight.data.copy_(value)
    assert report["val_loss"] == pytest.approx(evaluate(model, DATA.validation, cross_entropy, plain.speed).loss)
    assert "average" in ours.tracked
    assert "average" not in plain.tracked


def test_evaluating_in_chunks_changes_nothing_and_leaves_dropout_out():
    many = examples(CHUNK + 10, 5)
    ours = started(replace(SGD, dropout=0.9))
    seen = evaluate(ours.model, many, cross_entropy, ours.speed)
    assert torch.allclose(seen.outputs, ours.model.eval()(many.inputs))
    assert not seen.outputs.requires_grad


def test_batches_of_which_one_example_is_left_over_go_with_batch_norm():
    params = replace(SGD, batch_norm=True, batch_size=7)
    assert 50 % 7 == 1
    assert math.isfinite(started(params).epoch(1)["train_loss"])


def test_augmentation_changes_what_is_trained_on_alone():
    images = Examples(torch.rand(40, 1, 8, 8), torch.arange(40) % 10)
    data = Data(images, images)
    seen: list[float] = []
    for noise in (0.0, 3.0):
        params = ImageParams(lr=1e-12, optimizer="sgd", noise=noise, hidden=4, filters=2)
        run = Run.local(1, seed=0, device="cpu")
        ours = Training(params, models.images(8, 1, 10, params), data, losses.classification(params, 10), run)
        report = ours.epoch(1)
        seen += [report["train_loss"], report["val_loss"]]
    assert seen[0] != pytest.approx(seen[2], rel=1e-4)
    assert seen[1] == seen[3]


def test_black_is_the_darkest_pixel_that_a_channel_has_in_training():
    pixels = torch.randint(10, 200, (40, 3, 8, 8), dtype=torch.uint8)
    pixels[0, :, 0, 0] = torch.tensor([0, 5, 9])
    data = Data(Examples(pixels, torch.arange(40) % 10, Scaling.of(pixels)), Examples(pixels, torch.arange(40) % 10))
    params = ImageParams(shift=0.5, hidden=4, filters=2)
    ours = Training(
        params, models.images(8, 3, 10, params), data, losses.classification(params, 10), Run.local(1, device="cpu")
    )
    scaling = data.train.scaling
    assert scaling is not None
    changed = ours.augment(torch.full((100, 3, 8, 8), 9.0))
    assert torch.allclose(changed.amin((0, 2, 3)), scaling(torch.tensor([0, 5, 9]).view(3, 1, 1)).flatten(), atol=1e-5)


def test_streams_of_random_numbers_differ_by_seed_and_purpose():
    drawn = {tuple(torch.randperm(20, generator=generator(*of)).tolist()) for of in [(0, 0), (1, 0), (0, 1)]}
    assert len(drawn) == 3
    assert generator(5, 1).initial_seed() == generator(5, 1).initial_seed()


def test_without_regularization_penalties_smoothing_and_augmentation_are_off():
    class Memorising:
        without_regularization = True

    params = ImageParams(weight_decay=1.0, l1=0.1, label_smoothing=0.2, crop=2, noise=1.5, erasing=0.8)
    run = Run(3, 1, instrument=Memorising())
    data = Data(
        Examples(torch.randn(8, 1, 8, 8), torch.arange(8) % 3), Examples(torch.randn(8, 1, 8, 8), torch.arange(8) % 3)
    )
    model = models.images(8, 1, 3, params)
    begun = Training(params, model, data, losses.classification(params, 3), run)
    assert begun.augment(data.train.inputs) is data.train.inputs
    before = [weight.clone() for weight in model.parameters()]
    begun.regularize(begun.optimizer)
    assert all(torch.equal(new, old) for new, old in zip(model.parameters(), before, strict=True))
    assert (begun.params.label_smoothing, params.label_smoothing) == (0.0, 0.2)


def test_a_plateau_of_the_training_loss_ignores_the_validation():
    """The labels of the validation contradict those trained on, and the training loss falls."""
    contrary = Data(DATA.train, Examples(DATA.train.inputs, (DATA.train.targets + 1) % 3))
    ours = started(replace(SGD, schedule="plateau", plateau_patience=1, plateau_metric="train_loss"), contrary)
    assert [ours.epoch(epoch)["lr"] for epoch in (1, 2, 3, 4)] == pytest.approx([0.1] * 4)
