"""An evaluation in words."""

from dataclasses import replace

import pytest

from hpsearch.cli.text.evaluate import text
from hpsearch.core.decisions import Decision
from hpsearch.evaluation.candidates import IN_WORDS
from hpsearch.evaluation.evaluation_result import Evaluation, EvaluationResult
from hpsearch.study.space import Space
from tests.evaluation.test_evaluation_result import EVALUATION, FINALIST

OPENINGS = [Decision("open test", f"opening {number}", at=number * 86_400_000) for number in range(3)]


def lines(evaluation: Evaluation = EVALUATION, openings: int = 1, on_record: bool = False, since: int = 0) -> list[str]:
    return text(EvaluationResult(evaluation, OPENINGS[:openings], on_record, since), Space(())).splitlines()


def test_its_head_and_its_end() -> None:
    first, *_, last = lines()
    assert first == "toy: 1 finalist of 6 trials (1 not ended), 3 fresh seeds each (val_loss, minimize)"
    assert last == '  trainings  hpsearch status "toy evaluation"'


@pytest.mark.parametrize(
    ("openings", "said"),
    [
        (1, "test set, opened once (1970-01-01 00:00:00 UTC)"),
        (2, "test set, opened for the 2nd time, so it is no longer unseen (opened before: 1970-01-01 00:00:00 UTC)"),
        (
            3,
            "test set, opened for the 3rd time, so it is no longer unseen "
            "(opened before: 1970-01-01 00:00:00 UTC; 1970-01-02 00:00:00 UTC)",
        ),
    ],
)
def test_how_often_the_test_set_was_opened(openings: int, said: str) -> None:
    assert said in lines(openings=openings)


def test_a_recorded_result_is_named_as_one() -> None:
    said = "This is the recorded result; nothing was computed now. "
    said += "--again opens the test set again; each opening is recorded."
    assert said in lines(on_record=True)
    assert f"{said} The search has 2 new trials since then." in lines(on_record=True, since=2)


def test_a_few_of_many_models_that_were_left_out() -> None:
    left_out = [f"trial {number}: no checkpoint" for number in range(5)]
    found = lines(replace(EVALUATION, left_out=left_out))
    start = found.index("models that were left out")
    assert found[start + 1 : start + 5] == [*(f"  {one}" for one in left_out[:3]), "  and 2 more, which --json names"]


def test_why_the_test_set_was_not_opened() -> None:
    found = lines(replace(EVALUATION, test=None, why="the winner has no model to predict with"))
    assert "the test set was not opened: the winner has no model to predict with" in found
    assert not any("test set, opened" in line for line in found)


def test_whether_the_search_was_optimistic() -> None:
    optimistic = "In the search its value was 0.3: the best of 6 trials is optimistic by about 0.2."
    assert optimistic in lines()
    honest = replace(EVALUATION, finalists=[replace(FINALIST, optimism=-0.1)])
    assert "In the search its value was 0.3, no better than its mean over fresh seeds." in lines(honest)


def test_finalists_may_have_different_numbers_of_seeds() -> None:
    fewer = replace(FINALIST, values=[0.4], lost=0)
    assert (
        "2 finalists of 6 trials (1 not ended), 1 to 3 fresh seeds each"
        in lines(replace(EVALUATION, finalists=[FINALIST, fewer]))[0]
    )


def test_all_metrics_that_were_scored() -> None:
    found = lines()
    start = next(i for i, line in enumerate(found) if line.split() == ["test", "size"])
    assert found[start + 1].split() == ["one", "model", "of", "the", "winner", "3"]
    assert EVALUATION.test is not None
    (single,) = EVALUATION.test.contenders
    one_metric = replace(EVALUATION.test, contenders=[replace(single, scores={"loss": 0.7})])
    assert not any("test size" in line for line in lines(replace(EVALUATION, test=one_metric)))


@pytest.mark.parametrize("columns", [60, 80, 200])
def test_it_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    assert EVALUATION.test is not None
    rows = [replace(EVALUATION.test.contenders[0], name=name) for name in IN_WORDS]
    finalist = replace(FINALIST, params={"lr": 0.1, "prompt": "x" * 7000, "optimizer": "sgd"})
    whole = replace(EVALUATION, finalists=[finalist] * 3, test=replace(EVALUATION.test, contenders=rows))
    assert [line for line in lines(whole, openings=3, on_record=True, since=2) if len(line) > columns] == []
