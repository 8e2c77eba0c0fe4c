"""How a Python script reads its options with absl, fire, jsonargparse, tyro, typer and others, read from its source."""

import ast
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from hpsearch.trainer.source.source_index import name_of

Booleans = Literal["flag", "word", "negated"]
"""How a library reads a bool: `--amp` or nothing, `--amp True`, `--amp` or `--no-amp`."""

TYPER = re.compile(r"\btyper\.(Typer|run)\b|from typer import")

LIST = re.compile(r"\b([Ll]ist|[Tt]uple)\b")

_WORDS = re.compile(
    r"\bfire\.Fire\b|from fire import|\b(HfArgumentParser|TrlParser|simple_parsing|jsonargparse|LightningCLI|pyrallis|"
    r"draccus|pydantic_settings)\b"
)
_NEGATED = re.compile(r"\btyro\.|from tyro import")


@dataclass(frozen=True)
class Spelling:
    """An option. parameter: its name in Python. name: the word; "": nothing is passed for True. negation: the flag that
    sets it to False. takes_list: as in Option."""

    parameter: str
    name: str
    is_flag: bool = False
    negation: str = ""
    takes_list: Literal["", "words", "repeated"] = ""


def booleans_of(texts: Iterable[str]) -> Booleans:
    """texts: the sources of a script and of the modules that it imports."""
    texts = list(texts)
    if any(map(_WORDS.search, texts)):
        return "word"
    return "negated" if any(map(_NEGATED.search, texts)) or any(map(TYPER.search, texts)) else "flag"


def spellings(trees: Iterable[ast.Module]) -> Iterator[Spelling]:
    """The options of absl, typer and Tap. Those of the other libraries are spelled as the parameters are."""
    for tree in trees:
        nodes = list(ast.walk(tree))
        calls = [node for node in nodes if isinstance(node, ast.Call)]
        commands = {name for call in calls for name in _run_by_typer(call)} if _imports(nodes, "typer") else None
        for node in nodes:
            if isinstance(node, ast.Call) and name_of(node.func).startswith("DEFINE_"):
                yield from _of_absl(node)
            elif isinstance(node, ast.FunctionDef) and commands is not None:
                if node.name in commands or any(map(_is_command, node.decorator_list)):
                    yield from _of_typer(node)
            elif isinstance(node, ast.ClassDef) and any(name_of(base) == "Tap" for base in node.bases):
                yield from _of_tap(node)


def _imports(nodes: Iterable[ast.AST], module: str) -> bool:
    imported = (node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom))
    return any(module in (getattr(node, "module", ""), *(one.name for one in node.names)) for node in imported)


def _of_absl(call: ast.Call) -> Iterator[Spelling]:
    if call.args and isinstance(call.args[0], ast.Constant) and isinstance(name := call.args[0].value, str):
        kind = name_of(call.func).removeprefix("DEFINE_")
        negation = f"--no{name}" if kind in ("bool", "boolean") else ""
        yield Spelling(name, f"--{name}", negation=negation, takes_list="repeated" if kind.startswith("multi") else "")


def _run_by_typer(call: ast.Call) -> Iterator[str]:
    """The function in `typer.run(main)` and in `app.command()(main)`."""
    is_run = ast.unparse(call.func) == "typer.run"
    is_registered = isinstance(call.func, ast.Call) and _is_command(call.func)
    if (is_run or is_registered) and call.args and isinstance(call.args[0], ast.Name):
        yield call.args[0].id


def _is_command(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "command"


def _of_typer(function: ast.FunctionDef) -> Iterator[Spelling]:
    plain = function.args.args
    defaults = [*[None] * (len(plain) - len(function.args.defaults)), *function.args.defaults]
    given = [*zip(plain, defaults, strict=True), *zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True)]
    for argument, default in given:
        parts = [node for node in (argument.annotation, default) if node is not None]
        calls = [call for part in parts for call in ast.walk(part) if isinstance(call, ast.Call)]
        option = next((call for call in calls if name_of(call.func) == "Option"), None)
        if (default is None and option is None) or any(name_of(call.func) == "Argument" for call in calls):
            continue  # a positional argument
        words = [one.value for one in option.args if isinstance(one, ast.Constant)] if option is not None else []
        yield _typer_option(argument, [word for word in words if isinstance(word, str) and word.startswith("-")])


