"""The command line and the environment of a program, from the parameters of a trial."""

import ast
import json
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Value
from hpsearch.study import placeholders
from hpsearch.study.program import Program
from hpsearch.trainer.adapters import constants, hydra_words
from hpsearch.trainer.adapters.script_options import Options
from hpsearch.trainer.arguments import nested

PYTHON = re.compile(r"python([23](\.\d+)?)?")

PYTHON_LAUNCHERS = {"torchrun", "accelerate", "deepspeed", "uv", "poetry", "pipenv", "conda", "ipython", "pytest"}
"""Programs that run Python, which writes its output line by line with PYTHONUNBUFFERED."""


@dataclass(frozen=True)
class CommandLine:
    """words: the program and its arguments. variables: added to the environment of this process."""

    words: tuple[str, ...]
    variables: Mapping[str, str] = field(default_factory=dict)


def located(program: Program, folder: Path) -> Program:
    """The program with the path of its executable. TrainerError if that does not exist or cannot be run.

    `python` is the Python that runs hpsearch. folder: of the study, for relative paths. If the program runs in a folder
    of the trial, arguments that name files of the study's folder become absolute.
    """
    first, *rest = program.words
    if program.in_scratch:
        rest = [in_folder(word, folder) for word in rest]
    for word in rest[:1]:
        if Path(word).suffix == ".py" and not (folder / word).is_file():
            near = get_close_matches(word, [path.name for path in folder.glob("*.py")], n=1)
            raise _missing(word, folder, f"; did you mean {near[0]}?" if near else "")
    if problem := runs_nothing(program, folder):
        raise TrainerError(problem)
    return replace(program, words=(_executable(first, folder), *rest))


def in_folder(word: str, folder: Path) -> str:
    """The absolute path of a file or folder in the study's folder; any other word as it is."""
    if not word or not (folder / word).exists():
        return word
    return f"{folder / word}{os.sep * word.endswith(os.sep)}"


def _missing(word: str, folder: Path, hint: str = "") -> TrainerError:
    is_outside = Path(word).is_absolute() or ".." in Path(word).parts
    outside = "; it is outside of the study's folder, and only that folder is sent to a cluster" * is_outside
    return TrainerError(f"the trainer's command runs {word}, and there is no such file in {folder}{hint or outside}")


def runs_nothing(program: Program, folder: Path) -> str | None:
    """What to write in place of a Python file that only defines functions, such as a trainer for `use`."""
    name = next((word for word in program.words[1:2] if Path(word).suffix == ".py"), None)
    if name is None:
        return None
    try:
        body = ast.parse((folder / name).read_bytes()).body
    except (OSError, SyntaxError, ValueError):
        return None  # Python prints this error when it runs the file
    functions = [node for node in body if isinstance(node, ast.FunctionDef)]
    passive = (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    if not functions or not all(isinstance(node, passive) or _is_value(node) for node in body):
        return None
    yielding = [one for one in functions if any(isinstance(node, ast.Yield) for node in ast.walk(one))]
    return (
        f"the trainer's command runs {name}, which defines functions and calls none of them. For a function as the "
        f'trainer, write use = "{name}:{(yielding or functions)[-1].name}"'
    )


def _is_value(node: ast.stmt) -> bool:
    """A docstring, or an assignment without a call."""
    is_plain = isinstance(node, ast.Assign | ast.AnnAssign) or (
        isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    )
    return is_plain and not any(isinstance(part, ast.Call) for part in ast.walk(node))


def _executable(name: str, folder: Path) -> str:
    if PYTHON.fullmatch(name) and (name in ("python", "python3") or shutil.which(name) is None):
        return sys.executable
    if os.sep not in name:
        if found := shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent)):
            return found  # beside Python: torchrun of an environment that is not activated
        hint = f"; write ./{name} for the file in the study's folder" if (folder / name).exists() else ""
        raise TrainerError(f"the trainer's command runs `{name}`, and there is no such program on the PATH{hint}")
    path = folder / name
    if not path.is_file():
        raise _missing(name, folder)
    if not os.access(path, os.X_OK):
        raise TrainerError(
            f"the trainer's command runs {name}, which is not executable: run `chmod +x {name}`, or name the program "
            f'that runs it, such as command = ["bash", "{name}"]'
        )
    return str(path)


def is_python(words: Iterable[str]) -> bool:
    """Whether a command runs Python, which needs no terminal to write its output line by line."""
    first, *rest = words
    name = Path(first).name
    return bool(PYTHON.match(name)) or name in PYTHON_LAUNCHERS or any(word.endswith(".py") for word in rest[:1])


def command_line(
    program: Program, params: Params, built_in: Mapping[str, Value], options: Options, params_file: Path
) -> CommandLine:
    """params: of the trial, with the trainer's options (`trainer.options`). built_in: the values of placeholders that
    are not parameters. options: of the script. params_file: written if the program reads it."""
    values = {**params, **built_in, "params_file": str(params_file)}
    words = [*_filled(program.words, values)]
    style = options.style if program.style == "auto" else program.style
    if style == "json" or any("params_file" in placeholders.used(word) for word in program.words):
        params_file.write_text(json.dumps(nested(params) if program.nested else params))
    taken = {name for word in program.words for name in placeholders.used(word)}
    left = {name: value for name, value in params.items() if name not in taken}
    match style:
        case "env":
            return CommandLine(tuple(words), {**_variables(left), **{name: _text(v) for name, v in left.items()}})
        case "hydra":
            words += [hydra_words.override(name, value) for name, value in left.items()]
        case "constants":
            params_file.write_text(json.dumps(left))
            place = next(place for place, word in enumerate(words) if Path(word).suffix == ".py")
            words[place:place] = [constants.__file__, str(params_file)]
        case "json" if "params_file" not in taken:
            words.append(str(params_file))
        case "argparse":
            words += [word for name, value in left.items() for word in options.arguments(name, value)]
    return CommandLine(tuple(words))


def resume_words(program: Program, values: Mapping[str, Value]) -> tuple[str, ...]:
    return tuple(_filled(program.resume, values))


def variable_of(parameter: str) -> str:
    return re.sub(r"\W", "_", parameter).upper()


def _variables(params: Params) -> dict[str, str]:
    """Environment variables with the names in capitals, except those that this process already has."""
    names = {name: variable_of(name) for name in params}
    return {names[name]: _text(value) for name, value in params.items() if names[name] not in os.environ}


def _filled(words: Iterable[str], values: Mapping[str, Value]) -> Iterator[str]:
    """An option is left out with its value if the trial does not have its parameter. `--amp {amp}` is a flag if the
    parameter is a bool."""
    waiting: str | None = None
    for word in words:
        name = next(placeholders.names(word), "")
        is_alone = waiting is not None and word.strip() == f"{{{name}}}"
        if is_alone and isinstance(value := values.get(name), bool):
            if value:
                yield str(waiting)
            waiting = None
            continue
        try:
            text = placeholders.filled(word, values)
        except placeholders.Absent:
            if waiting is not None and not is_alone:
                yield waiting
            waiting = None
            continue
        if waiting is not None:
            yield waiting
        waiting = text if word.startswith("-") and "{" not in word else None
        if waiting is None:
            yield text
    if waiting is not None:
        yield waiting


def _text(value: Value) -> str:
    return placeholders.word(value)
