"""argv -> exit code. Only this module prints results, and catches HpsearchError.

Only the module of the called verb is imported, so that `hpsearch --help` stays fast.
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
from hpsearch.core.printable import printable
from hpsearch.core.redact import redact

VERBS = {
    "init": "write an example study file and trainer",
    "check": "check a study file and list all its errors, without running it",
    "plan": "show what a study will run: rounds, trials, epochs, estimated time, first proposals",
    "preflight": "check whether the trainer can learn, find its learning rates, and measure its cost",
    "run": "run a study, or continue it where it stopped",
    "extend": "train the finished trials of a study longer, from their checkpoints",
    "status": "show the progress of one study or of all",
    "show": "show a search with its rounds and decisions, or one trial with its parameters and curve",
    "logs": "print what the process of a trial wrote",
    "best": "show the best trial of a study",
    "compare": "compare studies: which is better, by how much, at what cost, and how they differ",
    "doctor": "diagnose the loss curves of a study or of one trial, and suggest changes",
    "report": "write an HTML report of a study, as one file that works offline",
    "evaluate": "train the best trials with new seeds, then evaluate them and ensembles once on the test set",
    "reproduce": "train a recorded trial again and compare the curves bit for bit",
    "export": "export a study as JSON, CSV, Parquet or an Optuna study",
    "stop": "stop a running study; it can be continued later",
    "sync": "send to MLflow what is recorded and not there yet",
    "ui": "open the MLflow dashboard of the local store",
    "submit": "run a study as a Ray job on a cluster",
    "db": "show or upgrade the schema version of the journal database",
}
"""Each is a module of hpsearch.cli: `arguments` adds its arguments to a parser, `run` yields its Answers."""

CLOSED = (errno.EPIPE, errno.EIO)
"""Errors of a write to a closed pipe or terminal."""

EPILOG = """exit codes: 0 success, 1 bug in hpsearch, 2 invalid input, 3 no trial succeeded or too many failed,
4 study already running, 5 infrastructure failed (run again), 6 a reproduced trial has other results,
130 and 143 stopped by a signal"""


def parser(verb: str | None = None, module: ModuleType | None = None) -> argparse.ArgumentParser:
    """The parser of all verbs, with the arguments of `verb`."""
    top = argparse.ArgumentParser(
        prog="hpsearch",
        description="Hyperparameter search for PyTorch, run like an experiment.",
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
        command.add_argument("-q", "--quiet", action="store_true", help="show no progress on stderr")
        command.add_argument("-v", "--verbose", action="store_true", help="show tracebacks of errors")
    return top


def main(argv: Sequence[str] | None = None) -> int:
    argv = sys.argv[1:] if argv is None else argv
    verb = next((word for word in argv if word in VERBS), None)
    module = importlib.import_module(f"hpsearch.cli.{verb}") if verb is not None else None
    args = parser(verb, module).parse_args(argv)
    as_json = args.json or getattr(args, "jsonl", False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as on stderr: names may have any character
    try:
        ensure_home(study_home(Path()))
        assert module is not None, "argparse rejects a call without a command"
        for answer in module.run(args):
            _print(json_text(answer.data) if as_json else printable(answer.text()))
            if answer.exit_code:
                return int(answer.exit_code)
        return 0
    except HpsearchError as problem:
        return _say(_words(problem), problem, problem.exit_code, args.verbose)
    except KeyboardInterrupt:
        return 130
    except OSError as problem:
        advice = f"{_words(problem)}\nfix this and run the same command again"
        return _say(advice, problem, InfrastructureError.exit_code, args.verbose)
    except Exception as problem:
        print("hpsearch: this is a bug in hpsearch; please report it with this traceback", file=sys.stderr)
        _trace(problem)
        return 1


def _words(problem: BaseException) -> str:
    return "\n".join([str(problem), *getattr(problem, "__notes__", [])])


def _print(text: str) -> None:
    try:
        if text:
            print(text, flush=True)
    except OSError as problem:
        if problem.errno not in CLOSED:
            problem.add_note("  while writing to stdout")
            raise
        _redirect_to_devnull(sys.stdout)


def _say(message: str, problem: BaseException, exit_code: int, verbose: bool) -> int:
    try:
        if verbose:
            _trace(problem)
        if message and sys.stderr is not None:  # None: it was closed when the process began
            print(printable(message), file=sys.stderr)
    except OSError:
        _redirect_to_devnull(sys.stderr)
    return exit_code


def _trace(problem: BaseException) -> None:
    """The error of a database driver may contain its URL, with the password."""
    print(printable(redact("".join(traceback.format_exception(problem)))), end="", file=sys.stderr)


def _redirect_to_devnull(stream: TextIO) -> None:
    """The reader has closed the pipe: the rest of the buffer must not fail again when Python flushes it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
