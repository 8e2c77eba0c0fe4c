"""Checks a script against its study by reading its source, before it is run: `source_check` for programs."""

from collections.abc import Iterator
from difflib import get_close_matches
from pathlib import Path

from hpsearch.core.trial import Params, Value
from hpsearch.study import placeholders
from hpsearch.study.program import Program
from hpsearch.study.space import Choice, Float, Space
from hpsearch.trainer.adapters.program_sources import sources_of
from hpsearch.trainer.adapters.script_options import Option, Options, key_of
from hpsearch.trainer.source_check import SourceCheck, SourceFault


def check(program: Program, space: Space, options: Params, folder: Path) -> SourceCheck:
    """Faults only where the source shows all options of the script. options: of the trainer."""
    found = Options.of(sources_of(program, folder).files.values())
    if not found.is_complete or program.style not in ("auto", "argparse", None):
        return SourceCheck()
    script = next((word for word in program.words if Path(word).suffix == ".py"), program.words[-1])
    written = {name for word in program.words for name in placeholders.used(word)}
    given = {**dict.fromkeys(parameter.name for parameter in space.parameters), **space.fixed, **options}
    passed = [name for name in given if program.style is not None and name not in written]
    faults = [fault for name in passed for fault in _of_parameter(name, space, given[name], found, script)]
    words = [word.partition("=")[0] for word in program.words if word.startswith("--") and len(word) > 2]
    faults += [SourceFault(_unknown_option(script, word, found)) for word in words if found.find(word) is None]
    there = {option.main for name in (*passed, *words) if (option := found.find(name)) is not None}
    missing = dict.fromkeys(one.main for one in found.by_key.values() if one.is_required and one.main not in there)
    faults += [SourceFault(f"{script} requires {one}; add it to [trainer.options]") for one in missing]
    return SourceCheck(tuple(faults))


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
