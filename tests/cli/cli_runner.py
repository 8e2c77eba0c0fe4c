"""A folder with a study file in it, and hpsearch called as a user calls it."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hpsearch.cli.main import main

ROOT = Path(__file__).parents[2]

STUDY = """\
[study]
name = "toy"
metric = "val_loss"
goal = "minimize"
seed = 3
[trainer]
use = "{trainer}"
epochs = {epochs}
options = {options}
[space]
{space}
[search]
{search}
[resources]
address = "none"
[tracking]
mlflow = "none"
"""

RANDOM = 'method = "random"\ntrials = 4'
X = "x = { low = 0.0, high = 1.0 }"


@dataclass(frozen=True)
class CliResult:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        return json.loads(self.out, parse_constant=lambda word: pytest.fail(f"{word} is no JSON"))

    @property
    def is_refused(self) -> bool:
        """As bad input, in one line on stderr. Its words are tested where they are raised."""
        return (self.code, self.out, self.err.count("\n")) == (2, "", 1)

    def names(self, *keys: str) -> bool:
        """Whether the message on stderr names all of these: keys of the study file, options, values."""
        return all(key in self.err for key in keys)

    @property
    def changed(self) -> set[str]:
        """The keys that a StudyChanged names, each in a line of its own."""
        return {line.split(":")[0].strip() for line in self.err.splitlines() if ": was " in line}


class CliRunner:
    """`invoke` calls the program in this process, `start` in one of its own. about: more lines of [study] for all
    files."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], about: str = ""):
        self.folder, self._capsys, self._about = folder, capsys, about
        self.epoch_log = folder / "epoch_log.txt"

    def study(
        self,
        search: str = RANDOM,
        *,
        trainer: str = "tests.cli.trainers:learner",
        epochs: int = 3,
        options: str = "",
        space: str = X,
        more: str = "",
        file: str = "study.toml",
    ) -> Path:
        """Write the file. The trainer writes a line into `epoch_log` for every epoch that it really trains."""
        inside = ", ".join(filter(None, [f'epoch_log = "{self.epoch_log}"', options]))
        text = STUDY.format(trainer=trainer, epochs=epochs, options=f"{{ {inside} }}", space=space, search=search)
        path = self.folder / file
        path.write_text(text.replace("[trainer]", f"{self._about}[trainer]", 1) + more)
        return path

    def change(self, *changes: tuple[str, str]) -> None:
        """Replace pieces of the study file."""
        path = self.folder / "study.toml"
        text = path.read_text()
        for old, new in changes:
            assert old in text
            text = text.replace(old, new)
        path.write_text(text)

    def invoke(self, *words: object) -> CliResult:
        self._capsys.readouterr()
        try:
            code = main([str(word) for word in words])
        except SystemExit as leaving:  # argparse
            code = int(leaving.code or 0)
        captured = self._capsys.readouterr()
        assert code != 1, captured.err
        return CliResult(code, captured.out, captured.err)

    def run(self, *words: object) -> CliResult:
        return self.invoke("run", "study.toml", *words)

    def export(self, study: str = "toy") -> dict[str, Any]:
        return dict(self.invoke("export", study).data)

    def trained(self) -> int:
        """Epochs that the trainer has trained, by its own count."""
        return len(self.epoch_log.read_text().splitlines()) if self.epoch_log.exists() else 0

    def files(self) -> list[str]:
        """What has been written below .hpsearch."""
        home = self.folder / ".hpsearch"
        return sorted(str(path.relative_to(home)) for path in home.rglob("*")) if home.exists() else []

    # Other processes ────────────────────────────────────────────────────────────────────────────

    def start(self, *words: object, **options: Any) -> subprocess.Popen[str]:
        """hpsearch in a process group of its own. Whoever starts it ends it."""
        argv = [sys.executable, "-m", "hpsearch", *map(str, words)]
        usual = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "env": environment()}
        return subprocess.Popen(argv, cwd=self.folder, text=True, start_new_session=True, **{**usual, **options})

    def ended(self, process: subprocess.Popen[str], timeout: float = 90.0) -> CliResult:
        try:
            out, err = process.communicate(timeout=timeout)
        finally:
            process.kill()
        assert process.returncode != 1, err
        return CliResult(process.returncode, out, err)

    def wait_for(self, true: Callable[[], bool], process: subprocess.Popen[str], seconds: float = 90.0) -> None:
        """Until it is true, as long as the process lives."""
        deadline = time.monotonic() + seconds
        while not true():
            if process.poll() is not None:
                pytest.fail(f"it ended too early: {self.ended(process)}")
            if time.monotonic() > deadline:
                process.kill()
                pytest.fail(f"it did not come to it within {seconds:g} s")
            time.sleep(0.01)


def environment() -> dict[str, str]:
    path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return {**os.environ, "PYTHONPATH": path}


def content(document: dict[str, Any]) -> list[dict[str, Any]]:
    """What must be the same however often a search was broken off: all but how long it took."""
    return [{name: value for name, value in trial.items() if name != "seconds"} for trial in document["trials"]]


DURATION = r"(\d+h\d\dm|\d+m\d\ds|\d+s)"
"""However long it took: a busy machine is slow."""


def shape(lines: Sequence[str]) -> list[str]:
    """Lines with every number as #, and every duration as #s."""
    lines = [re.sub(rf"\b{DURATION}\b", "#s", line) for line in lines]
    return [re.sub(r"\d+(\.\d+)?(e-?\d+)?", "#", line) for line in lines]
