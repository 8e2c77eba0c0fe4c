"""The measurements of a preflight: immutable values that are sent between processes."""

import math
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Params, Report

LOSSES = 5000
"""The most losses that are kept of a training."""

ALL_RIGHT = 0.995
"""From this accuracy on, all examples count as right; the difference to 1 allows for rounding."""

MEMORISED = 0.1
"""Examples count as memorised from this fraction of the initial loss on, if there are no classes that can be right."""

TAIL = 5
"""The number of last losses whose mean is the final loss of an attempt."""


LossKind = Literal["cross entropy", "binary cross entropy", "squared error", "absolute error", ""]
"""The kind of loss that a trainer minimises; "" for another kind and for a sum of several."""


@dataclass(frozen=True, slots=True)
class InputStatistics:
    """The inputs of the first layer with weights, over some batches. layer: its name and class, "0 (Linear)"."""

    layer: str
    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class ParameterGradients:
    """The gradients of the models' parameters, by name, such as "model.0.weight".

    count: the number of trainable parameters. without_gradient: backward did not reach them. zero_gradient: backward
    reached them, but the gradient was zero in every step. not_finite: the gradient was NaN or infinite in some step.
    not_optimized: they have a gradient but are in no tracked optimizer. frozen: the number with requires_grad = False.
    """

    count: int
    without_gradient: tuple[str, ...] = ()
    zero_gradient: tuple[str, ...] = ()
    not_finite: tuple[str, ...] = ()
    not_optimized: tuple[str, ...] = ()
    frozen: int = 0


@dataclass(frozen=True, slots=True)
class FirstSteps:
    """The first steps of an ordinary training.

    losses: one per step, the value on which backward was called. backwards: mean number of backward calls per step.
    chance: the loss at chance level (ln C, ln 2, or the loss of a constant prediction); None if it is unknown.
    classes: of a cross entropy. probabilities: probabilities are passed to a loss that expects logits.
    accumulated: the number of steps with gradients still added up from the previous step.
    models, optimizers: the numbers that the trainer has passed to `run.track`.
    fed: the trainer takes its batches from `run.batches` or from a DataLoader. rows: examples in the first batch, 0 if
    they cannot be counted.
    without_step: calls of backward in the first epoch if no tracked optimizer made a step in it; else 0.
    moves: the weights changed nevertheless.
    broadcast: each output is compared with every target. rates: of the steps. unregistered: the shapes of parameters on
    which the loss depends and that no tracked model or optimizer has.
    initial_scale: the largest scale of a layer's weights before the first step, 0 if all are zero; None if unknown.
    detached: backward was called on a loss that depends on no weight, and raised an exception.
    """

    losses: tuple[float, ...] = ()
    loss_kind: LossKind = ""
    chance: float | None = None
    classes: int | None = None
    probabilities: bool = False
    inputs: InputStatistics | None = None
    layers: ParameterGradients | None = None
    backwards: float = 1.0
    accumulated: int = 0
    models: int = 0
    optimizers: int = 0
    fed: bool = False
    rows: int = 0
    without_step: int = 0
    moves: bool = False
    broadcast: bool = False
    rates: tuple[float, ...] = ()
    unregistered: tuple[tuple[int, ...], ...] = ()
    initial_scale: float | None = None
    detached: bool = False

    @property
    def can_repeat(self) -> bool:
        """Whether a training on a few of its examples can be tried. Of a trainer that takes its batches by itself, only
        with a loss of a known kind and a tracked optimizer."""
        return bool(self.losses and not self.without_step and (self.fed or (self.loss_kind and self.optimizers)))


