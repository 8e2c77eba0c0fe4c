"""What the curve doctor can say about a training, and what it says with it."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Label(StrEnum):
    """What a curve looks like, causes before what follows from them."""

    DIVERGED = "diverged"
    LR_TOO_HIGH = "learning rate too high"
    EXPLODING_GRADIENTS = "exploding gradients"
    VANISHING_GRADIENTS = "vanishing gradients"
    PLATEAU = "plateau at the start"
    LR_TOO_LOW = "learning rate too low"
    NOISY_VALIDATION = "noisy validation"
    METRIC_STUCK = "loss falls, metric does not"
    DECAYED_TOO_EARLY = "decayed too early"
    OVERFITTING = "overfitting"
    STILL_IMPROVING = "still improving"
    UNDERFITTING = "underfitting"
    HEALTHY = "healthy"
    TOO_EARLY = "too early to say"


class Severity(StrEnum):
    """How much a finding costs.

    SEVERE: nothing useful was learnt, so that what else the curve shows means nothing.
    WARNING: something is to be changed before a longer training would help.
    HINT: going on would help. NONE: nothing is wrong, or nothing can be said.
    """

    SEVERE = "severe"
    WARNING = "warning"
    HINT = "hint"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a trial's curve shows.

    evidence: what was seen, in words with its numbers; numbers: the same by name, for a program.
    epochs: the first and the last one that show it; (0, 0) where there are none.
    """

    label: Label
    severity: Severity
    evidence: str
    numbers: Mapping[str, float]
    epochs: tuple[int, int]

    @property
    def advice(self) -> str:
        return ADVICE[self.label]

    def document(self) -> dict[str, Any]:
        return {**asdict(self), "advice": self.advice}


ADVICE: Mapping[Label, str] = {
    Label.DIVERGED: "Lower the learning rate by a factor of 10, or clip the gradients; "
    "where it happens in the first steps, begin with smaller weights.",
    Label.LR_TOO_HIGH: "Lower the learning rate by a factor of 3 to 10, or warm it up.",
    Label.EXPLODING_GRADIENTS: "Begin with smaller weights (He or Glorot initialisation), standardise the inputs, "
    "take the loss's mean over the batch, or clip the gradients.",
    Label.VANISHING_GRADIENTS: "Use ReLU or GELU in place of sigmoid or tanh, normalise the layers, "
    "add residual connections, or use fewer layers.",
    Label.PLATEAU: "Look at the initial weights (all zero, or so that no unit is ever active), "
    "at the learning rate, and whether the labels belong to the inputs.",
    Label.LR_TOO_LOW: "Raise the learning rate by a factor of 10.",
    Label.METRIC_STUCK: "See whether labels and inputs still belong together after shuffling and splitting, "
    "and what the metric is computed on: what is learnt are the training examples by heart.",
    Label.DECAYED_TOO_EARLY: "Lower the learning rate later, or by less.",
    Label.NOISY_VALIDATION: "Validate on more examples, or on folds (trainer.validation): with so few, which trial is "
    "better is luck.",
    Label.OVERFITTING: "Regularise more (weight decay, dropout, augmentation), use more data, or stop sooner.",
    Label.STILL_IMPROVING: "Train longer.",
    Label.UNDERFITTING: "Use a larger network, regularise less, or give it inputs that say more.",
    Label.HEALTHY: "Nothing to mend.",
    Label.TOO_EARLY: "Train for more epochs, and report train_loss and val_loss.",
}
