"""Which files a trainer is made of: its own, and those of what it imports anywhere in its text and is not installed.

It is read off the text and not off what happens to be imported by now, so that it is the same in every process.
"""

import ast
import hashlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.machinery import ModuleSpec
from pathlib import Path


@dataclass
class Sources:
    """files: of modules that no installed distribution has, by name. packages: all others that they import."""

    files: dict[str, Path] = field(default_factory=dict)
    packages: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, module: str) -> "Sources":
        """Of a module that can be imported, and of all that it imports from beside it."""
        found = cls()
        found._add([module])
        return found

    @classmethod
    def of_script(cls, path: Path) -> "Sources":
        """Of the program that runs, and of all that it imports from beside it."""
        found = cls({"__main__": path})
        found._add([*_imports("__main__", path)])
        return found

    def _add(self, todo: list[str]) -> None:
        while todo:
            name = todo.pop()
            if name not in self.files and not self._is_package(name) and (path := _file(name)) is not None:
                self.files[name] = path
                todo += _imports(name, path)

    def _is_package(self, name: str) -> bool:
        """Whether it is no source of the trainer's own; hpsearch itself, like Python, has a version to be known by."""
        top = name.partition(".")[0]
        if top in sys.stdlib_module_names or top == "hpsearch" or top in self.packages:
            return True
        places = _places(top)
        if not places or any(map(is_installed, places)):
            self.packages.add(top)
            return True
        return False


def code_hash(path: Path) -> str:
    """SHA-256 of what a Python file does: comments, white space and quotes do not change it. Another version of Python
    may. "" for a file that is no Python."""
    try:
        return hashlib.sha256(ast.unparse(ast.parse(path.read_bytes())).encode()).hexdigest()
    except (OSError, SyntaxError, ValueError):
        return ""


def is_installed(path: Path) -> bool:
    """Whether a file is one of an installed distribution, whose version says what it is."""
    return bool({"site-packages", "dist-packages"} & set(path.parts))


def _places(top: str) -> list[Path]:
    """The file of a top-level module, or the folders of a package without one of its own; [] where there is neither."""
    spec = _spec(top)
    if spec is None:
        return []
    return [Path(place) for place in ([spec.origin] if spec.origin else spec.submodule_search_locations or ())]


def _file(name: str) -> Path | None:
    """Of Python source; None where there is no such module, or it is none of that. Nothing is imported to find it."""
    top, *inside = name.split(".")
    spec = _spec(top)
    if spec is None:
        return None
    if not inside:
        return Path(spec.origin) if spec.origin is not None and spec.origin.endswith(".py") else None
    *folders, last = inside
    places = [Path(folder, *folders) for folder in spec.submodule_search_locations or ()]
    files = (file for place in places for file in (place / last / "__init__.py", place / f"{last}.py"))
    return next((file for file in files if file.is_file()), None)


def _spec(top: str) -> ModuleSpec | None:
    with suppress(ImportError, ValueError):  # of a module without one, such as __main__
        return importlib.util.find_spec(top)
    return None


def _imports(module: str, path: Path) -> Iterator[str]:
    """The modules that a file names, and the packages that these and it lie in. Some of the names may be none."""
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    yield from _above(module)
    with suppress(OSError, SyntaxError, ValueError, ImportError):  # it will not run either
        for node in ast.walk(ast.parse(path.read_bytes())):
            for name in _named(node, package):
                yield name
                yield from _above(name)


def _named(node: ast.AST, package: str) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = node.module or ""
        if node.level:
            base = importlib.util.resolve_name("." * node.level + base, package)
        yield base
        yield from (f"{base}.{alias.name}" for alias in node.names)


def _above(name: str) -> Iterator[str]:
    while name := name.rpartition(".")[0]:
        yield name
