from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hpsearch.core.trial import State
from hpsearch.records import trial_output
from hpsearch.records.trial_output import followed, output


class Writing:
    """A journal with one trial, whose process writes a bit more each time its state is read."""

    def __init__(self, file: Path, states: list[State], pieces: list[str]):
        self.file, self.states, self.pieces = file, states, pieces

    def trial(self, study_id: int, number: int) -> Any:
        with self.file.open("a") as log:
            log.write(self.pieces.pop(0))
        return SimpleNamespace(state=self.states.pop(0))


STUDY: Any = SimpleNamespace(record=SimpleNamespace(id=1))


def test_lines_are_followed_until_the_trial_has_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial_output, "POLL_SECONDS", 0.0)
    states = [State.WAITING, State.RUNNING, State.RUNNING, State.COMPLETE]
    journal: Any = Writing(tmp_path / "a.log", states, ["", "one\ntw", "o\n", "three"])
    assert list(followed(journal, STUDY, 0, tmp_path / "a.log")) == ["one\n", "two\n", "three"]


def test_a_log_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert output(tmp_path / "a.log") == ""


def test_any_bytes(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(b"\xff\xfe words\n")
    assert output(tmp_path / "a.log") == "\N{REPLACEMENT CHARACTER}\N{REPLACEMENT CHARACTER} words\n"
