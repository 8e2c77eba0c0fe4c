"""A comparison in words."""

import math
from pathlib import Path

import pytest

from hpsearch.cli.text.compare import text
from hpsearch.core.trial import State
from tests.evaluation.compare.helpers import compared, comparison, trial

SHORT = [trial(0, 0.9, 0.8), trial(1, 0.7, 0.3)]
LONG = [trial(0, 0.6, 0.5), trial(1, 0.8, 0.4), trial(2, 0.2, 0.1)]


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_marks_stand_beside_the_values_of_those_that_lead() -> None:
    lines = text(comparison(compared("long", LONG), compared("short", SHORT))).splitlines()
    start = lines.index("best value after")
    assert [line.split() for line in lines[start + 1 : start + 4]] == [
        ["1", "epoch", "*", "0.6", "0.9"],
        ["2", "epochs", "*", "0.5", "0.8"],
        ["4", "epochs", "0.4", "*", "0.3"],
    ]
    assert "* leads. After 4 epochs each, short is ahead, with 0.3:" in lines
    assert "  better by 0.1 than long" in lines


@pytest.mark.parametrize(("width", "blocks"), [(10, 3), (40, 2), (80, 1)])
def test_so_many_columns_as_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int, blocks: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    table, _ = text(comparison(compared("toy", SHORT), compared("long", LONG), compared("x" * 60 + "end", LONG))).split(
        "\n\n* "
    )
    heads = [line.split() for line in table.splitlines() if "toy" in line or "long" in line or "xx" in line]
    assert [label for head in heads for label in head] == ["toy", "long", "x" * 11 + "…" + "x" * 9 + "end"]
    assert len(heads) == blocks


def test_nobody_leads_where_values_mean_different_things() -> None:
    said = text(comparison(compared("toy", SHORT), compared("other", LONG, 'study.metric="weight"')))
    assert (
        "These studies cannot be compared, so none of them leads:\n  different metrics: val_loss (toy), weight (other)"
        in said
    )
    assert "*" not in said


def test_whether_a_lead_is_chance() -> None:
    searches = [compared(f"s{seed}", [trial(0, 0.3 + seed / 10)], f"study.seed={seed}") for seed in range(3)]
    said = text(comparison(*searches))
    assert "The seed of a search changes a value by 0.1 (standard deviation; from 3 searches that differ" in said
    assert "may differ by chance (95 %); with so few seeds this limit is uncertain." in said
    assert "  better by 0.1 than s1, which may be chance" in said
    assert "hpsearch evaluate STUDY" not in said


def test_a_study_that_failed_has_its_column() -> None:
    failed = compared("failed", [trial(0, math.nan, state=State.FAILED)])
    said = text(comparison(failed, compared("toy", SHORT), compared("long", LONG)))
    assert "Notes:\n  failed has no trial with a value" in said
    assert next(line.split() for line in said.splitlines() if line.startswith("best  ")) == ["best", "-", "0.3", "0.1"]


def test_studies_without_a_trial() -> None:
    assert "new has no trial with a value" in text(comparison(compared("new", []), compared("newer", [])))


def test_a_difference_of_long_values_is_shortened() -> None:
    said = text(
        comparison(compared("a", SHORT), compared("b", SHORT, f'trainer.options={{ prompt = "{"x" * 7000}" }}'))
    )
    (line,) = [line for line in said.splitlines() if line.startswith("  trainer.options.prompt: was absent, is ")]
    assert len(line) < 210
