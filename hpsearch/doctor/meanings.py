"""The roles of reported metrics: training loss, validation loss, fractions, and others.

They are recognised by words in the names, as PyTorch, Lightning, Keras and transformers write them, then by the values.
The section [metrics] of the study file overrides this.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from typing import Any

from hpsearch.core.measured import PREFIX, is_measured
from hpsearch.core.trial import Objective, Trial


class Role(StrEnum):
    """The role of a metric. The values are keys of [metrics] and names in `--json` documents."""

    TRAIN_LOSS = "train_loss"
    VAL_LOSS = "val_loss"
    TRAIN_ACCURACY = "train_accuracy"
    VAL_ACCURACY = "val_accuracy"
    LR = "lr"
    GRAD_NORM = "grad_norm"
    WEIGHT_NORM = "weight_norm"
    UPDATE_RATIO = "update_ratio"


TRAINING = frozenset({"train", "training", "trn", "tr", "running", "epoch", "batch", "tloss", "tacc"})
VALIDATION = frozenset(
    {
        *("val", "valid", "validation", "vld", "vloss", "vacc", "eval", "evaluation", "test", "testing", "dev"),
        *("holdout", "heldout", "oof"),
    }
)
HOW = frozenset({"step", "avg", "average", "mean", "total"})
"""Words for how a metric is aggregated; they do not change the quantity. Lightning reports `loss_step`."""

LOSSES = frozenset(
    {
        *("loss", "losses", "cost", "nll", "bce", "ce", "xent", "crossentropy", "entropy", "logloss", "elbo", "hinge"),
        *("mse", "rmse", "mae", "mape", "smape", "msle", "rmsle", "nmse", "nrmse", "error", "err", "perplexity", "ppl"),
        *("objective", "tloss", "vloss", "huber", "l1", "l2", "logcosh", "pinball", "quantile", "deviance"),
        *("kl", "kld", "focal", "triplet", "bpc", "bpb", "wer", "cer"),
    }
)
ACCURACIES = frozenset(
    {
        *("accuracy", "acc", "acc1", "acc5", "tacc", "vacc", "top1", "top5", "prec1", "prec5"),
        *("auroc", "auc", "auprc", "f1", "fscore", "precision", "recall", "sensitivity", "specificity"),
        *("iou", "miou", "jaccard", "dice", "map", "map50", "ap", "ndcg", "mrr", "hits", "kappa", "mcc"),
        *("bleu", "rouge"),
    }
)
RATES = ("lr", "learning_rate", "train/lr", "train/learning_rate")
"""Names of learning rates with precedence over others, such as Lightning's `lr-AdamW`."""

PERCENT = 1.5
"""If an accuracy is above this value and none is above 100, they are percentages."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """factor: by which the doctor multiplies the values, 0.01 for a percentage. source: how the role is known."""

    name: str
    role: Role
    factor: float = 1.0
    source: str = "name"

    def document(self) -> dict[str, Any]:
        return {"metric": self.name, "means": str(self.role), "percent": self.factor != 1.0, "source": self.source}


@dataclass(frozen=True)
class Meanings:
    """by_role: at most one metric for each role. fractions: all accuracies (F1, …) by name.

    comparable: whether the two losses are the same quantity on two splits, so that they can be compared.
    """

    by_role: Mapping[Role, Meaning] = field(default_factory=dict)
    fractions: Mapping[str, Meaning] = field(default_factory=dict)
    comparable: bool = True

    def name(self, role: Role) -> str | None:
        found = self.by_role.get(role)
        return found.name if found is not None else None

    @property
    def renamed(self) -> bool:
        """Whether a metric is not named by its role, or is not a fraction of 1."""
        return any(one.name != str(one.role) or one.factor != 1 for one in self.reported)

    @property
    def reported(self) -> list[Meaning]:
        return [one for one in self.all if not is_measured(one.name)]

    @property
    def all(self) -> list[Meaning]:
        roles = [*self.by_role.values()]
        return roles + [one for name, one in self.fractions.items() if name not in {role.name for role in roles}]

    @classmethod
    def of(cls, trials: Iterable[Trial], objective: Objective, given: Mapping[str, str] | None = None) -> "Meanings":
        """given: the section [metrics] of the study file: role -> name of the metric."""
        ends = _ranges(trials)
        said = {Role(role): name for role, name in (given or {}).items()}
        found = {role: Meaning(name, role, source="study file") for role, name in said.items()}
        names = [name for name in ends if name not in said.values()]
        reported = [name for name in names if not is_measured(name)]
        fractions = _fractions({name: ends[name] for name in reported}, objective)
        for role in (Role.TRAIN_ACCURACY, Role.VAL_ACCURACY):
            if role in found:
                told = found[role]
                found[role] = Meaning(told.name, role, _factor(ends.get(told.name, (0.0, 1.0))), told.source)
                fractions[told.name] = found[role]
            elif (first := next((one for one in fractions.values() if one.role is role), None)) is not None:
                found[role] = first
        losses = [name for name in reported if name not in fractions and words(name) & LOSSES]
        train, validation = _losses(losses, objective, found)
        for role, name in ((Role.TRAIN_LOSS, train), (Role.VAL_LOSS, validation)):
            if name is not None:
                found[role] = Meaning(name, role)
        _named(found, names)
        pair = found.get(Role.TRAIN_LOSS), found.get(Role.VAL_LOSS)
        return cls(dict(sorted(found.items())), fractions, Role.VAL_LOSS in said or _alike(*pair))


@cache
def words(name: str) -> frozenset[str]:
    """The words of a metric's name in lower case: `val/top1`, `evalLoss` and `Test Acc` have two each."""
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("mAP", " map "))
    return frozenset(re.findall(r"[a-z]+[0-9]*", spaced.lower()))


