"""The fitted kernel of a search: a function of the history, fitted again when the number of trials has grown by GROWTH.

A fit uses the reports before its last trial was proposed, so it does not depend on the time of the fit, and a resumed
search has the same kernel.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Trial
from hpsearch.samplers.freeze_thaw.curve_kernel import CurveKernel
from hpsearch.samplers.freeze_thaw.seen_curves import Curve, before, seen
from hpsearch.samplers.freeze_thaw.unit_points import UnitPoints

GROWTH = 1.25
"""The kernel is fitted again when the number of trials has grown by this factor."""

STEPS = 40
"""Optimizer steps of a fit."""

MAX_POINTS = 150
"""The most points of a fit."""

MIN_POINTS = 4
"""With fewer points, the kernel of the prior is used."""

FITS = 2**42
"""The first number of the random streams of fits; trials have smaller numbers."""


@dataclass
class Fits:
    """A cache of the last fit to one history. first: the number of trials at the first fit; the median of their losses
    is the unit of losses."""

    seed: int
    epochs: int
    first: int
    unit: UnitPoints
    _history: History | None = field(default=None, repr=False)
    _of: tuple[int, int] = (0, 0)
    _kernel: CurveKernel | None = field(default=None, repr=False)

    def __reduce__(self) -> tuple[type, tuple[object, ...]]:
        return Fits, (self.seed, self.epochs, self.first, self.unit)

    def kernel(self, history: History, evidence: Sequence[Trial]) -> CurveKernel:
        """evidence: earlier trials of another study."""
        count = fitted_at(len(history), self.first)
        of = count, history[count - 1].proposed_at if count else 0
        if self._kernel is None or self._history is not history or self._of != of:
            self._history, self._of, self._kernel = history, of, self._fit(history, evidence, *of)
        return self._kernel

    def _fit(self, history: History, evidence: Sequence[Trial], count: int, at: int) -> CurveKernel:
        prior = CurveKernel.prior(self.unit.columns)
        trials = [*before(history, at), *evidence]
        curves = [Curve.of(trial, history.objective) for trial in trials]
        found = seen(trials, curves, self.unit, self.epochs, self.first)
        if found is None or len(found.z) < MIN_POINTS:
            return prior
        chosen = found.chosen(MAX_POINTS, stream(self.seed, FITS + count))
        return prior.fitted(chosen.points, chosen.z, STEPS)


def fitted_at(count: int, first: int) -> int:
    """The number of trials at the last fit, if there are `count` trials now; 0 before the first fit."""
    fitted, following = 0, max(first, 1)
    while following <= count:
        fitted, following = following, max(following + 1, int(following * GROWTH))
    return fitted
