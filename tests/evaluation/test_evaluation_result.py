"""The result of an evaluation, written to the journal and read again."""

import json
import math
from dataclasses import replace

from hpsearch.core.decisions import Decision
from hpsearch.core.format import json_text
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.evaluation.evaluation_result import (
    CandidateResult,
    Evaluation,
    EvaluationResult,
    FinalistResult,
    OpeningResult,
)
from hpsearch.evaluation.finalists import ranked

FINALIST = FinalistResult(
    trial=4,
    params={"lr": 0.1},
    found=0.3,
    trainings=[0, 2],
    values=[0.4, 0.6],
    lost=1,
    mean=0.5,
    sd=0.14,
    margin=1.27,
    corrected=0.52,
    optimism=0.2,
)
CANDIDATE = CandidateResult(
    validation=0.5,
    values=[0.7],
    mean=0.7,
    sd=None,
    margin=None,
    scores={"loss": 0.7, "size": 3.0},
    name="single",
    models=[["seed 0"]],
    gain=0.0,
)
EVALUATION = Evaluation(
    study="toy",
    evaluation="toy evaluation",
    metric="val_loss",
    goal="minimize",
    searched=6,
    not_over=1,
    winner=4,
    finalists=[FINALIST],
    test=OpeningResult(opening=1, at=1000, metric="loss", best_on_validation="single", contenders=[CANDIDATE]),
    left_out=["trial 3: there is no checkpoint"],
    why="",
)


def kept(evaluation: Evaluation) -> Evaluation:
    """As the journal gives it back."""
    return Evaluation.read(json.loads(json_text(evaluation.document())))


def test_what_is_kept_is_what_is_read() -> None:
    assert kept(EVALUATION) == EVALUATION
    unopened = replace(EVALUATION, test=None, why="the winner has no model to predict with")
    assert kept(unopened) == unopened


def test_the_document_has_the_names_that_are_in_journals() -> None:
    document = EVALUATION.document()
    assert list(document) == [
        *("study", "evaluation", "metric", "goal", "searched", "not_over", "winner", "finalists"),
        *("test", "left_out", "why"),
    ]
    assert list(document["finalists"][0]) == [
        *("trial", "params", "found", "trainings", "values", "lost", "mean", "sd", "margin", "corrected", "optimism")
    ]
    assert list(document["test"]) == ["opening", "at", "metric", "best_on_validation", "contenders"]
    assert list(document["test"]["contenders"][0]) == [
        *("validation", "values", "mean", "sd", "margin", "scores", "name", "models", "gain")
    ]


def test_one_of_before_does_not_say_how_many_trials_were_active() -> None:
    document = EVALUATION.document()
    del document["not_over"]
    assert Evaluation.read(document).not_over == 0


def test_a_score_that_is_no_number_is_read_as_nan() -> None:
    assert EVALUATION.test is not None
    nan = replace(CANDIDATE, mean=math.nan, validation=math.nan, gain=math.nan)
    test = kept(replace(EVALUATION, test=replace(EVALUATION.test, contenders=[nan]))).test
    assert test is not None
    (read,) = test.contenders
    assert all(map(math.isnan, (read.mean, read.validation, read.gain)))


def test_the_document_has_recorded_and_current_values() -> None:
    opening = Decision("open test", "1st opening of the test set", at=1000)
    result = EvaluationResult(EVALUATION, [opening], on_record=True, trials_since=2)
    assert result.document() == {
        **EVALUATION.document(),
        "openings": ["1st opening of the test set"],
        "on_record": True,
        "trials_since": 2,
    }


def test_a_finalist_whose_value_in_the_search_was_better_was_optimistic() -> None:
    def trial(number: int, value: float) -> Trial:
        return Trial(number, {"x": 1.0}, number, 1, State.COMPLETE, curve=(Report(1, {"m": value}),))

    for goal, found, optimism in (("minimize", 0.25, 0.25), ("maximize", 0.75, 0.25), ("maximize", 0.25, -0.25)):
        objective = Objective("m", goal)  # type: ignore[arg-type]
        (finalist,) = ranked([trial(7, found)], [trial(0, 0.25), trial(1, 0.75)], objective)
        result = FinalistResult.of(finalist, objective)
        assert (result.trial, result.mean, result.optimism) == (7, 0.5, optimism)
