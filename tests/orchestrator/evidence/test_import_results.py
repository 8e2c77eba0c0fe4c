"""An import as a whole: what is recorded, what is refused, and what the sampler gets."""

from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput, NotFound
from hpsearch.core.imported import ImportedTrial
from hpsearch.core.trial import Cause, Objective, State
from hpsearch.journal import Journal, recorded_imports
from hpsearch.orchestrator.evidence import earlier_evidence
from hpsearch.orchestrator.evidence.import_results import ImportResult, Request, import_results, with_values
from hpsearch.study.definition import Study

ROWS = "x,opt,loss\n0.1,sgd,0.5\n0.2,adam,0.4\n"


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "toy", "metric": "loss", "goal": "minimize"},
            "trainer": {"epochs": 3},
            "space": {"x": {"low": 0.0, "high": 1.0}, "opt": ["sgd", "adam"]},
            "search": {"method": "bayesian", "trials": 5},
            "tracking": {"mlflow": "none"},
        },
        folder=tmp_path,
    )


def imported(study: Study, text: str, name: str = "results.csv", **options: Any) -> ImportResult:
    path = study.folder / name
    path.write_text(text)
    return import_results(study, Request(str(path), {}, **{"same_trainer": True, **options}))


def recorded(study: Study) -> list[recorded_imports.Import]:
    with Journal.open(study.journal_url) as journal:
        return recorded_imports.of_study(journal, "toy")


def left_out(result: ImportResult) -> list[tuple[str, int]]:
    return [(one.reason.kind.value, one.trials) for one in result.found.left_out]


def test_the_trials_are_recorded_with_where_they_came_from(study: Study) -> None:
    result = imported(study, ROWS)
    (one,) = recorded(study)
    assert (one.source, one.kind, one.document["same_trainer"]) == (str(study.folder / "results.csv"), "table", True)
    assert [(trial.origin, trial.epoch, trial.state, trial.cause) for trial in one.trials] == [
        ("line 2", 3, State.COMPLETE, Cause.DONE),
        ("line 3", 3, State.COMPLETE, Cause.DONE),
    ]
    document = result.document()
    assert (document["read"], document["imported"], document["left_out"], document["learns"]) == (2, 2, [], True)


def test_without_the_users_statement_nothing_is_imported(study: Study) -> None:
    with pytest.raises(BadInput, match="--same-trainer"):
        imported(study, ROWS, same_trainer=False)
    assert not (study.folder / ".hpsearch" / "journal.db").exists()


def test_what_cannot_be_used_is_counted(study: Study) -> None:
    rows = "3.0,sgd,0.5\n0.3,lion,0.5\n0.3,lion,0.6\n0.4,sgd,\n0.1,sgd,0.5\n0.5,sgd,nan\n"
    result = imported(study, ROWS + rows)
    assert sorted(left_out(result)) == [("dropped", 2), ("duplicate", 1), ("no_value", 1), ("outside", 1)]
    assert [trial.cause for trial in recorded(study)[0].trials] == [Cause.DONE, Cause.DONE, Cause.DIVERGED]


def test_where_nothing_can_be_used_nothing_is_recorded(study: Study) -> None:
    for rows in ("x,opt,loss\n", "x,opt,loss\n3.0,sgd,0.5\n", "x,opt,loss\n0.5,sgd,\n"):
        with pytest.raises(BadInput, match="nothing is imported"):
            imported(study, rows)
    assert recorded(study) == []


def test_a_second_import_adds_what_is_new(study: Study) -> None:
    imported(study, ROWS)
    assert left_out(imported(study, ROWS)) == [("duplicate", 2)]
    assert left_out(imported(study, f"{ROWS}0.3,sgd,0.1\n", "more.csv")) == [("duplicate", 2)]
    assert [len(one.trials) for one in recorded(study)] == [2, 1]


