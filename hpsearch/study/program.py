"""A trainer that is a program: its description in a study file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Literal

Style = Literal["argparse", "hydra", "env", "json", "constants"]
"""How parameters are given to a program: `--lr 0.1`, `lr=0.1`, as environment variables, as a JSON file, as the values
of variables in a Python script."""

Take = Literal["last", "mean", "max", "min"]

INTERPRETERS = {".py": "python", ".sh": "bash", ".R": "Rscript", ".jl": "julia"}
"""By the suffix of a script in `use`."""

CONFIG_SUFFIXES = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".py")
"""Of the files that `config` may name."""


@dataclass(frozen=True)
class Program:
    """words: the command, with placeholders. style: "auto": found in the script's source; None: all parameters have
    placeholders.

    metrics: the pattern of each metric in the output, by name. report: a pattern of the line that ends a report;
    "": the study's metric ends it. take: which of a metric's values since the last report is used.
    metrics_file: a file of CSV, of JSON lines, or a log that `metrics` are searched in; may have `*`. config: the file
    whose keys are parameters; the program gets a copy. resume: arguments that are appended for a continued
    trial. in_scratch: it runs in the trial's folder, else in the study's. terminal: it gets a terminal.
    in_steps: its length is counted in training steps, so it may have the placeholder `{steps}`. in_epochs: its length
    is counted in epochs. by_step: a report has all values of a step that the patterns read; it ends with the next step.
    """

    words: tuple[str, ...]
    style: Style | Literal["auto"] | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    report: str = ""
    take: Take = "last"
    metrics_file: str = ""
    config: str = ""
    resume: tuple[str, ...] = ()
    in_scratch: bool = False
    terminal: bool = False
    nested: bool = False
    in_steps: bool = False
    in_epochs: bool = True
    by_step: bool = False

    @property
    def script(self) -> str | None:
        """The first word that names a Python file; None if there is none."""
        return next((word for word in self.words if PurePath(word).suffix == ".py"), None)
