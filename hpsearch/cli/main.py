"""argv -> exit code: the only place that prints, and that catches HpsearchError.

The module of the verb that argv names is the only one that is imported, so that `hpsearch --help` stays quick.
"""

import argparse
import errno
import importlib
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import TextIO

from hpsearch import __version__
from hpsearch.core.errors import HpsearchError, InfrastructureError
from hpsearch.core.folders import ensure_home, study_home
from hpsearch.core.format import json_text
from hpsearch.core.redact import redact

VERBS = {
    "init": "write a first study file and trainer to start from",
    "check": "every fault of a study file at once, without running it",
    "plan": "what a study will run: rounds, trials, epochs, the first proposals",
    "preflight": "whether a study's trainer can learn, at which learning rates, and what it will cost",
    "run": "run a study, or go on where it was",
    "status": "how a study stands, while it runs or after",
    "show": "the search's rounds and decisions; or one trial: parameters, curve, decisions with reasons",
    "best": "the best trial of a study",
    "compare": "studies side by side: which was better, by how much, at what cost, and what differs",
    "doctor": "what the loss curves show and what to do about it: of a study, or of one trial",
    "report": "a study as one HTML page for somebody who was not there, which needs no network",
    "evaluate": "the test set, once: the best trials over fresh seeds, and ensembles beside them",
    "reproduce": "train one trial again from its record, and compare the curves bit for bit",
    "export": "everything that was recorded, as JSON, CSV, Parquet or an Optuna study",
    "stop": "ask the run of a study to end in good order",
    "sync": "bring MLflow to what the journal says",
    "ui": "open the MLflow dashboard over the embedded store",
    "submit": "run a study as a Ray job on a cluster",
    "db": "the journal's database: its version, and upgrades",
}
"""Each is a module of hpsearch.cli: `arguments` fills its parser, `run` yields its Answers."""

GONE = (errno.EPIPE, errno.EIO)
"""What writing to a closed pipe or a closed terminal says."""

EPILOG = """exit codes: 0 done, 1 our bug, 2 bad input, 3 no trial succeeded, 4 the study is being run by someone else,
5 infrastructure failed (run again), 6 a reproduced trial came to something else, 130 and 143 signals"""


def parser(verb: str | None = None, module: ModuleType | None = None) -> argparse.ArgumentParser:
    """Of all verbs, with the arguments of the one that is called."""
    top = argparse.ArgumentParser(
        prog="hpsearch",
        description="A hyperparameter search that is run like an experiment.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"hpsearch {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, text in VERBS.items():
        command = subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        if module is not None and name == verb:
            module.arguments(command)
        command.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        command.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
        command.add_argument("-v", "--verbose", action="store_true", help="tracebacks of our own errors")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    verb = next((word for word in argv if word in VERBS), None)
    module = importlib.import_module(f"hpsearch.cli.{verb}") if verb is not None else None
    args = parser(verb, module).parse_args(argv)
    as_json = args.json or getattr(args, "jsonl", False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: no name may be what a terminal cannot show
    try:
        ensure_home(study_home(Path()))
        assert module is not None, "argparse has refused what names no verb"
        for answer in module.run(args):
            _print(json_text(answer.data) if as_json else answer.text())
            if answer.exit_code:
                return int(answer.exit_code)
        return 0
    except HpsearchError as problem:
        return _say(_words(problem), problem, problem.exit_code, args.verbose)
    except KeyboardInterrupt:
        return 130
    except OSError as problem:
        advice = f"{_words(problem)}\nmend it, and run the same command again"
        return _say(advice, problem, InfrastructureError.exit_code, args.verbose)
    except Exception as problem:
        print("hpsearch: this is a bug of ours; please report it with what follows", file=sys.stderr)
        _trace(problem)
        return 1


def _words(problem: BaseException) -> str:
    return "\n".join([str(problem), *getattr(problem, "__notes__", [])])


def _print(text: str) -> None:
    try:
        if text:
            print(text, flush=True)
    except OSError as problem:
        if problem.errno not in GONE:
            problem.add_note("  while writing to stdout")
            raise
        _send_nowhere(sys.stdout)


def _say(message: str, problem: BaseException, exit_code: int, verbose: bool) -> int:
    try:
        if verbose:
            _trace(problem)
        if message and sys.stderr is not None:  # None: it was closed when the process began
            print(message, file=sys.stderr)
    except OSError:
        _send_nowhere(sys.stderr)
    return exit_code


def _trace(problem: BaseException) -> None:
    """A driver of a database may repeat the address that it was given."""
    print(redact("".join(traceback.format_exception(problem))), end="", file=sys.stderr)


def _send_nowhere(stream: TextIO) -> None:
    """The reader is gone: what is still buffered must not fail again when Python flushes it at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
