"""The findings of the curve doctor: label, severity, evidence and advice."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hpsearch.doctor.evidence import Fact


class Label(StrEnum):
    """Kinds of findings, causes before their consequences. The values are in `--json` documents: never renamed."""

    DIVERGED = "diverged"
    ACCUMULATING = "gradients accumulate"
    LR_TOO_HIGH = "learning rate too high"
    EXPLODING_GRADIENTS = "exploding gradients"
    VANISHING_GRADIENTS = "vanishing gradients"
    PLATEAU = "plateau at the start"
    LR_TOO_LOW = "learning rate too low"
    NOISY_VALIDATION = "noisy validation"
    METRIC_STUCK = "loss falls, metric does not"
    DECAYED_TOO_EARLY = "decayed too early"
    OVERFITTING = "overfitting"
    SLOW_START = "flat at first, then falling"
    STILL_IMPROVING = "still improving"
    UNDERFITTING = "underfitting"
    PLATEAU_AT_END = "plateau at the end"
    BEHIND = "far behind the best"
    HEALTHY = "healthy"
    TOO_EARLY = "too early to say"


class Severity(StrEnum):
    """SEVERE: nothing useful was learnt, so other findings of the curve have no meaning. WARNING: change something
    before training longer. HINT: longer training helps. NONE: nothing is wrong, or nothing can be judged.
    """

    SEVERE = "severe"
    WARNING = "warning"
    HINT = "hint"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Finding:
    """A finding of a trial's curve.

    facts: the evidence. numbers: the quantities that were compared with limits, by name, for programs.
    epochs: the first and the last epoch that show it; (0, 0) if there are none.
    """

    label: Label
    severity: Severity
    facts: tuple[Fact, ...]
    numbers: Mapping[str, float]
    epochs: tuple[int, int]

    @property
    def evidence(self) -> str:
        return "; ".join(map(str, self.facts))

    @property
    def advice(self) -> str:
        return ADVICE[self.label]

    def document(self) -> dict[str, Any]:
        return {
            "label": self.label,
            "severity": self.severity,
            "evidence": self.evidence,
            "numbers": dict(self.numbers),
            "epochs": self.epochs,
            "advice": self.advice,
        }


ADVICE: Mapping[Label, str] = {
    Label.DIVERGED: "Lower the learning rate by a factor of 10, or clip the gradients; "
    "if it diverges in the first steps, use smaller initial weights.",
    Label.ACCUMULATING: "Call optimizer.zero_grad() before each backward pass, or after each step.",
    Label.LR_TOO_HIGH: "Lower the learning rate by a factor of 3 to 10, or warm it up.",
    Label.EXPLODING_GRADIENTS: "Use smaller initial weights (He or Glorot initialisation), standardise the inputs, "
    "average the loss over the batch, or clip the gradients.",
    Label.VANISHING_GRADIENTS: "Use ReLU or GELU in place of sigmoid or tanh, normalise the layers, "
    "add residual connections, or use fewer layers.",
    Label.PLATEAU: "Check the initial weights (all zero, or so that no unit is ever active), "
    "the learning rate, and that each label belongs to its input.",
    Label.LR_TOO_LOW: "Raise the learning rate by a factor of 10.",
    Label.METRIC_STUCK: "Check that labels and inputs still belong together after shuffling and splitting, "
    "and which data the metric is computed on: the network memorises the training data.",
    Label.DECAYED_TOO_EARLY: "Lower the learning rate later, or by less.",
    Label.NOISY_VALIDATION: "Validate on more examples, or on folds (trainer.validation): with so few "
    "examples, the order of the trials is mostly chance.",
    Label.OVERFITTING: "Regularise more (weight decay, dropout, augmentation), use more data or a smaller model, "
    "or stop earlier.",
    Label.SLOW_START: "Use an initialisation that fits the activation (such as Kaiming, with biases of 0): the first "
    "epochs learn nothing.",
    Label.STILL_IMPROVING: "Train longer.",
    Label.UNDERFITTING: "Use a larger network, regularise less, or use more informative inputs.",
    Label.PLATEAU_AT_END: "Decay the learning rate where the plateau begins, by a factor of 10.",
    Label.BEHIND: "Compare its parameters with those of the best trials: its own curve shows no cause.",
    Label.HEALTHY: "Nothing to change.",
    Label.TOO_EARLY: "Train for more epochs, and report train_loss and val_loss.",
}
