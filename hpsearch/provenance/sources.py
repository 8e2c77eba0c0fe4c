"""The source files of a trainer: its own, and those of all its imports that are not installed.

They are read from the source text, and not from sys.modules, so that the result is the same in every process.
"""

import ast
import functools
import hashlib
import importlib.util
import inspect
import math
import re
import sys
import textwrap
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from hpsearch.provenance.module_search import (
    extend_path,
    is_installed,
    module_places,
    restored_path,
    searched_first,
    source_file,
    spec_of,
)

MAX_BYTES = 1 << 20
"""Maximum size of a file that may be a program."""

SCRIPTS = {".py", ".sh", ".bash", ".R", ".jl", ".pl", ".rb", ".lua", ".js"}
"""Suffixes of programs that another program may run."""


@dataclass
class Sources:
    """files:

    module name -> file, of modules that are not installed. packages: the installed ones that they import. objects:
    "module:name" -> SHA-256 of the source code of functions and classes that are not in a file, such as those of a
    notebook; without source code, of the bytecode (which differs between versions of Python).
    texts: the source code of these objects, if known.
    """

    files: dict[str, Path] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)
    objects: dict[str, str] = field(default_factory=dict)
    texts: dict[str, str] = field(default_factory=dict)
    constants: dict[str, bool | int | float | str] = field(default_factory=dict)

    def read(self) -> dict[str, str]:
        """All source code, by the name of the module or object. OSError or UnicodeError where a file cannot be read."""
        return {name: path.read_text(encoding="utf-8-sig") for name, path in self.files.items()} | self.texts

    @classmethod
    def of(cls, module: str) -> "Sources":
        """The sources of an importable module."""
        found = cls()
        found._add([module])
        return found

    @classmethod
    def of_script(cls, path: Path) -> "Sources":
        """The sources of the running program."""
        found = cls({"__main__": path})
        found._add([*_imports("__main__", path)])
        return found

    @classmethod
    def of_files(cls, paths: Iterable[Path]) -> "Sources":
        """The sources of programs in any language: a Python file with its imports; another file with the programs that
        its text names. Files of more than MAX_BYTES are data."""
        found = cls()
        for path in paths:
            found._add_file(path)
        return found

    @classmethod
    def of_object(cls, thing: Any) -> "Sources":
        """The sources of a function, a class or an instance: of its module; in a program or a notebook, its own code
        and the code of the objects that it refers to."""
        found = cls()
        found._add_object(thing)
        return found

    def _add(self, todo: list[str]) -> None:
        with restored_path():
            for known in self.files.values():
                extend_path(known)
            while todo:
                name = todo.pop()
                if name not in self.files and not self._is_package(name) and (path := source_file(name)) is not None:
                    self.files[name] = path
                    extend_path(path)
                    todo += _imports(name, path)

    def _add_file(self, path: Path) -> None:
        if path in self.files.values() or path.stat().st_size > MAX_BYTES:
            return
        self.files[path.name] = path
        if path.suffix == ".py":
            with searched_first(path.parent):
                self._add([*_imports("__main__", path)])
            return
        for word in sorted(set(re.findall(r"[\w./-]+", path.read_text(errors="replace")))):
            other = path.parent / word
            if other.suffix in SCRIPTS and other.is_file():
                self._add_file(other)

    def _add_object(self, thing: Any) -> None:
        if isinstance(thing, ModuleType):
            self._add([thing.__name__])
            return
        thing = code_holder(thing)
        module = getattr(thing, "__module__", None) or "__main__"
        if module != "__main__":
            self._add([module])
            return
        name = f"{module}:{thing.__qualname__}"
        if name not in self.objects:
            self.objects[name] = _source_hash(thing)
            with suppress(OSError, TypeError, SyntaxError):
                self.texts[name] = textwrap.dedent(_source(thing))
            known = references(thing).items()
            self.constants |= {name: one for name, one in known if isinstance(one, bool | int | float | str)}
            for other in _referred(thing):
                self._add_object(other)

    def _is_package(self, name: str) -> bool:
        """Whether a version identifies the module: an installed one, Python's own, or hpsearch."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top == "hpsearch":
            return True
        if name != top and (own := source_file(name)) is not None and not is_installed(own):
            return False  # in a folder of the user that extends an installed package
        if top in self.packages:
            return True
        places = module_places(top)
        if not places or any(map(is_installed, places)):
            self.packages.add(top)
            return True
        return False


def source_text(path: Path) -> str:
    """The text of a source file as Python reads it: in the encoding that it declares, without a byte-order mark.

    OSError, SyntaxError (an unknown encoding) and UnicodeDecodeError.
    """
    return importlib.util.decode_source(path.read_bytes())


def file_hash(path: Path, most_bytes: float = math.inf) -> str:
    """The SHA-256 of a file; for a larger file its size; for an unreadable file the reason."""
    try:
        size = path.stat().st_size
        return hashlib.sha256(path.read_bytes()).hexdigest() if size <= most_bytes else f"{size:,} bytes"
    except OSError as problem:
        return f"cannot be read: {problem.strerror}"


def code_hash(path: Path) -> str:
    """SHA-256 of a Python file without comments, white space and quote style. It may differ between versions of
    Python. "" for a file that is not Python."""
    try:
        return hashlib.sha256(ast.unparse(ast.parse(path.read_bytes())).encode()).hexdigest()
    except (OSError, SyntaxError, ValueError):
        return ""


def code_holder(thing: Any) -> Any:
    """The function or class with the code of a callable (a partial, a bound method, an instance)."""
    while isinstance(thing, functools.partial | MethodType):
        thing = thing.func if isinstance(thing, functools.partial) else thing.__func__
    thing = inspect.unwrap(thing)
    return thing if isinstance(thing, FunctionType | type) else type(thing)


def _source_hash(thing: Any) -> str:
    try:
        text = _source(thing).encode()
    except (OSError, TypeError, SyntaxError):
        functions = [thing] if isinstance(thing, FunctionType) else _methods(thing)
        text = repr([_bytecode(function.__code__) for function in functions]).encode()
    return hashlib.sha256(text).hexdigest()


def _source(thing: Any) -> str:
    """OSError if it is unknown: for code that is not in a file, `inspect` may return lines of the running program."""
    text = inspect.getsource(thing)
    names = [getattr(one, "name", "<lambda>") for one in ast.parse(textwrap.dedent(text)).body]
    if thing.__name__ not in names:
        raise OSError(f"the source of {thing.__name__} is not known")
    return text


def _methods(kind: type) -> list[FunctionType]:
    return [member for member in vars(kind).values() if isinstance(member, FunctionType)]


def _bytecode(code: CodeType) -> list[Any]:
    """The content of a code object without file name and line numbers."""
    constants = [_bytecode(one) if isinstance(one, CodeType) else repr(one) for one in code.co_consts]
    return [code.co_code, code.co_names, code.co_varnames, constants]


def _referred(thing: Any) -> Iterator[Any]:
    """The modules, functions and classes that a function or class refers to."""
    if isinstance(thing, type):
        yield from (kind for kind in thing.__bases__ if kind.__module__ == thing.__module__)
    functions = [thing] if isinstance(thing, FunctionType) else _methods(thing)
    names = {name for function in functions for name in _names(function.__code__)}
    for one in references(thing).values():
        if isinstance(one, ModuleType):
            yield from _with_submodules(one, names)
        elif isinstance(one, FunctionType | type):
            yield one


def _with_submodules(module: ModuleType, names: set[str]) -> Iterator[ModuleType]:
    """The module, and its imported submodules that are in `names`, as in `package.part.value`."""
    yield module
    for name in names:
        below = sys.modules.get(f"{module.__name__}.{name}")
        if isinstance(below, ModuleType):
            yield from _with_submodules(below, names)


def references(thing: Any) -> dict[str, Any]:
    """The variables that a function or class refers to: global ones, and variables of enclosing functions."""
    found: dict[str, Any] = {}
    for function in [thing] if isinstance(thing, FunctionType) else _methods(thing):
        known = function.__globals__
        found |= {name: known[name] for name in _names(function.__code__) if name in known}
        for name, cell in zip(function.__code__.co_freevars, function.__closure__ or (), strict=True):
            with suppress(ValueError):  # of a variable that has no value yet
                found[name] = cell.cell_contents
    return found


def _names(code: CodeType) -> Iterator[str]:
    yield from code.co_names
    for one in code.co_consts:
        if isinstance(one, CodeType):
            yield from _names(one)


def _imports(module: str, path: Path) -> Iterator[str]:
    """The modules that a file imports, and the parent packages of these and of `module`. Some names may be of objects
    that are not modules."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    yield from _above(module)
    with suppress(OSError, SyntaxError, ValueError, ImportError):  # the file cannot be run either
        for node in _import_statements(path.read_bytes()):
            for name in _named(node, package):
                yield name
                yield from _above(name)


