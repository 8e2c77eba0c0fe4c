"""Random search, and random draws for the first trials and the fallback of other samplers.

Bergstra and Bengio 2012, "Random Search for Hyper-Parameter Optimization" (JMLR 13, 281-305).
"""

from collections.abc import Sequence, Set
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from hpsearch.core.decisions import New, Over
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.core.trial import Cause, Params
from hpsearch.samplers import believed
from hpsearch.samplers.first_trials import known_point
from hpsearch.study import feasible
from hpsearch.study.space import Choice, Space

Key = tuple[float | None, ...]

REDRAWS = 100
"""How often a known point is drawn again, before the discrete space is enumerated."""

ENUMERABLE = 100_000
"""In discrete spaces with up to this many points, the last points are drawn at random; in larger ones they are taken in
order."""

LISTABLE = 1_000_000
"""Discrete spaces with constraints and more points are never listed: the feasible ones may be rare among them."""


def key(space: Space, params: Params) -> Key:
    """A hashable key, equal only for equal parameter sets."""
    return tuple(space.to_unit(params))


class KnownPoints:
    """The points of all trials so far: a cache over one history."""

    def __init__(self) -> None:
        self._history: History | None = None
        self._seen = 0
        self._keys: set[Key] = set()
        self._points: int | None = None
        self._exhausted_at: int | None = None

    def __reduce__(self) -> tuple[type, tuple[()]]:
        return KnownPoints, ()

    def keys(self, space: Space, history: History) -> Set[Key]:
        if history is not self._history or len(history) < self._seen:
            self._history, self._seen = history, 0
            self._keys = {key(space, trial.params) for trial in history.known if space.contains(trial.params)}
            self._points = number_of_points(space) if can_be_exhausted(space) else None
            self._exhausted_at = 0 if len(self._keys) == self._points else None
        for number in range(self._seen, len(history)):
            self._keys.add(key(space, history[number].params))
            if self._exhausted_at is None and len(self._keys) == self._points:
                self._exhausted_at = number + 1
        self._seen = len(history)
        return self._keys

    def exhausted_at(self, space: Space, history: History) -> int | None:
        """The number of trials after which all points of the space were known; None if some are unknown."""
        self.keys(space, history)
        return self._exhausted_at


def draw(space: Space, generator: np.random.Generator, taken: Set[Key], whole: Space | None = None) -> Params:
    """A point that is uniform in the feasible part of the unit cube, and not one of `taken` if another is left.

    whole: the space of the keys in `taken`, if `space` is a part of it. If this part has no feasible point, it is drawn
    from the whole space.
    """
    whole = whole or space
    found = feasible.draw(space, generator)
    if found is None:
        space = whole
        found = feasible.draw(space, generator)
    first = params = feasible.centre(space) if found is None else found
    size = space.size()
    for _ in range(REDRAWS):
        if key(whole, params) not in taken:
            return params
        params = feasible.draw(space, generator) or first
    if size is None or not _is_listable(space):
        return first
    left = (point for point in space.points() if key(whole, point) not in taken)
    if size > ENUMERABLE:
        return next(left, first)
    listed = list(left)
    return listed[int(generator.integers(len(listed)))] if listed else first


def redrawn(space: Space, params: Params, generator: np.random.Generator, taken: Set[Key]) -> Params:
    """`params` with one parameter drawn again, so that it is not one of `taken`; a random draw if that fails."""
    at = [0.5 if u is None else u for u in space.to_unit(params)]
    for _ in range(REDRAWS):
        place = int(generator.integers(len(at)))
        found = space.from_unit([*at[:place], float(generator.random()), *at[place + 1 :]])
        kept = {name: params[name] for name in found if name in params and name != space.parameters[place].name}
        if space.allows(found | kept) and key(space, found | kept) not in taken:
            return found | kept
    return draw(space, generator, taken)


def draw_with_priors(
    space: Space, generator: np.random.Generator, taken: Set[Key], trials: int, trusted: float = 1.0
) -> tuple[Params, str]:
    """As `draw`, but from the priors of the space; and a text about it for the reason of the proposal, "" for a uniform
    draw.

    trials: the number of earlier trials. The first trial has the values of the priors. trusted: see `believed.trust`.
    """
    if believed.has_priors(space):
        for _ in range(feasible.DRAWS if trials == 0 else 0):
            if space.allows(params := believed.at_values(space, generator)):
                return params, ", with the values of `prior`"
        for params in believed.drawn(space, generator, trials, feasible.DRAWS, trusted):
            if space.allows(params) and key(space, params) not in taken:
                return params, ", drawn from `prior`"
    return draw(space, generator, taken), ""


def has_unknown_points(space: Space, taken: Set[Key], whole: Space | None = None) -> bool:
    """Whether a point of the space is not one of `taken`. whole: see `draw`. Without constraints it enumerates at most
    one point more than `taken` has."""
    size = space.size()
    if size is None or not _is_listable(space):
        return True
    if space.constraints and size > ENUMERABLE:  # the first feasible point may be far from the start of the list
        found = feasible.draw(space, stream(0, 0))
        if found is not None and key(whole or space, found) not in taken:
            return True
    return any(key(whole or space, point) not in taken for point in space.points())


def _is_listable(space: Space) -> bool:
    """Whether its points can be listed in seconds; False for many points of which constraints exclude a part."""
    return not space.constraints or (space.size() or 0) <= LISTABLE


def exhausted(space: Space, history: History) -> Over | None:
    """The end of a search in which each point of the space has a trial. None while a trial is running or waiting."""
    if any(trial.state.is_active for trial in history):
        return None
    points = number_of_points(space)
    reason = f"the space is exhausted: a trial has been started for each of its {many(points, 'point')}"
    return Over(reason, Cause.EXHAUSTED, {"points": points})


def can_be_exhausted(space: Space) -> bool:
    """Whether it has at most ENUMERABLE points, and no range with `expand`."""
    size = space.size()
    expands = any(not isinstance(one, Choice) and one.expand for one in space.parameters)
    return size is not None and size <= ENUMERABLE and not expands


def at_most(trials: int, space: Space) -> int:
    """A number of trials, without those for which the space has no point."""
    size = space.size() if can_be_exhausted(space) else None
    return trials if size is None else min(trials, size)


def number_of_points(space: Space) -> int:
    """The number of points of a discrete space, including those that are not in its grid."""
    return sum(1 for _ in space.points())


@dataclass(frozen=True)
class Random:
    """Random search. Proposal n only depends on the study's seed and n; with priors, also on the ended trials, because
    fewer trials are drawn from priors that the results contradict.

    No point is proposed twice. When all points of a discrete space have been proposed, the search is over.
    """

    slow: ClassVar[bool] = False

    space: Space
    seed: int
    trials: int
    epochs: int
    known: Sequence[Params] = ()
    _known: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)

    def ask(self, history: History) -> New | Over | None:
        number = len(history) + history.drawn_before
        if history.counted >= self.trials:
            return None
        if (known := known_point(self.known, history, self.epochs)) is not None:
            return known
        taken = self._known.keys(self.space, history)
        if not has_unknown_points(self.space, taken):
            return exhausted(self.space, history)
        trusted = believed.trust_of_draws(self.space, history)
        params, by = draw_with_priors(self.space, stream(self.seed, number), taken, number, trusted)
        if believed.has_priors(self.space):
            by += f"; prior with weight {trusted:.2f}"
        return New(params, self.epochs, f"random draw {history.counted + 1} of {self.trials}{by}")
