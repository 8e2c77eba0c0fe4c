"""The same curves under other names and in other units."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.doctor.meanings import Meanings, Role

STYLES: dict[str, Mapping[Role, str]] = {
    "Keras": {
        Role.TRAIN_LOSS: "loss",
        Role.VAL_LOSS: "val_loss",
        Role.TRAIN_ACCURACY: "accuracy",
        Role.VAL_ACCURACY: "val_accuracy",
    },
    "Lightning": {
        Role.TRAIN_LOSS: "train/loss_epoch",
        Role.VAL_LOSS: "val/loss_epoch",
        Role.TRAIN_ACCURACY: "train/acc",
        Role.VAL_ACCURACY: "val/acc",
    },
    "transformers": {
        Role.TRAIN_LOSS: "loss",
        Role.VAL_LOSS: "eval_loss",
        Role.TRAIN_ACCURACY: "train_accuracy",
        Role.VAL_ACCURACY: "eval_accuracy",
    },
    "printed": {
        Role.TRAIN_LOSS: "Training Loss",
        Role.VAL_LOSS: "Test Loss",
        Role.TRAIN_ACCURACY: "Training Accuracy",
        Role.VAL_ACCURACY: "Test Top1",
    },
    "camel case": {
        Role.TRAIN_LOSS: "trainLoss",
        Role.VAL_LOSS: "validationLoss",
        Role.TRAIN_ACCURACY: "trainAcc",
        Role.VAL_ACCURACY: "validationAcc",
    },
}

MEANINGLESS: Mapping[Role, str] = {
    Role.TRAIN_LOSS: "a",
    Role.VAL_LOSS: "b",
    Role.TRAIN_ACCURACY: "c",
    Role.VAL_ACCURACY: "d",
}
"""Names that only [metrics] explains."""


def renaming(meanings: Meanings, style: Mapping[Role, str]) -> dict[str, str]:
    """By the name of a metric, that in another style; other metrics keep theirs."""
    return {one.name: style[role] for role, one in meanings.by_role.items() if role in style}


def changed(trial: Trial, names: Mapping[str, str], value: Callable[[str, float], float]) -> Trial:
    """value: the new value of a metric, by its old name."""
    rows = ({names.get(name, name): value(name, old) for name, old in one.metrics.items()} for one in trial.curve)
    curve = tuple(Report(report.step, row) for report, row in zip(trial.curve, rows, strict=True))
    return replace(trial, curve=curve)


def objective(old: Objective, names: Mapping[str, str]) -> Objective:
    return replace(old, metric=names.get(old.metric, old.metric))