@functools.lru_cache(maxsize=256)
def _import_statements(source: bytes) -> tuple[ast.Import | ast.ImportFrom, ...]:
    """The imports of a file, including importlib.import_module; for a name such as f"models.{name}", all modules
    of the package.

    Cached, because the start of a study reads the imports of its trainer several times.
    """
    nodes = list(ast.walk(ast.parse(source)))
    calls = (node for node in nodes if isinstance(node, ast.Call) and node.args)
    called = (one for call in calls for one in _imported_by(call))
    return (*(node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)), *called)


def _imported_by(call: ast.Call) -> Iterator[ast.Import | ast.ImportFrom]:
    function = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if function not in ("import_module", "__import__"):
        return
    match call.args[0]:
        case ast.Constant(value=str(name)) if name.strip("."):
            module = name.lstrip(".")
            yield ast.ImportFrom(module=module, names=[], level=len(name) - len(module))
        case _ if start := computed_package(call):
            package = start.lstrip(".")
            names = [ast.alias(name=one) for one in _modules_of(package)]
            yield ast.ImportFrom(module=package, names=names, level=len(start) - len(package))


def computed_package(call: ast.Call) -> str:
    """The package of the module that a call of import_module imports, with the dots of a relative name; "" if the
    source does not show it."""
    start = _constant_start(call.args[0])
    if not start.endswith("."):
        return ""
    if not start.strip("."):  # import_module("." + name, "models")
        start = f"{_given_package(call)}{start}"
    return start.removesuffix(".") if start.strip(".") else ""


