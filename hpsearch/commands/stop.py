"""`hpsearch stop`: asks whoever runs a study to end it, wherever that is."""

from argparse import Namespace
from collections.abc import Iterator

from hpsearch.commands import Answer
from hpsearch.commands.recorded import journal_of, opened


def stop(args: Namespace) -> Iterator[Answer]:
    """The run finds the note with its next sign of life, within seconds; running trials then end their epoch."""
    with journal_of(args) as journal:
        record = opened(journal, args).record
        holder = journal.holder(record.id)
        if holder is not None:
            journal.ask_to_stop(record.id)
    name = record.name
    asked = f"{name}: {holder} was asked to stop; running trials end their epoch first"
    yield Answer({"study": name, "asked": holder}, lambda: f"{name}: nobody runs it" if holder is None else asked)
