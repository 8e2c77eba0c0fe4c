"""What the loop writes to."""

from collections.abc import Iterable
from typing import Protocol

from hpsearch.core.decisions import Decision
from hpsearch.core.messages import Provenance
from hpsearch.core.trial import Report, Trial


class Recorder(Protocol):
    """Where everything is written before it is acted on: the journal, or a list in a test."""

    def write(
        self,
        trials: Iterable[Trial],
        reports: Iterable[tuple[int, Report]],
        decisions: Iterable[Decision],
        provenance: Iterable[tuple[int, Provenance]],
    ) -> None:
        """All of it or nothing. Reports and provenance are with the number of their trial."""
        ...

    def renew(self) -> None:
        """Show a sign of life of this driver; called at least once a second."""
        ...

    @property
    def stop_requested(self) -> str:
        """Why the run should end in good order; "" while it should go on."""
        ...
