"""The result of a trial that was trained again, as text."""

from collections.abc import Iterator

from hpsearch.cli.text.layout import MAX_LINE_LENGTH, wrapped
from hpsearch.core.format import many, score, shortened, some
from hpsearch.core.trial import State
from hpsearch.reproduce.reproduction import INTERRUPTED_BY_FAILURE, Reproduction

MAX_LINES = 20
"""The most changes that are shown; --json has all."""


def text(found: Reproduction, versions: str) -> str:
    """versions: the command that prints the recorded versions as requirements."""
    head = f"{found.study.record.name}, trial {found.trial.number}: {found.trial.state}, "
    head += score(found.trial, found.study.objective)
    lines = [head, *_verdict(found), *_failure(found), *_why(found, versions)]
    if found.compared.timings:
        lines.append(f"  not compared, since they are times: {', '.join(found.compared.timings)}")
    return wrapped("\n".join(lines))


def _verdict(found: Reproduction) -> Iterator[str]:
    compared = found.compared
    if compared.first is None or compared.largest is None:
        if compared.epochs:
            yield f"  identical bit for bit: {many(compared.epochs, 'epoch')} x {many(len(compared.metrics), 'metric')}"
        return
    yield f"  differs, first in {compared.first}"
    yield f"  largest relative difference {compared.largest.relative:.3g}, in {compared.largest}"


def _failure(found: Reproduction) -> Iterator[str]:
    now = found.failure.summary if found.failure else "it did not fail"
    if not found.fails_as_before:
        then = found.trial.reason if found.trial.state in INTERRUPTED_BY_FAILURE else "it did not fail"
        yield f"  fails differently: was {then!r}, is {now!r} (after epoch {len(found.curve)})"
    elif found.failure is not None:
        verb = "is infeasible" if found.trial.state is State.INFEASIBLE else "fails"
        yield f"  {verb} as before, after epoch {found.trial.epoch}: {now}"


def _why(found: Reproduction, versions: str) -> Iterator[str]:
    if not found.is_recorded:
        yield "  where it was trained is not recorded, since an older hpsearch trained it"
    elif found.since:
        yield "  changed since it was trained" + (":" if found.is_identical else ", which may be the reason:")
        yield from (
            f"    {shortened(line, MAX_LINE_LENGTH)}" for line in some(found.since, MAX_LINES, " (--json has all)")
        )
        if found.other_distributions:
            yield f"  to install the recorded versions: {versions} > requirements.txt; pip install -r requirements.txt"
    elif not found.is_identical:
        yield (
            "  nothing that is recorded has changed, so the training depends on more than its seed (such as numbers "
            "without a seed, a GPU, threads, the time, or data that run.uses does not name)"
        )