@dataclass(frozen=True, slots=True)
class OverfitAttempt:
    """A training on the same few examples, repeated.

    factor: times the trainer's learning rate. rows: the number of examples; 0 if they cannot be counted.
    losses: one per step. accuracy: on these examples at the end, for a classification. chance: see FirstSteps.
    floor: the lowest possible loss; None if it is unknown.
    problem: the trainer's exception, or "". wrong: the places of the examples that are still wrong at the end.
    conflicting: the places of examples that have the same inputs as another example but a different label.
    changing: the model's inputs were not the same in all steps, as with augmentation. These three are known only for a
    single minibatch. held: the data of the first step were repeated, see `HeldTensors`.
    """

    factor: float
    rows: int
    losses: tuple[float, ...]
    accuracy: float | None = None
    chance: float | None = None
    problem: str = ""
    wrong: tuple[int, ...] = ()
    conflicting: tuple[int, ...] = ()
    changing: bool = False
    floor: float | None = 0.0
    held: bool = False

    @property
    def first(self) -> float:
        return self.losses[0] if self.losses else math.nan

    @property
    def last(self) -> float:
        """The mean of the last TAIL losses."""
        return fmean(self.losses[-TAIL:]) if self.losses else math.nan

    @property
    def memorised(self) -> bool:
        """Whether the examples are memorised.

        Classification: every example is right, and the loss is below the chance level. (It may stay above zero, as with
        label smoothing.) Other losses: at most a tenth of the initial loss, or of the chance level if that is lower,
        above the lowest possible loss.
        """
        start, floor = self.start, self.floor or 0.0
        if not (math.isfinite(self.last) and start > 0):
            return False
        if self.accuracy is not None:
            return self.accuracy >= ALL_RIGHT and self.last < start
        return self.last - floor <= MEMORISED * (start - floor)

    @property
    def start(self) -> float:
        """The initial loss, or the chance level if that is lower."""
        return min(self.first, self.chance) if self.chance is not None else self.first

    @property
    def learns(self) -> bool:
        """Whether the loss fell clearly: by a tenth of the chance level, or by half of the initial loss if chance is
        unknown, because a constant prediction may be far better than the first one."""
        share = 0.5 if self.chance is None else 0.1
        return math.isfinite(self.last) and self.last <= self.start - share * abs(self.start)

    @property
    def diverged(self) -> bool:
        return not math.isfinite(self.last) or self.last > 3 * abs(self.first)


@dataclass(frozen=True, slots=True)
class CheckpointSizes:
    """Bytes of a full checkpoint, and of a checkpoint without objects that only training needs; 0 if none was made."""

    whole: int = 0
    weights: int = 0


@dataclass(frozen=True, slots=True)
class TrainedEpochs:
    """A few whole epochs.

    factor: see OverfitAttempt. reports: of the trainer. losses: one per step; of more than LOSSES, the first ones and
    the last one.
    validated: examples per epoch on which the models were evaluated without gradients.
    seconds: per epoch. If no epoch ended, they are estimated from the part that was trained, or None.
    problem: the trainer's exception, or "". sizes: of a checkpoint at the end, if they were measured.
    regularized: False if regularisation was switched off because nothing was learnt with it.
    in_training, evaluated, in_evaluation, trained: see `Modes`.
    """

    factor: float
    reports: tuple[Report, ...] = ()
    losses: tuple[float, ...] = ()
    validated: int = 0
    seconds: float | None = None
    problem: str = ""
    sizes: CheckpointSizes = CheckpointSizes()
    regularized: bool = True
    in_training: int = 0
    evaluated: int = 0
    in_evaluation: int = 0
    trained: int = 0

    @property
    def diverged(self) -> bool:
        return bool(self.losses) and not math.isfinite(self.losses[-1])


@dataclass(frozen=True, slots=True)
class PeakMemory:
    """Peak memory of the process, in bytes. gpu: on the GPU, including the CUDA context; 0 without a GPU.
    gpu_total: of the GPU. idle: host memory before any training."""

    host: int = 0
    gpu: int = 0
    gpu_total: int = 0
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Measurements:
    """All measurements of a preflight. Measurements that were not made are None or empty.

    shuffled: the same training on shuffled labels, which gives the chance level. sizes: of a checkpoint.
    seconds: the duration of all measurements.
    """

    steps: FirstSteps = FirstSteps()
    attempts: tuple[OverfitAttempt, ...] = ()
    trained: TrainedEpochs | None = None
    shuffled: tuple[TrainedEpochs, ...] = ()
    memory: PeakMemory = PeakMemory()
    sizes: CheckpointSizes = CheckpointSizes()
    failure: Failure | None = None
    seconds: float = 0.0


# The learning-rate range test ────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SweepLosses:
    """rates: rising values of the parameter (the optimizer's learning rate may be a multiple of it). losses: one per
    rate.

    unmoved: the losses of the same steps on the same batches with a learning rate of 0; empty if not measured.
    beyond: a rate above the one at which the losses diverge, and the losses of a training with it from the start; None
    if they do not diverge.
    problem: the trainer's exception, or why the test is not possible; otherwise "".
    """

    params: Params
    parameter: str
    rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    problem: str = ""
    seconds: float = 0.0
    unmoved: tuple[float, ...] = ()
    beyond: tuple[float, tuple[float, ...]] | None = None
