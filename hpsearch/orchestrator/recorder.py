"""What the loop writes to."""

from collections.abc import Iterable
from typing import Protocol

from hpsearch.core.decisions import Decision
from hpsearch.core.trial import Report, Trial


class Ledger(Protocol):
    """Where everything is written before it is acted on: the journal, or a list in a test."""

    def write(
        self, trials: Iterable[Trial], reports: Iterable[tuple[int, Report]], decisions: Iterable[Decision]
    ) -> None: ...

    def renew(self) -> None:
        """Say that this driver lives; called at least once a second."""
        ...