def is_validation(name: str) -> bool:
    return bool(words(name) & VALIDATION)


def is_training(name: str) -> bool:
    return bool(words(name) & TRAINING) and not is_validation(name)


def _ranges(trials: Iterable[Trial]) -> dict[str, tuple[float, float]]:
    """The smallest and the largest finite value of each metric over all trials."""
    ends: dict[str, tuple[float, float]] = {}
    for trial in trials:
        for report in trial.curve:
            for name, value in report.metrics.items():
                low, high = ends.get(name, (float("inf"), float("-inf")))
                if value - value == 0:
                    low, high = min(low, value), max(high, value)
                ends[name] = low, high
    return ends


def _fractions(ends: Mapping[str, tuple[float, float]], objective: Objective) -> dict[str, Meaning]:
    """The accuracies, recognised by name, or by their values if the study maximises one.

    An accuracy without a split in its name belongs to the training split if a validation accuracy of the same kind is
    reported too.
    """
    found = [name for name in ends if _is_accuracy(name, *ends[name], objective)]
    held = {quantity(name) for name in found if is_validation(name)}
    return {
        name: Meaning(
            name,
            Role.TRAIN_ACCURACY
            if is_training(name) or (not is_validation(name) and name != objective.metric and quantity(name) in held)
            else Role.VAL_ACCURACY,
            _factor(ends[name]),
            "name" if words(name) & ACCURACIES else "values",
        )
        for name in found
    }


def _is_accuracy(name: str, low: float, high: float, objective: Objective) -> bool:
    if not 0 <= low <= high <= 100 or words(name) & (LOSSES | {"norm"}):
        return False
    is_objective = name == objective.metric and objective.goal == "maximize"
    return bool(words(name) & ACCURACIES) or (is_objective and high <= 1)


def _factor(ends: tuple[float, float]) -> float:
    return 0.01 if PERCENT < ends[1] <= 100 else 1.0


def _losses(names: Sequence[str], objective: Objective, given: Mapping[Role, Meaning]) -> tuple[str | None, str | None]:
    """The names of the training and the validation loss; None if there is none, or if [metrics] names it."""
    validation = [name for name in names if is_validation(name)]
    training = [name for name in names if is_training(name)]
    plain = [name for name in names if name not in validation and name not in training and name != objective.metric]
    has_split = bool(validation) or objective.metric not in names or len(names) > 1
    train = _first(training) or (_first(plain) if has_split else None)
    held = _first(validation, like=train)
    if held is None and objective.goal == "minimize" and objective.metric in names and train is not None:
        held = objective.metric if objective.metric != train else None
    return (
        None if Role.TRAIN_LOSS in given else train,
        None if Role.VAL_LOSS in given else held,
    )


def _first(names: Sequence[str], like: str | None = None) -> str | None:
    """The best match: a name with "loss" or the quantity of `like` before mse and the like, then the shortest name."""
    return min(
        names,
        key=lambda name: (
            like is None or quantity(name) != quantity(like),
            "loss" not in words(name),
            "step" in words(name),
            len(name),
        ),
        default=None,
    )


def quantity(name: str) -> frozenset[str]:
    """The measured quantity: the words of the name without those for the split."""
    return words(name) - TRAINING - VALIDATION - HOW


def _alike(train: Meaning | None, validation: Meaning | None) -> bool:
    if train is None or validation is None or quantity(train.name) == quantity(validation.name):
        return True
    return train.source == "study file" and "loss" in words(validation.name)


def _is_rate(name: str) -> bool:
    return "lr" in words(name) or words(name) >= {"learning", "rate"}


def _named(found: dict[Role, Meaning], names: Sequence[str]) -> None:
    """Add the rates and norms, which have fixed names."""
    rated = [name for name in names if not is_measured(name) and _is_rate(name)]
    first = next((name for name in RATES if name in names), None) or (rated[0] if len(rated) == 1 else None)
    rate = first or next((name for name in names if name == f"{PREFIX}lr"), None)
    if rate is not None:
        found.setdefault(Role.LR, Meaning(rate, Role.LR))
    for role in (Role.GRAD_NORM, Role.WEIGHT_NORM, Role.UPDATE_RATIO):
        name = next((one for one in (str(role), f"train/{role}", f"hpsearch/{role}") if one in names), None)
        if name is not None:
            found.setdefault(role, Meaning(name, role))
