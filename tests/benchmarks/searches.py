"""Studies of no-op and timed trainers, and `hpsearch run` on them as a user would call it."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hpsearch.core.trial import Plain, Trial
from hpsearch.journal import Journal
from hpsearch.study.definition import Study
from tests.benchmarks.processes import output, python, rate

NAME = "benchmark"

TEMPLATE = """
[study]
name = "{name}"
metric = "val_loss"
goal = "minimize"

[trainer]
use = "tests.benchmarks.{module}:{trainer}"
epochs = {epochs}
options = {{ {options} }}

[space]
lr = {{ low = 1e-5, high = 1.0, log = true }}
momentum = {{ low = 0.0, high = 0.99 }}
dropout = {{ low = 0.0, high = 0.6 }}
hidden = {{ low = 16, high = 1024, log = true }}

[search]
{search}
trials = {trials}

[prune]
method = "{prune}"

[resources]
workers = 2
address = "{address}"
isolation = "{isolation}"

[limits]
study = "{seconds}s"

[tracking]
{tracking}
"""

MANY = 1_000_000
"""More trials than any measurement has time for."""


@dataclass(frozen=True)
class Search:
    """What differs between the studies that are measured.

    module: of tests.benchmarks, with the trainer. seconds: the study ends after so many. sampler: "random", or one of
    Bayesian search. mlflow: "" is the embedded store, "none" is off.
    """

    trainer: str
    epochs: int
    trials: int = MANY
    seconds: int = 3600
    options: Mapping[str, Plain] = field(default_factory=dict)
    sampler: str = "random"
    prune: str = "never"
    address: str = "local"
    isolation: str = "none"
    mlflow: str = "none"
    module: str = "trainers"

    def write(self, folder: Path) -> Path:
        """The study file."""
        bayesian = f'method = "bayesian"\nsampler = "{self.sampler}"'
        text = TEMPLATE.format(
            name=NAME,
            module=self.module,
            trainer=self.trainer,
            epochs=self.epochs,
            options=", ".join(f"{key} = {json.dumps(value)}" for key, value in self.options.items()),
            search='method = "random"' if self.sampler == "random" else bayesian,
            trials=self.trials,
            prune=self.prune,
            address=self.address,
            isolation=self.isolation,
            seconds=self.seconds,
            tracking=f'mlflow = "{self.mlflow}"' if self.mlflow else "",
        )
        path = folder / "study.toml"
        path.write_text(text, "utf-8")
        return path


@dataclass(frozen=True)
class Ran:
    """What `hpsearch run --json` said, and the trials that are in the journal."""

    said: Mapping[str, Any]
    trials: list[Trial]

    @property
    def ends(self) -> list[float]:
        """When each trial ended, in seconds."""
        return sorted(trial.ended_at / 1000 for trial in self.trials if not trial.state.is_active)

    @property
    def trials_per_second(self) -> float:
        return rate(self.ends)

    @property
    def reports(self) -> list[float]:
        """When each was received, in seconds."""
        return sorted(report.at / 1000 for trial in self.trials for report in trial.curve)

    @property
    def reports_per_second(self) -> float:
        return rate(self.reports)

    @property
    def busy_fraction(self) -> float:
        return float(self.said["busy_fraction"])


@contextmanager
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hpsearch-bench-", ignore_cleanup_errors=True) as name:
        yield Path(name)


def run(search: Search) -> Ran:
    with folder() as place:
        return run_file(search.write(place))


def run_file(path: Path) -> Ran:
    said = output(python("-m", "hpsearch", "run", path, "--json", "--quiet"), path.parent)
    with Journal.open(Study.load(path).journal_url, create=False) as journal:
        record = journal.find(NAME)
        assert record is not None
        return Ran(json.loads(said), journal.trials(record.id))
