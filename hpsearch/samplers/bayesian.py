"""Bayesian search: random starts, then what a surrogate of the loss thinks best (Optuna's, or CMA-ES).

The surrogate is built for every ask from what the history says, and seeded from the study's seed and the trial's
number; so an ask is a pure function of the history, and nothing enters twice or is forgotten.
"""

from dataclasses import dataclass, field
from typing import Literal

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.samplers import cma_es
from hpsearch.samplers.observations import observations, pending, usable_evidence
from hpsearch.samplers.optuna import surrogates
from hpsearch.samplers.random import Cycle, draw, key
from hpsearch.study.space import Space

SURROGATE_NEEDS = 2
"""Observations below which there is nothing to model."""


@dataclass(frozen=True)
class Bayesian:
    """The sampler of `sampler`: "tpe", "gp" or "cmaes".

    startup_trials: drawn at random before the surrogate is asked; usable evidence of a forked study counts.
    """

    space: Space
    seed: int
    trials: int
    epochs: int
    sampler: Literal["tpe", "gp", "cmaes"] = "tpe"
    startup_trials: int = 10
    _cycle: Cycle = field(default_factory=Cycle, init=False, repr=False, compare=False)

    @property
    def slow(self) -> bool:
        """A Gaussian process takes 0.1 s and more, growing with the trials."""
        return self.sampler == "gp"

    def ask(self, history: History) -> New | None:
        number = len(history)
        if number >= self.trials:
            return None
        seen, generator = observations(history, self.space), stream(self.seed, number)
        taken = self._cycle.keys(self.space, history)
        learned = len(usable_evidence(history, self.space))
        starts = max(0, self.startup_trials - learned)
        if number < starts or len(seen) < SURROGATE_NEEDS:
            reason = f"random start {number + 1} of {starts}" if number < starts else "random: too few trials settled"
            return New(draw(self.space, generator, taken), self.epochs, reason)
        running, seed = pending(history), int(generator.integers(2**31))
        match self.sampler:
            case "tpe":
                params = surrogates.tpe(self.space, seen, running, seed)
            case "gp":
                params = surrogates.gaussian_process(self.space, seen, running, seed)
            case "cmaes":
                params = cma_es.propose(self.space, seen, max(self.startup_trials, learned, 1), seed)
        reason = f"{self.sampler} on {len(seen)} settled trials, {len(running)} running"
        if key(self.space, params) in taken:
            params, reason = draw(self.space, generator, taken), f"{reason}: a point tried before, so drawn at random"
        return New(params, self.epochs, reason)
