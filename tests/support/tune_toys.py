"""Trainings as users write them for ray.tune. They use nothing of hpsearch except `hpsearch.report`."""

import random
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any

import torch
from ray import tune
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

import hpsearch


def data() -> tuple[torch.Tensor, torch.Tensor]:
    inputs = torch.randn(64, 6, generator=torch.Generator().manual_seed(0))
    return inputs, inputs.sum(1, keepdim=True).sin()


class Network(tune.Trainable):  # type: ignore[misc]
    """A training whose checkpoint is a file. It draws from every global random state."""

    def setup(self, config: dict[str, Any]) -> None:
        self.inputs, self.targets = data()
        self.model = nn.Sequential(nn.Linear(6, 12), nn.BatchNorm1d(12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config["lr"])

    def step(self) -> dict[str, Any]:
        loss = torch.zeros(())
        self.model.train()
        for rows in torch.randperm(64).split(16):
            loss = nn.functional.mse_loss(self.model(self.inputs[rows] * random.uniform(0.9, 1.1)), self.targets[rows])
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
        self.model.eval()
        with torch.no_grad():
            validation = nn.functional.mse_loss(self.model(self.inputs), self.targets)
        return {"val_loss": validation.item(), "train": {"loss": loss.item()}, "iteration": self.iteration}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        torch.save(
            {"model": self.model.state_dict(), "optimizer": self.optimizer.state_dict()},
            Path(checkpoint_dir) / "state.pt",
        )

    def load_checkpoint(self, checkpoint: Any) -> None:
        state = torch.load(Path(checkpoint) / "state.pt")
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])

    def cleanup(self) -> None:
        if note := self.config.get("note"):
            Path(note).touch()


class Counter(tune.Trainable):  # type: ignore[misc]
    """Its checkpoint is a dictionary. It reports when it is done, and fails at the step that the parameters name."""

    def setup(self, config: dict[str, Any]) -> None:
        self.count = 0

    def step(self) -> dict[str, Any]:
        self.count += 1
        if self.count == self.config.get("wrong_at"):
            raise ValueError("no such batch")
        done = self.count >= self.config.get("last", 100)
        return {"val_loss": 1.0 / self.count + random.random(), "done": done, "name": "counter", "flag": True}

    def save_checkpoint(self, checkpoint_dir: str) -> dict[str, Any]:
        if self.config.get("unsaved"):
            raise ValueError("nothing to save")
        return {"count": self.count}

    def load_checkpoint(self, checkpoint: Any) -> None:
        self.count = checkpoint["count"]


class Forgetful(tune.Trainable):  # type: ignore[misc]
    """Saves nothing."""

    def step(self) -> dict[str, Any]:
        return {"val_loss": 1.0 / self.iteration if self.iteration else 2.0}


def network(config: dict[str, Any]) -> None:
    """A training as in Tune's guide: a checkpoint every `every` epochs, with the random state."""
    loader = DataLoader(TensorDataset(*data()), batch_size=16, shuffle=True)
    model = nn.Sequential(nn.Linear(6, 12), nn.ReLU(), nn.Dropout(0.3), nn.Linear(12, 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    first = 1
    if given := tune.get_checkpoint():
        with given.as_directory() as folder:
            state = torch.load(Path(folder) / "state.pt")
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"])
        first = state["epoch"] + 1
    try:
        for epoch in range(first, 100):
            for batch, wanted in loader:
                loss = nn.functional.mse_loss(model(batch), wanted)
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()
            metrics = {"val_loss": loss.item(), "epoch": epoch, "threads": torch.get_num_threads()}
            if epoch % config.get("every", 1):
                tune.report(metrics)
                continue
            with tempfile.TemporaryDirectory() as folder:
                state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
                torch.save({**state, "random": torch.get_rng_state()}, Path(folder) / "state.pt")
                tune.report(metrics, checkpoint=tune.Checkpoint.from_directory(folder))
    finally:
        if note := config.get("note"):
            Path(note).touch()


def short(config: dict[str, Any]) -> None:
    """Returns, or fails, after `last` reports; saves nothing."""
    for epoch in range(1, int(config["last"]) + 1):
        tune.report({"val_loss": random.random() + epoch})
    if config.get("wrong"):
        raise ValueError("no such batch")


def returned(config: dict[str, Any]) -> dict[str, float]:
    return {"val_loss": 0.5}


def number(config: dict[str, Any]) -> float:
    return float(config["lr"])


def reports_to_hpsearch(config: dict[str, Any]) -> None:
    for epoch in range(1, 4):
        hpsearch.report(epoch, {"val_loss": float(epoch)})


def reports_nothing(config: dict[str, Any]) -> None:
    """Neither a generator nor a caller of Tune."""


def catches_system_exit(config: dict[str, Any]) -> None:
    """Catches SystemExit and continues."""
    while True:
        with suppress(SystemExit):
            tune.report({"val_loss": 1.0})
