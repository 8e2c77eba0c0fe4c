"""Reloads the user's modules that were edited since this process imported them, between two studies.

A notebook is one process for many runs, and Python imports a module once. Without this, the record would have the hash
of the edited file while the old code trains.
"""

import importlib
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import suppress
from importlib.machinery import PathFinder, SourceFileLoader
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from hpsearch.core.errors import BadInput
from hpsearch.provenance.module_search import search_first_in
from hpsearch.provenance.sources import Sources, code_hash, file_hash

_CODE_OF_OBJECTS: WeakKeyDictionary[Any, dict[Path, str]] = WeakKeyDictionary()
"""For each object that was passed to a study: the hashes of its files' code at that time."""

_HASHES: dict[Path, str] = {}
"""SHA-256 of each module's file when a study that uses it was last opened."""


def unload_changed(modules: Iterable[str], folder: Path) -> None:
    """Remove from sys.modules the modules that changed on disk and those that import them, to be imported again.

    modules: of the study's trainer, sampler and pruner. folder: of the study; searched first from now on.
    Call it before a study is opened, never while it runs: one study trains with one version of the code.
    """
    _search_first(folder)
    importlib.invalidate_caches()
    for module in modules:
        while stale := set(_stale(module)):  # another file may then be found, with other imports
            for name in stale:
                del sys.modules[name]
        for path in Sources.of(module).files.values():
            _HASHES[path] = file_hash(path)


def check_is_current(thing: object, name: str) -> None:
    """BadInput if the file of a Python object was edited since the object was first passed to a study.

    The object has the old code, and the record would have the hash of the new file. name: of the object, for messages.
    """
    now = {path: code_hash(path) for path in Sources.of_object(thing).files.values()}
    try:
        before = _CODE_OF_OBJECTS.setdefault(thing, now)
    except TypeError:  # an object that has no weak references
        return
    if edited := sorted(path.name for path in now if before.get(path, now[path]) != now[path]):
        raise BadInput(
            f"{name} has the code from before {' and '.join(edited)} was edited: call importlib.reload on its module "
            "and on your modules that it imports, and create the study again with the new object. Or name it with "
            "`use`: edited files are then read again"
        )


def _search_first(folder: Path) -> None:
    """Move the folder to the front of sys.path: another study's folder may have a module of the same name."""
    with suppress(ValueError):
        sys.path.remove(str(folder))
    search_first_in(folder)


def _stale(module: str) -> Iterator[str]:
    """The loaded modules, among the module and its imports, that have a changed file or import such a module."""
    files = Sources.of(module).files
    changed = {name for name, path in files.items() if name in sys.modules and _has_changed(name, path)}
    for name in changed:
        _remove_bytecode(files[name])
    if changed:
        yield from (name for name in files if name in sys.modules and changed & Sources.of(name).files.keys())


def _has_changed(name: str, path: Path) -> bool:
    """Whether the file has changed since the import, or the module is now found in another file."""
    spec = PathFinder.find_spec(name) if "." not in name else None
    found = spec.origin if spec is not None and spec.origin else path
    loaded = getattr(sys.modules[name], "__file__", None)
    if loaded and os.path.realpath(loaded) != os.path.realpath(found):
        return True
    if path in _HASHES:
        return _HASHES[path] != file_hash(path)
    return _is_newer_than_bytecode(name, path)


def _is_newer_than_bytecode(name: str, path: Path) -> bool:
    """Whether a module that was imported before any study was edited after that: the bytecode has the time and size of
    its file (PEP 552). False if Python writes no bytecode."""
    loader = getattr(getattr(sys.modules[name], "__spec__", None), "loader", None)
    if type(loader) is not SourceFileLoader:
        return False
    with suppress(OSError, NotImplementedError):
        kept, about = Path(cache_from_source(str(path))).read_bytes()[:16], path.stat()
        recorded = [int.from_bytes(kept[at : at + 4], "little") for at in (4, 8, 12)]
        return recorded[0] == 0 and recorded[1:] != [int(about.st_mtime) & 0xFFFFFFFF, about.st_size & 0xFFFFFFFF]
    return False


def _remove_bytecode(path: Path) -> None:
    """Python would use it for an edited file of the same size that was written in the same second."""
    with suppress(OSError, NotImplementedError):
        Path(cache_from_source(str(path))).unlink()
