"""argv -> exit code: the only place that prints, and that catches HpsearchError.

Each command's module is imported when it is called, so that `hpsearch --help` stays quick.
"""

import argparse
import errno
import importlib
import io
import json
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from hpsearch import __version__
from hpsearch.core.errors import HpsearchError, InfrastructureError
from hpsearch.core.redact import redact

COMMANDS = {
    "init": ("cli.files", "write a first study file and trainer to start from"),
    "check": ("cli.files", "every fault of a study file at once, without running it"),
    "plan": ("cli.files", "what a study will run: rounds, trials, epochs, the first proposals"),
    "preflight": (
        "preflight.learning_test",
        "whether a study's trainer can learn, at which learning rates, and what it will cost",
    ),
    "run": ("orchestrator.run", "run a study, or go on where it was"),
    "status": ("cli.readers", "how a study stands, while it runs or after"),
    "show": (
        "cli.readers",
        "the search's rounds and decisions; or one trial: parameters, curve, decisions with reasons",
    ),
    "best": ("cli.readers", "the best trial of a study"),
    "compare": (
        "evaluation.compare.comparison",
        "studies side by side: which was better, by how much, at what cost, and what differs",
    ),
    "doctor": ("cli.doctor", "what the loss curves show and what to do about it: of a study, or of one trial"),
    "report": ("cli.report", "a study as one HTML page for somebody who was not there, which needs no network"),
    "evaluate": (
        "evaluation.evaluate",
        "the test set, once: the best trials over fresh seeds, and ensembles beside them",
    ),
    "reproduce": ("reproduce.retraining", "train one trial again from its record, and compare the curves bit for bit"),
    "export": ("cli.readers", "everything that was recorded, as JSON, CSV, Parquet or an Optuna study"),
    "stop": ("cli.stop", "ask the run of a study to end in good order"),
    "sync": ("cli.tracking", "bring MLflow to what the journal says"),
    "ui": ("cli.tracking", "open the MLflow dashboard over the embedded store"),
    "submit": ("cli.submit", "run a study as a Ray job on a cluster"),
    "db": ("cli.db", "the journal's database: its version, and upgrades"),
}

GONE = (errno.EPIPE, errno.EIO)
"""What writing to a closed pipe or a closed terminal says."""

EPILOG = """exit codes: 0 done, 1 our bug, 2 bad input, 3 no trial succeeded, 4 the study is being run by someone else,
5 infrastructure failed (run again), 6 a reproduced trial came to something else, 130 and 143 signals"""


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        prog="hpsearch",
        description="A hyperparameter search that is run like an experiment.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    top.add_argument("--version", action="version", version=f"hpsearch {__version__}")
    subparsers = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (_, text) in COMMANDS.items():
        command = subparsers.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        ARGUMENTS[name](command)
        command.add_argument("--json", action="store_true", help="print one JSON object on stdout")
        command.add_argument("-q", "--quiet", action="store_true", help="no progress on stderr")
        command.add_argument("-v", "--verbose", action="store_true", help="tracebacks of our own errors")
    return top


def _study_file(command: argparse.ArgumentParser) -> None:
    command.add_argument("file", type=Path, metavar="study.toml")
    command.add_argument(
        "--set",
        action="append",
        default=[],
        dest="overrides",
        metavar="KEY=VALUE",
        help="change one key of the file, such as space.lr.low=1e-4; may be repeated",
    )


def _recorded(command: argparse.ArgumentParser, optional: bool = False) -> None:
    command.add_argument(
        "study", nargs="?" if optional else None, help="a study's name, or its file" + "; all, without" * optional
    )
    _journal(command)


def _journal(command: argparse.ArgumentParser) -> None:
    where = "where it is recorded, a password as ${env:NAME}; default: .hpsearch/journal.db here"
    command.add_argument("--journal", metavar="URL", help=where)


def _init(command: argparse.ArgumentParser) -> None:
    command.add_argument("folder", type=Path, nargs="?", default=Path(), help="where to write; default: here")


def _run(command: argparse.ArgumentParser) -> None:
    _study_file(command)
    command.add_argument("--fork", metavar="NAME", help="start a new study that may learn from the recorded one")
    command.add_argument("--skip-preflight", action="store_true", help="start, whatever [preflight] would say")
    command.add_argument(
        "--jsonl", action="store_true", help="one JSON object on stdout for every settled trial, then that of --json"
    )


