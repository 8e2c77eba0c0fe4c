"""Learning-rate schedules: a factor on the optimizer's initial rate.

Time is in completed epochs, with fractions: in the middle of the third epoch it is 2.5. The rate is set before every
step, so a warm-up and a cosine change it within an epoch.
"""

import math
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

from torch.optim import Optimizer

from trainers.kit import ranges
from trainers.kit.ranges import Conditions, Fraction, NonNegativeFloat, NonNegativeInt, PositiveInt, Probability

Name = Literal["constant", "step", "exponential", "plateau", "cosine", "linear", "inverse-sqrt", "restarts"]

TO_THE_END = ("cosine", "linear")
"""The schedules that depend on the total number of epochs. With any other schedule, trials can be continued if the
study trains longer."""


@dataclass(frozen=True)
class Settings(ranges.Settings):
    """The learning rate at time t, in epochs since the end of the warm-up; T: the epochs that remain then.

    schedule:
    - "constant"
    - "step": times step_factor after every step_epochs, or at the epochs of step_at
    - "exponential": times exponential_factor each epoch, step by step: exponential_factor^t
    - "plateau": times plateau_factor (divided by 10) when plateau_metric, val_loss or train_loss, has no new minimum
      for more than plateau_patience epochs; as torch's ReduceLROnPlateau
    - "cosine": (1 + cos(π·t/T)) / 2, down to final_factor (Loshchilov and Hutter 2017, arXiv 1608.03983, equation 5)
    - "linear": 1 - t/T, down to final_factor
    - "inverse-sqrt": √(w / (w + t)) with w the warm-up's epochs, at least 1 (Vaswani et al. 2017, arXiv 1706.03762,
      section 5.3: the rate falls with the root of the time since the start)
    - "restarts": a cosine over restart_epochs, repeated, each cycle restart_growth times as long as the previous one
      (SGDR, the same paper as "cosine"; with restart_growth = 1 the cycles of snapshot ensembles, Huang et al. 2017,
      arXiv 1704.00109, equation 2)

    warmup: epochs, fractions allowed, in which the rate rises linearly, from warmup_from times the rate (Goyal et al.
    2017, arXiv 1706.02677, section 2.2). A schedule's time begins after them; step_at counts from the start.
    step_at: epochs after which the rate falls, such as "30,60,80"; "": after every step_epochs.
    snapshots: with "restarts", the checkpoint keeps the final networks of this many last cycles, for an ensemble (Huang
    et al. 2017). Cycles end with epochs, so warmup must be whole epochs then.
    """

    WHEN: ClassVar[Conditions] = {
        "warmup_from": {"warmup": "nonzero"},
        "step_epochs": {"schedule": ("step",), "step_at": "zero"},
        "step_at": {"schedule": ("step",)},
        "step_factor": {"schedule": ("step",)},
        "exponential_factor": {"schedule": ("exponential",)},
        "plateau_factor": {"schedule": ("plateau",)},
        "plateau_patience": {"schedule": ("plateau",)},
        "plateau_metric": {"schedule": ("plateau",)},
        "final_factor": {"schedule": ("cosine", "linear", "restarts")},
        "restart_epochs": {"schedule": ("restarts",)},
        "restart_growth": {"schedule": ("restarts",)},
        "snapshots": {"study.metric": ()},
    }

    schedule: Name = "constant"
    warmup: NonNegativeFloat = 0.0
    warmup_from: Probability = 0.1
    step_epochs: PositiveInt = 10
    step_at: str = ""
    step_factor: Probability = 0.1
    exponential_factor: Probability = 0.95
    plateau_factor: Fraction = 0.1
    plateau_patience: NonNegativeInt = 10
    plateau_metric: Literal["val_loss", "train_loss"] = "val_loss"
    final_factor: Probability = 0.0
    restart_epochs: PositiveInt = 10
    restart_growth: PositiveInt = 1
    snapshots: NonNegativeInt = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        milestones(self)
        _check_cycles(self)


