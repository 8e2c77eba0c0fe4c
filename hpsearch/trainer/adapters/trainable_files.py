"""The files of a folder as a state that a checkpoint can hold: name -> its bytes, a tensor."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def read(folder: Path) -> dict[str, "Tensor"]:
    """Every file below the folder, by its path from there; empty folders are left out."""
    import numpy
    import torch

    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): torch.from_numpy(numpy.fromfile(path, numpy.uint8)) for path in paths}


def write(content: Mapping[str, "Tensor"], folder: Path) -> None:
    """Put them back; the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, tensor in content.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        tensor.numpy().tofile(path)
