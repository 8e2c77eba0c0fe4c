"""A trainer: an ordinary PyTorch training that yields a Report at the end of every epoch. Replace it with your own."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import Tensor
from torch.nn.functional import cross_entropy, nll_loss

from hpsearch import Part, Predictions, Report, Run, check_unsealed


def train(params: Mapping[str, Any], run: Run) -> Iterator[Report]:
    x, y = load("train", run.device)
    x_val, y_val = load("validation", run.device)
    model = build(params).to(run.device)
    if params["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=params["lr"], momentum=params["momentum"])
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=params["lr"])

    run.track(model=model, optimizer=optimizer)  # the content of a checkpoint; restored here when a trial is resumed
    for epoch in run.epochs():
        total = 0.0
        for batch in torch.randperm(len(x), device=run.device).split(params["batch_size"]):
            loss = cross_entropy(model(x[batch]), y[batch])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        with torch.no_grad():
            scores = model(x_val)
            accuracy = (scores.argmax(1) == y_val).float().mean().item()
            val_loss = cross_entropy(scores, y_val).item()
        yield Report(epoch, {"train_loss": total / len(x), "val_loss": val_loss, "val_accuracy": accuracy})


def build(params: Mapping[str, Any]) -> torch.nn.Module:
    hidden = params["hidden"]
    return torch.nn.Sequential(torch.nn.Linear(64, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, 10))


def load(part: str, device: str) -> tuple[Tensor, Tensor]:
    """60 % for training, 20 % for validation, 20 % for the test set, which is sealed until the study is evaluated."""
    if part == "test":
        check_unsealed()
    images, labels = load_digits(return_X_y=True)
    x, x_test, y, y_test = train_test_split(images / 16, labels, test_size=0.2, stratify=labels, random_state=0)
    x, x_val, y, y_val = train_test_split(x, y, test_size=0.25, stratify=y, random_state=0)
    inputs, targets = {"train": (x, y), "validation": (x_val, y_val), "test": (x_test, y_test)}[part]
    return torch.tensor(inputs, dtype=torch.float32, device=device), torch.tensor(targets, device=device)


# For `hpsearch evaluate`: predictions of a trained model, and their metrics ───────────────────────


def predict(params: Mapping[str, Any], run: Run, part: Part) -> Predictions:
    model = build(params).to(run.device)
    run.track(model=model)  # the weights of its best epoch
    x, y = load(part, run.device)
    with torch.no_grad():
        return Predictions(model(x).softmax(1).cpu().numpy(), y.cpu().numpy())


def score(predictions: Predictions) -> Mapping[str, float]:
    chances, y = torch.tensor(predictions.outputs), torch.tensor(predictions.targets)
    return {"loss": nll_loss(chances.log(), y).item(), "accuracy": (chances.argmax(1) == y).float().mean().item()}


if __name__ == "__main__":
    for report in train({"lr": 0.01, "hidden": 64, "optimizer": "adam", "batch_size": 64}, Run.local(epochs=5)):
        print(report)
