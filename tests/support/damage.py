"""Damage to checkpoints on a disk, and files that may replace them."""

import hashlib
import io
import os
import pickle
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from hpsearch.trainer import state
from tests.support.toys import Weight

Damage = Callable[[Path], None]
"""A function that damages a checkpoint file or its .sha256."""


def hash_of(path: Path) -> Path:
    return path.with_name(f"{path.name}.sha256")


def sign(path: Path) -> None:
    """Write the correct hash of the file."""
    hash_of(path).write_text(hashlib.sha256(path.read_bytes()).hexdigest())


def cut(share: float) -> Damage:
    def damage(path: Path) -> None:
        content = path.read_bytes()
        path.write_bytes(content[: int(len(content) * share)])

    return damage


def flip(share: float) -> Damage:
    """Flip one bit, at this fraction of the file."""

    def damage(path: Path) -> None:
        content = bytearray(path.read_bytes())
        content[min(int(len(content) * share), len(content) - 1)] ^= 0x10
        path.write_bytes(content)

    return damage


def append(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"\0")


def replace_hash(text: str) -> Damage:
    return lambda path: _write(hash_of(path), text.encode())


def shorten_hash(path: Path) -> None:
    hash_of(path).write_text(hash_of(path).read_text()[:-1])


def foreign(owner: str) -> Damage:
    """Replace the file by a valid checkpoint of another study or trial, with its hash."""

    def damage(path: Path) -> None:
        step = int(path.stem[6:]) if path.stem.startswith("epoch-") else 1
        path.write_bytes(state.pack(state.take_snapshot(owner, step, 0.5, {"weight": Weight()})))
        sign(path)

    return damage


def become_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


DAMAGES: dict[str, Damage] = {
    "empty": cut(0.0),
    "cut in its header": lambda path: _write(path, path.read_bytes()[:3]),
    "cut in its first half": cut(0.3),
    "cut in its second half": cut(0.8),
    "cut by one byte": lambda path: _write(path, path.read_bytes()[:-1]),
    "one byte more": append,
    "bit flipped at its beginning": flip(0.0),
    "bit flipped in its pickle": flip(0.05),
    "bit flipped in its middle": flip(0.5),
    "bit flipped at its end": flip(1.0),
    "gone": Path.unlink,
    "a folder": become_folder,
    "hash gone": lambda path: hash_of(path).unlink(),
    "hash empty": replace_hash(""),
    "hash too short": shorten_hash,
    "hash of another": replace_hash(hashlib.sha256(b"another").hexdigest()),
    "hash is no text": lambda path: _write(hash_of(path), bytes(range(256))),
    "another study's": foreign("another study/0"),
    "no checkpoint, signed": lambda path: (_write(path, b"no checkpoint"), sign(path))[0],
}


class Payload:
    """Creates a folder when it is unpickled."""

    def __init__(self, marker: Path):
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.marker),)


def _saved(thing: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(thing, buffer, **options)
    return buffer.getvalue()


def _in_tar(payload: Payload) -> bytes:
    """A file in torch's oldest format."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("storages", "tensors", "pickle"):
            content = pickle.dumps(payload)
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def _among_objects(payload: Payload) -> bytes:
    return _saved({"owner": "study/3", "step": 2, "best": 0.5, "objects": {"weight": payload}, "random": {}})


MALICIOUS: dict[str, Callable[[Payload], bytes]] = {
    "pickle": pickle.dumps,
    "pickle of the oldest protocol": lambda payload: pickle.dumps(payload, protocol=0),
    "torch file": _saved,
    "torch file of the old layout": lambda payload: _saved(payload, _use_new_zipfile_serialization=False),
    "torch file of the oldest layout": _in_tar,
    "among what is tracked": _among_objects,
}
