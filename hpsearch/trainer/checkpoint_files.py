"""Stores the checkpoint folder of a framework in the trial's checkpoint."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def read_files(folder: Path) -> dict[str, "Tensor"]:
    """Every file below the folder as bytes, by its path from there; empty folders are left out."""
    import numpy
    import torch

    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): torch.from_numpy(numpy.fromfile(path, numpy.uint8)) for path in paths}


def write_files(content: Mapping[str, "Tensor"], folder: Path) -> None:
    """ValueError for a path outside the folder: somebody may have changed the checkpoint."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensor in content.items():
        path = folder / name
        if not path.resolve().is_relative_to(folder.resolve()):
            raise ValueError(f"the checkpoint has a file {name!r}, which would be outside its folder")
        path.parent.mkdir(parents=True, exist_ok=True)
        tensor.numpy().tofile(path)


@contextmanager
def temporary_folder(beside: Path, prefix: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=beside, prefix=prefix, ignore_cleanup_errors=True) as folder:
        yield Path(folder)