def _status(command: argparse.ArgumentParser) -> None:
    _recorded(command, optional=True)
    command.add_argument("--watch", action="store_true", help="again whenever something changes, while it runs")


def _show(command: argparse.ArgumentParser) -> None:
    _recorded(command)
    command.add_argument("trial", type=int, nargs="?", help="the trial's number; the search itself, without")


def _reproduce(command: argparse.ArgumentParser) -> None:
    _recorded(command)
    command.add_argument("trial", type=int, help="the trial's number")


def _compare(command: argparse.ArgumentParser) -> None:
    command.add_argument("study", nargs="+", metavar="STUDY", help="two or more: names, or files")
    _journal(command)


def _doctor(command: argparse.ArgumentParser) -> None:
    _recorded(command)
    command.add_argument("trial", type=int, nargs="?", help="one trial's number; all together, without")
    command.add_argument("--lines", type=int, default=20, metavar="N", help="how many trials to list; default: 20")
    command.add_argument("--worst", action="store_true", help="list the worst findings first, not the best values")


def _report(command: argparse.ArgumentParser) -> None:
    _recorded(command)
    command.add_argument(
        "-o", "--output", type=Path, help="the file to write, over one that is there; default: report.html"
    )


def _evaluate(command: argparse.ArgumentParser) -> None:
    _recorded(command)
    command.add_argument("--top", type=_count, default=3, metavar="K", help="how many of the best trials; default: 3")
    command.add_argument("--seeds", type=_count, default=5, metavar="N", help="trainings of each; default: 5")
    command.add_argument("--again", action="store_true", help="open the test set another time, which is recorded too")


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"must be at least 1, got {number}")
    return number


def _export(command: argparse.ArgumentParser) -> None:
    _recorded(command)
    command.add_argument("--format", choices=["json", "csv", "parquet", "optuna"], default="json")
    command.add_argument("-o", "--output", type=Path, help="the file to write; json and csv go to stdout without")


def _sync(command: argparse.ArgumentParser) -> None:
    _recorded(command, optional=True)
    command.add_argument("--mlflow", metavar="URI", help="where MLflow is; default: as the study's file says, or here")


def _ui(command: argparse.ArgumentParser) -> None:
    command.add_argument("--port", type=int, help="default: a free one from 5000 up")
    command.add_argument("--home", type=Path, help="the folder with mlflow.db; default: .hpsearch here")
    where = "another store, a password as ${env:NAME}; or a server (its address is printed)"
    command.add_argument("--mlflow", metavar="URI", help=where)


def _submit(command: argparse.ArgumentParser) -> None:
    _study_file(command)
    command.add_argument("--address", required=True, help="the cluster's job server, such as http://head:8265")
    command.add_argument("--follow", action="store_true", help="show its output until it ends; exit as it does")


def _db(command: argparse.ArgumentParser) -> None:
    command.add_argument("action", choices=["version", "upgrade"])
    command.add_argument("file", type=Path, nargs="?", metavar="study.toml", help="the study whose journal it is")
    command.add_argument("--journal", metavar="URL", help="default: .hpsearch/journal.db here")


ARGUMENTS = {
    "init": _init,
    "check": _study_file,
    "plan": _study_file,
    "preflight": _study_file,
    "run": _run,
    "status": _status,
    "show": _show,
    "best": _recorded,
    "compare": _compare,
    "doctor": _doctor,
    "report": _report,
    "evaluate": _evaluate,
    "reproduce": _reproduce,
    "export": _export,
    "stop": _recorded,
    "sync": _sync,
    "ui": _ui,
    "submit": _submit,
    "db": _db,
}


def main(argv: Sequence[str] | None = None) -> int:
    args = parser().parse_args(argv)
    as_json = args.json or getattr(args, "jsonl", False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as stderr is: no name may be what a terminal cannot show
    try:
        module = importlib.import_module(f"hpsearch.{COMMANDS[args.command][0]}")
        for answer in getattr(module, args.command)(args):
            _print(json.dumps(answer.data) if as_json else answer.text())
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
