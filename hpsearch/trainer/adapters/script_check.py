"""Checks a script against its study by reading its source, before it is run: `source_check` for programs."""

import ast
import re
from collections.abc import Iterable, Iterator
from difflib import get_close_matches
from pathlib import Path

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Value
from hpsearch.study import placeholders
from hpsearch.study.program import Program
from hpsearch.study.space import Choice, Float, Space
from hpsearch.trainer.adapters.command_line import runs_nothing, variable_of
from hpsearch.trainer.adapters.config_file import ConfigFile
from hpsearch.trainer.adapters.constants import constants
from hpsearch.trainer.adapters.program_failures import missing_subcommand
from hpsearch.trainer.adapters.program_sources import sources_of
from hpsearch.trainer.adapters.script_libraries import requires_subcommand
from hpsearch.trainer.adapters.script_options import Option, Options, key_of
from hpsearch.trainer.source.source_check import SourceCheck, SourceFault

VARIABLE = re.compile(r"""(?:environ(?:\.get\(|\[)|\bgetenv\()\s*["'](\w+)["']""")
"""An environment variable that a Python script reads."""

OTHER_VARIABLES = re.compile(
    r"""environ(?!\.get\(\s*["']|\[\s*["'])|\bgetenv\((?!\s*["'])|import .*\b(getenv|environ)\b|"""
    r"""\b(pydantic_settings|BaseSettings|decouple|environs)\b"""
)
"""A sign that it reads others too, by names that the source does not show."""


def check(program: Program, space: Space, options: Params, folder: Path) -> SourceCheck:
    """Faults only where the source shows all options of the script, or where a parameter should be a key of
    trainer.config. options: of the trainer."""
    if problem := runs_nothing(program, folder):
        return SourceCheck((SourceFault(problem),))
    files = [*sources_of(program, folder).files.values()]
    found = Options.of(files)
    script = program.script or program.words[-1]
    values = {str(value) for one in space.parameters if isinstance(one, Choice) for value in one.values}
    if subcommand := missing_subcommand(program, [folder / script], values | {*map(str, options.values())}):
        is_fault = requires_subcommand(folder / script)
        return SourceCheck((SourceFault(subcommand),)) if is_fault else SourceCheck(doubts=(subcommand,))
    written = {name for word in program.words for name in placeholders.used(word)}
    given = {**dict.fromkeys(parameter.name for parameter in space.parameters), **space.fixed, **options}
    left = [name for name in given if name not in written]
    if program.config:
        try:
            config = ConfigFile(folder / program.config)
        except TrainerError as problem:
            return SourceCheck((SourceFault(str(problem)),))
        left = [name for name in left if not config.has(name)]
        if program.style is None:
            return SourceCheck(tuple(_no_key(program.config, name, config) for name in left))
    passed = left if program.style is not None else []
    if program.style == "constants":
        return SourceCheck(tuple(_unknown_constants(script, passed, folder, _variables(files))))
    if program.style == "env":
        return SourceCheck(doubts=tuple(_unread_variables(script, passed, _variables(files))))
    if found.ignores_arguments and program.style is not None and not any("{" in word for word in program.words):
        return SourceCheck(doubts=(_no_arguments(script, passed, folder, _variables(files)),))
    if not found.is_complete or program.style not in ("auto", "argparse", None):
        return SourceCheck()
    faults = [fault for name in passed for fault in _of_parameter(name, space, given[name], found, script)]
    own = program.words[_place(program) :]  # options before it are those of a launcher, such as torchrun
    words = [word.partition("=")[0] for word in own if word.startswith("--") and len(word) > 2]
    faults += [SourceFault(_unknown_option(script, word, found)) for word in words if found.find(word) is None]
    there = {option.main for name in (*passed, *words) if (option := found.find(name)) is not None}
    missing = dict.fromkeys(one.main for one in found.by_key.values() if one.is_required and one.main not in there)
    faults += [SourceFault(f"{script} requires {one}; add it to [trainer.options]") for one in missing]
    return SourceCheck(tuple(faults))


def _no_key(file: str, name: str, config: ConfigFile) -> SourceFault:
    by_key = {key.rpartition(".")[2]: key for key in config.names}
    near = get_close_matches(name.rpartition(".")[2], by_key, n=1, cutoff=0.5)
    hint = f"; did you mean {by_key[near[0]]}?" if near else ""
    return SourceFault(f"{name} is neither a key of {file} nor a placeholder of trainer.command{hint}", name)


