"""A folder for tests of Session (ask and tell), and a training loop."""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from hpsearch import Session, Study
from hpsearch.core.decisions import RESTARTS
from hpsearch.core.trial import Cause, Trial
from hpsearch.journal import Journal, StudyRecord
from hpsearch.workers.pools.ask_and_tell import AskedTrial
from tests.support.session_trainer import loss

RANDOM = {"method": "random", "trials": 4}


class SessionFolder:
    """A folder with a journal for studies."""

    def __init__(self, folder: Path):
        self.folder = folder

    def sections(self, search: Mapping[str, Any] = RANDOM, name: str = "own", **sections: Any) -> dict[str, Any]:
        return {
            "study": {"name": name, "metric": "val_loss", "goal": "minimize", "seed": 5},
            "trainer": {"epochs": 6},
            "space": {"lr": {"low": 1e-4, "high": 1.0, "log": True, "points": 7}},
            "search": search,
            "tracking": {"mlflow": "none"},
            **sections,
        }

    def study(self, search: Mapping[str, Any] = RANDOM, name: str = "own", **sections: Any) -> Study:
        return Study.from_dict(self.sections(search, name, **sections), folder=self.folder)

    def record(self, name: str = "own") -> StudyRecord | None:
        with Journal.open(self.study().journal_url) as journal:
            return journal.find(name)

    def trials(self, name: str = "own") -> list[Trial]:
        record = self.record(name)
        assert record is not None
        with Journal.open(self.study().journal_url) as journal:
            return journal.trials(record.id)

    def decided(self, name: str) -> list[Any]:
        """The decisions, except those about checkpoints: a program with its own loop has no checkpoints."""
        record = self.record(name)
        assert record is not None
        with Journal.open(self.study().journal_url) as journal:
            decisions = journal.decisions(record.id)
        return [(one.kind, one.reason, one.number, one.step) for one in decisions if one.kind not in ("note", RESTARTS)]

    def state(self, name: str = "own") -> tuple[str, Cause | None]:
        record = self.record(name)
        assert record is not None
        return record.state, record.cause


def comparable(trial: Trial) -> list[Any]:
    """The values of a trial that do not depend on the clock, as text, so that NaN equals NaN."""
    curve = [(report.step, repr(dict(report.metrics))) for report in trial.curve]
    names = ["number", "params", "seed", "until", "state", "round", "reason", "origin", "ended", "ended_before"]
    names += ["cause", "cause_numbers"]
    return [*(repr(getattr(trial, name)) for name in names), curve]


def asked(session: Session) -> AskedTrial:
    trial = session.ask()
    assert trial is not None
    return trial


def train(session: Session, trial: AskedTrial) -> None:
    for epoch in trial.epochs:
        if not session.report(trial, epoch, {"val_loss": loss(trial.params, trial.seed, epoch)}):
            break
    session.finish(trial)


def in_threads(number: int, work: Callable[[], Any]) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert not any(thread.is_alive() for thread in threads)


def until(enough: Callable[[], bool]) -> None:
    for _ in range(400):
        if enough():
            return
        threading.Event().wait(0.05)
    pytest.fail("timed out")
