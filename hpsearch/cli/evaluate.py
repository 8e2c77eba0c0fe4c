"""`hpsearch evaluate`."""

from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    parser.add_argument("--top", type=_count, default=3, metavar="K", help="how many of the best trials; default: 3")
    parser.add_argument("--seeds", type=_count, default=5, metavar="N", help="trainings of each; default: 5")
    parser.add_argument("--again", action="store_true", help="open the test set another time, which is recorded too")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.evaluation.evaluate import evaluate

    yield from evaluate(args)


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ArgumentTypeError(f"must be at least 1, got {number}")
    return number