def test_curves_that_are_shorter_were_stopped(study: Study) -> None:
    imported(study, "x,opt,loss,step\n0.1,sgd,0.5,1\n0.1,sgd,0.4,2\n0.2,sgd,0.9,1\n0.3,sgd,nan,1\n")
    trials = recorded(study)[0].trials
    assert [(one.epoch, one.cause) for one in trials] == [(2, Cause.DONE), (1, Cause.PRUNED), (1, Cause.DIVERGED)]


def test_no_such_file_and_unknown_kinds(study: Study) -> None:
    for source in ("missing.csv", f"sqlite:///{study.folder}/missing.db"):
        with pytest.raises(NotFound):
            import_results(study, Request(source, {}, same_trainer=True))
    with pytest.raises(BadInput, match="Optuna"):
        imported(study, "text", "results.dat")
    assert not (study.folder / "missing.db").exists()


def test_several_goals(tmp_path: Path) -> None:
    goals = [{"metric": "loss", "goal": "minimize"}, {"metric": "latency", "goal": "minimize"}]
    several = Study.from_dict(
        {
            "study": {"name": "toy", "objectives": goals},
            "trainer": {"epochs": 3},
            "space": {"x": {"low": 0.0, "high": 1.0}, "opt": ["sgd", "adam"]},
            "search": {"method": "bayesian", "trials": 5},
        },
        folder=tmp_path,
    )
    with pytest.raises(BadInput, match="`latency`"):
        imported(several, ROWS)
    result = imported(several, "x,opt,loss,latency\n0.1,sgd,0.5,7\n0.2,adam,0.4,9\n0.3,adam,0.4,\n")
    assert (len(result.found.trials), left_out(result)) == (2, [("no_value", 1)])
    assert several.objective.losses(result.found.trials[0]) == (0.5, 7.0)


def test_metrics_that_the_study_requires(study: Study) -> None:
    about = study.study.model_copy(update={"require": ("latency <= 20",)})
    required = study.model_copy(update={"study": about})
    with pytest.raises(BadInput, match="`latency`"):
        imported(required, ROWS)
    rows = "x,opt,loss,step,latency\n0.1,sgd,0.5,0,7\n0.1,sgd,0.4,1,8\n0.2,adam,0.3,0,30\n0.2,adam,0.2,1,31\n"
    trials = imported(required, rows).found.trials
    assert [report.metrics["latency"] for one in trials for report in one.curve] == [7, 8, 30, 31]
    best = required.objective.best(trials)
    assert best is not None
    assert best.params["x"] == 0.1


def test_other_metrics_at_other_steps() -> None:
    """A metric that was reported once counts for the whole curve; one between two reports for the one before."""
    read = ImportedTrial(
        "a", {}, [(2, 0.5), (4, 0.4)], None, {0: {"size": 9.0}, 1: {"first": 1.0}, 3: {"latency": 7.0}}
    )
    (trial,), reasons = with_values([read], Objective("loss", "minimize"), 4)
    assert [dict(one.metrics) for one in trial.curve] == [
        {"first": 1.0, "latency": 7.0, "loss": 0.5},
        {"size": 9.0, "loss": 0.4},
    ]
    assert reasons == []


def test_the_sampler_gets_them(study: Study) -> None:
    imported(study, f"{ROWS}0.3,lion,0.1\n")
    with Journal.open(study.journal_url) as journal:
        record = journal.create("toy", study.spec(), study.identity(), at=0)
        (source,) = earlier_evidence.sources(study, journal, record)
    assert [trial.params for trial in source.trials] == [{"x": 0.1, "opt": "sgd"}, {"x": 0.2, "opt": "adam"}]
    document = source.document(study.search)
    assert (document["kind"], document["same_trainer"], document["trials"]) == ("table", True, 2)


def test_a_fork_gets_those_of_its_origin(study: Study) -> None:
    imported(study, ROWS)
    with Journal.open(study.journal_url) as journal:
        journal.create("toy", study.spec(), study.identity(), at=0)
        fork = journal.create("fork", study.spec(), study.identity(), at=0, forked_from="toy")
        assert [len(one.trials) for one in earlier_evidence.sources(study.renamed("fork"), journal, fork)] == [2]
