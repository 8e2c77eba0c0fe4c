"""What of a study and of hpsearch travels to the workers of a cluster."""

import importlib.util
from pathlib import Path
from typing import Any

EXCLUDES = [".git", ".venv", "venv", ".hpsearch", "__pycache__", "node_modules", "mlruns", "data", "*.pt", "*.ckpt"]
EXCLUDES += [".env*"]  # where passwords are kept; others may read what travels
"""What of a study's folder does not travel to a cluster."""


def runtime_env(use: str, folder: Path) -> dict[str, Any]:
    """What workers elsewhere receive: the study's folder, hpsearch, and the package that the trainer is in."""
    return {"working_dir": str(folder), "excludes": EXCLUDES, "py_modules": packages(use, folder)}


def packages(use: str, folder: Path) -> list[str]:
    """The folders of the packages that a worker imports and that do not lie in the study's folder."""
    names = dict.fromkeys(["hpsearch", use.partition(":")[0].partition(".")[0]])
    found = []
    for name in names:
        spec = None if (folder / name).exists() else importlib.util.find_spec(name)
        if spec is not None and spec.submodule_search_locations:
            found.append(next(iter(spec.submodule_search_locations)))
    return found
