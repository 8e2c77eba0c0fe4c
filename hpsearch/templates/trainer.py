"""A trainer: an ordinary PyTorch training that yields a Report at the end of every epoch. Put your own in its place."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch.nn.functional import cross_entropy

from hpsearch import Report, Run


def train(params: Mapping[str, Any], run: Run) -> Iterator[Report]:
    images, labels = load_digits(return_X_y=True)
    split = train_test_split(images / 16, labels, test_size=0.25, stratify=labels, random_state=0)
    x, x_val = (torch.tensor(part, dtype=torch.float32, device=run.device) for part in split[:2])
    y, y_val = (torch.tensor(part, device=run.device) for part in split[2:])

    model = torch.nn.Sequential(
        torch.nn.Linear(64, params["hidden"]), torch.nn.ReLU(), torch.nn.Linear(params["hidden"], 10)
    ).to(run.device)
    if params["optimizer"] == "sgd":
        optimizer = torch.optim.SGD(model.parameters(), lr=params["lr"], momentum=params["momentum"])
    else:
        optimizer = torch.optim.Adam(model.parameters(), lr=params["lr"])

    run.track(model=model, optimizer=optimizer)  # what a checkpoint holds; restored here when a trial goes on
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


if __name__ == "__main__":
    for report in train({"lr": 0.01, "hidden": 64, "optimizer": "adam", "batch_size": 64}, Run.local(epochs=5)):
        print(report)
