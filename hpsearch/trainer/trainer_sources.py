"""The source files and objects of a study's trainer, for the driver and for the workers."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

from hpsearch.provenance.module_search import module_of
from hpsearch.provenance.sources import Sources, read_once
from hpsearch.study.program import Program
from hpsearch.trainer.adapters import program_sources

if TYPE_CHECKING:  # workers need no study file: without it, their forks take 1 ms less
    from hpsearch.study.definition import Study

WITHOUT_TORCH = frozenset({"lightgbm", "numpy", "pandas", "scipy", "sklearn", "xgboost"})
"""Packages that do not import torch."""

NAMES_TORCH = re.compile(r"torch|\btrack\b")
"""Matches the code of a trainer that uses torch, or that calls `Run.track`, whose checkpoints torch writes."""


def sources_of(use: str, folder: Path, program: Program | None) -> Sources:
    """The sources of a program, or of the module in `use`, searched in the study's folder first. Imports nothing."""
    if program is not None:
        return program_sources.sources_of(program, folder)
    module = module_of(use, folder)
    return read_once(module, lambda: Sources.of(module))


def sources_of_trainer(study: "Study") -> Sources:
    """The files that a worker would import, or the objects if the trainer is a Python object."""
    if (given := study.own("trainer")) is not None:
        return Sources.of_object(given)
    return sources_of(study.trainer.use, study.folder, study.trainer.program)


def may_use_torch(own: Sources) -> bool:
    """Whether training with these sources may need torch. An import of torch takes seconds, and makes a fork of the
    process slower by 10 ms."""
    if own.packages - WITHOUT_TORCH or own.objects:
        return True
    return any(NAMES_TORCH.search(path.read_text(errors="replace")) for path in own.files.values())
