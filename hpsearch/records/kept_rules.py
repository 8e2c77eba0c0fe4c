"""The rules that a recorded study keeps, for commands that read a study file without running it."""

from contextlib import suppress

from hpsearch.core.errors import JournalError, NotFound
from hpsearch.journal import Journal
from hpsearch.study.definition import Study


def of(study: Study) -> Study:
    """The study with the rules of the recorded study of its name, such as the choice of `method = "auto"`. Unchanged if
    none is recorded, or if its journal cannot be read."""
    with suppress(NotFound, JournalError), Journal.open(study.journal_url, create=False) as journal:
        if (record := journal.find(study.study.name)) is not None:
            return study.with_recorded_rules(record.spec)
    return study
