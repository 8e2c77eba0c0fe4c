"""The code, data or path of a trainer has changed between two runs of one study."""

import json
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

import hpsearch
from hpsearch.core.errors import StudyChanged
from hpsearch.core.trial import Report, State
from hpsearch.journal import Journal
from hpsearch.orchestrator.forecast import forecast
from hpsearch.records.study_place import TRAINER_CODE
from tests.cli.cli_runner import RANDOM, STUDY

TRAINER = """
from hpsearch import Report
from changing_loss import loss

def train(params, run):
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": loss(params["x"])})
"""
LOSS = "def loss(x):\n    return abs(x - 0.3)\n"
OTHER_LOSS = LOSS.replace("0.3", "0.7")
SPACE = "x = { low = 0.0, high = 1.0, points = 4 }"
CHANGING = {"trainer": "changing_trainer:train", "epochs": 2, "options": "{}", "space": SPACE}


@dataclass
class Project:
    folder: Path

    def write(self, search: str = RANDOM) -> "Project":
        self.folder.mkdir(exist_ok=True)
        (self.folder / "study.toml").write_text(STUDY.format(search=search, **CHANGING))
        (self.folder / "changing_trainer.py").write_text(TRAINER)
        (self.folder / "changing_loss.py").write_text(LOSS)
        return self

    def edit(self, text: str) -> None:
        (self.folder / "changing_loss.py").write_text(text)

    def run(self, *overrides: str, **options: Any) -> hpsearch.RunResult:
        study = hpsearch.Study.load(self.folder / "study.toml", overrides)
        return hpsearch.run(study, progress=False, **options)

    @property
    def recorded(self) -> hpsearch.RecordedStudy:
        return hpsearch.load(self.folder / "study.toml")


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Project]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield Project(tmp_path / "project").write()
    for name in ("changing_trainer", "changing_loss"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("start", ["", "number = 0" + " + 0" * 60 + "; "])
def test_changed_code_is_refused_with_the_line(project: Project, start: str) -> None:
    project.edit(LOSS.replace("return", f"{start}return"))
    project.run()
    project.edit(OTHER_LOSS.replace("return", f"{start}return"))
    with pytest.raises(StudyChanged) as refused:
        project.run("search.trials=6")
    for part in ("changing_loss, line 2", "abs(x - 0.3)", "abs(x - 0.7)", "--accept-changes", "--fork"):
        assert part in str(refused.value)
    project.edit(LOSS.replace("return", f"{start}return"))
    assert len(project.run("search.trials=6").history) == 6


def test_a_finished_study_is_refused_too(project: Project) -> None:
    project.run()
    project.edit(OTHER_LOSS)
    with pytest.raises(StudyChanged):
        project.run()


COMMENTED = (
    f"# a comment\n{LOSS}",
    LOSS.replace("return abs", "return  abs") + "\n\n",
    '"""Losses."""\n' + LOSS.replace("    return", '    """The distance."""\n    return'),
    f"\ufeff{LOSS}",
    LOSS.replace("\n", "\r\n"),
    f"# -*- coding: latin-1 -*-\n# \xe9\n{LOSS}",
)


def test_comments_docstrings_white_space_and_the_encoding_are_no_change(project: Project) -> None:
    project.run()
    for trials, text in enumerate(COMMENTED, 6):
        encoding = "latin-1" if "latin-1" in text else "utf-8"
        (project.folder / "changing_loss.py").write_bytes(text.encode(encoding))
        assert len(project.run(f"search.trials={trials}").history) == trials


def test_a_folder_that_the_trainer_adds_to_the_path_is_no_change(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project.folder / "lib").mkdir()
    (project.folder / "lib" / "changing_outside.py").write_text("o = 1")
    added = f"import sys\nsys.path.append({str(project.folder / 'lib')!r})\nimport changing_outside\n{TRAINER}"
    (project.folder / "changing_trainer.py").write_text(added)
    with monkeypatch.context() as first:
        first.setattr(sys, "path", [*sys.path])
        project.run()
        assert len(project.run("search.trials=5").history) == 5
    monkeypatch.delitem(sys.modules, "changing_outside")
    assert len(project.run("search.trials=6").history) == 6  # as in another process


def test_a_file_that_the_trainer_no_longer_imports(project: Project) -> None:
    project.run()
    inlined = TRAINER.replace("from changing_loss import loss", "def loss(x):\n    return abs(x - 0.3)")
    (project.folder / "changing_trainer.py").write_text(inlined)
    with pytest.raises(StudyChanged, match="changing_loss: no longer part of the trainer"):
        project.run("search.trials=6")


def test_accepted_changes(project: Project) -> None:
    """The search begins anew, with its whole budget; the trials of the code before stay on record as they were."""
    first = list(project.run().history)
    project.edit(OTHER_LOSS)
    result = project.run(accept_changes=True)
    history = list(result.history)
    assert [trial.superseded for trial in history] == [True] * 4 + [False] * 4
    assert [trial.curve for trial in history[:4]] == [trial.curve for trial in first]
    assert [trial.params for trial in history[4:]] == [trial.params for trial in first]
    assert [trial.seed for trial in history[4:]] == [trial.seed for trial in first]
    values = {trial.number: trial.curve[-1].metrics["val_loss"] for trial in history[4:]}
    best = project.recorded.best
    assert best is not None
    assert (best.number, best.value) == min(values.items(), key=lambda one: one[1])
    assert project.run("search.trials=5").best == result.best
    assert len(project.recorded.trials) == 9


def test_a_superseded_trial_would_have_been_the_best(project: Project) -> None:
    best = project.run().best
    project.edit(LOSS.replace("abs(x", "10 + abs(x"))
    after = project.run("search.trials=1", accept_changes=True).best
    assert best is not None
    assert after is not None
    assert (after.trial, after.value > 10) == (4, True)
    trials = project.recorded.trials.set_index("number")
    assert trials.loc[best.trial, "value"] == best.value
    assert trials.loc[best.trial, "superseded"]
    assert not trials.loc[after.trial, "superseded"]


@pytest.mark.parametrize(
    "search",
    [
        'method = "grid"',
        'method = "coarse-to-fine"\nrounds = [ { trials = 4, epochs = 1 }, { trials = 2, epochs = 2 } ]',
        'method = "bayesian"\ntrials = 6\nstartup_trials = 3',
    ],
)
def test_every_method_searches_again_as_in_a_new_study(project: Project, tmp_path: Path, search: str) -> None:
    project.write(search).run()
    project.edit(OTHER_LOSS)
    again = [trial for trial in project.run(accept_changes=True).history if not trial.superseded]
    for name in ("changing_trainer", "changing_loss"):
        sys.modules.pop(name)
    fresh = Project(tmp_path / "fresh").write(search)
    fresh.edit(OTHER_LOSS)
    expected = list(fresh.run().history)
    assert [(one.params, one.state, one.epoch) for one in again] == [
        (one.params, one.state, one.epoch) for one in expected
    ]


def test_trials_that_all_failed_are_tried_again_with_the_corrected_code(project: Project) -> None:
    project.edit("def loss(x):\n    raise ValueError\n")
    assert {trial.state for trial in project.run().history} == {State.FAILED}
    project.edit(LOSS)
    assert {trial.state for trial in project.run().history} == {State.COMPLETE}


def test_a_study_does_not_start_anew_if_another_program_trains_it_meanwhile(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    project.edit("def loss(x):\n    raise ValueError\n")
    project.run("search.trials=1")
    project.edit(LOSS)
    reads = iter([(), (Report(1, {"val_loss": 0.5}),)])
    recorded = Journal.trials
    monkeypatch.setattr(
        Journal, "trials", lambda self, study: [replace(one, curve=next(reads)) for one in recorded(self, study)]
    )
    with pytest.raises(StudyChanged, match=r"study\.seed"):
        project.run("study.seed=1")


def test_another_file_with_the_same_name(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It neither continues the study nor shows its results."""
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    project.run()
    other = Project(tmp_path / "other").write()
    file = other.folder / "study.toml"
    for call in (other.run, lambda: hpsearch.load(file), lambda: forecast(hpsearch.Study.load(file))):
        with pytest.raises(StudyChanged) as refused:
            call()
        assert str(project.folder / "study.toml") in str(refused.value)
        assert str(file) in str(refused.value)


def test_a_moved_file_is_the_same_study(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    project.run()
    moved = Project(project.folder.rename(tmp_path / "moved"))
    assert len(moved.run("search.trials=5").history) == 5


def test_a_study_without_recorded_code_continues(project: Project) -> None:
    """One of an earlier version of hpsearch. The present code is on record from then on."""
    project.run()
    with closing(sqlite3.connect(project.folder / ".hpsearch" / "journal.db")) as journal, journal:
        deleted = journal.execute("DELETE FROM hpsearch_probes WHERE kind = ?", [TRAINER_CODE]).rowcount
    assert deleted == 1
    project.edit(OTHER_LOSS)
    assert len(project.run("search.trials=5").history) == 5
    project.edit(LOSS)
    with pytest.raises(StudyChanged):
        project.run("search.trials=6")


def test_changed_data_are_reported(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    text = TRAINER.replace(
        "    for epoch", '    run.uses("train", Path(__file__).with_name("data.txt"))\n    for epoch'
    )
    (project.folder / "changing_trainer.py").write_text(f"from pathlib import Path\n{text}")
    (project.folder / "data.txt").write_text("one")
    project.run()
    (project.folder / "data.txt").write_text("two")
    for trials, expected in ((6, "since earlier trials"), (8, "between the trials of this study")):
        study = hpsearch.Study.load(project.folder / "study.toml", [f"search.trials={trials}"])
        hpsearch.run(study)
        said = capsys.readouterr().err
        assert said.count(f'the data set "train" has changed {expected}') == 1


READS_FILE = """
import json
from pathlib import Path
from hpsearch import Report

def train(params, run):
    scale = json.loads(Path(__file__).with_name("settings.json").read_text())["scale"]
    for epoch in run.epochs():
        yield Report(epoch, {"val_loss": scale * abs(params["x"] - 0.3)})
"""


def test_a_file_of_settings_that_the_trainer_reads(project: Project) -> None:
    (project.folder / "changing_trainer.py").write_text(READS_FILE)
    settings = project.folder / "settings.json"
    settings.write_text('{"scale": 1}')
    project.run()
    settings.write_text('\ufeff{\n  "scale": 1\n}\n', encoding="utf-8")
    assert len(project.run("search.trials=5").history) == 5
    settings.write_text('{"scale": 2}')
    with pytest.raises(StudyChanged) as refused:
        project.run("search.trials=6")
    for part in ("settings.json", '"scale": 1', '"scale": 2', "--accept-changes"):
        assert part in str(refused.value)
    again = project.run("search.trials=4", accept_changes=True).history
    assert [trial.superseded for trial in again] == [True] * 5 + [False] * 4


def test_a_result_that_the_trainer_writes_is_no_change(project: Project) -> None:
    text = READS_FILE.replace(
        "    for epoch", '    Path(__file__).with_name("settings.json").write_text(\'{"scale": 1}\')\n    for epoch'
    )
    (project.folder / "changing_trainer.py").write_text(text)
    (project.folder / "settings.json").write_text('{"scale": 1}')
    project.run()
    (project.folder / "settings.json").write_text('{"scale": 2}')
    assert len(project.run("search.trials=5").history) == 5


def test_data_and_environment_variables_that_the_trainer_names(
    project: Project, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    text = TRAINER.replace(
        "    for epoch", '    os.environ.get("SCALE"), (HERE / "data.csv").read_text()\n    for epoch'
    )
    head = "import os\nfrom pathlib import Path\nHERE = Path(__file__).parent\n"
    (project.folder / "changing_trainer.py").write_text(f"{head}{text}")
    (project.folder / "data.csv").write_text("one")
    project.run()
    (project.folder / "data.csv").write_text("two")
    monkeypatch.setenv("SCALE", "3")
    for trials, expected in ((4, "since the last run"), (5, "since the first trials"), (6, "since the first trials")):
        study = hpsearch.Study.load(project.folder / "study.toml", [f"search.trials={trials}"])
        hpsearch.run(study)
        said = capsys.readouterr().err
        assert (said.count("data.csv"), said.count("SCALE"), said.count(expected)) == (1, 1, 2)
    project.edit(OTHER_LOSS)
    for trials, accept in ((5, True), (6, False)):  # the earlier trials are superseded
        study = hpsearch.Study.load(project.folder / "study.toml", [f"search.trials={trials}"])
        hpsearch.run(study, accept_changes=accept)
        assert "data.csv" not in capsys.readouterr().err


def test_data_whose_change_is_undone_before_a_trial(project: Project, capsys: pytest.CaptureFixture[str]) -> None:
    text = TRAINER.replace("    for epoch", '    (HERE / "data.csv").read_text()\n    for epoch')
    (project.folder / "changing_trainer.py").write_text(
        f"from pathlib import Path\nHERE = Path(__file__).parent\n{text}"
    )
    (project.folder / "data.csv").write_text("one")
    project.run()
    for content, trials, expected in (("two", 4, 1), ("one", 5, 0), ("one", 6, 0)):
        (project.folder / "data.csv").write_text(content)
        hpsearch.run(hpsearch.Study.load(project.folder / "study.toml", [f"search.trials={trials}"]))
        assert capsys.readouterr().err.count("data.csv") == expected


@pytest.mark.parametrize("name", ['"changing_loss"', "f\"losses.{params.get('which', 'one')}\""])
def test_a_module_that_is_imported_by_its_name(project: Project, name: str) -> None:
    text = TRAINER.replace("from changing_loss import loss", "import importlib")
    text = text.replace("    for epoch", f"    loss = importlib.import_module({name}).loss\n    for epoch")
    (project.folder / "changing_trainer.py").write_text(text)
    (project.folder / "losses").mkdir()
    for module in ("losses/__init__.py", "losses/one.py"):
        (project.folder / module).write_text(LOSS)
    project.run()
    project.edit(OTHER_LOSS)
    (project.folder / "losses" / "one.py").write_text(OTHER_LOSS)
    with pytest.raises(StudyChanged, match="line 2"):
        project.run("search.trials=6")
    for module in ("losses", "losses.one"):
        sys.modules.pop(module, None)


def test_modules_that_an_earlier_version_did_not_find(project: Project) -> None:
    project.run()
    with closing(sqlite3.connect(project.folder / ".hpsearch" / "journal.db")) as journal, journal:
        (text,) = journal.execute("SELECT document FROM hpsearch_probes WHERE kind = ?", [TRAINER_CODE]).fetchone()
        kept = {key: value for key, value in json.loads(text).items() if key in ("file", "sources", "versions")}
        del kept["sources"]["changing_loss"]
        journal.execute("UPDATE hpsearch_probes SET document = ? WHERE kind = ?", [json.dumps(kept), TRAINER_CODE])
    assert len(project.run("search.trials=5").history) == 5
    project.edit(OTHER_LOSS)
    with pytest.raises(StudyChanged):
        project.run("search.trials=6")


SCALE = 1.0


def test_a_global_variable_of_a_notebook(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def train(params: Any, run: hpsearch.Run) -> Any:
        for epoch in run.epochs():
            yield hpsearch.Report(epoch, {"val_loss": SCALE * params["x"]})

    train.__module__ = "__main__"
    train.__globals__["SCALE"] = 1.0
    sections = {
        "study": {"name": "cell", "metric": "val_loss", "goal": "minimize"},
        "trainer": {"epochs": 1},
        "space": {"x": [0.1, 0.2, 0.3, 0.4]},
        "resources": {"address": "none"},
        "tracking": {"mlflow": "none"},
    }
    for trials, scale, expected in ((1, 1.0, 0), (2, 1.0, 0), (3, 2.0, 1), (4, 2.0, 1)):
        train.__globals__["SCALE"] = scale
        search = {"search": {"method": "random", "trials": trials}}
        hpsearch.run(hpsearch.Study.from_dict(sections | search, trainer=train, folder=tmp_path))
        assert capsys.readouterr().err.count("the variable SCALE") == expected
