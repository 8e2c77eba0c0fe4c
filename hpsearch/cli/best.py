"""`hpsearch best`."""

from argparse import Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study

arguments = recorded_study


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.show import trial
    from hpsearch.records.find import homes, opened, work_folder
    from hpsearch.records.study_status import best_trial
    from hpsearch.workers.trial_files import TrialFiles

    with opened(args.study, args.journal) as (journal, study):
        best = best_trial(journal, study)
    work = work_folder(study.record, best.segments, *homes(args.study, args.journal))
    files = TrialFiles.find(work, study.record, best.trial.number)
    yield Answer({**best.document(), **files.document()}, lambda: trial(best, files))
