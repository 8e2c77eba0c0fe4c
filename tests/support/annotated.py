"""Trainers whose annotations are strings; only a type checker can resolve the annotation of `lost`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from hpsearch import Report

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hpsearch import Run


@dataclass
class Settings:
    lr: float


def train(params: Settings, run: Run) -> Iterator[Report]:
    yield Report(1, {"val_loss": params.lr})


def lost(params: Iterator[Settings], run: Run) -> Iterator[Report]:
    yield Report(1, {"val_loss": 1.0})
