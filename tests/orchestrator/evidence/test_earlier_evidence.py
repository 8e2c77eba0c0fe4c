"""What a study learns from another: its ended trials, in the space of this one."""

from dataclasses import replace
from typing import Any

import pytest

from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.journal import StudyRecord
from hpsearch.orchestrator.evidence import earlier_evidence
from hpsearch.study.definition import Study

SPACE: dict[str, Any] = {"x": {"low": 0.0, "high": 1.0}, "opt": ["sgd", "adam"], "batch": 64}
SPACE_POINT = {"x": 0.5, "opt": "sgd", "batch": 64}
BAYESIAN = {"method": "bayesian", "trials": 5}


def study(space: dict[str, Any] | None = None, search: dict[str, Any] | None = None) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "new", "metric": "loss", "goal": "minimize"},
            "trainer": {"epochs": 3},
            "space": SPACE if space is None else space,
            "search": search or BAYESIAN,
        }
    )


def trial(number: int, state: State = State.COMPLETE, metric: str = "loss", **params: Any) -> Trial:
    curve = (Report(3, {metric: 0.5}),)
    return Trial(number, {"x": 0.5, "opt": "sgd", "batch": 64, **params}, 0, 3, state, curve=curve, cause=Cause.DONE)


def source(now: Study, *trials: Trial, adopted: tuple[int, ...] = ()) -> earlier_evidence.Source:
    origin = StudyRecord(1, "uid", "old", study().spec(), study().identity(), "COMPLETE", None, 0, "")
    return earlier_evidence.of_study(now, origin, trials, adopted)


def reasons(found: earlier_evidence.Source) -> list[tuple[str, str, int]]:
    return [(one.reason.kind.value, one.reason.about, one.trials) for one in found.left_out]


def test_only_ended_trials_of_the_present_code_that_were_not_copied() -> None:
    trials = [trial(0), trial(1, State.RUNNING), replace(trial(2), superseded=True), trial(3), trial(4, State.PAUSED)]
    found = source(study(), *trials, adopted=(3,))
    assert [one.number for one in found.trials] == [0, 4]
    assert reasons(found) == []


def test_failed_trials_and_trials_without_the_metric() -> None:
    """One that diverged before it reported the metric is a result: it is bad."""
    diverged = replace(trial(3, State.PRUNED, "other"), cause=Cause.DIVERGED)
    found = source(study(), trial(0, State.FAILED), trial(1, metric="accuracy"), trial(2, State.INFEASIBLE), diverged)
    assert [one.number for one in found.trials] == [2, 3]
    assert reasons(found) == [("failed", "", 1), ("no_value", "loss", 1)]


def test_trials_without_the_metric_of_another_goal() -> None:
    goals = [{"metric": "loss", "goal": "minimize"}, {"metric": "size", "goal": "minimize"}]
    several = Study.from_dict(
        {"study": {"name": "new", "objectives": goals}, "trainer": {"epochs": 3}, "space": SPACE, "search": BAYESIAN}
    )
    both = replace(trial(1), curve=(Report(3, {"loss": 0.5, "size": 10.0}),))
    found = source(several, trial(0), both)
    assert [one.number for one in found.trials] == [1]
    assert reasons(found) == [("no_value", "size", 1)]


def test_every_trial_is_used_or_counted() -> None:
    space = {
        "x": {"low": 0.2, "high": 2.0},
        "opt": ["sgd", "lion"],
        "batch": 128,
        "drop": {"low": 0, "high": 1, "was": 0},
    }
    found = source(study(space), trial(0, x=0.1), trial(1, opt="adam"), trial(2), trial(3, extra=1), trial(4, x=0.0))
    assert [one.params for one in found.trials] == [{"x": 0.5, "opt": "sgd", "batch": 128, "drop": 0}] * 2
    assert reasons(found) == [("outside", "x", 2), ("dropped", "opt", 1)]
    assert (found.ignored, len(found.other_fixed)) == (["extra"], 1)


def test_a_parameter_that_is_fixed_now() -> None:
    """The trials were searched with other values of it; a value that was fixed before is only mentioned."""
    found = source(study({**SPACE, "opt": "adam", "new": 1}), trial(0), trial(1, opt="adam"))
    assert ([one.number for one in found.trials], reasons(found)) == ([1], [("fixed", "opt", 1)])
    assert len(found.other_fixed) == 1


def test_what_is_recorded() -> None:
    now = study({**SPACE, "x": {"low": 0.6, "high": 1.0}})
    (one,) = earlier_evidence.document([source(now, trial(0), trial(1, x=0.7))], now.search)["sources"]
    assert one == {
        "source": 'study "old"',
        "learns": True,
        "trials": 1,
        "left_out": [{"reason": "outside", "about": "x", "trials": 1}],
        "ignored": [],
    }


@pytest.mark.parametrize(
    ("space", "search", "lines"),
    [
        (SPACE, BAYESIAN, 1),
        ({**SPACE, "x": {"low": 0.6, "high": 1.0}}, BAYESIAN, 2),
        ({**SPACE, "batch": 128}, BAYESIAN, 2),
        ({**SPACE, "x": {"low": 0.6, "high": 1.0}}, {"method": "random", "trials": 5}, 1),
    ],
)
def test_the_note_has_a_line_for_each_reason(space: Any, search: Any, lines: int) -> None:
    now = study(space, search)
    note = source(now, trial(0)).note(now.search)
    assert note.startswith("note: ")
    assert note.count("\n") + 1 == lines


def test_a_sampler_gets_at_most_so_many() -> None:
    """The best ones, and of the others every n-th: they show where it is bad."""
    now, count = study(), 4 * earlier_evidence.MAX_TRIALS
    trials = [
        replace(trial(place), curve=(Report(3, {"loss": float(place * 7919 % count)}),), params={**SPACE_POINT})
        for place in range(count)
    ]
    found = [earlier_evidence.Source("one", trials[: count // 2]), earlier_evidence.Source("two", trials[count // 2 :])]
    kept = [now.objective.loss(one) for one in earlier_evidence.for_sampler(found, now.objective)]
    half = earlier_evidence.MAX_TRIALS // 2
    assert half < len(kept) <= earlier_evidence.MAX_TRIALS
    assert set(map(float, range(half))) <= set(kept)
    assert max(kept) > 0.99 * count
    assert len(earlier_evidence.notes(found, now)) == 3
    few = [earlier_evidence.Source("one", trials[:5])]
    assert earlier_evidence.for_sampler(few, now.objective) == trials[:5]
    assert len(earlier_evidence.notes(few, now)) == 1
