"""A comparison in words."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.cli.text.compare import text
from hpsearch.core.trial import State
from hpsearch.evaluation.compare.comparison import FreshSeeds
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
    assert lines[lines.index("* leads. After 4 epochs each, short is ahead, with 0.3:") :][1:5] == [
        "  better by 0.1 than long",
        "The lead may be chance: each search ran once, and the best of many trials is optimistic.",
        "To find out, run `hpsearch evaluate STUDY` for each study: it trains the best trials with fresh seeds;",
        "or run each study with another seed (run --set study.seed=1 --set study.name=NAME), and compare all.",
    ]


@pytest.mark.parametrize(("width", "blocks"), [(10, 3), (40, 2), (80, 1)])
def test_so_many_columns_as_fit_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int, blocks: int) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    table, _ = text(comparison(compared("toy", SHORT), compared("long", LONG), compared("x" * 60 + "end", LONG))).split(
        "\n\n* "
    )
    heads = [line.split() for line in table.splitlines() if "toy" in line or "long" in line or "xx" in line]
    assert [label for head in heads for label in head] == ["toy", "long", "x" * 11 + "…" + "x" * 9 + "end"]
    assert len(heads) == blocks


def test_no_study_leads_where_metrics_differ() -> None:
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


def test_trainings_that_were_repeated_tell_the_noise() -> None:
    repeated = [trial(number, value, params={"x": 1}) for number, value in enumerate((0.1, 0.2, 0.3))]
    lines = text(comparison(compared("one", repeated), compared("short", SHORT))).splitlines()
    source = "(standard deviation; from one: 3 trainings of the same parameters)"
    start = lines.index(f"The seed of a training changes a value by 0.1 {source}.")
    assert lines[start + 2] == "Each search ran once; another study.seed gives another best value."


@pytest.mark.parametrize(
    ("better", "margin", "said"),
    [
        (0.5, 0.125, "a is better than b (+0.5 ± 0.12, 95 %, Welch)."),
        (-0.5, 0.125, "a is worse than b (-0.5 ± 0.12, 95 %, Welch)."),
        (0.125, 0.5, "a has no significant difference from b (+0.125 ± 0.5, 95 %, Welch)."),
        (0.125, None, "a is better by 0.125 than b; with so few seeds this may be chance."),
    ],
)
def test_over_fresh_seeds(better: float, margin: float | None, said: str) -> None:
    found = comparison(compared("a", SHORT), compared("b", LONG))
    found = replace(found, fresh_seeds=[FreshSeeds("a", "b", better, margin)])
    assert f"Over fresh seeds (hpsearch evaluate), {said}" in text(found).splitlines()


def test_no_difference() -> None:
    lines = text(comparison(compared("a", SHORT), compared("b", SHORT))).splitlines()
    assert "After 4 epochs each, all studies with a value have the same best value, 0.3." in lines
    assert "No difference between the files of a (was) and b (is)." in lines


def test_differences() -> None:
    lines = text(comparison(compared("a", SHORT), compared("b", SHORT, "study.seed=4"))).splitlines()
    start = lines.index("Differences between the files of a (was) and b (is):")
    assert lines[start + 1] == "  study.seed: was 0, is 4"


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
