"""Twenty sound trainers, as different as possible."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812
from torch.utils.data import DataLoader, TensorDataset

from hpsearch import Report, Run
from hpsearch.core.trial import Params
from tests.preflight.measure import data
from tests.preflight.measure.data import Split


def fit(
    run: Run, split: Split, model: nn.Module, optimizer: torch.optim.Optimizer, loss_of: Any, **more: Any
) -> Iterator[Report]:
    """The loop that most of them share. more: schedule, size (of a batch), change (of the inputs), score."""
    schedule = more.get("schedule")
    run.track(model=model, optimizer=optimizer, **({"schedule": schedule} if schedule else {}))
    change = more.get("change", lambda inputs: inputs)
    score = more.get("score", accuracy)
    for epoch in run.epochs():
        model.train()
        for inputs, targets in run.batches(minibatches(split, more.get("size", 64))):
            optimizer.zero_grad()
            loss_of(model(change(inputs)), targets).backward()
            if "clip" in more:
                nn.utils.clip_grad_norm_(model.parameters(), more["clip"])
            optimizer.step()
        if schedule is not None:
            schedule.step()
        model.eval()
        with torch.no_grad():
            outputs = model(split.val_inputs)
            loss = loss_of(outputs, split.val_targets)
        yield Report(epoch, {"val_loss": loss.item(), "val_score": score(outputs, split.val_targets)})


def minibatches(split: Split, size: int) -> Iterator[tuple[Tensor, Tensor]]:
    order = torch.randperm(len(split.inputs))
    return ((split.inputs[rows], split.targets[rows]) for rows in order.split(size) if len(rows) > 1)


def accuracy(outputs: Tensor, targets: Tensor) -> float:
    return (outputs.argmax(1) == targets).float().mean().item()


def sides(outputs: Tensor, targets: Tensor) -> float:
    return ((outputs.squeeze(1) > 0) == (targets > 0)).float().mean().item()


def explained(outputs: Tensor, targets: Tensor) -> float:
    """1 - squared error / variance."""
    return 1 - (F.mse_loss(outputs, targets) / targets.var()).item()


def logits(outputs: Tensor, targets: Tensor) -> Tensor:
    return F.binary_cross_entropy_with_logits(outputs.squeeze(1), targets.float())


def mlp(inputs: int, outputs: int, width: int = 64, *, activation: type[nn.Module] = nn.ReLU) -> nn.Sequential:
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, width), activation(), nn.Linear(width, outputs))


# Classification ──────────────────────────────────────────────────────────────────────────────────


def digits_mlp_adam(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10)
    yield from fit(run, data.digits(), model, torch.optim.Adam(model.parameters(), 1e-3), F.cross_entropy)


def digits_linear_sgd(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Linear(64, 10)
    yield from fit(run, data.digits(), model, torch.optim.SGD(model.parameters(), 0.1), F.cross_entropy)


def digits_cnn_batchnorm(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.AdaptiveAvgPool2d(1),
        nn.Flatten(), nn.Linear(32, 10),
    )  # fmt: skip
    optimizer = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, run.max_epochs)
    yield from fit(run, data.images(), model, optimizer, F.cross_entropy, schedule=schedule)


def digits_dropout_smoothed(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.Linear(64, 128), nn.ReLU(), nn.Dropout(0.5), nn.Linear(128, 10))
    loss = nn.CrossEntropyLoss(label_smoothing=0.2)
    yield from fit(run, data.digits(), model, torch.optim.AdamW(model.parameters(), 2e-3, weight_decay=0.1), loss)


def digits_augmented(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(64, 10, 128)

    def shaken(images: Tensor) -> Tensor:
        moved = torch.roll(images, (int(torch.randint(-1, 2, ())), int(torch.randint(-1, 2, ()))), (2, 3))
        return moved + 0.2 * torch.randn_like(images)

    optimizer = torch.optim.RMSprop(model.parameters(), 1e-3)
    yield from fit(run, data.images(), model, optimizer, F.cross_entropy, change=shaken, size=32)


def digits_log_softmax(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 10), nn.LogSoftmax(dim=1))
    yield from fit(run, data.digits(), model, torch.optim.Adagrad(model.parameters(), 0.05), F.nll_loss)


class Residual(nn.Module):
    """Blocks whose last layer begins at zero, so that nothing behind it gets a gradient in the first step."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(64, 48)
        self.blocks = nn.ModuleList(nn.Sequential(nn.Linear(48, 48), nn.GELU(), nn.Linear(48, 48)) for _ in range(3))
        for block in self.blocks:
            nn.init.zeros_(block[2].weight)
        self.last = nn.Linear(48, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs)
        for block in self.blocks:
            hidden = hidden + block(hidden)
        return self.last(F.layer_norm(hidden, (48,)))


