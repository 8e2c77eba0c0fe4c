"""`hpsearch completion`."""

from argparse import ArgumentParser, Namespace
from collections.abc import Iterator

from hpsearch.cli.verb import Answer


def arguments(parser: ArgumentParser) -> None:
    parser.add_argument("shell", choices=["bash", "zsh", "fish"], help="the shell that reads the script")


def run(args: Namespace) -> Iterator[Answer]:
    from hpsearch.cli.parser import VERBS, verb_parser
    from hpsearch.cli.text.completion import commands_of, script

    written = script(args.shell, commands_of(VERBS, {verb: verb_parser(verb)[0] for verb in VERBS}))
    yield Answer({"shell": args.shell, "script": written}, lambda: written)
