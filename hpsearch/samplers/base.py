"""What a sampler is."""

from typing import Protocol

from hpsearch.core.decisions import Proposal
from hpsearch.core.history import History


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
