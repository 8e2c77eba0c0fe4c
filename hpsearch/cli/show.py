"""`hpsearch show`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("trial", type=int, nargs="?", help="the trial's number; the search itself, without")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import show as text
    from hpsearch.records.find import opened
    from hpsearch.records.standing import study_details, trial_details

    with opened(args.study, args.journal) as (journal, study):
        if args.trial is None:
            search = study_details(journal, study.record)
            yield Answer(search.document(), lambda: text.study(search))
        else:
            trial = trial_details(journal, study, args.trial)
            yield Answer(trial.document(), lambda: text.trial(trial))
