"""`hpsearch logs`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from hpsearch.cli.verb import Answer, recorded_study, trial_number


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("trial", type=trial_number, help="the trial's number")
    parser.add_argument("--follow", action="store_true", help="print lines as they are written, until the trial ends")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.core.errors import BadInput
    from hpsearch.records.find import homes, opened
    from hpsearch.records.trial_output import folder_of_log, followed, output
    from hpsearch.workers.trial_log import log_file

    if args.follow and args.json:
        raise BadInput("--follow prints lines as they are written, --json one object: use one of them")
    with opened(args.study, args.journal) as (journal, study):
        work = folder_of_log(journal, study, args.trial, *homes(args.study, args.journal))
        file = log_file(work, args.trial)
        if args.follow:
            for lines in followed(journal, study, args.trial, file):
                yield Answer(None, partial(lines.removesuffix, "\n"))
        else:
            found = output(file)
            data = {"study": study.record.name, "trial": args.trial, "log": str(file), "output": found}
            nothing = f"(trial {args.trial} has printed nothing)"
            yield Answer(data, partial((found or nothing).removesuffix, "\n"))
