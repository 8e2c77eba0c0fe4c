"""What a recorded study keeps, though its file has something else: rules, and the epochs of an extension."""

from collections.abc import Callable
from contextlib import suppress

from hpsearch.core.decisions import EXTENDED
from hpsearch.core.errors import JournalError, NotFound
from hpsearch.journal import Journal, StudyRecord
from hpsearch.records.study_place import check_same_file, place_of
from hpsearch.study.definition import Study
from hpsearch.study.file.faults import literal


def of(study: Study) -> Study:
    """The study with the rules of the recorded study of its name, such as the choice of `method = "auto"`. Unchanged if
    none is recorded, or if its journal cannot be read. StudyChanged: it belongs to another file."""
    with suppress(NotFound, JournalError), Journal.open(study.journal_url, create=False) as journal:
        if (record := journal.find(study.study.name)) is not None:
            if study.path is not None:
                check_same_file(record.name, place_of(journal, record), str(study.path.resolve()))
            return study.with_recorded_rules(record.spec)
    return study


RULES = (
    ("study", "trial_seeds"),
    ("study", "numbers"),
    ("search", "ranges"),
    ("search", "shares"),
    ("prune", "promote"),
    ("checkpoints", "keep"),
)


def note_of(in_file: Study, kept: Study) -> str:
    """A note that names the recorded rules that stay because the file has no key for them; "" if there are none.

    in_file: as read from the file. kept: with the recorded rules.
    """
    now, before = kept.spec(), in_file.spec()
    values = [(table, key, now.get(table, {}).get(key)) for table, key in RULES]
    stay = [
        f"{table}.{key} = {literal(value)}"
        for table, key, value in values
        if value is not None and value != before.get(table, {}).get(key, value)
    ]
    return (
        f"note: recorded values stay, because the study file does not have these keys: {', '.join(stay)}"
        if stay
        else ""
    )


def with_extension(
    study: Study, journal: Journal, record: StudyRecord, note: Callable[[str], object] = lambda _: None
) -> Study:
    """The study with the recorded epochs, if they are from an extension (`hpsearch extend`, or --set trainer.epochs=…)
    and the file has a number of epochs from before it."""
    recorded, own = int(record.spec["trainer"]["epochs"]), study.trainer.epochs
    if own >= recorded or not journal.count(record.id, EXTENDED):
        return study
    if own not in {one.step for one in journal.decisions(record.id) if one.kind == EXTENDED}:
        return study
    note(
        f"note: the trials of this study were extended from {own} to {recorded} epochs, and continue with {recorded}: "
        f"write trainer.epochs = {recorded} into the study file"
    )
    return study.model_copy(update={"trainer": study.trainer.model_copy(update={"epochs": recorded})})
