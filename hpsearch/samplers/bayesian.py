"""Bayesian search: random startup trials, then proposals of a surrogate of the loss (Optuna's, or CMA-ES).

The surrogate is built again for every `ask`, from the history, with a seed derived from the study's seed and the
trial's number. So `ask` is a pure function of the history, and every trial enters the surrogate exactly once.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from hpsearch.core.decisions import New, Over
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Params
from hpsearch.samplers import cma_es
from hpsearch.samplers.believed import Preference, has_priors, number_near, prior_preference, together, trust
from hpsearch.samplers.first_trials import known_point
from hpsearch.samplers.observations import Observation, comparable, observations, pending, usable_evidence
from hpsearch.samplers.optuna import surrogates
from hpsearch.samplers.random import KnownPoints, draw, draw_with_priors, exhausted, has_unknown_points, key
from hpsearch.samplers.transfer import Transfer, first_points, of_related, transfer
from hpsearch.study import feasible
from hpsearch.study.space import Space

TRIES = {"tpe": 10, "gp": 1, "cmaes": 50}
"""How often a surrogate is asked again if its proposal breaks a constraint. Then the feasible point nearest to the last
proposal is used."""

MIN_OBSERVATIONS = 2
"""The fewest observations that a surrogate can be fitted to."""


@dataclass(frozen=True)
class Bayesian:
    """Bayesian search with the surrogate named by `sampler`: "tpe", "gp" (Gaussian process) or "cmaes".

    startup_trials: the number of random trials before the surrogate is used. Usable trials of the study that this one
    was forked from count towards it. With TPE, those near a prior that the results contradict are replaced with
    uniform ones.
    """

    space: Space
    seed: int
    trials: int
    epochs: int
    sampler: Literal["tpe", "gp", "cmaes"] = "tpe"
    startup_trials: int = 10
    known: Sequence[Params] = ()
    _known: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)

    @property
    def slow(self) -> bool:
        """A Gaussian process takes 0.1 s or more per `ask`, and longer with more trials."""
        return self.sampler == "gp"

    def ask(self, history: History) -> New | Over | None:
        number, counted = len(history) + history.drawn_before, history.counted
        if counted >= self.trials:
            return None
        if (known := known_point(self.known, history, self.epochs)) is not None:
            return known
        taken = self._known.keys(self.space, history)
        if not has_unknown_points(self.space, taken):
            return exhausted(self.space, history)
        seen, generator = observations(history, self.space), stream(self.seed, number)
        related = first_points(self.space, history, draw(self.space, stream(self.seed, number), taken))
        if (first := self._of_related(related, history)) is not None and key(self.space, first.params) not in taken:
            return first
        learned = len(usable_evidence(history, self.space))
        starts = max(0, self.startup_trials - learned)
        tried, losses = [one.params for one in seen], comparable(seen)
        trusted = trust(self.space, tried, losses)
        near = 0
        if self.sampler == "tpe" and trusted == 0.0:
            # All startup trials may have been drawn near a wrong prior, and TPE then stays there (docs/study-file.md).
            # A Gaussian process also explores; CMA-ES takes all trials after the first `startup_trials` for its own.
            near = number_near(self.space, tried[: self.startup_trials])
        starts += near
        if related:
            starts = min(starts, len(self.known) + len(related))
        if counted < starts or sum(math.isfinite(one.own) for one in seen) < MIN_OBSERVATIONS:
            params, by = draw_with_priors(self.space, generator, taken, number, trusted)
            reason = f"random draw{by}: too few finished trials for the surrogate"
            if counted < starts:
                reason = f"random startup trial {counted + 1} of {starts}{by}"
                reason += f" ({near} more, because the results contradict `prior`)" if near else ""
            return New(params, self.epochs, reason)
        running = pending(history)
        found = transfer(self.space, history, tried, losses)
        preference = together(prior_preference(self.space, number, trusted), found.preference if found else None)
        for _ in range(TRIES[self.sampler]):
            params = self._proposed_by_model(seen, running, learned, int(generator.integers(2**31)), preference)
            if self.space.allows(params):
                break
        best = min(seen, key=lambda one: one.loss).params
        params = feasible.nearest(self.space, params, generator, [best])
        reason = f"{self.sampler} fitted to {len(seen)} finished trials, {len(running)} running"
        reason += self._guided_by(found, trusted)
        if key(self.space, params) in taken:
            params = draw(self.space, generator, taken)
            reason = f"{reason}; random draw, because the surrogate proposed an earlier point again"
        return New(params, self.epochs, reason)

    def _guided_by(self, found: Transfer | None, trusted: float) -> str:
        """What the preference follows from, for the reason of a proposal."""
        if self.sampler == "cmaes":
            return ""
        parts = [found.text] if found is not None else []
        parts += [f"prior with weight {trusted:.2f}"] if has_priors(self.space) else []
        return "".join(f"; {one}" for one in parts)

    def _of_related(self, points: Sequence[tuple[Params, str]], history: History) -> New | None:
        """The next of the best parameters of the studies in learn_from."""
        place = max(0, len(history) - len(self.known))
        if place >= len(points):
            return None
        params, origin = points[place]
        return New(params, self.epochs, of_related(origin))

    def _proposed_by_model(
        self,
        seen: Sequence[Observation],
        running: Sequence[Params],
        learned: int,
        seed: int,
        preference: Preference | None,
    ) -> Params:
        match self.sampler:
            case "tpe":
                return surrogates.tpe(self.space, seen, running, seed, preference)
            case "gp":
                return surrogates.gaussian_process(self.space, seen, running, seed, preference)
            case "cmaes":
                return cma_es.propose(self.space, seen, max(self.startup_trials, learned, 1), seed)
