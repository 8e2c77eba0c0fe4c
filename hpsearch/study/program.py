"""A trainer that is a program: its description in a study file."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

Style = Literal["argparse", "hydra", "env", "json"]
"""How parameters are given to a program: `--lr 0.1`, `lr=0.1`, as environment variables, as a JSON file."""

Take = Literal["last", "mean", "max", "min"]

INTERPRETERS = {".py": "python", ".sh": "bash", ".R": "Rscript", ".jl": "julia"}
"""By the suffix of a script that `use` names."""


@dataclass(frozen=True)
class Program:
    """words: the command, with placeholders. style: "auto": from the script's source; None: all parameters have
    placeholders.

    metrics: by name, the pattern of a metric in the output. report: a pattern of the line that ends a report;
    "": the study's metric ends it. take: which of a metric's values since the last report counts.
    metrics_file: a CSV file or a file of JSON lines, with `*`. resume: arguments that are appended when a trial is
    continued. in_scratch: it runs in a folder of the trial, else in the study's. terminal: it has a terminal.
    in_steps: its length is counted in training steps, so it may have the placeholder `{steps}`.
    """

    words: tuple[str, ...]
    style: Style | Literal["auto"] | None = None
    metrics: Mapping[str, str] = field(default_factory=dict)
    report: str = ""
    take: Take = "last"
    metrics_file: str = ""
    resume: tuple[str, ...] = ()
    in_scratch: bool = False
    terminal: bool = False
    nested: bool = False
    in_steps: bool = False
