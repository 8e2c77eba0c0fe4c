"""An evaluation in words."""

from dataclasses import replace

import pytest

from hpsearch.cli.text.evaluate import text
from hpsearch.core.decisions import Decision
from hpsearch.evaluation.evaluation_result import Evaluation, EvaluationResult
from tests.evaluation.test_evaluation_result import EVALUATION, FINALIST

OPENINGS = [Decision("open test", f"opening {number}", at=number * 86_400_000) for number in range(3)]


def lines(evaluation: Evaluation = EVALUATION, openings: int = 1, on_record: bool = False, since: int = 0) -> list[str]:
    return text(EvaluationResult(evaluation, OPENINGS[:openings], on_record, since)).splitlines()


def test_its_head_and_its_end() -> None:
    first, *_, last = lines()
    assert first == "toy: 1 finalist of 6 trials (1 not over yet), 3 fresh seeds each (val_loss, minimize)"
    assert last == '  trainings  hpsearch status "toy evaluation"'


@pytest.mark.parametrize(
    ("openings", "said"),
    [
        (1, "test set, opened once (1970-01-01 00:00:00 UTC)"),
        (2, "test set, opened for the 2nd time: what it says is no longer new. Before: 1970-01-01 00:00:00 UTC"),
        (
            3,
            "test set, opened for the 3rd time: what it says is no longer new. "
            "Before: 1970-01-01 00:00:00 UTC; 1970-01-02 00:00:00 UTC",
        ),
    ],
)
def test_how_often_the_test_set_was_opened(openings: int, said: str) -> None:
    assert said in lines(openings=openings)


def test_what_is_on_record_is_said_to_be() -> None:
    said = "This is on record: no data was looked at. --again opens the test set another time."
    assert said in lines(on_record=True)
    assert f"{said} The search has 2 trials more since." in lines(on_record=True, since=2)


def test_a_few_of_many_models_that_were_left_out() -> None:
    left_out = [f"trial {number}: no checkpoint" for number in range(5)]
    found = lines(replace(EVALUATION, left_out=left_out))
    start = found.index("models that were left out")
    assert found[start + 1 : start + 5] == [*(f"  {one}" for one in left_out[:3]), "  and 2 more, which --json names"]


def test_why_the_test_set_was_not_opened() -> None:
    found = lines(replace(EVALUATION, test=None, why="the winner has no model to predict with"))
    assert "the test set was not opened: the winner has no model to predict with" in found
    assert not any("test set, opened" in line for line in found)


def test_whether_the_search_flattered() -> None:
    flattered = "In the search it came to 0.3: the best of 6 trials flatters, here by 0.2."
    assert flattered in lines()
    honest = replace(EVALUATION, finalists=[replace(FINALIST, optimism=-0.1)])
    assert "In the search it came to 0.3, no better than its mean over fresh seeds." in lines(honest)