def _typer_option(argument: ast.arg, words: list[str]) -> Spelling:
    """words: its names, where they are given; `--fast/--slow` has the flag for False."""
    annotation = ast.unparse(argument.annotation) if argument.annotation is not None else ""
    usual = argument.arg.replace("_", "-")
    names = sorted((word.partition("/")[0].strip() for word in words), key=lambda name: name[:2] != "--")
    is_bool = re.search(r"\bbool\b", annotation) is not None
    return Spelling(
        argument.arg,
        names[0] if names else f"--{usual}",
        is_bool,
        (negation_in(words) if words else f"--no-{usual}") if is_bool else "",
        "repeated" if LIST.search(annotation) else "",
    )


def negation_in(words: Iterable[str]) -> str:
    """The flag for False in names such as `--fast/--slow`, of click and typer; "" for none."""
    return next((off.strip() for word in words for _, slash, off in [word.partition("/")] if slash), "")


def _of_tap(parser: ast.ClassDef) -> Iterator[Spelling]:
    """typed-argument-parser: the flag of a bool that is True by default sets it to False."""
    for node in parser.body:
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        name, flag = node.target.id, f"--{node.target.id}"
        if name_of(node.annotation) == "bool":
            is_on = isinstance(node.value, ast.Constant) and node.value.value is True
            yield Spelling(name, "" if is_on else flag, is_flag=True, negation=flag if is_on else "")
        else:
            yield Spelling(name, flag, takes_list="words" if LIST.search(ast.unparse(node.annotation)) else "")


# Subcommands ─────────────────────────────────────────────────────────────────────────────────────


def subcommands(files: Iterable[Path]) -> list[str]:
    """The subcommands that a script defines, one of which its command line has to name: `train.py fit --lr 0.1`."""
    texts = [path.read_text(errors="replace") for path in files if path.suffix == ".py" and path.is_file()]
    return [*dict.fromkeys(name for text in texts for name in _subcommands_of(text))]


def requires_subcommand(file: Path) -> bool:
    """Whether it refuses a command line without a subcommand. False for fire, of which the source does not show it."""
    text = file.read_text(errors="replace") if file.is_file() else ""
    if "add_subparsers" in text:
        return re.search(r"add_subparsers\([^)]*required\s*=\s*True|\.required\s*=\s*True", text) is not None
    return re.search(r"\bfire\b|invoke_without_command", text) is None


def _subcommands_of(text: str) -> Iterator[str]:
    try:
        nodes = list(ast.walk(ast.parse(text)))
    except (SyntaxError, ValueError):
        return
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    yield from (_first_text(call) for call in calls if name_of(call.func) == "add_parser" and _first_text(call))
    functions = [node for node in nodes if isinstance(node, ast.FunctionDef)]
    named = [(one, name) for one in functions for node in one.decorator_list for name in _command_name(node)]
    groups = {one.name for one in functions if any("group" in ast.unparse(node) for node in one.decorator_list)}
    is_typer = _imports(nodes, "typer")
    if (is_typer and len(named) > 1) or groups:
        yield from (name or function.name.replace("_", "-") for function, name in named)
    for call in calls:
        if name_of(call.func) == "Fire" and call.args:
            yield from _of_fire(call.args[0], nodes)
        elif name_of(call.func) == "LightningCLI" and not any(one.arg in ("run", "args") for one in call.keywords):
            yield from ("fit", "validate", "test", "predict")


def _first_text(call: ast.Call) -> str:
    first = next(iter(call.args), None)
    return first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else ""


def _command_name(decorator: ast.expr) -> Iterator[str]:
    """The name in `@app.command("train")`; "" for that of the function. Not for `@click.command()`, which has none."""
    if isinstance(decorator, ast.Call) and _is_command(decorator) and ast.unparse(decorator.func) != "click.command":
        yield _first_text(decorator)


def _of_fire(component: ast.expr, nodes: list[ast.AST]) -> Iterator[str]:
    """The methods of a class, or the names in a dictionary."""
    if isinstance(component, ast.Dict):
        yield from (key.value for key in component.keys if isinstance(key, ast.Constant) and isinstance(key.value, str))
    name = name_of(component.func if isinstance(component, ast.Call) else component)
    for node in nodes:
        if isinstance(node, ast.ClassDef) and node.name == name:
            methods = (one for one in node.body if isinstance(one, ast.FunctionDef))
            yield from (one.name for one in methods if not one.name.startswith("_"))
