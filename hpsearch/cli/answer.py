"""What a verb answers; `hpsearch.cli.main` alone prints it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Answer:
    """data: what `--json` prints. text: what a person reads, made only when it is asked for."""

    data: Any
    text: Callable[[], str]
    exit_code: int = 0