class Schedule:
    """Sets an optimizer's learning rate. epochs: total of the training, with all its segments; only the schedules of
    `TO_THE_END` use it."""

    def __init__(self, params: Settings, optimizer: Optimizer, epochs: int):
        self._params = params
        self._optimizer = optimizer
        self._epochs = epochs
        self._base = optimizer.param_groups[0]["lr"]
        self._plateau = Plateau(params.plateau_factor, params.plateau_patience)

    def set(self, done: float) -> float:
        """Set the rate for a step at `done` epochs since the start, and return it."""
        rate: float = self._base * factor(self._params, done, self._epochs)
        if self._params.schedule == "plateau":
            rate *= self._plateau.factor
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        return rate

    def observe(self, val_loss: float, train_loss: float) -> None:
        """Record the losses of an epoch that has ended."""
        self._plateau.observe(val_loss if self._params.plateau_metric == "val_loss" else train_loss)

    def state_dict(self) -> dict[str, Any]:
        return self._plateau.state_dict()

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._plateau.load_state_dict(state)


def factor(params: Settings, done: float, epochs: int) -> float:
    """The factor of the rate at `done` of `epochs` epochs. The factor of "plateau" is separate."""
    if done < params.warmup:
        return params.warmup_from + (1 - params.warmup_from) * done / params.warmup
    since = done - params.warmup
    share = min(since / max(epochs - params.warmup, 1e-9), 1.0)
    match params.schedule:
        case "constant" | "plateau":
            return 1.0
        case "step":
            at = milestones(params)
            falls = sum(done >= epoch for epoch in at) if at else int(since // params.step_epochs)
            return params.step_factor**falls
        case "exponential":
            return float(params.exponential_factor**since)
        case "cosine":
            return _down_to(params.final_factor, cosine(share))
        case "linear":
            return _down_to(params.final_factor, 1 - share)
        case "inverse-sqrt":
            start = max(params.warmup, 1.0)
            return math.sqrt(start / (start + since))
        case "restarts":
            return _down_to(params.final_factor, cosine(in_cycle(since, params.restart_epochs, params.restart_growth)))


def cosine(share: float) -> float:
    """Falls from 1 at fraction 0 to 0 at fraction 1."""
    return (1 + math.cos(math.pi * share)) / 2


def in_cycle(since: float, first: int, growth: int) -> float:
    """The completed fraction of the cycle, in [0, 1); cycles are first, first·growth, first·growth², … epochs long."""
    if growth == 1:
        return since % first / first
    length = first
    while since >= length:
        since, length = since - length, length * growth
    return since / length


def ends_cycle(params: Settings, epoch: int) -> bool:
    """Whether a cycle ends with this epoch (from 1) and leaves a snapshot."""
    since = epoch - params.warmup
    return bool(params.snapshots) and since > 0 and not in_cycle(since, params.restart_epochs, params.restart_growth)


def _check_cycles(params: Settings) -> None:
    """ValueError for snapshots without cycles."""
    if params.snapshots and params.schedule != "restarts":
        raise ValueError(f'snapshots are of the cycles of schedule = "restarts", got {params.schedule!r}')
    if params.snapshots and params.warmup % 1:
        raise ValueError(f"with snapshots warmup must be whole epochs, got {params.warmup!r}")


def milestones(params: Settings) -> list[int]:
    """The epochs of `step_at`. ValueError for anything else."""
    words = [word.strip() for word in params.step_at.split(",")] if params.step_at else []
    if not all(word.isdigit() and int(word) > 0 for word in words):
        raise ValueError(f'step_at must be epochs such as "30,60,80", got {params.step_at!r}')
    return [int(word) for word in words]


def _down_to(final: float, falling: float) -> float:
    return final + (1 - final) * falling


class Plateau:
    """A factor that falls if a loss has not decreased, by one part in 10,000, for more than `patience` epochs.

    As torch.optim.lr_scheduler.ReduceLROnPlateau; NaN counts as no improvement.
    """

    def __init__(self, factor: float, patience: int):
        self._falls_by = factor
        self._patience = patience
        self.factor = 1.0
        self._least = math.inf
        self._waited = 0

    def observe(self, loss: float) -> None:
        better = loss < self._least * (1 - 1e-4)
        self._least = loss if better else self._least
        self._waited = 0 if better else self._waited + 1
        if self._waited > self._patience:
            self.factor *= self._falls_by
            self._waited = 0

    def state_dict(self) -> dict[str, Any]:
        return {"factor": self.factor, "least": self._least, "waited": self._waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.factor, self._least, self._waited = state["factor"], state["least"], state["waited"]
