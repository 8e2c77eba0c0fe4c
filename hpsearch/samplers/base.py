"""What a sampler is."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from hpsearch.core.decisions import Over, Proposal
from hpsearch.core.history import History
from hpsearch.samplers.recipe.planned_rounds import PlannedRound
from hpsearch.study.space import Space


class Sampler(Protocol):
    """Proposes what to train next.

    `ask` is a pure function of the history: the number of the next trial is `len(history)`, and its random stream is
    `stream(study seed, number)`; what an instance keeps is a cache and nothing else. So there is nothing to tell it,
    and a search that was killed proposes what the unbroken one would have (docs/decisions/0001).

    slow: an ask may take longer than a few milliseconds, so the loop makes it on a thread, one trial ahead.
    """

    @property
    def slow(self) -> bool: ...

    def ask(self, history: History) -> Proposal | None:
        """The next proposal; None: nothing now, and with nothing running: nothing ever again."""
        ...


@runtime_checkable
class SearchesInRounds(Protocol):
    """What a sampler has that searches in rounds."""

    @property
    def space(self) -> Space: ...

    def planned_rounds(self, history: History) -> tuple[Sequence[PlannedRound], Over | None]:
        """Every round that has begun or could begin now, and why there will be no other; None while there may be."""
        ...
