"""Finds the module of a study's trainer: first in the study's folder, then on the Python path. Installed code, such as
Ray, finds the modules that it imports first where they are installed. Also: the files of modules, without an import,
and the folders that code adds to sys.path.

A file with the name of a standard module is imported under another name.
"""

import ast
import importlib
import importlib.util
import os
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import spec_from_file_location
from pathlib import Path
from types import FrameType
from typing import Any

STUDY_FOLDERS: set[str] = set()
"""The folders that imports search first, because they are of studies."""

AFTER_STANDARD: set[str] = set()
"""Folders with a module that has the name of a standard one. They are searched after the standard library, so that
other code imports the standard module."""

SAME = {"abspath", "realpath", "normpath", "expanduser", "fspath", "str", "Path", "resolve", "absolute", "as_posix"}
"""Functions and methods whose result is the same folder."""


def module_of(use: str, folder: Path) -> str:
    """Make the module of "module:name" or "path/file.py:name" importable, and return the name to import it by.

    folder: the study's, which is searched first and is the start of relative paths. On a cluster's node without this
    folder, the sent copy is in the working directory. The module itself is not imported.
    """
    place = use.rpartition(":")[0]
    if not folder.is_dir():
        folder = Path.cwd()
    if not place.endswith(".py"):
        return _importable(place, folder)
    file = (folder / Path(place).expanduser()).absolute()
    file = file.parent.resolve() / file.name
    top = _outside_of_packages(file.parent)
    return _importable(".".join(file.with_suffix("").relative_to(top).parts), top)


def _outside_of_packages(folder: Path) -> Path:
    """The folder, or the lowest one above it that is not in a package."""
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


def search_first_in(folder: Path) -> None:
    """Let imports search this folder first, except those of installed code, see `_InstalledFirst`."""
    STUDY_FOLDERS.add(str(folder))
    if _INSTALLED_FIRST not in sys.meta_path:
        sys.meta_path.insert(0, _INSTALLED_FIRST)
    if str(folder) not in sys.path:
        sys.path.insert(_after_standard() if str(folder) in AFTER_STANDARD else 0, str(folder))


def _importable(module: str, folder: Path) -> str:
    """Make a module of the folder importable. If it is not in a package, its imports are also searched beside it, as
    Python does for a script (for a link, beside the file that it points to); if it is, beside its package, such as in
    `src/`. If an installed package has the name of the module's top folder, such as `trainers`, the folder becomes part
    of that package."""
    top, *inside = module.split(".")
    if top in sys.stdlib_module_names and (name := _named_like_standard(top, inside, folder)):
        return name
    search_first_in(folder)
    *folders, last = module.split(".")
    beside = folder.joinpath(*folders)
    file = beside / f"{last}.py"
    if not file.is_file():
        return module
    if file.is_symlink():
        _search_after(folder, file.resolve().parent)
    if (beside / "__init__.py").exists() and str(top_folder := _outside_of_packages(beside)) not in sys.path:
        sys.path.append(str(top_folder))  # last, so that it hides no installed package
    if not folders or (beside / "__init__.py").exists():
        return module
    _search_after(folder, beside)
    path = getattr(importlib.import_module(top), "__path__", None)
    if path is not None and str(folder / top) not in path:
        path.insert(0, str(folder / top))
    return module


def _search_after(first: Path, second: Path) -> None:
    if str(second) not in sys.path:
        sys.path.insert(sys.path.index(str(first)) + 1, str(second))


# Modules named like one that installed code imports ─────────────────────────────────────────────


class _InstalledFirst(MetaPathFinder):
    """For an import statement in the standard library or in an installed package, such as `import secrets` in Ray: the
    module outside of the studies' folders. A folder may have a file of that name, for its own code."""

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        if path is not None or not any(_has_module(folder, fullname) for folder in STUDY_FOLDERS):
            return None
        if not _is_imported_by_installed(sys._getframe(1)):
            return None
        return PathFinder.find_spec(fullname, [place for place in sys.path if place not in STUDY_FOLDERS])


_INSTALLED_FIRST = _InstalledFirst()

_INSTALLED = tuple(
    {f"{os.path.realpath(sysconfig.get_path(kind))}{os.sep}" for kind in ("stdlib", "platstdlib", "purelib", "platlib")}
    | {f"{Path(__file__).resolve().parents[1]}{os.sep}"}
)


def _has_module(folder: str, name: str) -> bool:
    return Path(folder, f"{name}.py").is_file() or Path(folder, name).is_dir()


def _is_imported_by_installed(frame: FrameType | None) -> bool:
    """frame: of the import system. False for `importlib.import_module`: its argument may be a name of the user's."""
    while frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    file = "" if frame is None else os.path.realpath(frame.f_code.co_filename)
    return file.startswith(_INSTALLED) and Path(file).parent.name != "importlib"


# Modules named like a standard one ───────────────────────────────────────────────────────────────


class _Files(MetaPathFinder):
    """Finds a module's file under another name."""

    def __init__(self) -> None:
        self.files: dict[str, Path] = {}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:  # noqa: ARG002
        file = self.files.get(fullname)
        if file is None:
            return None
        inside = [str(file.parent)] if file.name == "__init__.py" else None
        return spec_from_file_location(fullname, file, submodule_search_locations=inside)


_FILES = _Files()


