"""The roles of reported metrics: training loss, validation loss, fractions, and others.

They are recognised by words in the names (`name_words`), then by the values.
The section [metrics] of the study file overrides this.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

from hpsearch.core.metric_names import PREFIX, is_measured
from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.measured_loss import MEAN, can_be_compared, is_of_last_batch
from hpsearch.doctor.name_words import (
    ACCURACIES,
    LOSSES,
    PERPLEXITIES,
    REWARDS,
    UNSTEADY,
    is_error_rate,
    is_explained_variance,
    is_gain,
    is_loss,
    is_rate,
    is_training,
    is_validation,
    quantity,
    words,
)


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


class Form(StrEnum):
    """How the doctor converts the values of a metric. The values are words for the screen and for `--json`."""

    PLAIN = ""
    PERCENT = "in percent"
    WRONG = "as the fraction that is wrong"
    PERCENT_WRONG = "as the percentage that is wrong"
    NEGATED = "which rises"
    EXPLAINED = "as the explained variance"
    LOGARITHM = "as a perplexity"

    def read(self, value: float) -> float:
        match self:
            case Form.PLAIN:
                return value
            case Form.PERCENT:
                return 0.01 * value
            case Form.WRONG | Form.EXPLAINED:
                return 1 - value
            case Form.PERCENT_WRONG:
                return 1 - 0.01 * value
            case Form.NEGATED:
                return -value
            case Form.LOGARITHM:
                return math.log(max(value, 1e-300))


RATES = ("lr", "learning_rate", "train/lr", "train/learning_rate")
"""Names of learning rates with precedence over others, such as Lightning's `lr-AdamW`."""

PERCENT = 1.5
"""If an accuracy is above this value and none is above 100, they are percentages."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """form: how the values are converted. source: how the role is known."""

    name: str
    role: Role
    form: Form = Form.PLAIN
    source: str = "name"

    def document(self) -> dict[str, Any]:
        percent = self.form in (Form.PERCENT, Form.PERCENT_WRONG)
        return {
            "metric": self.name,
            "means": str(self.role),
            "percent": percent,
            "form": str(self.form),
            "source": self.source,
        }


Ends = Mapping[str, tuple[float, float]]
"""The smallest and the largest value of each metric."""


@dataclass(frozen=True)
class Meanings:
    """by_role: at most one metric for each role. fractions: all accuracies (F1, …) by name.

    comparable: whether the two losses are the same quantity on two splits, so that they can be compared.
    steady: False in adversarial and reinforcement learning, where the losses need not fall.
    last_batch: the reported training loss, if it is that of single batches: the measured mean replaces it. Else "".
    """

    by_role: Mapping[Role, Meaning] = field(default_factory=dict)
    fractions: Mapping[str, Meaning] = field(default_factory=dict)
    comparable: bool = True
    steady: bool = True
    last_batch: str = ""

    def name(self, role: Role) -> str | None:
        found = self.by_role.get(role)
        return found.name if found is not None else None

    @property
    def renamed(self) -> bool:
        """Whether a metric is not named by its role, or its values are converted or not used."""
        differs = any(one.name != str(one.role) or one.form is not Form.PLAIN for one in self.reported)
        return differs or bool(self.last_batch) or not self.steady

    @property
    def reported(self) -> list[Meaning]:
        return [one for one in self.all if not is_measured(one.name)]

    @property
    def all(self) -> list[Meaning]:
        roles = [*self.by_role.values()]
        return roles + [one for name, one in self.fractions.items() if name not in {role.name for role in roles}]

    @classmethod
    def of(cls, trials: Sequence[Trial], objective: Objective, given: Mapping[str, str] | None = None) -> "Meanings":
        """given: the section [metrics] of the study file: role -> name of the metric."""
        ends = _ranges(trials)
        said = {Role(role): name for role, name in (given or {}).items()}
        found = {
            role: Meaning(name, role, form_of_loss(name, objective, ends), "study file") for role, name in said.items()
        }
        names = [name for name in ends if name not in said.values()]
        reported = [name for name in names if not is_measured(name)]
        fractions = _fractions({name: ends[name] for name in reported}, objective)
        for role in (Role.TRAIN_ACCURACY, Role.VAL_ACCURACY):
            if role in found:
                told = found[role]
                found[role] = Meaning(told.name, role, _form_of_fraction(told.name, ends), told.source)
                fractions[told.name] = found[role]
            elif (first := _first_fraction(fractions, role, objective)) is not None:
                found[role] = first
        losses = [name for name in reported if name not in fractions and _can_be_loss(name, objective)]
        steady = [name for name in losses if not words(name) & UNSTEADY and not words(objective.metric) & REWARDS]
        train, validation = _losses(steady, objective, found)
        for role, name in ((Role.TRAIN_LOSS, train), (Role.VAL_LOSS, validation)):
            if name is not None:
                found[role] = Meaning(name, role, form_of_loss(name, objective, ends))
        _named(found, names)
        pair = found.get(Role.TRAIN_LOSS), found.get(Role.VAL_LOSS)
        whole = cls(
            dict(sorted(found.items())),
            fractions,
            Role.VAL_LOSS in said or _alike(*pair),
            bool(steady) or not (losses or words(objective.metric) & REWARDS),
        )
        return whole._with_measured_loss(trials) if MEAN in ends else whole

    def _with_measured_loss(self, trials: Sequence[Trial]) -> "Meanings":
        """With the measured mean as training loss, if none is reported, or only those of single batches."""
        own, held = self.by_role.get(Role.TRAIN_LOSS), self.by_role.get(Role.VAL_LOSS)
        measured = {**self.by_role, Role.TRAIN_LOSS: Meaning(MEAN, Role.TRAIN_LOSS, source="measured")}
        if own is not None:
            is_last = own.form is Form.PLAIN and is_of_last_batch(own.name, trials)
            return replace(self, by_role=measured, last_batch=own.name) if is_last else self
        if not self.steady:
            return self
        alike = held is None or (held.form is Form.PLAIN and can_be_compared(held.name, trials))
        return replace(self, by_role=measured, comparable=alike)


def form_of_loss(name: str, objective: Objective, ends: Ends) -> Form:
    """How the values of a metric that measures the loss are converted, so that smaller is better."""
    if is_explained_variance(name):
        return Form.EXPLAINED
    if words(name) & PERPLEXITIES and ends.get(name, (0.0, 0.0))[0] >= 1:
        return Form.LOGARITHM
    return Form.NEGATED if _rises(name, objective, ends) else Form.PLAIN


def _rises(name: str, objective: Objective, ends: Ends) -> bool:
    if quantity(name) == quantity(objective.metric):
        return objective.goal == "maximize"
    if words(name) == words(name) | {"elbo"}:  # some report the bound, some its negative
        return name in ends and ends[name][1] < 0
    return is_gain(name)


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


def _fractions(ends: Ends, objective: Objective) -> dict[str, Meaning]:
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
            _form_of_fraction(name, ends),
            "name" if words(name) & ACCURACIES or is_error_rate(name) else "values",
        )
        for name in found
    }


def _first_fraction(fractions: Mapping[str, Meaning], role: Role, objective: Objective) -> Meaning | None:
    """The study's metric, or a metric of its quantity, before others."""
    known = [one for one in fractions.values() if one.role is role]
    wanted = quantity(objective.metric)
    return min(known, key=lambda one: (one.name != objective.metric, quantity(one.name) != wanted), default=None)


