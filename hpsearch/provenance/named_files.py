"""The files and environment variables that a trainer's source text names, such as `open("config.yaml")`.

A file that the text also writes is a result, and is not listed. Nothing is imported or run, so names that the program
computes are not found.
"""

import ast
import configparser
import hashlib
import json
import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from hpsearch.core import yaml_text
from hpsearch.provenance.module_search import is_installed
from hpsearch.provenance.sources import SCRIPTS, file_hash

SETTINGS = {".yaml", ".yml", ".json", ".toml", ".ini", ".cfg"}
DATA = {".csv", ".tsv", ".txt", ".jsonl", ".npy", ".npz", ".parquet", ".feather", ".pkl", ".h5", ".hdf5", ".mat"}

MAX_SETTINGS_BYTES = 1 << 18
"""A larger file is data."""

MAX_DATA_BYTES = 1 << 26
"""For a larger file, only the size is compared."""

MAX_IN_FOLDER = 100
"""Maximum number of files of a settings folder (Hydra's `config_path`)."""

WRITES = re.compile(r"(save|write|dump|to_|touch|unlink|remove|rename|copy|mkdir|makedirs)")
"""Prefixes of functions that write the file in their arguments."""

_WRITING = re.compile(r"[rbt+]*[wax][rbt+]*|r[bt]*\+[bt]*")
_PATH = re.compile(r"[^\s<>|*?{}:]+(\.[A-Za-z0-9]+)")

MACHINE = re.compile(
    r"(HPSEARCH|SLURM|RAY|CUDA|NVIDIA|NCCL|MLFLOW|WANDB|PYTHON|OMP|MKL|OPENBLAS|TORCH|XDG|SSH|CI)(_|$)"
    r"|(LOCAL_|WORLD_|MASTER_|GROUP_|NODE_)?(RANK|SIZE|ADDR|PORT)$"
    r"|(HOME|PATH|USER|LOGNAME|HOSTNAME|PWD|TMPDIR|TMP|TEMP|SHELL|TERM|COLUMNS|LINES|LANG|LC_ALL|TZ|DISPLAY)$"
    r"|.*(KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL)"
)
"""Names of environment variables that describe the machine or are secret; they are not compared."""


@dataclass(frozen=True)
class NamedInputs:
    """settings, data: paths by their name in the text. A program that the text names (`runpy`, a subprocess) is in
    settings."""

    settings: Mapping[str, Path] = field(default_factory=dict)
    data: Mapping[str, Path] = field(default_factory=dict)
    variables: frozenset[str] = frozenset()


def named_inputs(sources: Iterable[tuple[str, Path]], words: Iterable[str], folders: Iterable[Path]) -> NamedInputs:
    """sources: text and folder of each source file. words: values of the study file that may be paths.
    folders: where relative names may start, besides the folder of the source file and the one above it."""
    settings, data, variables = dict[str, Path](), dict[str, Path](), set[str]()
    everywhere = tuple(folders)
    for found, own in [*((_read(text), (folder, folder.parent)) for text, folder in sources), (_of(words), ())]:
        variables |= found.variables
        places = [*own, *everywhere]
        places += [place / name for place in places for name in sorted(found.folders) if (place / name).is_dir()]
        for name, path in _existing(found, places):
            size = path.stat().st_size
            is_data = path.suffix in DATA or (path.suffix == ".json" and size > MAX_SETTINGS_BYTES)
            if is_data or size <= MAX_SETTINGS_BYTES:
                (data if is_data else settings)[name] = path
    return NamedInputs(settings, data, frozenset(one for one in variables if not MACHINE.match(one)))


