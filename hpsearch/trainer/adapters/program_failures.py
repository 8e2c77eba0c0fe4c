"""What the last lines of a failed program show: the error, and advice where the study's folder has the cure."""

import re
from collections.abc import Container, Iterable, Sequence
from pathlib import Path

from hpsearch.study.program import Program
from hpsearch.trainer.adapters import script_libraries
from hpsearch.trainer.adapters.program_sources import sources_of

WRONG_USAGE = 2
"""The exit code of argparse, click, typer and fire for a wrong command line."""

NO_MODULE = re.compile(r"ModuleNotFoundError: No module named '(\w+)")

NO_FILE = re.compile(r"No such file or directory: '([^']+)'")

_ERROR = re.compile(r"(\S+: )?error: *\S", re.IGNORECASE)
_EXCEPTION = re.compile(r"([A-Za-z_]\w*\.)*[A-Z]\w*(Error|Exception|Exit|Interrupt)\b")
_TERMINAL = re.compile(r"\bstty\b|get_terminal_size|[Ii]nappropriate ioctl|[Nn]ot a (tty|terminal)")
_FRAME = " \u2502\u2503|"
"""Around a message of typer, which prints it in a box."""


def error_line(lines: Sequence[str], code: int) -> str:
    """The line of the exception, or of the error for a wrong command line, as hints may follow it; else the last line
    with words. "" for none."""
    plain = [line.strip(_FRAME).removesuffix(".") for line in lines if re.search(r"\w", line)]
    wanted = _ERROR if code == WRONG_USAGE else _EXCEPTION
    errors = [line for line in plain if wanted.match(line)]
    return next(reversed(errors or plain), "")


def advice(lines: Sequence[str], code: int, program: Program, folder: Path) -> str:
    """ "" for none. lines: of the program's output. folder: of the study."""
    if not program.terminal and any(map(_TERMINAL.search, lines)):
        return "; if it needs a terminal, write terminal = true in [trainer]"
    if found := _missing_module(lines, folder) or _missing_file(lines, program, folder):
        return found
    missing = code == WRONG_USAGE and missing_subcommand(program, sources_of(program, folder).files.values())
    return f"; {missing}" if missing else ""


def _missing_module(lines: Sequence[str], folder: Path) -> str:
    """If the study's folder or its parent has the module of a ModuleNotFoundError in the last line: Python searches the
    folder of the script, not the working directory."""
    if not (lines and (found := NO_MODULE.match(lines[-1]))):
        return ""
    names = found[1], f"{found[1]}.py"
    places = (place for place in (folder, folder.parent) if any((place / name).exists() for name in names))
    return next((f"; it is in {place}: run hpsearch with PYTHONPATH={place}" for place in places), "")


def _missing_file(lines: Sequence[str], program: Program, folder: Path) -> str:
    """If the study's folder has the file, and the program runs in another."""
    found = program.in_scratch and lines and NO_FILE.search(lines[-1])
    if not found or Path(found[1]).is_absolute() or not (folder / found[1]).exists():
        return ""
    return '; it is in the study\'s folder, and cwd = "scratch" runs the program in another: docs/commands.md#its-files'


def missing_subcommand(program: Program, files: Iterable[Path], values: Container[str] = ()) -> str:
    """If the script has subcommands, and the command names none of them; else "". files: its sources. values: texts of
    its parameters, which may be a subcommand."""
    script = program.script
    names = script_libraries.subcommands(files)
    if script is None or not names or any(name in program.words or name in values for name in names):
        return ""
    name = Path(script).name if Path(script).is_absolute() else script
    usual = next((one for one in names if "train" in one or one == "fit"), names[0])
    return (
        f"{name} has {'subcommands' if len(names) > 1 else 'the subcommand'} {', '.join(names)}: write command = "
        f'["python", "{name}", "{usual}"] and style = "argparse"'
    )
