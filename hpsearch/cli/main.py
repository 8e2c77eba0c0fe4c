"""argv -> exit code. Only this module prints results, and catches HpsearchError."""

import errno
import io
import os
import sys
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from hpsearch.cli.parser import parsed
from hpsearch.core.errors import HpsearchError, InfrastructureError
from hpsearch.core.folders import ensure_home, study_home
from hpsearch.core.format import json_text, printable
from hpsearch.core.redact import masked, redact

CLOSED = (errno.EPIPE, errno.EIO)
"""Errors of a write to a closed pipe or terminal."""


def main(argv: Sequence[str] | None = None) -> int:
    verb, args = parsed(sys.argv[1:] if argv is None else argv)
    as_json = args.json or getattr(args, "jsonl", False)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # as on stderr: names may contain any character
    try:
        ensure_home(study_home(Path()))
        for answer in verb.run(args):
            _print(masked(json_text(answer.data) if as_json else printable(answer.text())))
            if answer.exit_code:
                return int(answer.exit_code)
        return 0
    except HpsearchError as problem:
        return _print_error(_message(problem), problem, problem.exit_code, args.verbose)
    except KeyboardInterrupt:
        return 130
    except OSError as problem:
        advice = f"{_message(problem)}\nfix this and run the same command again"
        return _print_error(advice, problem, InfrastructureError.exit_code, args.verbose)
    except Exception as problem:
        print("hpsearch: this is a bug in hpsearch; please report it with this traceback", file=sys.stderr)
        _print_traceback(problem)
        return 1


def _message(problem: BaseException) -> str:
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


def _print_error(message: str, problem: BaseException, exit_code: int, verbose: bool) -> int:
    try:
        if verbose:
            _print_traceback(problem)
        if message and sys.stderr is not None:  # None: it was closed when the process started
            print(printable(masked(message)), file=sys.stderr)
    except OSError:
        _redirect_to_devnull(sys.stderr)
    return exit_code


def _print_traceback(problem: BaseException) -> None:
    """Redacted: the error of a database driver may contain its URL, with the password."""
    print(printable(redact("".join(traceback.format_exception(problem)))), end="", file=sys.stderr)


def _redirect_to_devnull(stream: TextIO) -> None:
    """The reader has closed the pipe: the rest of the buffer must not fail again when Python flushes it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
