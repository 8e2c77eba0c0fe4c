"""MNIST's files in the IDX format: download and checks."""

import gzip
from functools import cache
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from trainers.kit.fetch import DataMissing, checked, fetch

URL = "https://ossci-datasets.s3.amazonaws.com/mnist/"
"""torchvision's source; the original page, yann.lecun.com, no longer serves them."""

SHA256 = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}
"""Of the downloads. Files in the data folder may be other copies; only their content is checked."""

Part = Literal["train", "t10k"]
Array = np.ndarray[tuple[int, ...], np.dtype[np.uint8]]


@cache
def images(data_dir: Path | None, part: Part, url: str = URL) -> Tensor:
    """(n, 1, height, width) bytes. Raises DataMissing; ValueError for a wrong file."""
    return torch.from_numpy(_read(data_dir, f"{part}-images-idx3-ubyte.gz", 3, url)).unsqueeze(1)


@cache
def labels(data_dir: Path | None, part: Part, url: str = URL) -> Tensor:
    """(n) class numbers."""
    return torch.from_numpy(_read(data_dir, f"{part}-labels-idx1-ubyte.gz", 1, url)).long()


def parse(content: bytes, dimensions: int, where: str) -> Array:
    """The array in an IDX file of bytes, gzipped or not. ValueError for a wrong file.

    The format: two zero bytes, the type (8: unsigned bytes), the number of dimensions; their sizes, four bytes each,
    the highest first; the values, the last dimension innermost.
    """
    try:
        plain = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError) as problem:
        raise ValueError(f"{where}: damaged: {problem}") from None
    if plain[:4] != bytes([0, 0, 8, dimensions]):
        raise ValueError(f"{where}: not an IDX file of bytes in {dimensions} dimensions: it begins with {plain[:4]!r}")
    header = 4 + 4 * dimensions
    if len(plain) < header:
        raise ValueError(f"{where}: it ends within its header")
    shape = [int.from_bytes(plain[place : place + 4]) for place in range(4, header, 4)]
    if len(plain) - header != np.prod(shape, dtype=np.int64):
        raise ValueError(f"{where}: {len(plain) - header} values do not make up {' x '.join(map(str, shape))}")
    return np.frombuffer(plain, np.uint8, offset=header).reshape(shape).copy()


def _read(data_dir: Path | None, name: str, dimensions: int, url: str) -> Array:
    """From the data folder, gzipped or not, else from the cache or the public source."""
    for local in [data_dir / "mnist" / name, data_dir / "mnist" / name.removesuffix(".gz")] if data_dir else []:
        if local.is_file():
            return parse(local.read_bytes(), dimensions, str(local))
    try:
        return fetch(url + name, name, lambda content: parse(checked(content, SHA256[name]), dimensions, url + name))
    except DataMissing as problem:
        raise DataMissing(
            f"set HPSEARCH_DATA (in a notebook: Run.local(data_dir=…)) to a folder that holds mnist/{name}; {problem}"
        ) from problem
