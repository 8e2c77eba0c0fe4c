"""Writes docs/api.md from the signatures and docstrings of hpsearch's public names: `make docs`."""

import ast
import inspect
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import is_dataclass
from pathlib import Path
from typing import Any

import hpsearch

PAGE = Path(__file__).with_name("api.md")

HEAD = """\
# The Python API

<!-- Written by `make docs` from the docstrings: change those. -->

`import hpsearch` takes milliseconds: a name is imported from its module when it is first used. The names on this
page are public; all other modules may change in any version. [The notebook](notebook.ipynb) uses them.
"""

SECTIONS = {
    "Run and read studies": [
        *(
            "Study",
            "run",
            "RunResult",
            "BestTrial",
            "extend",
            "load",
            "RecordedStudy",
            "RecordedTrial",
            "State",
            "Cause",
        ),
    ],
    "Ask and tell": ["Session", "AskedTrial"],
    "Trainers": ["Run", "Report", "report", "Fold", "Predictions", "Part", "check_unsealed"],
}
"""The sections of the page in order. Public names outside these lists follow in the section "More", exceptions last."""

CALLED = {"Session"}
"""Classes that users instantiate: the page shows their `__init__`."""

MEMBERS = {
    "Study": ["load", "from_dict", "spec", "path", "folder", "home"],
    "Run": ["local", "epochs", "track", "report", "uses", "batches", "fold", "scratch_dir"],
    "State": [],
    "Cause": [],
}
"""The public members of a class, where some members without an underscore are not public."""


def page() -> str:
    names = [name for name in hpsearch.__all__ if not name.startswith("__")]
    errors = [name for name in names if _is_error(getattr(hpsearch, name))]
    placed = {name for own in SECTIONS.values() for name in own}
    others = [name for name in names if name not in placed and name not in errors]
    sections = {**SECTIONS, **({"More": others} if others else {})}
    parts = [HEAD]
    for title, own in sections.items():
        parts.append(f"## {title}\n")
        parts += [block for name in own for block in _documented(name, getattr(hpsearch, name))]
    parts += ["## Exceptions\n", *_exceptions(errors)]
    return "\n".join(parts)


def _is_error(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, BaseException)


def _documented(name: str, value: Any) -> Iterator[str]:
    if inspect.isfunction(value):
        yield f"### `hpsearch.{name}`\n"
        yield _code(f"hpsearch.{name}{_signature(value)}")
        yield _text(value)
    elif inspect.isclass(value):
        yield f"### `hpsearch.{name}`\n"
        if name in CALLED:
            yield _code(f"hpsearch.{name}{_signature(value.__init__)}".removesuffix(" -> None"))
        yield _text(value)
        yield from _members(name, value)
    else:
        yield f"### `hpsearch.{name}`\n\n`{value}`\n"


def _members(name: str, kind: type) -> Iterator[str]:
    own = {key: value for key, value in vars(kind).items() if not key.startswith("_")}
    if is_dataclass(kind):
        written = (one for one in _node(kind).body if isinstance(one, ast.AnnAssign))
        shown = [f"{ast.unparse(one.target)}: {_plain(ast.unparse(one.annotation))}" for one in written]
        yield _code("\n".join(one for one in shown if not one.startswith("_")))
    for key in MEMBERS.get(name, list(own)):
        value = own.get(key)
        if isinstance(value, property):
            yield f"#### `{name}.{key}`\n"
            yield _code(f"{_snake(name)}.{key}: {_plain(ast.unparse(_node(value.fget).returns))}")
            yield _text(value)
        elif isinstance(value, classmethod) or inspect.isfunction(value):
            function = value.__func__ if isinstance(value, classmethod) else value
            called = f"hpsearch.{name}" if isinstance(value, classmethod) else _snake(name)
            yield f"#### `{name}.{key}`\n"
            yield _code(f"{called}.{key}{_signature(function)}")
            yield _text(function)


def _node(thing: Any) -> Any:
    """The definition of a function or a class, as in its file: the same for every version of Python."""
    return ast.parse(textwrap.dedent(inspect.getsource(thing))).body[0]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _signature(function: Any) -> str:
    """A signature as in its file, without `self`; a long one has several lines."""
    node = _node(function)
    arguments = node.args
    arguments.args = [one for one in arguments.args if one.arg not in ("self", "cls")]
    returns = f" -> {_plain(ast.unparse(node.returns))}" if node.returns else ""
    inside = re.sub(r"(?<=[\w\]])=(?=\S)", " = ", _plain(ast.unparse(arguments)))
    if len(inside) < 70:
        return f"({inside}){returns}"
    return "(\n    " + re.sub(r", (?=\w+:|\*)", ",\n    ", inside) + f",\n){returns}"


def _plain(annotation: str) -> str:
    """An annotation without quotes and module names."""
    return re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", annotation.replace("'", "").replace('"', ""))


def _text(value: Any) -> str:
    """A docstring; its lines `name: what it is` become a list."""
    lines: list[str] = []
    in_item = False
    for line in (inspect.getdoc(value) or "").splitlines():
        begins = re.match(r"\w+(, \w+)*: \S", line) is not None
        if begins and lines and lines[-1] and not in_item:
            lines.append("")
        in_item = begins or (in_item and line != "")
        lines.append(f"- {line}" if begins else f"  {line}" if in_item else line)
    if "──" in "".join(lines):  # a drawing
        return f"```text\n{inspect.getdoc(value)}\n```\n"
    return "\n".join(lines) + "\n" if lines else ""


def _code(text: str) -> str:
    return f"```python\n{text}\n```\n"


def _exceptions(names: list[str]) -> Iterator[str]:
    """A table of the exceptions, a base class before its subclasses."""
    kinds = sorted((getattr(hpsearch, name) for name in names), key=lambda kind: len(kind.__mro__))
    yield "| exception | is a | exit code | means |\n| --- | --- | --- | --- |"
    for kind in kinds:
        base = kind.__mro__[1].__name__
        own = inspect.getdoc(kind) if "__doc__" in vars(kind) and kind.__doc__ else ""
        code = "130, 143" if kind is hpsearch.Stopped else getattr(kind, "exit_code", "")
        yield f"| `{kind.__name__}` | `{base}` | {code} | {' '.join((own or '').split())} |"
    yield ""


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"written to {PAGE}\n")
