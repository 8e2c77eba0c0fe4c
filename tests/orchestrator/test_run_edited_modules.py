"""A study runs with the code that is on disk when it is opened, also where an earlier study imported other code."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import hpsearch
from hpsearch.provenance.sources import file_hash
from hpsearch.records import find

TRAINER = """
from hpsearch import Report
from edited_loss import ADDED

def train(params, run):
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": params["x"] + ADDED})
"""
SAMPLER = """
from hpsearch.core.decisions import New

class Sampler:
    def ask(self, history):
        return New({"x": 0.25}, 1, "fixed")
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "edited_trainer.py").write_text(TRAINER)
    (tmp_path / "edited_loss.py").write_text("ADDED = 1\n")
    (tmp_path / "edited_sampler.py").write_text(SAMPLER)
    yield tmp_path
    for name in ("edited_trainer", "edited_loss", "edited_sampler"):
        sys.modules.pop(name, None)


def study(folder: Path, name: str, use: str | None = "edited_trainer:train") -> hpsearch.Study:
    trainer = {"epochs": 1} if use is None else {"use": use, "epochs": 1}
    return hpsearch.Study.from_dict(
        {
            "study": {"name": name, "metric": "val_loss", "goal": "minimize"},
            "trainer": trainer,
            "space": {"x": {"low": 0.0, "high": 1.0}},
            "search": {"use": "edited_sampler:Sampler", "trials": 1},
            "resources": {"address": "none"},
            "tracking": {"mlflow": "none"},
        },
        folder=folder,
    )


def value(folder: Path, name: str) -> float | None:
    best = hpsearch.run(study(folder, name), progress=False).best
    return None if best is None else best.value


def test_edits_between_two_runs(folder: Path) -> None:
    assert value(folder, "first") == 1.25
    (folder / "edited_loss.py").write_text("ADDED = 2\n")
    assert value(folder, "second") == 2.25
    (folder / "edited_sampler.py").write_text(SAMPLER.replace("0.25", "0.75"))
    assert value(folder, "third") == 2.75
    with find.opened("third", study(folder, "third").journal_url) as (journal, found):
        [segment] = journal.segments(found.record.id)
    assert segment.environment.document["environment"]["sources"]["edited_loss"] == file_hash(folder / "edited_loss.py")


def test_a_changed_sampler_does_not_continue_its_study(folder: Path) -> None:
    value(folder, "only")
    (folder / "edited_sampler.py").write_text(SAMPLER.replace("0.25", "0.75"))
    with pytest.raises(hpsearch.StudyChanged):
        value(folder, "only")


def test_a_session_asks_the_edited_sampler(folder: Path) -> None:
    asked = []
    for name, x in (("first", "0.25"), ("second", "0.75")):
        (folder / "edited_sampler.py").write_text(SAMPLER.replace("0.25", x))
        with hpsearch.Session(study(folder, name, use=None)) as session:
            trial = session.ask()
            assert trial is not None
            asked.append(trial.params["x"])
    assert asked == [0.25, 0.75]
