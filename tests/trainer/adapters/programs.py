"""Programs as trainers, run without a search."""

import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hpsearch import Report
from hpsearch.core.trial import Plain
from hpsearch.study.program import Program
from hpsearch.trainer.adapters import command
from hpsearch.trainer.training_run import Run

EPOCHS = 4

PATTERN = {"val_loss": "val_loss[=: ]+{number}"}


@dataclass
class Programs:
    """A study's folder with programs in it."""

    folder: Path

    def write(self, name: str, text: str) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))

    def script(self, text: str, **keys: Any) -> Program:
        """train.py"""
        self.write("train.py", text)
        return Program(("python", "train.py"), **keys)

    def shell(self, text: str, **keys: Any) -> Program:
        self.write("train.sh", text)
        return Program(("sh", "train.sh"), **keys)

    def run(self, **keys: Any) -> Run:
        return Run(3, EPOCHS, scratch_dir=self.folder / ".scratch" / "00007", **{"number": 7, **keys})

    def start(
        self,
        program: Program,
        params: Mapping[str, Plain] | None = None,
        run: Run | None = None,
        options: Mapping[str, Plain] | None = None,
    ) -> Iterator[Report]:
        options = options or {}
        trainer = command.as_trainer(program, self.folder, options, "val_loss")
        return trainer({**options, **(params or {})}, run or self.run())

    def reports(self, program: Program, params: Mapping[str, Plain] | None = None, **rest: Any) -> list[Report]:
        return list(self.start(program, params, **rest))

    def curve(self, program: Program, params: Mapping[str, Plain] | None = None, **rest: Any) -> list[float]:
        return [report.metrics["val_loss"] for report in self.reports(program, params, **rest)]


def is_running(pid: int) -> bool:
    """A zombie is not."""
    return state_of(pid) not in "ZX"


def state_of(pid: int) -> str:
    """The letter that Linux has for it: T for stopped, Z for a zombie, X for a process that there is not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return "X"
