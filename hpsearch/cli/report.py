"""`hpsearch report`: a recorded study as one HTML page, from the journal alone."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study
from hpsearch.cli.text import evaluate
from hpsearch.core.errors import BadInput
from hpsearch.evaluation.evaluation_result import EvaluationResult
from hpsearch.evaluation.test_set_ledger import last_result, openings
from hpsearch.journal import Journal
from hpsearch.records.find import RecordedStudy, opened
from hpsearch.records.preflight_record import cost_text
from hpsearch.records.standing import standing
from hpsearch.reports.content import Content
from hpsearch.reports.page import page
from hpsearch.samplers.recipe import history_of_rounds

PLACE = Path("report.html")
"""Where it goes unless it is said."""


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument(
        "-o", "--output", type=Path, help="the file to write, over one that is there; default: report.html"
    )


def run(args: Namespace) -> Iterator[Answer]:
    place = args.output or PLACE
    _check(place)
    with opened(args.study, args.journal) as (journal, study):
        content = _content(journal, study)
    text = page(content).encode("utf-8", "backslashreplace")  # a file's name may be no text
    _write(place, text)
    data = {"study": content.record.name, "state": content.state, "written": str(place)}
    size = len(text) / 1e6
    yield Answer(data, lambda: f'report of study "{content.record.name}" written to {place} ({size:.1f} MB)')


def _check(place: Path) -> None:
    """Before anything is read."""
    if not place.parent.is_dir():
        raise BadInput(f"-o {place}: there is no folder {place.parent}")
    if place.is_dir():
        raise BadInput(f"-o {place}: this is a folder; name a file, such as {place / PLACE}")


def _write(place: Path, text: bytes) -> None:
    try:
        place.write_bytes(text)
    except OSError as problem:
        advice = "name another file with -o"
        raise BadInput(f"{place} cannot be written: {problem.strerror}; {advice}") from problem


def _content(journal: Journal, study: RecordedStudy) -> Content:
    record = study.record
    measured, ledger = journal.documents(record.id), openings(journal, record.id)
    tested = last_result(journal, record.id)
    return Content(
        record=record,
        objective=study.objective,
        space=study.space,
        state=standing(journal, record).state,
        seconds=journal.spent(record.id),
        at=int(time.time() * 1000),
        trials=journal.trials(record.id),
        decisions=journal.decisions(record.id),
        segments=journal.segments(record.id),
        measured=measured,
        openings=ledger,
        evaluated=tested,
        evaluation=evaluate.text(EvaluationResult(tested, ledger, on_record=False, trials_since=0)) if tested else "",
        rounds=history_of_rounds.text(measured[history_of_rounds.KIND]) if history_of_rounds.KIND in measured else "",
        cost=cost_text(measured["preflight"]["cost"]) if "preflight" in measured else "",
    )