def _is_accuracy(name: str, low: float, high: float, objective: Objective) -> bool:
    if not 0 <= low <= high <= 100:
        return False
    if is_error_rate(name):
        return True
    if words(name) & (LOSSES | REWARDS | {"norm"}) or is_explained_variance(name):
        return False
    like = objective.goal == "maximize" and quantity(name) == quantity(objective.metric)
    by_values = like and high <= 1 and (name == objective.metric or is_training(name))
    return bool(words(name) & ACCURACIES) or by_values


def _form_of_fraction(name: str, ends: Ends) -> Form:
    percent = PERCENT < ends.get(name, (0.0, 1.0))[1] <= 100
    if is_error_rate(name):
        return Form.PERCENT_WRONG if percent else Form.WRONG
    return Form.PERCENT if percent else Form.PLAIN


def _can_be_loss(name: str, objective: Objective) -> bool:
    """Losses, and quantities that rise, if the name has a split: the doctor reads them as losses."""
    if is_loss(name):
        return True
    has_split = is_training(name) or is_validation(name)
    gains = is_gain(name) or (objective.goal == "maximize" and quantity(name) == quantity(objective.metric))
    return has_split and gains and not words(name) & REWARDS


def _losses(names: Sequence[str], objective: Objective, given: Mapping[Role, Meaning]) -> tuple[str | None, str | None]:
    """The names of the training and the validation loss; None if there is none, or if [metrics] names it."""
    validation = [name for name in names if is_validation(name)]
    training = [name for name in names if is_training(name)]
    plain = [name for name in names if name not in validation and name not in training and name != objective.metric]
    has_split = bool(validation) or objective.metric not in names or len(names) > 1
    train = _first([*training, *(plain if has_split else ())], validation)
    held = _first(validation, [train] if train is not None else [])
    if held is None and objective.goal == "minimize" and objective.metric in names and train is not None:
        held = objective.metric if objective.metric != train else None
    return (
        None if Role.TRAIN_LOSS in given else train,
        None if Role.VAL_LOSS in given else held,
    )


def _first(names: Sequence[str], others: Sequence[str]) -> str | None:
    """The best match: a quantity that the other split has too, before a loss, before a name with a split, before one
    with "loss", before a whole loss in place of its parts, before the shortest name."""
    both = {quantity(name) for name in others}
    return min(
        names,
        key=lambda name: (
            bool(both) and quantity(name) not in both,
            not is_loss(name),
            not (is_training(name) or is_validation(name)),
            "loss" not in words(name),
            quantity(name) != {"loss"},
            "step" in words(name),
            len(name),
        ),
        default=None,
    )


def _alike(train: Meaning | None, validation: Meaning | None) -> bool:
    if train is None or validation is None or quantity(train.name) == quantity(validation.name):
        return True
    return train.source == "study file" and "loss" in words(validation.name)


def _named(found: dict[Role, Meaning], names: Sequence[str]) -> None:
    """Add the rates and norms, which have fixed names."""
    rated = [name for name in names if not is_measured(name) and is_rate(name)]
    first = next((name for name in RATES if name in names), None) or (rated[0] if len(rated) == 1 else None)
    rate = first or next((name for name in names if name == f"{PREFIX}lr"), None)
    if rate is not None:
        found.setdefault(Role.LR, Meaning(rate, Role.LR))
    for role in (Role.GRAD_NORM, Role.WEIGHT_NORM, Role.UPDATE_RATIO):
        name = next((one for one in (str(role), f"train/{role}", f"hpsearch/{role}") if one in names), None)
        if name is not None:
            found.setdefault(role, Meaning(name, role))