def _constant_start(text: ast.expr) -> str:
    """Of a text: "models." of f"models.{name}", "models." + name, "models.%s" % name, and "models.{}".format(name)."""
    match text:
        case ast.JoinedStr(values=[first, *_]) | ast.BinOp(left=first, op=ast.Add()):
            return _constant_start(first)
        case ast.BinOp(left=ast.Constant(value=str(start)), op=ast.Mod()):
            return start.partition("%")[0]
        case ast.Call(func=ast.Attribute(value=ast.Constant(value=str(start)), attr="format")):
            return start.partition("{")[0]
        case ast.Constant(value=str(start)):
            return start
    return ""


def _given_package(call: ast.Call) -> str:
    given = [*call.args[1:2], *(one.value for one in call.keywords if one.arg == "package")]
    return next((one.value for one in given if isinstance(one, ast.Constant) and isinstance(one.value, str)), "")


def _modules_of(package: str) -> list[str]:
    """The modules of a package; [] if it is installed."""
    top, *inside = package.split(".")
    places = [Path(place, *inside) for place in getattr(spec_of(top), "submodule_search_locations", None) or ()]
    return sorted({file.stem for place in places if not is_installed(place) for file in place.glob("*.py")})


def _named(node: ast.Import | ast.ImportFrom, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    else:
        base = node.module or ""
        if node.level:
            base = importlib.util.resolve_name("." * node.level + base, package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _above(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name


MAX_KNOWN = 64

Stamps = tuple[tuple[Path, int, int], ...]
"""Path, time of the last change in nanoseconds, and size of files and folders; -1 for what does not exist."""

_known: dict[Hashable, tuple[Stamps, Sources]] = {}


def read_once(key: Hashable, read: Callable[[], Sources]) -> Sources:
    """The earlier result of `read` for this key, if neither the files, nor the content of their folders, nor sys.path
    have changed since. Reading takes 1 to 5 ms for each file."""
    key = (key, tuple(sys.path))
    if key in _known:
        stamps, found = _known[key]
        if stamps == _stamps(path for path, _, _ in stamps):
            return found
    found = read()
    files = set(found.files.values())
    if len(_known) >= MAX_KNOWN:
        _known.clear()
    _known[key] = _stamps(sorted(files | {path.parent for path in files})), found
    return found


def _stamps(paths: Iterable[Path]) -> Stamps:
    return tuple(map(_stamp, paths))


def _stamp(path: Path) -> tuple[Path, int, int]:
    try:
        found = path.stat()
    except OSError:
        return path, -1, -1
    return path, found.st_mtime_ns, found.st_size