def _of_parameter(name: str, space: Space, fixed: Value, found: Options, script: str) -> Iterator[SourceFault]:
    parameter = next((one for one in space.parameters if one.name == name), None)
    values = [*parameter.values] if isinstance(parameter, Choice) else []
    if parameter is None and not (isinstance(fixed, str) and [*placeholders.names(fixed)]):
        values = [fixed]
    option = found.find(name)
    if option is None:
        is_negation = found.negation(name) is not None and all(isinstance(value, bool) for value in values)
        if not (is_negation and values):
            yield SourceFault(_unknown_option(script, f"--{name}", found), name)
        return
    parts = [part for value in values for part in (value if isinstance(value, list) and option.takes_list else [value])]
    wrong = [value for value in parts if not _accepts(option, value)]
    if wrong and option.choices:
        choices = ", ".join(map(str, option.choices))
        yield SourceFault(f"{script}: {option.spelled} takes {choices}, not {placeholders.word(wrong[0])}", name)
    elif wrong:
        yield SourceFault(f"{script}: {option.spelled} takes a whole number, not {placeholders.word(wrong[0])}", name)
    if option.kind == "int" and isinstance(parameter, Float):
        yield SourceFault(
            f"{script}: {option.spelled} takes whole numbers (type=int), and this range has others; write low and high "
            "as whole numbers",
            name,
        )


def _place(program: Program) -> int:
    """Where the script or module is in the command."""
    words = program.words
    places = [place for place, word in enumerate(words) if Path(word).suffix == ".py" or words[place - 1] == "-m"]
    return places[0] if places else 0


def _variables(files: Iterable[Path]) -> list[str]:
    """The environment variables that Python sources read by their names; none if they may read others too."""
    texts = [path.read_text(errors="replace") if path.suffix == ".py" else "environ" for path in files]
    if any(OTHER_VARIABLES.search(text) for text in texts):
        return []
    return [*dict.fromkeys(name for text in texts for name in VARIABLE.findall(text))]


def _is_variable(name: str, variables: Iterable[str]) -> bool:
    return any(one in variables for one in (name, variable_of(name)))


def _unread_variables(script: str, names: list[str], variables: list[str]) -> Iterator[str]:
    for name in names if variables else ():
        if not _is_variable(name, variables):
            near = get_close_matches(variable_of(name), variables, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            yield f"{script} does not read the environment variable {name}{hint}"


def _unknown_constants(script: str, names: list[str], folder: Path, variables: list[str]) -> Iterator[SourceFault]:
    if Path(script).suffix != ".py":
        yield SourceFault('style = "constants" is for Python scripts')
        return
    known = _constants(folder / script)
    for name in names:
        if known is not None and name not in known:
            near = get_close_matches(name, known, n=1, cutoff=0.5)
            hint = f"; did you mean {near[0]}?" if near else ""
            if _is_variable(name, variables):
                hint = '; it reads the environment variable, which style = "env" sets'
            yield SourceFault(f"{script} assigns no literal value to {name} outside of its functions{hint}", name)


def _no_arguments(script: str, names: list[str], folder: Path, variables: list[str]) -> str:
    read = [name for name in names if _is_variable(name, variables)]
    if read:
        return (
            f'{script} does not read its command line, so the parameters have no effect. With style = "env" in '
            f"[trainer] they are the environment variables that it reads: {', '.join(read)}"
        )
    known = _constants(folder / script) or []
    found = [name for name in names if name in known]
    it_has = f"; it has {', '.join(found)}" if found else f", such as {names[0]} = 0.1" if names else ""
    return (
        f'{script} does not read its command line, so the parameters have no effect. With style = "constants" in '
        f"[trainer] they are the values of variables that it assigns outside of its functions{it_has}"
    )


def _constants(script: Path) -> list[str] | None:
    """None if it cannot be read."""
    try:
        return [*constants(ast.parse(script.read_bytes()))]
    except (OSError, SyntaxError, ValueError):
        return None


def _accepts(option: Option, value: Value) -> bool:
    """Whether argparse accepts the value of a choice; of the types, only int is checked."""
    text = placeholders.word(value)
    if option.choices:
        return isinstance(value, bool) or text in map(str, option.choices)
    return option.kind != "int" or not isinstance(value, float | str) or text.lstrip("-").isdigit()


def _unknown_option(script: str, option: str, found: Options) -> str:
    near = get_close_matches(key_of(option), found.by_key, n=1, cutoff=0.5)
    hint = f"; did you mean {found.by_key[near[0]].spelled}?" if near else ""
    return f"{script} has no option {option}{hint}"
