"""What preflight measured: frozen values that travel between processes."""

import math
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from hpsearch.core.messages import Failure
from hpsearch.core.trial import Params, Report

LOSSES = 5000
"""Of some epochs, so many are kept."""

TAIL = 5
"""The last so many losses of an attempt say where it came to."""


LossKind = Literal["cross entropy", "binary cross entropy", "squared error", "absolute error", ""]
"""Of what a trainer minimises; "" is everything else, and what is the sum of several."""


@dataclass(frozen=True, slots=True)
class Inputs:
    """What reaches the first layer with weights, over some batches. layer: its name and kind, "0 (Linear)"."""

    layer: str
    mean: float
    std: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Layers:
    """Parameters of the models, by name, "model.0.weight".

    count: how many that are to be trained. without_gradient: backward never reached them. zero_gradient: it did, and
    their gradient was zero in every step. not_finite: NaN or infinite in some step.
    not_optimized: they get a gradient, and no tracked optimizer has them. frozen: they ask for no gradient.
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

    losses: one a step, as backward was called on it. backwards: calls of it for each step, on average.
    chance: what the loss is for outputs that say nothing (ln C, ln 2, the targets' variance); None where nobody knows.
    classes: of a cross entropy. probabilities: what is already a probability goes into a loss that makes it one.
    accumulated: before so many of the steps the gradient still held that of the step before.
    models, optimizers: how many of them the trainer has named to `run.track`.
    fed: the trainer takes its batches from `run.batches`, or from a DataLoader. rows: examples in the first batch, 0
    where that cannot be seen.
    """

    losses: tuple[float, ...] = ()
    loss_kind: LossKind = ""
    chance: float | None = None
    classes: int | None = None
    probabilities: bool = False
    inputs: Inputs | None = None
    layers: Layers | None = None
    backwards: float = 1.0
    accumulated: int = 0
    models: int = 0
    optimizers: int = 0
    fed: bool = False
    rows: int = 0


@dataclass(frozen=True, slots=True)
class OverfitAttempt:
    """The same few examples, over and over again.

    factor: the learning rate was so many times the trainer's own. rows: how many examples; 0: they cannot be counted.
    losses: one a step. accuracy: on them at the end, of a classification. chance: as of FirstSteps.
    problem: what the trainer raised, "" mostly.
    """

    factor: float
    rows: int
    losses: tuple[float, ...]
    accuracy: float | None = None
    chance: float | None = None
    problem: str = ""

    @property
    def first(self) -> float:
        return self.losses[0] if self.losses else math.nan

    @property
    def last(self) -> float:
        """The mean of the last few."""
        return fmean(self.losses[-TAIL:]) if self.losses else math.nan

    @property
    def memorised(self) -> bool:
        """The loss is a tenth of what it was, or of chance where it began worse; or every example is right and what is
        left is the loss's own floor, as with label smoothing."""
        begin = min(self.first, self.chance) if self.chance is not None else self.first
        if not (math.isfinite(self.last) and begin > 0):
            return False
        return self.last <= 0.1 * begin or (self.accuracy is not None and self.accuracy >= 0.995 and self.last < begin)

    @property
    def diverged(self) -> bool:
        return not math.isfinite(self.last) or self.last > 3 * abs(self.first)


@dataclass(frozen=True, slots=True)
class TrainedEpochs:
    """Some whole epochs.

    factor: as of an OverfitAttempt. reports: what the trainer yielded. losses: one a step, the first LOSSES of them.
    validated: examples that the models saw in an epoch without being trained on them.
    seconds: of an epoch; where none came to its end, reckoned from the part that did, or None.
    problem: what the trainer raised.
    """

    factor: float
    reports: tuple[Report, ...] = ()
    losses: tuple[float, ...] = ()
    validated: int = 0
    seconds: float | None = None
    problem: str = ""

    @property
    def diverged(self) -> bool:
        return bool(self.losses) and not math.isfinite(self.losses[-1])


@dataclass(frozen=True, slots=True)
class Memory:
    """The most that the process took, bytes. gpu: on the device, what CUDA itself takes included; 0 without one.
    gpu_total: what the device has. idle: of host, what was there before anything was trained."""

    host: int = 0
    gpu: int = 0
    gpu_total: int = 0
    idle: int = 0


@dataclass(frozen=True, slots=True)
class Measured:
    """What a preflight found out. Its parts are None where it did not come so far.

    shuffled: the same training on labels that belong to other examples: what chance gives, here.
    seconds: that all took.
    """

    steps: FirstSteps = FirstSteps()
    attempts: tuple[OverfitAttempt, ...] = ()
    trained: TrainedEpochs | None = None
    shuffled: tuple[TrainedEpochs, ...] = ()
    memory: Memory = Memory()
    failure: Failure | None = None
    seconds: float = 0.0


# What a learning-rate range test measured ────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class SweptLosses:
    """rates: values of the parameter (not of the optimizer, whose rate may be a multiple), rising. losses: one each.

    problem: what the trainer raised or why it could not be done, "" where all went well.
    """

    params: Params
    parameter: str
    rates: tuple[float, ...] = ()
    losses: tuple[float, ...] = ()
    problem: str = ""
    seconds: float = 0.0
