"""Trainings of Lightning for tests: a small network on 96 examples, four batches in an epoch."""

import importlib
from pathlib import Path
from typing import Any

import torch
from torch.utils.data import DataLoader, TensorDataset

import hpsearch

try:
    import lightning
    import pytorch_lightning
except ImportError:  # tests of it are skipped
    lightning = pytorch_lightning = None  # type: ignore[assignment]


def network(package: Any) -> Any:
    class Net(package.LightningModule):  # type: ignore[misc]
        def __init__(self, schedule: str):
            super().__init__()
            self.save_hyperparameters()
            self.schedule = schedule
            linear = torch.nn.Linear
            self.layers = torch.nn.Sequential(
                linear(8, 8), torch.nn.BatchNorm1d(8), torch.nn.Dropout(0.3), torch.nn.ReLU(), linear(8, 1)
            )

        def training_step(self, batch: Any, index: int) -> Any:
            loss = (self.layers(batch[0]) - batch[1]).square().mean()
            self.log("train_loss", loss, on_step=False, on_epoch=True)
            return loss

        def on_train_epoch_end(self) -> None:
            self.log("late", float(self.current_epoch))

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", (self.layers(batch[0]) - batch[1]).square().mean())

        def test_step(self, batch: Any, index: int) -> None:
            self.log("test_loss", (self.layers(batch[0]) - batch[1]).square().mean())

        def configure_optimizers(self) -> Any:
            adam = torch.optim.Adam(self.parameters(), 0.1)
            schedules = torch.optim.lr_scheduler
            if self.schedule == "plateau":
                plateau = schedules.ReduceLROnPlateau(adam, patience=0, factor=0.5)
                return {"optimizer": adam, "lr_scheduler": {"scheduler": plateau, "monitor": "val_loss"}}
            if self.schedule == "cycle":
                cycle = schedules.OneCycleLR(adam, 0.1, total_steps=24)
                return {"optimizer": adam, "lr_scheduler": {"scheduler": cycle, "interval": "step"}}
            return adam

    return Net


Net = network(lightning.pytorch) if lightning else None


def fit(params: dict[str, Any], run: Any, own: type | None = None, **options: Any) -> Any:
    package = importlib.import_module(params.get("package", "lightning.pytorch"))
    inputs = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
    data = TensorDataset(inputs, inputs[:, :1])
    workers = params.get("workers", 0)
    callbacks = [hpsearch.lightning_callback(run)]
    if "note" in params:
        callbacks.append(_noting(package, Path(params["note"])))
    if "patience" in params:
        callbacks.append(package.callbacks.EarlyStopping("val_loss", patience=1, min_delta=100.0))
    length = {"max_steps": run.max_epochs, "val_check_interval": 2} if "interval" in params else {}
    trainer = package.Trainer(
        **{
            "max_epochs": -1 if length else run.max_epochs,
            "min_epochs": params.get("min_epochs"),
            "callbacks": callbacks,
            "logger": [_logger(package, Path(params["note"]))] if "note" in params else params.get("logger", False),
            "check_val_every_n_epoch": params.get("every", 1),
            "enable_model_summary": False,
            "accelerator": "cpu",
            **length,
            **options,
        }
    )
    loaders = DataLoader(data, 24, shuffle=True, num_workers=workers), DataLoader(data, 48, num_workers=workers)
    trainer.fit((own or network(package))(params.get("schedule", "none")), *loaders[: 1 if own else 2])
    if "note" in params:
        _write(Path(params["note"]), "fit_returned")
    return trainer, loaders[1]


def train(params: dict[str, Any], run: Any) -> None:
    fit(params, run)


def tested(params: dict[str, Any], run: Any) -> None:
    trainer, loader = fit(params, run)
    trainer.test(dataloaders=loader, verbose=False, ckpt_path=None, model=trainer.lightning_module)
    _write(Path(params["note"]), "tested")


def on_two_devices(params: dict[str, Any], run: Any) -> None:
    fit(params, run, devices=2, strategy="ddp_spawn")


def without_validation(params: dict[str, Any], run: Any) -> None:
    class Unvalidated(network(importlib.import_module("lightning.pytorch"))):  # type: ignore[misc]
        validation_step = None

    fit(params, run, Unvalidated)


def of_another_checkpoint(params: dict[str, Any], run: Any) -> None:
    """Replaces the Trainer's state at the beginning of fit, as a ckpt_path does."""

    class Replaced(lightning.pytorch.callbacks.Callback):  # type: ignore[name-defined, misc]
        def on_fit_start(self, trainer: Any, module: Any) -> None:
            trainer._checkpoint_connector._loaded_checkpoint = {}

    package = lightning.pytorch
    inputs = torch.randn(96, 8, generator=torch.Generator().manual_seed(1))
    data = TensorDataset(inputs, inputs[:, :1])
    callbacks = [hpsearch.lightning_callback(run), Replaced()]
    trainer = package.Trainer(
        max_epochs=run.max_epochs, callbacks=callbacks, logger=False, accelerator="cpu", enable_model_summary=False
    )
    trainer.fit(network(package)("none"), DataLoader(data, 24, shuffle=True), DataLoader(data, 48))


def _noting(package: Any, path: Path) -> Any:
    class Noting(package.callbacks.Callback):  # type: ignore[misc]
        def on_train_end(self, trainer: Any, module: Any) -> None:
            _write(path, "on_train_end")

    return Noting()


def _logger(package: Any, path: Path) -> Any:
    class NotingLogger(package.loggers.Logger):  # type: ignore[misc]
        name, version = "noting", 0

        def log_metrics(self, metrics: Any, step: Any = None) -> None: ...

        def log_hyperparams(self, *_: Any, **__: Any) -> None: ...

        def finalize(self, status: str) -> None:
            _write(path, status)

    return NotingLogger()


def _write(path: Path, line: str) -> None:
    with path.open("a") as file:
        file.write(f"{line}\n")
