"""`hpsearch status`: with --watch it is printed again after each change, until no study runs."""

import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from hpsearch.cli.verb import Answer, recorded_study

LATEST = 5
"""The number of last decisions that are shown."""


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser, optional=True)
    parser.add_argument("--watch", action="store_true", help="print it again after each change, while a study runs")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.status import text
    from hpsearch.records.find import JournalStudy, homes, journal_of, study_in, work_folder
    from hpsearch.records.study_status import study_status
    from hpsearch.workers.checkpoints import CheckpointUse

    before = None
    while True:
        with journal_of(args.study, args.journal) as journal:
            records = journal.studies() if args.study is None else [study_in(journal, args.study).record]
            found = [study_status(journal, record) for record in records]
            latest = journal.decisions(records[0].id)[-LATEST:] if args.study is not None else []
        if found != before:
            documents = [one.document() for one in found]
            if args.study is None:
                yield Answer(documents, partial(text, found))
            else:
                used = CheckpointUse.of(work_folder(records[0], (), *homes(args.study, args.journal))).bytes
                document = {**documents[0], "checkpoint_bytes": used}
                yield Answer(document, partial(text, found, latest, used, JournalStudy(records[0]).space))
        if not args.watch or all(one.state != "RUNNING" for one in found):
            return
        before = found
        time.sleep(1.0)
