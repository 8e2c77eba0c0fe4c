"""The options that a Python script defines, read from its source: argparse, click, optparse; other libraries in
script_libraries.py."""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from hpsearch.core.trial import Value
from hpsearch.study import placeholders
from hpsearch.study.program import Style
from hpsearch.trainer.adapters import script_libraries
from hpsearch.trainer.adapters.script_libraries import Booleans, negation_in
from hpsearch.trainer.source.source_index import name_of

READS_ARGUMENTS = re.compile(
    r"arg[vs]\b|argparse|ArgumentParser|\b(click|typer|fire|absl|optparse|hydra|tyro|docopt|LightningCLI|from_cli|Tap|"
    r"pydantic_settings|pyrallis|draccus)\b"
)
"""A sign in a Python script that it reads its command line."""

HYDRA = re.compile(r"@hydra\.main|\bfrom_cli\(")
"""A script that reads `name=value`: with hydra, or with `OmegaConf.from_cli`."""

OTHER_SOURCES = re.compile(
    r"parse_known|parents\s*=|add_subparsers|fromfile_prefix|set_defaults\(\*\*|sys\.argv|conflict_handler|allow_abbrev|"
    r"\b(HfArgumentParser|configargparse|jsonargparse|tyro|fire|click|typer|absl|optparse|hydra|docopt|simple_parsing|"
    r"LightningCLI|tap|deepspeed|pydantic_settings)\b"
)
"""A sign that a script takes options that `add_argument` does not show."""


@dataclass(frozen=True)
class Option:
    """spelled: as in the source, `--batch-size`. is_flag: a bool has no value. kind: the name of its `type` in
    argparse. negation: the flag that sets it to False; "": none. choices: its values, where the source lists them;
    none: any. main: its first name, where `spelled` is one of several. takes_list: a list is written as several words
    after one name, or with the name before each of them; else as JSON."""

    spelled: str
    is_flag: bool = False
    kind: str = ""
    negation: str = ""
    choices: tuple[object, ...] = ()
    is_required: bool = False
    main: str = ""
    takes_list: Literal["", "words", "repeated"] = ""

    def words(self, value: Value, joined: bool) -> list[str]:
        """joined: `--name=value`."""
        if isinstance(value, bool) and (self.is_flag or self.negation):
            flag = self.spelled if value else self.negation
            return [flag] if flag else []
        if isinstance(value, list) and self.takes_list:
            texts = map(placeholders.word, value)
            if self.takes_list == "words":
                return [self.spelled, *texts]
            return [word for text in texts for word in (self.spelled, text)]
        text = str(value) if isinstance(value, bool) else placeholders.word(value)
        if self.kind == "bool" and value is False:
            return [f"{self.spelled}="]  # bool("False") is True
        return [f"{self.spelled}={text}"] if joined or text.startswith("-") else [self.spelled, text]


@dataclass(frozen=True)
class Options:
    """by_key: each option by its name in lower case, without leading dashes and with `-` for `_`. joined: the options
    that the source writes with `=`.

    ignores_arguments: a Python script in which nothing reads the command line. is_complete: argparse refuses all
    other options. booleans: how the script's library reads a bool. with_dashes: its names have `-` for `_`.
    """

    style: Style = "argparse"
    by_key: Mapping[str, Option] = field(default_factory=dict)
    joined: frozenset[str] = frozenset()
    ignores_arguments: bool = False
    is_complete: bool = False
    booleans: Booleans = "flag"
    with_dashes: bool = False

    @classmethod
    def of(cls, files: Iterable[Path]) -> "Options":
        """From the sources of a script and of its imports."""
        files = [path for path in files if path.is_file()]
        texts = [path.read_text(errors="replace") for path in files]
        trees = [tree for text in texts if (tree := _tree(text)) is not None]
        calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
        joined = {key_of(found) for text in texts for found in re.findall(r"(--?[A-Za-z][\w.-]*)=", text)}
        is_python = {path.suffix for path in files} == {".py"}
        booleans = script_libraries.booleans_of(texts)
        by_key = {key: option for names, call in _definitions(calls) for key, option in _options(names, call, booleans)}
        for spelling in script_libraries.spellings(trees):
            option = Option(spelling.name, spelling.is_flag, negation=spelling.negation, takes_list=spelling.takes_list)
            by_key |= {key_of(name): option for name in (spelling.parameter, spelling.name) if name}
        return cls(
            "hydra" if any(HYDRA.search(text) for text in texts) else "argparse",
            by_key,
            frozenset(joined),
            is_python and not any(map(READS_ARGUMENTS.search, texts)),
            is_python and _shows_all(texts, calls),
            booleans,
            any(map(script_libraries.TYPER.search, texts)),
        )

    def find(self, name: str) -> Option | None:
        """The option of a parameter. argparse completes a unique beginning of a name."""
        key = key_of(name)
        if key in self.by_key:
            return self.by_key[key]
        found = [option for own, option in self.by_key.items() if own.startswith(key)]
        return found[0] if len({option.main for option in found}) == 1 and self.is_complete else None

    def arguments(self, name: str, value: Value) -> list[str]:
        key = key_of(name)
        if key not in self.by_key and (negation := self.negation(name)) is not None and isinstance(value, bool):
            return [] if value else [negation.spelled]
        option = self.by_key.get(key) or self._unlisted(name.replace("_", "-") if self.with_dashes else name)
        return option.words(value, key in self.joined)

    def _unlisted(self, name: str) -> Option:
        """An option that the source does not show."""
        negation = f"--no-{name}" if self.booleans == "negated" else ""
        return Option(f"--{name}", is_flag=self.booleans != "word", negation=negation)

    def negation(self, name: str) -> Option | None:
        """The flag `--no-cuda` of a parameter `cuda` for which the script has no other option."""
        found = self.by_key.get(f"no-{key_of(name)}")
        return found if found is not None and found.is_flag else None


