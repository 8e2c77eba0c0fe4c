"""SHA-256 of files, folders, bytes, arrays and tensors.

The hash depends only on the content: a file's bytes (as `sha256sum`); the type, shape and values of an array or tensor.
A process caches the hash of a file while its size and modification time are the same, of a tensor until it is written
to, and of an array while it exists.
"""

import hashlib
import os
import sys
import weakref
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

_files: dict[tuple[str, int, int], str] = {}
_arrays: dict[int, tuple["weakref.ref[Any]", int, str]] = {}


def digest(*things: Any) -> str:
    """The SHA-256 of one object, or of the SHA-256s of several. OSError; TypeError for objects without bytes."""
    each = [_of(thing) for thing in things]
    return each[0] if len(each) == 1 else hashlib.sha256("".join(each).encode()).hexdigest()


def by_name(segments: Iterable[Mapping[str, str]]) -> dict[str, list[str]]:
    """The SHA-256s of the data, by name; several if the data changed. segments: the data of each training segment."""
    found: dict[str, dict[str, None]] = {}
    for data in segments:
        for name, digest in data.items():
            found.setdefault(name, {})[digest] = None
    return {name: list(digests) for name, digests in found.items()}


def _of(thing: Any) -> str:
    if isinstance(thing, bytes | bytearray | memoryview):
        return hashlib.sha256(thing).hexdigest()
    if isinstance(thing, os.PathLike):
        path = Path(thing)
        return _folder(path) if path.is_dir() else _file(path)
    if hasattr(thing, "dtype") and hasattr(thing, "shape"):
        return _cached(thing)
    raise TypeError(f"a {type(thing).__name__} is not a Path, bytes, an array or a tensor")


def _folder(folder: Path) -> str:
    """The hash of the output of `sha256sum` for its files, sorted by name."""
    lines = (f"{_file(folder / name)}  {name}\n" for name in sorted(_names(folder)))
    return hashlib.sha256("".join(lines).encode("utf-8", "surrogateescape")).hexdigest()


def _names(folder: Path) -> Iterator[str]:
    for place, _, files in os.walk(folder):
        yield from (Path(place, file).relative_to(folder).as_posix() for file in files)


def _file(path: Path) -> str:
    about = path.stat()
    key = (str(path.absolute()), about.st_size, about.st_mtime_ns)
    if key not in _files:
        with path.open("rb") as file:
            _files[key] = hashlib.file_digest(file, "sha256").hexdigest()
    return _files[key]


def _cached(array: Any) -> str:
    version = _version(array)
    known, at, found = _arrays.get(id(array), (None, 0, ""))
    if known is not None and known() is array and at == version:
        return found
    key, found = id(array), _array(array)
    _arrays[key] = (weakref.ref(array, lambda _: _arrays.pop(key, None)), version, found)
    return found


def _version(array: Any) -> int:
    """torch's count of writes to a tensor; 0 for other objects."""
    with suppress(AttributeError, RuntimeError):  # RuntimeError: an inference tensor
        return int(array._version)
    return 0


def _array(array: Any) -> str:
    about = f"{str(array.dtype).removeprefix('torch.')} {tuple(array.shape)}\n"
    made = hashlib.sha256(about.encode())
    made.update(_content(array))
    return made.hexdigest()


def _content(array: Any) -> Any:
    """A buffer of the values in row-major order."""
    if hasattr(array, "detach"):
        flat = array.detach().cpu().contiguous().reshape(-1)
        return flat.view(sys.modules["torch"].uint8).numpy()
    if array.dtype.hasobject:
        raise TypeError("an array of Python objects has no bytes of its own")
    return array.reshape(-1).view("u1") if array.flags.c_contiguous else array.tobytes()
