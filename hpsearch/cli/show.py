"""`hpsearch show`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study, same_study, trial_number


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("trial", type=trial_number, nargs="?", help="the trial's number; without it the whole study")
    every = "list all trials of the study, instead of the best 20; of a trial, also the metrics that hpsearch measured"
    parser.add_argument("--all", action="store_true", help=every)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import show as text
    from hpsearch.records.find import homes, opened, work_folder
    from hpsearch.records.study_status import study_details, trial_details
    from hpsearch.workers.checkpoints import CheckpointUse
    from hpsearch.workers.trial_files import TrialFiles

    with opened(args.study, args.journal) as (journal, study):
        if args.trial is None:
            details = study_details(journal, study)
            used = CheckpointUse.of(work_folder(study.record, (), *homes(args.study, args.journal))).bytes
            document = {**details.document(), "checkpoint_bytes": used}
            yield Answer(document, lambda: text.study(details, used, args.all))
        else:
            trial = trial_details(journal, study, args.trial)
            work = work_folder(study.record, trial.segments, *homes(args.study, args.journal))
            files = TrialFiles.find(work, study.record, args.trial)
            more = "" if args.all else same_study(args, "show", str(args.trial), "--all")
            yield Answer({**trial.document(), **files.document()}, lambda: text.trial(trial, files, more))