def key_of(option: str) -> str:
    return option.lstrip("-").replace("_", "-").lower()


def _tree(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _definitions(calls: Iterable[ast.Call]) -> Iterator[tuple[list[str], ast.Call]]:
    """The calls that define an option, with its names: long ones first."""
    for call in calls:
        names = [part for word in _texts(call) for part in word.split("/") if re.match("--?[A-Za-z]", part)]
        if name_of(call.func) in ("add_argument", "add_option", "option", "Option") and names:
            yield sorted(names, key=lambda name: name[:2] != "--"), call


def _texts(call: ast.Call) -> list[str]:
    return [one.value for one in call.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]


def _options(names: list[str], call: ast.Call, booleans: Booleans) -> Iterator[tuple[str, Option]]:
    """The option under each of its names, and under that of its attribute (`dest`)."""
    main = next((name for name in names if not name.startswith("--no-")), names[0])
    action = _keyword(call, "action")
    option = Option(
        main,
        is_flag=action in ("store_true", "store_false") or _keyword(call, "is_flag") == "True",
        kind=_keyword(call, "type") if name_of(call.func) == "add_argument" and booleans == "flag" else "",
        negation=f"--no-{main.removeprefix('--')}" if action == "BooleanOptionalAction" else negation_in(_texts(call)),
        choices=_literals(call, "choices"),
        is_required=_keyword(call, "required") == "True",
        main=main,
        takes_list=_takes_list(action, _keyword(call, "nargs"), _keyword(call, "multiple")),
    )
    if (own := _keyword(call, "dest")) and action != "store_false":
        yield key_of(own), option
    for name in names:
        if name == main or not name.startswith("--no-"):
            yield key_of(name), replace(option, spelled=name)


def _takes_list(action: str, nargs: str, multiple: str) -> Literal["", "words", "repeated"]:
    if action == "append" or multiple == "True":
        return "repeated"
    return "words" if nargs and nargs not in ("?", "1") else ""


def _keyword(call: ast.Call, name: str) -> str:
    """The value of a keyword in the source: a string's content, or the last part of a name; "" for none."""
    for keyword in call.keywords:
        if keyword.arg == name:
            value = keyword.value
            if isinstance(value, ast.Constant):
                return str(value.value)
            return str(getattr(value, "attr", getattr(value, "id", "expression")))
    return ""


def _literals(call: ast.Call, name: str) -> tuple[object, ...]:
    for keyword in call.keywords:
        if keyword.arg == name and isinstance(keyword.value, ast.List | ast.Tuple | ast.Set):
            values = keyword.value.elts
            return (
                tuple(one.value for one in values if isinstance(one, ast.Constant))
                if all(isinstance(one, ast.Constant) for one in values)
                else ()
            )
    return ()


def _shows_all(texts: Iterable[str], calls: Iterable[ast.Call]) -> bool:
    """Whether the source has each option of the one parser that reads the command line."""
    if any(map(OTHER_SOURCES.search, texts)):
        return False
    calls = list(calls)
    parsers = [call for call in calls if name_of(call.func) == "ArgumentParser"]
    reads = [call for call in calls if name_of(call.func) == "parse_args"]
    added = [call for call in calls if name_of(call.func) == "add_argument"]
    are_literal = all(call.args and all(isinstance(one, ast.Constant) for one in call.args) for call in added)
    if len(parsers) != 1 or len(reads) != 1 or reads[0].args or reads[0].keywords or not (added and are_literal):
        return False
    given_away = {one.id for call in calls for one in call.args if isinstance(one, ast.Name)}
    owners = {
        call.func.value.id
        for call in [*added, *reads]
        if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
    }
    return not owners & given_away
