"""WHEN of the kit is right: each parameter changes the training where WHEN says that it acts, and nowhere else."""

from dataclasses import fields
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Run
from hpsearch.study.definition import Study
from hpsearch.study.parameter_effects import ParameterEffects, without_effect
from hpsearch.trainer.source import source_check
from trainers import diabetes, digits
from trainers.kit.training import Settings

BASE = {"batch_size": 512, "lr": 0.02}
CHANGED: dict[str, Any] = {
    **{"activation": "tanh", "init": "xavier", "init_std": 0.3, "dropout": 0.5, "batch_norm": True, "hidden": 12},
    **{"hidden_layers": 2, "widths": "24-12", "model": "cnn", "loss": "mse", "label_smoothing": 0.2, "l1": 0.1},
    **{"weight_decay": 0.1, "decoupled": True, "clip_norm": 0.01, "clip_value": 0.001, "schedule": "linear"},
    **{"warmup": 1.5, "warmup_from": 0.5, "step_epochs": 1, "step_at": "1", "step_factor": 0.5},
    **{"exponential_factor": 0.5, "plateau_factor": 0.5, "plateau_patience": 1, "final_factor": 0.5},
    **{"restart_epochs": 1, "restart_growth": 2, "optimizer": "rmsprop", "lr": 0.1, "batch_size": 128},
    "plateau_metric": "train_loss",
    **{"lr_for_batch": 64, "momentum": 0.5, "beta1": 0.5, "beta2": 0.9, "rho": 0.5, "eps": 0.1},
    **{"weight_average": 0.9, "loss_smoothing": 0.5, "filters": 4, "blocks": 1, "kernel": 5, "stride": 2},
    **{"pooling": "average", "shift": 0.3, "zoom": 0.3, "rotation": 20.0, "crop": 2, "flip": 0.5, "distortion": 0.1},
    **{"brightness": 0.5, "contrast": 0.5, "channel_shift": 0.5, "noise": 0.5, "erasing": 0.9},
    **{"leaky_slope": 0.3, "filter_counts": "3-5", "padding": "none", "dropout_samples": 2, "ten_crop": 2},
}
REPORT_ONLY = {"amp", "channels_last", "compiled", "snapshots", "throughput", "loss_smoothing"}
"""They need a GPU, or change nothing that the study's metric depends on."""

OTHERS: dict[str, list[dict[str, Any]]] = {
    "": [{}],
    "models": [{"model": "linear"}, {"model": "mlp", "hidden_layers": 0}, {"model": "cnn", "filters": 2, "blocks": 1}],
    "resnet": [{"model": "resnet", "filters": 2, "blocks": 1}],
    "widths": [{"widths": "8"}],
    "init": [{"init": "torch", "model": "linear"}, {"init": "torch"}, {"init": "gaussian"}],
    "leak": [{"activation": "leaky_relu"}, {"activation": "leaky_relu", "init": "torch"}],
    "counts": [{"model": "cnn", "filter_counts": "3"}],
    "dropout": [{"dropout": 0.5}],
    "optimizers": [{"optimizer": "sgd"}, {"optimizer": "adadelta", "lr": 1.0}, {"optimizer": "adamw"}],
    "decay": [{"weight_decay": 0.1}, {"weight_decay": 0.1, "optimizer": "sgd"}, {"optimizer": "adamw"}],
    "schedules": [{"schedule": name} for name in ("step", "exponential", "cosine", "restarts")] + [{"warmup": 1.0}],
    "steps": [{"schedule": "step", "step_epochs": 1}],
    "cycles": [{"schedule": "restarts", "restart_epochs": 1}],
    "loss": [{"loss": "mse"}],
}
"""Settings beside the changed parameter, by what they are about."""

ABOUT = {
    **dict.fromkeys(("hidden", "hidden_layers", "dropout", "batch_norm", "activation"), ("models", "widths")),
    **dict.fromkeys(("kernel", "pooling", "stride", "padding", "filter_counts"), ("models",)),
    **{"leaky_slope": ("leak",), "dropout_samples": ("dropout",)},
    **{"activation": ("models", "init", "widths"), "init_std": ("init",), "label_smoothing": ("loss",)},
    **dict.fromkeys(("momentum", "beta1", "beta2", "rho", "eps"), ("optimizers",)),
    **{"decoupled": ("decay",), "filters": ("resnet", "counts"), "blocks": ("models", "counts"), "widths": ("models",)},
    **dict.fromkeys(
        ("warmup_from", "step_epochs", "step_at", "exponential_factor", "final_factor", "restart_epochs"),
        ("schedules",),
    ),
    **{"step_factor": ("steps",), "restart_growth": ("cycles",)},
}


def values(params: dict[str, Any]) -> list[float]:
    return _values(tuple(sorted(params.items())))


@cache
def _values(params: tuple[tuple[str, Any], ...]) -> list[float]:
    reports = digits.train(digits.Params(**dict(params)), Run.local(epochs=3, device="cpu"))
    return [float(f"{report.metrics['val_loss']:.5g}") for report in reports]  # without rounding errors


def acts(name: str, others: dict[str, Any], use: str = "trainers.digits:train") -> bool:
    """By `hpsearch check`."""
    options = {key: value for key, value in {**BASE, **others}.items() if key != name}
    study = Study.from_dict(
        {
            "study": {"name": "s", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": use, "epochs": 3, "options": options},
            "space": {name: {"values": [CHANGED.get(name, True)]}, "unused": [1, 2]},
            "search": {"method": "random", "trials": 1},
        }
    )
    return ("space", name) not in [path for path, _ in without_effect(study, effects(use))]


@cache
def effects(use: str) -> ParameterEffects:
    return source_check.check(use, use, Path(), set(), {"val_loss"}).effects


@pytest.mark.parametrize("name", [field.name for field in fields(digits.Params) if field.name not in REPORT_ONLY])
def test_a_parameter_changes_the_training_where_it_is_said_to_act(name: str) -> None:
    said, found = {}, {}
    for others in [{}, *(one for about in ABOUT.get(name, ()) for one in OTHERS[about])]:
        if name in others or (name == "stride" and others.get("blocks") == 1):
            continue
        base = {**BASE, **others}
        if name.startswith("plateau"):
            continue  # it acts after epochs without progress
        said[str(others)] = acts(name, others)
        found[str(others)] = values(base) != values({**base, name: CHANGED[name]})
    assert found == said


@pytest.mark.parametrize("name", sorted(REPORT_ONLY))
def test_what_only_changes_reports_or_needs_a_gpu_does_nothing_for_the_metric(name: str) -> None:
    assert not acts(name, {})


@pytest.mark.parametrize("name", ["plateau_factor", "plateau_patience", "plateau_metric"])
def test_a_plateau_has_parameters_of_its_own(name: str) -> None:
    assert (acts(name, {}), acts(name, {"schedule": "plateau"})) == (False, True)


def test_a_regression_has_one_loss() -> None:
    assert not acts("loss", {}, "trainers.diabetes:train")
    assert not acts("label_smoothing", {}, "trainers.diabetes:train")
    assert diabetes.Params.WHEN.keys() == {"loss", "label_smoothing"}


def test_what_is_said_is_about_parameters() -> None:
    names = {field.name for field in fields(digits.Params)} | {"run.device", "study.metric"}
    for kind in (digits.Params, *digits.Params.__mro__):
        for name, needs in getattr(kind, "WHEN", {}).items():
            tables = [needs] if isinstance(needs, dict) else needs
            assert {name, *(other for table in tables for other in table)} <= names
    assert Settings.WHEN
