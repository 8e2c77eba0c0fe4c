"""`hpsearch reproduce`: the trainer is looked up beside the study's file, if a file is given."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from hpsearch.cli.verb import Answer, recorded_study, same_study, trial_number

DIFFERS = 6
"""Exit code for different results: not an error of hpsearch, the input or the machine."""


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("trial", type=trial_number, help="the trial's number")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.reproduce import text
    from hpsearch.progress.terminal import Terminal, prints_to_stderr
    from hpsearch.records.find import file_of, opened
    from hpsearch.reproduce.retraining import reproduce

    with opened(args.study, args.journal) as (journal, study), prints_to_stderr():
        found = reproduce(journal, study, args.trial, Terminal(quiet=args.quiet).show_line, file_of(args.study))
    versions = same_study(args, "export", "--format", "requirements")
    yield Answer(found.document(), partial(text, found, versions), 0 if found.is_identical else DIFFERS)