def _existing(found: "_Names", places: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    places, seen = list(places), set[Path]()
    for name in sorted(found.files - found.written, key=lambda name: (-len(name), name)):
        path = next((place / name for place in places if (place / name).is_file()), None)
        if path is not None and not is_installed(path) and path.resolve() not in seen:
            seen.add(path.resolve())
            yield name, path
    for name in sorted(found.config_folders):
        for folder in [place / name for place in places if (place / name).is_dir()][:1]:
            inside = sorted(one for one in folder.rglob("*.y*ml") if one.is_file())
            yield from ((f"{name}/{one.relative_to(folder)}", one) for one in inside[:MAX_IN_FOLDER])


def settings_text(path: Path) -> str:
    """The content of a settings file without comments and layout; its text if it cannot be parsed."""
    text = path.read_text(encoding="utf-8-sig")
    parse = _PARSERS.get(path.suffix)
    try:
        return text if parse is None else repr(parse(text))
    except (ValueError, yaml.YAMLError, configparser.Error, RecursionError):
        return text


def data_digest(path: Path) -> str:
    status = path.stat()
    return _data_digest(path, status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=64)
def _data_digest(path: Path, changed: int, size: int) -> str:  # noqa: ARG001
    return file_hash(path, MAX_DATA_BYTES)


def variable_digest(name: str, value: str | None) -> str:
    """The hash of a variable's value, which may be private."""
    return "" if value is None else hashlib.sha256(f"{name}={value}".encode("utf-8", "surrogateescape")).hexdigest()


def _ini(text: str) -> dict[str, dict[str, str]]:
    found = configparser.ConfigParser(interpolation=None)
    found.read_string(text)
    return {name: dict(found[name]) for name in found}


_PARSERS: Mapping[str, Callable[[str], Any]] = {
    ".yaml": lambda text: list(yaml_text.documents(text)),
    ".yml": lambda text: list(yaml_text.documents(text)),
    ".json": json.loads,
    ".toml": tomllib.loads,
    ".ini": _ini,
    ".cfg": _ini,
}


# Reading a text ──────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class _Names:
    files: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    written: frozenset[str] = frozenset()
    config_folders: frozenset[str] = frozenset()
    variables: frozenset[str] = frozenset()


def _of(words: Iterable[str]) -> _Names:
    return _Names(frozenset(word for word in words if _is_file(word)))


def _is_file(word: str) -> bool:
    found = _PATH.fullmatch(word) if len(word) <= 200 else None
    return found is not None and found[1] in SETTINGS | DATA | SCRIPTS


@lru_cache(maxsize=256)
def _read(text: str) -> _Names:
    try:
        tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError):
        return _Names()
    nodes = list(ast.walk(tree))
    joined = {word for node in nodes if (word := _joined(node))}
    words = joined | {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    calls = [node for node in nodes if isinstance(node, ast.Call)]
    writing = [node for call in calls if _writes(call) for node in ast.walk(call)]
    written, names = (
        {word for node in writing for word in _words(node)},
        {name for one in writing for name in _name(one)},
    )
    written |= {
        word for name, value in _bindings(nodes) if name in names for node in ast.walk(value) for word in _words(node)
    }
    return _Names(
        files=frozenset(filter(_is_file, words)),
        folders=frozenset(word for word in words if 0 < len(word) <= 100 and re.fullmatch(r"[\w./-]*\w[\w./-]*", word)),
        written=frozenset(written),
        config_folders=frozenset(word for call in calls for word in _config_folders(call)),
        variables=frozenset(name for node in nodes for name in _variable(node)),
    )


def _words(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    if word := _joined(node):
        yield word


def _name(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Name):
        yield node.id
    elif isinstance(node, ast.Attribute):
        yield node.attr


def _joined(node: ast.AST) -> str:
    """The constant end of a path such as `folder / "conf" / "a.yaml"` or os.path.join(folder, "conf", "a.yaml")."""
    parts: list[ast.expr] = []
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div):
        first: ast.expr = node
        while isinstance(first, ast.BinOp) and isinstance(first.op, ast.Div):
            parts, first = [first.right, *parts], first.left
        parts = [*(first.args if isinstance(first, ast.Call) else [first]), *parts]
    elif isinstance(node, ast.Call) and _called(node) in ("join", "joinpath", "Path"):
        parts = list(node.args)
    end: list[str] = []
    for part in reversed(parts):
        if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
            break
        end.insert(0, part.value.strip("/") if end or len(parts) > 1 else part.value)
    return "/".join(end)


def _called(call: ast.Call) -> str:
    return next(_name(call.func), "")


def _writes(call: ast.Call) -> bool:
    name = _called(call)
    if name == "open":
        given = [*call.args, *(one.value for one in call.keywords if one.arg == "mode")]
        return any(isinstance(one, ast.Constant) and _WRITING.fullmatch(str(one.value)) for one in given)
    return WRITES.match(name.lower()) is not None


def _bindings(nodes: Iterable[ast.AST]) -> Iterator[tuple[str, ast.expr]]:
    """Names of variables, attributes, arguments and options of a command line, each with its value or default."""
    for node in nodes:
        match node:
            case ast.Assign(targets=targets, value=value):
                yield from ((name, value) for target in targets for name in _name(target))
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                yield from ((name, value) for name in _name(target))
            case ast.arguments():
                positional = [*node.posonlyargs, *node.args]
                pairs = [*zip(reversed(positional), reversed(node.defaults), strict=False)]
                pairs += [(one, value) for one, value in zip(node.kwonlyargs, node.kw_defaults, strict=True) if value]
                yield from ((one.arg, value) for one, value in pairs)
            case ast.Call(args=[ast.Constant(value=str(option)), *_]) if _called(node) in ("add_argument", "option"):
                yield option.lstrip("-").replace("-", "_"), node


def _config_folders(call: ast.Call) -> Iterator[str]:
    for one in call.keywords:
        if one.arg == "config_path" and isinstance(one.value, ast.Constant) and isinstance(one.value.value, str):
            yield one.value.value


def _variable(node: ast.AST) -> Iterator[str]:
    """The environment variable that is read here: os.environ["A"], os.environ.get("A"), os.getenv("A")."""
    match node:
        case ast.Subscript(value=owner, slice=ast.Constant(value=str(name)), ctx=ast.Load()) if "environ" in _name(
            owner
        ):
            yield name
        case ast.Call(func=ast.Attribute(value=owner, attr="get"), args=[ast.Constant(value=str(name)), *_]):
            if "environ" in _name(owner):
                yield name
        case ast.Call(args=[ast.Constant(value=str(name)), *_]) if _called(node) == "getenv":
            yield name
