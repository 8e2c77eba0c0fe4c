"""What the pruners share: whether there is anything left to save, a rank among others, and losses in words."""

import math
from collections.abc import Mapping

from hpsearch.core.trial import Objective, Trial


def is_where_asked(trial: Trial) -> bool:
    """It has trained as far as it may for now: nothing would be saved by stopping it, and a sampler may want it."""
    return trial.epoch >= trial.until


def rank(number: int, losses: Mapping[int, float]) -> int:
    """From 1; equal losses have equal ranks, infinite ones come last. A trial without a loss comes after all."""
    own = losses.get(number, math.inf)
    return 1 + sum(loss < own for loss in losses.values())


def in_words(objective: Objective, loss: float) -> str:
    """The metric in its own sign, such as "0.81"."""
    if not math.isfinite(loss):
        return "not finite"
    return f"{loss if objective.goal == 'minimize' else -loss:.4g}"
