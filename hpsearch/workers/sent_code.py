"""Checks on a cluster's node that its study folder has the driver's code: another checkout, or an old copy, may be at
the same path."""

import hashlib
import platform
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from hpsearch.trainer.open_trial import TrainerContext


def sent_files(trainer: TrainerContext) -> dict[str, str]:
    """SHA-256 of the trainer's files in the study's folder, by their path in it. On the driver, after
    `TrainerContext.find`."""
    inside = trainer.folder.resolve()
    files = {file.resolve() for file in trainer.sources().files.values()}
    return {str(file.relative_to(inside)): _hash(file) for file in sorted(files) if file.is_relative_to(inside)}


def on_this_node(trainer: TrainerContext, sent: Mapping[str, str]) -> TrainerContext:
    """The trainer to use on this node: from the study's folder if that has the driver's files, else from the working
    directory, which is the copy that Ray has sent. sent: see `sent_files`."""
    copy = Path.cwd()
    if _has(trainer.folder, sent) or not _has(copy, sent):
        return trainer
    return replace(trainer, folder=copy)


def host_with_other_code(trainer: TrainerContext, folder: Path) -> str:
    """On a worker: the name of its host if that has another version of the driver's `folder`, else "".

    trainer: from `on_this_node`.
    """
    return platform.node() if trainer.folder != folder and folder.is_dir() else ""


def other_code(host: str, folder: Path) -> str:
    """The warning for a host with other code."""
    return (
        f"{folder} on {host} has another version of the trainer's code: trials there are trained with the copy that "
        "was sent when this run started, without the files that are not sent to a cluster (docs/clusters.md)"
    )


def _has(folder: Path, files: Mapping[str, str]) -> bool:
    return all((folder / path).is_file() and _hash(folder / path) == content for path, content in files.items())


def _hash(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()
