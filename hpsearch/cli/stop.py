"""`hpsearch stop`: asks whoever runs a study to end it, wherever that is."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study
from hpsearch.evaluation.test_set_ledger import evaluation_name
from hpsearch.journal import Journal, StudyRecord
from hpsearch.records.find import opened


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)


def run(args: Namespace) -> Iterator[Answer]:
    """The run finds the note with its next sign of life, within seconds; running trials then end their epoch.

    A study that is being evaluated is held by its evaluation, whose trainings are a study of their own.
    """
    with opened(args.study, args.journal) as (journal, study):
        record = study.record
        evaluation = journal.find(evaluation_name(record))
        holders = [_ask(journal, one) for one in (record, evaluation) if one is not None]
        asked = next(filter(None, holders), None)
    name = record.name
    done = f"{name}: {asked} was asked to stop; running trials end their epoch first"
    yield Answer({"study": name, "asked": asked}, lambda: f"{name}: nobody runs it" if asked is None else done)


def _ask(journal: Journal, record: StudyRecord) -> str | None:
    """Whoever runs it, in words; None for nobody."""
    holder = journal.holder(record.id)
    if holder is not None:
        journal.ask_to_stop(record.id)
    return holder