def _named_like_standard(top: str, inside: list[str], folder: Path) -> str:
    """The name to import it by; "" if the folder has no such module."""
    if inside and not (folder / top / "__init__.py").exists():
        below = folder.joinpath(top, *inside)
        if not (below.with_name(f"{below.name}.py").is_file() or below.is_dir()):
            return ""
        return _importable(".".join(inside), folder / top)
    files = [folder / top / "__init__.py", folder / f"{top}.py"]
    file = next((file for file in files if file.is_file()), None)
    if file is None:
        return ""
    AFTER_STANDARD.add(str(folder))
    search_first_in(folder)
    name = f"{top}_of_study"
    _FILES.files[name] = file
    if _FILES not in sys.meta_path:
        sys.meta_path.append(_FILES)
    return ".".join([name, *inside])


def _after_standard() -> int:
    standard = {sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")}
    places = [at for at, place in enumerate(sys.path) if place in standard or place.endswith("lib-dynload")]
    return max(places, default=-1) + 1


# Files of modules ────────────────────────────────────────────────────────────────────────────────


def is_installed(path: Path) -> bool:
    """Whether a file belongs to an installed distribution."""
    return bool({"site-packages", "dist-packages"} & set(path.parts))


def module_places(top: str) -> list[Path]:
    """The file of a top-level module, or the folders of a namespace package; [] if there is neither."""
    spec = spec_of(top)
    if spec is None:
        return []
    return [Path(place) for place in ([spec.origin] if spec.origin else spec.submodule_search_locations or ())]


def source_file(name: str) -> Path | None:
    """The Python source file of a module; None if there is none. Imports nothing."""
    top, *inside = name.split(".")
    spec = spec_of(top)
    if spec is None:
        return None
    if not inside:
        return Path(spec.origin) if spec.origin is not None and spec.origin.endswith(".py") else None
    *folders, last = inside
    places = [Path(folder, *folders) for folder in spec.submodule_search_locations or ()]
    files = (file for place in places for file in (place / last / "__init__.py", place / f"{last}.py"))
    return next((file for file in files if file.is_file()), None)


def spec_of(top: str) -> ModuleSpec | None:
    with suppress(ImportError, ValueError):  # of a module without one, such as __main__
        return importlib.util.find_spec(top)
    return None


# Folders that code adds to sys.path ─────────────────────────────────────────────────────────────


def added_folders(path: Path) -> Iterator[tuple[Path, bool]]:
    """The existing folders that a file adds to sys.path, and whether each is searched before all others. Nothing if it
    is not Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return
    values = {
        target.id: node.value
        for node in tree.body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        match node:
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="path"), attr="append"), args=[added]):
                found, first = [added], False
            case ast.Call(func=ast.Attribute(value=ast.Attribute(attr="path"), attr="insert"), args=[_, added]):
                found, first = [added], True
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="path"), attr="extend"), args=[ast.List() as all_]
            ):
                found, first = all_.elts, False
            case ast.Call(func=ast.Attribute(attr="addsitedir"), args=[added, *_]):
                found, first = [added], False
            case _:
                continue
        for one in found:
            text = _text(one, path, values)
            folder = None if text is None else path.parent / Path(text).expanduser()
            if folder is not None and folder.is_dir():
                yield folder.resolve(), first


def _text(node: ast.expr, file: Path, values: Mapping[str, ast.expr]) -> str | None:
    """The value of an expression for a path; None if the source does not show it. Relative paths are relative to the
    folder of the file."""
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id="__file__"):
            return str(file)
        case ast.Name(id=name) if name in values:
            return _text(values[name], file, {key: value for key, value in values.items() if key != name})
        case ast.Attribute(value=inner, attr="parent") | ast.Call(func=ast.Attribute(attr="dirname"), args=[inner]):
            place = _text(inner, file, values)
            return None if place is None else str(Path(place).parent)
        case ast.Subscript(value=ast.Attribute(value=inner, attr="parents"), slice=ast.Constant(value=int(count))):
            place = _text(inner, file, values)
            return None if place is None else str([*Path(place).parents][count])
        case ast.BinOp(left=left, op=ast.Div() | ast.Add() as op, right=right):
            return _joined("/" if isinstance(op, ast.Div) else "", [left, right], file, values)
        case ast.JoinedStr(values=parts):
            plain = [one.value if isinstance(one, ast.FormattedValue) else one for one in parts]
            return _joined("", plain, file, values)
        case ast.Call(func=ast.Attribute(attr="join" | "joinpath") as function, args=args):
            return _joined("/", args if function.attr == "join" else [function.value, *args], file, values)
        case ast.Call(func=ast.Name(id=name) | ast.Attribute(attr=name), args=[inner, *_]) if name in SAME:
            return _text(inner, file, values)
        case ast.Call(func=ast.Attribute(attr=name, value=inner), args=[]) if name in SAME:
            return _text(inner, file, values)
    return None


def _joined(separator: str, parts: Sequence[ast.expr], file: Path, values: Mapping[str, ast.expr]) -> str | None:
    texts = [text for one in parts if (text := _text(one, file, values)) is not None]
    return separator.join(texts) if len(texts) == len(parts) else None


@contextmanager
def restored_path() -> Iterator[None]:
    before = [*sys.path]
    try:
        yield
    finally:
        sys.path[:] = before


@contextmanager
def searched_first(folder: Path) -> Iterator[None]:
    """A context in which imports search the script's folder first, as when Python runs the script."""
    with restored_path():
        sys.path.insert(0, str(folder))
        yield


def extend_path(path: Path) -> None:
    """Search the folders that the file adds to sys.path, as if it had been imported."""
    for folder, first in added_folders(path):
        if str(folder) not in sys.path:
            sys.path.insert(0 if first else len(sys.path), str(folder))
