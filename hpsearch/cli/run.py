"""`hpsearch run`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.answer import Answer
from hpsearch.cli.arguments import study_file


def arguments(parser: ArgumentParser) -> None:
    study_file(parser)
    parser.add_argument("--fork", metavar="NAME", help="start a new study that may learn from the recorded one")
    parser.add_argument("--skip-preflight", action="store_true", help="start, whatever [preflight] would say")
    parser.add_argument(
        "--jsonl", action="store_true", help="one JSON object on stdout for every settled trial, then that of --json"
    )


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.orchestrator.run import run as run_study

    yield from run_study(args)
