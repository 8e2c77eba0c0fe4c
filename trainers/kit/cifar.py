"""CIFAR-10's binary version: download and checks."""

import io
import tarfile
from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from trainers.kit.fetch import DataMissing, checked, fetch

ARCHIVE = "cifar-10-binary.tar.gz"
URL = f"https://www.cs.toronto.edu/~kriz/{ARCHIVE}"
SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
"""Of the archive; its page has the MD5, c32a1d4ab5d03f1284b67883e8d87530."""

FOLDER = "cifar-10-batches-bin"
"""The folder in the archive, and of the unpacked files."""

TRAINING = tuple(f"data_batch_{number}.bin" for number in range(1, 6))
TEST = ("test_batch.bin",)

RECORD = 1 + 3 * 32 * 32
"""Bytes of one example: its class, then 32 rows of 32 red pixels, green ones, blue ones."""


@cache
def read(data_dir: Path | None, files: tuple[str, ...], url: str = URL) -> tuple[Tensor, Tensor]:
    """Images (n, 3, 32, 32) as bytes, class numbers (n). Raises DataMissing; ValueError for a wrong file."""
    contents = _contents(data_dir, files, url)
    parts = [parse(contents[name], name) for name in files]
    return torch.cat([images for images, _ in parts]), torch.cat([labels for _, labels in parts])


def parse(content: bytes, where: str) -> tuple[Tensor, Tensor]:
    """The examples of one batch file. ValueError for a wrong file."""
    if not content or len(content) % RECORD:
        raise ValueError(f"{where}: {len(content)} bytes are not examples of {RECORD} bytes each")
    records = torch.from_numpy(np.frombuffer(content, np.uint8).reshape(-1, RECORD).copy())
    if int(records[:, 0].max()) > 9:
        raise ValueError(f"{where}: class {int(records[:, 0].max())} is not one of 0 to 9")
    return records[:, 1:].reshape(-1, 3, 32, 32), records[:, 0].long()


def unpack(archive: bytes, files: tuple[str, ...], where: str) -> dict[str, bytes]:
    """These files of the archive. ValueError if it is damaged or one is missing."""
    try:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            found = {name: tar.extractfile(f"{FOLDER}/{name}") for name in files}
            return {name: file.read() for name, file in found.items() if file is not None}
    except (tarfile.TarError, KeyError, OSError, EOFError) as problem:
        raise ValueError(f"{where}: {problem}") from None


def _contents(data_dir: Path | None, files: tuple[str, ...], url: str) -> Mapping[str, bytes]:
    """From the data folder, unpacked or not, else from the cache or the public source."""
    local = data_dir / "cifar-10" if data_dir else None
    if local is not None and all((local / FOLDER / name).is_file() for name in files):
        return {name: (local / FOLDER / name).read_bytes() for name in files}
    if local is not None and (local / ARCHIVE).is_file():
        return unpack((local / ARCHIVE).read_bytes(), files, str(local / ARCHIVE))
    try:
        return fetch(url, ARCHIVE, lambda content: unpack(checked(content, SHA256), files, url))
    except DataMissing as problem:
        raise DataMissing(
            f"set HPSEARCH_DATA (in a notebook: Run.local(data_dir=…)) to a folder that holds cifar-10/{ARCHIVE}, or "
            f"cifar-10/{FOLDER}/{files[0]} and the others; {problem}"
        ) from problem