def digits_residual(params: Params, run: Run) -> Iterator[Report]:
    model = Residual()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-3)
    warmup = torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=2)
    yield from fit(run, data.digits(), model, optimizer, F.cross_entropy, schedule=warmup, clip=1.0)


def digits_frozen_layer(params: Params, run: Run) -> Iterator[Report]:
    """Random features, meant to stay as they are."""
    model = nn.Sequential(nn.Linear(64, 200), nn.ReLU(), nn.Linear(200, 10))
    model[0].requires_grad_(False)
    yield from fit(run, data.digits(), model, torch.optim.Adam(model[2].parameters(), 3e-3), F.cross_entropy)


def digits_dataloader(params: Params, run: Run) -> Iterator[Report]:
    """As in a tutorial: two DataLoaders, and no `run.batches`."""
    split = data.digits()
    model, loss_of = mlp(64, 10), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True)
    run.track(model=model, optimizer=optimizer)
    train = DataLoader(TensorDataset(split.inputs, split.targets), batch_size=32, shuffle=True)
    val = DataLoader(TensorDataset(split.val_inputs, split.val_targets), batch_size=256)
    for epoch in run.epochs():
        model.train()
        total = 0.0
        for inputs, targets in train:
            loss = loss_of(model(inputs), targets)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(inputs)
        model.eval()
        right = 0
        with torch.no_grad():
            for inputs, targets in val:
                right += int((model(inputs).argmax(1) == targets).sum())
        yield Report(epoch, {"train_loss": total / len(split.inputs), "val_score": right / len(split.val_inputs)})


def digits_accumulated(params: Params, run: Run) -> Iterator[Report]:
    """A step every four minibatches."""
    split, model = data.digits(), mlp(64, 10)
    optimizer = torch.optim.Adam(model.parameters(), 3e-3)
    run.track(model=model, optimizer=optimizer)
    for epoch in run.epochs():
        model.train()
        for number, (inputs, targets) in enumerate(run.batches(minibatches(split, 16)), 1):
            (F.cross_entropy(model(inputs), targets) / 4).backward()
            if number % 4 == 0:
                optimizer.step()
                optimizer.zero_grad()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_score": accuracy(model(split.val_inputs), split.val_targets)})


def cancer_logistic(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Linear(30, 1)
    yield from fit(run, data.cancer(), model, torch.optim.SGD(model.parameters(), 0.1), logits, score=sides)


def cancer_sigmoid(params: Params, run: Run) -> Iterator[Report]:
    """Probabilities, and the loss that takes them."""
    model = nn.Sequential(nn.Linear(30, 16), nn.ReLU(), nn.Linear(16, 1), nn.Sigmoid())

    def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
        return F.binary_cross_entropy(outputs.squeeze(1), targets.float())

    def score(outputs: Tensor, targets: Tensor) -> float:
        return sides(outputs - 0.5, targets)

    yield from fit(run, data.cancer(), model, torch.optim.Adam(model.parameters(), 3e-3), loss_of, score=score)


def wine_small_batches(params: Params, run: Run) -> Iterator[Report]:
    model = mlp(13, 3, 16, activation=nn.SiLU)
    yield from fit(run, data.wine(), model, torch.optim.SGD(model.parameters(), 0.02), F.cross_entropy, size=4)


def spirals_deep(params: Params, run: Run) -> Iterator[Report]:
    layers = [layer for _ in range(3) for layer in (nn.Linear(32, 32), nn.ReLU())]
    model = nn.Sequential(nn.BatchNorm1d(2), nn.Linear(2, 32), nn.ReLU(), *layers, nn.Linear(32, 2))
    yield from fit(run, data.spirals(), model, torch.optim.Adam(model.parameters(), 5e-3), F.cross_entropy, size=25)


def words_attention(params: Params, run: Run) -> Iterator[Report]:
    """Whole numbers in, an embedding, and a softmax inside."""

    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 16)
            self.attention = nn.MultiheadAttention(16, 2, dropout=0.1, batch_first=True)
            self.head = nn.Linear(16, 2)

        def forward(self, texts: Tensor) -> Tensor:
            words = self.embedding(texts)
            mixed, _ = self.attention(words, words, words)
            return self.head((words + mixed).mean(1))

    model = Model()
    yield from fit(run, data.words(), model, torch.optim.Adam(model.parameters(), 2e-3), F.cross_entropy)


