"""The best points of the studies of learn_from before those of a sampler that does not use them by itself."""

from dataclasses import dataclass, field
from functools import partial

from hpsearch.core.decisions import Proposal
from hpsearch.core.history import History
from hpsearch.core.seeds import stream
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.first_trials import related_point
from hpsearch.samplers.random import KnownPoints, draw
from hpsearch.study.space import Space


@dataclass(frozen=True)
class RelatedFirst:
    """known, most: see `related_point`. epochs: the most that a trial may train."""

    sampler: Sampler
    space: Space
    seed: int
    epochs: int
    known: int
    most: int | None
    _known: KnownPoints = field(default_factory=KnownPoints, init=False, repr=False, compare=False)

    @property
    def slow(self) -> bool:
        return self.sampler.slow

    def ask(self, history: History) -> Proposal | None:
        if not history.related:
            return self.sampler.ask(history)
        taken = self._known.keys(self.space, history)
        drawn = partial(draw, self.space, stream(self.seed, len(history) + history.drawn_before), taken)
        related = related_point(self.space, history, self.known, taken, drawn, self.epochs, self.most)
        return related or self.sampler.ask(history)
