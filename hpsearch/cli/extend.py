"""`hpsearch extend`: the trainer is looked up beside the study's file, if a file is given."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from functools import partial

from hpsearch.cli.verb import Answer, recorded_study


def arguments(parser: ArgumentParser) -> None:
    recorded_study(parser)
    help_text = "the new last epoch, or training step, of the trials"
    parser.add_argument("--epochs", "--steps", type=int, required=True, metavar="E", help=help_text)
    parser.add_argument("--best", type=int, metavar="N", help="only the N best trials; default: all finished ones")
    again = "train trials without a checkpoint again from epoch 1"
    parser.add_argument("--from-scratch", action="store_true", help=again)


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.text.run import text
    from hpsearch.orchestrator.changes.extend import extend
    from hpsearch.orchestrator.changes.extension import ExtendRequest
    from hpsearch.progress.terminal import Terminal, prints_to_stderr

    longer = ExtendRequest(args.best, args.from_scratch)
    with prints_to_stderr(), Terminal(quiet=args.quiet) as terminal:
        result = extend(args.study, args.journal, args.epochs, longer, terminal)
    yield Answer(result.document(), partial(text, result), result.exit_code)
