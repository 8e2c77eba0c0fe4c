"""What `hpsearch reproduce` came to, for a script and for a person."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from hpsearch.cli.answer import Answer
from hpsearch.core.format import finite, score
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Report, State, Trial
from hpsearch.journal import TrainingSegment
from hpsearch.records.find import RecordedStudy
from hpsearch.reproduce.curve_comparison import Comparison, Difference, compare

MOST_LINES = 20
"""Of what has changed since; --json has all."""

DIFFERS = 6
"""The exit code of a trial that did not come to the same: nothing is wrong with hpsearch, the input or the machine."""


@dataclass(frozen=True)
class Again:
    """What came of it. since: what is different from when it was trained, in words."""

    curve: tuple[Report, ...]
    failure: Failure | None
    since: tuple[str, ...]


@dataclass(frozen=True)
class Outcome:
    """What a person is told. segments: where the trial was trained; none are recorded of an older hpsearch."""

    study: RecordedStudy
    trial: Trial
    segments: Sequence[TrainingSegment]
    again: Again

    @property
    def compared(self) -> Comparison:
        return compare(self.trial.curve, self.again.curve[: self.trial.epoch], self.study.objective.metric)

    @property
    def fails_as_before(self) -> bool:
        """True as well where it failed neither then nor now. Loop and worker say why in other words around the same."""
        now, failed = self.again.failure, self.trial.state is State.FAILED
        if now is None or not failed:
            return (now is not None) == failed
        return now.summary in self.trial.reason and len(self.again.curve) == self.trial.epoch

    @property
    def is_identical(self) -> bool:
        return self.compared.first is None and self.fails_as_before

    def answer(self) -> Answer:
        return Answer(self.data(), self.text, 0 if self.is_identical else DIFFERS)

    def data(self) -> dict[str, Any]:
        found = self.compared
        return {
            "study": self.study.record.name,
            "trial": self.trial.number,
            "identical": self.is_identical,
            "epochs": found.epochs,
            "metrics": list(found.metrics),
            "timings": list(found.timings),
            "first": _document(found.first),
            "largest": _document(found.largest),
            "failure": self.again.failure.summary if self.again.failure else None,
            "fails_as_before": self.fails_as_before,
            "since": list(self.again.since),
            "recorded": bool(self.segments),
        }

    def text(self) -> str:
        head = f"{self.study.record.name}, trial {self.trial.number}: {self.trial.state}, "
        lines = [head + score(self.trial, self.study.objective), *self._verdict(), *self._failure(), *self._why()]
        if self.compared.timings:
            lines.append(f"  not compared, since they measure time: {', '.join(self.compared.timings)}")
        return "\n".join(lines)

    def _verdict(self) -> Iterator[str]:
        found = self.compared
        if found.first is None or found.largest is None:
            if found.epochs:
                yield f"  identical bit for bit: {found.epochs} epochs x {len(found.metrics)} metrics"
            return
        yield f"  differs, first in {found.first}"
        yield f"  largest relative difference {found.largest.relative:.3g}, in {found.largest}"

    def _failure(self) -> Iterator[str]:
        now = self.again.failure.summary if self.again.failure else "it did not fail"
        if not self.fails_as_before:
            then = self.trial.reason if self.trial.state is State.FAILED else "it did not fail"
            yield f"  fails otherwise: was {then!r}, is {now!r} (after epoch {len(self.again.curve)})"
        elif self.again.failure is not None:
            yield f"  fails as it did, after epoch {self.trial.epoch}: {now}"

    def _why(self) -> Iterator[str]:
        if not self.segments:
            yield "  where it was trained is not recorded: it is of an older hpsearch"
        elif self.again.since:
            yield "  since it was trained, this has changed" + (":" if self.is_identical else ", and may be why:")
            yield from (f"    {line}" for line in self.again.since[:MOST_LINES])
            if more := self.again.since[MOST_LINES:]:
                yield f"    and {len(more)} more (--json has all)"
        elif not self.is_identical:
            yield (
                "  nothing that is recorded has changed: what the trainer does depends on more than its seed "
                "(a GPU, threads, the time, data that run.uses does not name)"
            )


def _document(one: Difference | None) -> dict[str, Any] | None:
    if one is None:
        return None
    numbers = {"recorded": one.recorded, "now": one.now, "relative": one.relative}
    return {"epoch": one.epoch, "metric": one.metric, **finite(numbers)}
