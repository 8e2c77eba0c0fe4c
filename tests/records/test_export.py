"""A recorded study as a document and as a table."""

import csv
import io
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.trial import Objective, Report, State
from hpsearch.journal.records import Environment, TrainingSegment
from hpsearch.records.export import StudyExport, export, trial_document, where
from hpsearch.records.find import JournalStudy
from tests.contracts.journal_helpers import LOSS, make_trial
from tests.records.conftest import Scenario


@pytest.fixture
def exported(scenario: Scenario) -> StudyExport:
    return export(scenario.journal, JournalStudy(scenario.record))


def rows(one: StudyExport) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(one.csv())))


def test_a_document_has_every_trial_of_the_journal(exported: StudyExport) -> None:
    document = exported.document()
    assert (document["study"]["name"], document["study"]["state"]) == ("digits", "RUNNING")
    assert [(one["number"], one["state"], one["value"], one["best_epoch"]) for one in document["trials"]] == [
        (0, "COMPLETE", 0.5, 2),
        (1, "RUNNING", 0.8, 1),
    ]


def test_a_table_has_a_row_for_each_report_and_one_for_a_trial_without(exported: StudyExport) -> None:
    table = rows(replace(exported, trials=[*exported.trials, make_trial(2)]))
    assert [(row["number"], row["step"], row["loss"]) for row in table] == [
        ("0", "1", "0.75"),
        ("0", "2", "0.5"),
        ("1", "1", "0.8"),
        ("2", "", ""),
    ]
    assert {row["params.lr"] for row in table} == {"0.1"}


def test_a_metric_with_the_name_of_a_column_keeps_both(exported: StudyExport) -> None:
    trial = replace(make_trial(0), curve=(Report(1, {"loss": 1.0, "seed": 0.25, "step": 9.0}),), seed=4)
    (row,) = rows(replace(exported, trials=[trial]))
    assert (row["seed"], row["metrics.seed"], row["step"], row["metrics.step"]) == ("4", "0.25", "1", "9.0")


@pytest.mark.parametrize("text", ["=1+2", "+1", "-1", "@SUM(A1)", "\t=1"])
def test_a_spreadsheet_finds_no_formula_in_a_table(exported: StudyExport, text: str) -> None:
    trial = replace(make_trial(0), params={"lr": text, "x": -0.5}, curve=(Report(1, {text: -1.0}),))
    (row,) = rows(replace(exported, trials=[trial]))
    assert (row["params.lr"], row["params.x"], row[f"'{text}"]) == (f"'{text}", "-0.5", "-1.0")
    assert replace(exported, trials=[trial]).document()["trials"][0]["params"]["lr"] == text


def test_a_study_without_trials_is_a_header(exported: StudyExport) -> None:
    assert replace(exported, trials=[]).csv() == "number"


@pytest.mark.parametrize(
    ("values", "column"),
    [
        ([1, 2], [1, 2]),
        ([1, 0.5], [1.0, 0.5]),
        (["a", 3], ["a", "3"]),
        ([True, 2], ["True", "2"]),
        ([None, 1], [None, 1]),
    ],
)
def test_a_column_of_several_types_is_text_in_parquet(
    exported: StudyExport, tmp_path: Path, values: list[Any], column: list[Any]
) -> None:
    trials = [make_trial(number, 1.0, params={} if v is None else {"x": v}) for number, v in enumerate(values)]
    replace(exported, trials=trials).write_parquet(tmp_path / "study.parquet")
    assert pq.read_table(tmp_path / "study.parquet")["params.x"].to_pylist() == column


def test_a_diverged_trial_has_null_in_place_of_what_json_lacks() -> None:
    document = trial_document(
        make_trial(0, 1.0, math.nan, state=State.PRUNED), Objective("loss", "minimize", at="last")
    )
    assert (document["value"], document["best_epoch"]) == (None, None)
    assert document["curve"] == [{"loss": 1.0, "step": 1}, {"loss": None, "step": 2}]


def test_a_trial_that_raised_has_its_error() -> None:
    assert trial_document(make_trial(0, error="KeyError: 'lr'"), LOSS)["error"] == "KeyError: 'lr'"
    assert trial_document(make_trial(0), LOSS)["error"] is None


def test_an_environment_is_written_once() -> None:
    environment = Environment({"threads": 1})
    document = where([TrainingSegment(0, 0, environment, {}), TrainingSegment(1, 2, environment, {"digits": "ab"})])
    assert document == {
        "trained": [
            {"trial": 0, "after": 0, "environment": environment.digest, "data": {}},
            {"trial": 1, "after": 2, "environment": environment.digest, "data": {"digits": "ab"}},
        ],
        "environments": {environment.digest: {"threads": 1}},
    }


def test_requirements_that_are_not_recorded(exported: StudyExport) -> None:
    with pytest.raises(BadInput, match="digits"):
        replace(exported, segments=()).requirements()