def words_recurrent(params: Params, run: Run) -> Iterator[Report]:
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding = nn.Embedding(50, 12)
            self.rnn = nn.GRU(12, 16, batch_first=True)
            self.head = nn.Linear(16, 1)

        def forward(self, texts: Tensor) -> Tensor:
            return self.head(self.rnn(self.embedding(texts))[0][:, -1])

    model = Model()
    optimizer = torch.optim.Adam(model.parameters(), 5e-3)
    yield from fit(run, data.words(), model, optimizer, logits, score=sides, clip=1.0)


# Regression ──────────────────────────────────────────────────────────────────────────────────────


def diabetes_linear(params: Params, run: Run) -> Iterator[Report]:
    """Eleven parameters: it cannot memorise 64 patients."""
    model = nn.Linear(10, 1)
    yield from fit(run, data.diabetes(), model, torch.optim.SGD(model.parameters(), 0.05), F.mse_loss, score=explained)


def diabetes_mlp(params: Params, run: Run) -> Iterator[Report]:
    model = nn.Sequential(nn.Linear(10, 32), nn.LayerNorm(32), nn.ReLU(), nn.Dropout(0.1), nn.Linear(32, 1))
    optimizer = torch.optim.AdamW(model.parameters(), 3e-3)
    yield from fit(run, data.diabetes(), model, optimizer, F.smooth_l1_loss, score=explained, size=32)


def sine_mlp(params: Params, run: Run) -> Iterator[Report]:
    """A penalty of its own on the weights, so the loss has a floor, and a loss that torch has no name for."""
    model = mlp(4, 1, 32, activation=nn.Tanh)

    def loss_of(outputs: Tensor, targets: Tensor) -> Tensor:
        return ((outputs - targets) ** 2).mean() + 1e-4 * sum(p.square().sum() for p in model.parameters())

    yield from fit(run, data.sine(), model, torch.optim.Adam(model.parameters(), 1e-2), loss_of, score=explained)


def sine_one_cycle(params: Params, run: Run) -> Iterator[Report]:
    """A schedule that steps with every minibatch, and may not step once more than it was made for."""
    split, model = data.sine(), mlp(4, 1, 32)
    optimizer = torch.optim.AdamW(model.parameters(), 1e-2)
    size, count = 75, 10
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 2e-2, total_steps=run.max_epochs * count)
    run.track(model=model, optimizer=optimizer, schedule=schedule)
    for epoch in run.epochs():
        model.train()
        for inputs, targets in run.batches(minibatches(split, size)):
            optimizer.zero_grad()
            F.mse_loss(model(inputs), targets).backward()
            optimizer.step()
            schedule.step()
        model.eval()
        with torch.no_grad():
            yield Report(epoch, {"val_score": explained(model(split.val_inputs), split.val_targets)})


ALL = (
    digits_mlp_adam, digits_linear_sgd, digits_cnn_batchnorm, digits_dropout_smoothed, digits_augmented,
    digits_log_softmax, digits_residual, digits_frozen_layer, digits_dataloader, digits_accumulated,
    cancer_logistic, cancer_sigmoid, wine_small_batches, spirals_deep, words_attention, words_recurrent,
    diabetes_linear, diabetes_mlp, sine_mlp, sine_one_cycle,
)  # fmt: skip
