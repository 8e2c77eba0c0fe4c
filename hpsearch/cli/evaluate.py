"""`hpsearch evaluate`: shows a recorded result, unless --again opens the test set once more."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer, recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("--top", type=_count, default=3, metavar="K", help="how many of the best trials; default: 3")
    parser.add_argument("--seeds", type=_count, default=5, metavar="N", help="trainings of each; default: 5")
    parser.add_argument("--again", action="store_true", help="open the test set again; each opening is recorded")
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="evaluate with the present code of the trainer, even if it has changed since the search",
    )


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text import evaluate as words
    from hpsearch.cli.text.front import first_goal
    from hpsearch.evaluation.evaluate import evaluate, evaluation_on_record
    from hpsearch.progress.terminal import Terminal, prints_to_stderr
    from hpsearch.records.callers_files import trainable
    from hpsearch.records.find import opened

    with opened(args.study, args.journal) as (journal, found):
        result = None if args.again else evaluation_on_record(journal, found.record)
        if result is None:
            study = trainable(journal, found.record, args.study, args.journal)
            asked = {name: getattr(args, name) for name in ("top", "seeds", "again", "accept_changes")}
            with prints_to_stderr(), Terminal(quiet=args.quiet) as terminal:
                result = evaluate(journal, found.record, study, terminal, **asked)
    yield Answer(result.document(), lambda: "\n".join([*first_goal(found.objective), words.text(result, found.space)]))


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"must be at least 1, got {number}")
    return number
