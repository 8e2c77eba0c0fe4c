import json
import math
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlflow.utils.validation import _validate_metric_name, _validate_param_name, _validate_tag_name

from hpsearch.core.decisions import Decision
from hpsearch.core.front import FrontTrial
from hpsearch.core.goals import Goal
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.tracking.run_payloads import (
    DENSE_POINTS,
    MAX_PARAM_LENGTH,
    RunPayload,
    best_points,
    is_shown,
    points,
    renamed,
    safe_name,
    study_payload,
    trial_payload,
)

LOSS = Objective("val_loss", "minimize")


@dataclass(frozen=True)
class AStudy:
    id: int = 1
    uid: str = "cafe"
    name: str = "digits"
    spec: dict[str, Any] = field(default_factory=dict)
    identity: dict[str, Any] = field(default_factory=dict)
    forked_from: str | None = None
    created_at: int = 1000
    cause: Cause | None = None
    cause_numbers: dict[str, float] = field(default_factory=dict)


def curve(*losses: float) -> tuple[Report, ...]:
    return tuple(Report(step, {"val_loss": loss}, at=1000 * step) for step, loss in enumerate(losses, 1))


def make_trial(**changes: Any) -> Trial:
    return replace(Trial(7, {"lr": 0.1}, seed=3, until=5, proposed_at=500), **changes)


def payload(trial: Trial, reports: tuple[Report, ...] = ()) -> RunPayload:
    return trial_payload(AStudy(), "parent-id", LOSS, trial, reports)


class TestTrialPayload:
    def test_tags(self):
        tags = payload(make_trial(round=2, attempts=3, reason="why", origin="whence"), curve(0.5, 0.4)).tags
        assert tags == {
            "mlflow.parentRunId": "parent-id",
            "hpsearch.study": "cafe",
            "hpsearch.uid": "cafe/7",
            "hpsearch.trial": "7",
            "hpsearch.state": "WAITING",
            "hpsearch.round": "2",
            "hpsearch.seed": "3",
            "hpsearch.attempts": "3",
            "hpsearch.reason": "why",
            "hpsearch.origin": "whence",
            "hpsearch.epoch": "2",
        }

    def test_tags_of_the_cause_and_its_numbers(self):
        ended = make_trial(state=State.PRUNED, cause=Cause.PRUNED, cause_numbers={"epoch": 3, "rank": 7})
        tags = payload(ended).tags
        assert (tags["hpsearch.cause"], tags["hpsearch.cause_numbers"]) == ("pruned", '{"epoch": 3, "rank": 7}')

    def test_is_named_by_its_number(self):
        assert payload(make_trial()).name == "trial-0007"

    @pytest.mark.parametrize(
        ("state", "status"),
        [
            (State.WAITING, "SCHEDULED"),
            (State.RUNNING, "RUNNING"),
            (State.PAUSED, "FINISHED"),
            (State.COMPLETE, "FINISHED"),
            (State.PRUNED, "FINISHED"),
            (State.INFEASIBLE, "FINISHED"),
            (State.FAILED, "FAILED"),
        ],
    )
    def test_only_a_failure_is_red(self, state: State, status: str):
        assert payload(make_trial(state=state)).status == status

    def test_the_end_is_that_of_the_journal(self):
        assert payload(make_trial(state=State.PRUNED, ended_at=9000)).end == 9000
        assert payload(make_trial(state=State.PAUSED, curve=curve(0.5, 0.4))).end == 2000
        assert payload(make_trial(state=State.RUNNING, curve=curve(0.5))).end is None

    def test_a_traceback_is_an_artifact(self):
        shown = payload(make_trial(state=State.FAILED, error="ZeroDivisionError\n"))
        assert shown.texts == {"traceback.txt": "ZeroDivisionError\n"}
        assert "hpsearch.file.traceback.txt" not in shown.tags, "it is written when the file was sent"

    def test_a_long_param_is_shortened_with_an_ellipsis(self):
        shown = payload(make_trial(params={"layers": "x" * 10_000})).params["layers"]
        assert len(shown) == MAX_PARAM_LENGTH
        assert shown.endswith("xx… (10,000 characters, SHA-256 e4ee97ec…)")

    def test_long_params_that_differ_at_their_ends_stay_different(self):
        shown = [payload(make_trial(params={"prompt": "x" * 9_999 + end})).params["prompt"] for end in "abb"]
        assert [len(one) for one in shown] == [MAX_PARAM_LENGTH] * 3
        assert shown[0] != shown[1] == shown[2]

    def test_no_value_is_empty(self):
        shown = payload(make_trial(params={"note": ""}))
        assert "hpsearch.reason" not in shown.tags
        assert shown.params == {}


class TestPoints:
    def test_every_metric_of_every_epoch_with_its_time(self):
        report = Report(3, {"a": 1, "b": 0.5}, at=77)
        assert [(p.key, p.value, p.step, p.at) for p in points([report])] == [("a", 1.0, 3, 77), ("b", 0.5, 3, 77)]

    @pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
    def test_what_is_not_finite_is_a_tag(self, value: float):
        shown = payload(make_trial(), curve(0.5, value))
        assert [p.step for p in shown.points] == [1]
        assert shown.tags["hpsearch.nonfinite.val_loss"] == f"{value} at epoch 2"


class TestLongCurves:
    """The first DENSE_POINTS (here 100) are sent; then the density is halved each time the curve doubles."""

    @pytest.fixture(autouse=True)
    def _short(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("hpsearch.tracking.run_payloads.DENSE_POINTS", 100)

    def test_every_epoch_then_every_second_and_so_on(self):
        shown = [point.step for point in payload(make_trial(), curve(*[0.5] * 850)).points]
        assert shown == [
            *range(1, 101),
            *range(102, 201, 2),
            *range(204, 401, 4),
            *range(408, 801, 8),
            *range(816, 851, 16),
        ]

    def test_a_report_from_before_training_is_shown(self):
        before = Report(0, {"val_loss": 9.0})
        assert is_shown(before)
        assert [(point.step, point.value) for point in points([before])] == [(0, 9.0)]

    def test_more_metrics_make_fewer_epochs(self):
        reports = [Report(step, {f"m{i}": 0.5 for i in range(50)}) for step in range(1, 9)]
        steps = [point.step for point in payload(make_trial(), tuple(reports)).points if point.key == "m7"]
        assert steps == [1, 2, 4, 8]

    def test_the_same_epochs_in_parts_of_any_size(self):
        whole = curve(*[0.5] * 333)
        pieces = [point for i in range(0, 333, 7) for point in payload(make_trial(), whole[i : i + 7]).points]
        assert pieces == list(payload(make_trial(), whole).points)

    def test_an_ended_trial_has_its_last_and_best_epoch(self):
        losses = [0.5] * 333
        losses[300] = 0.25
        trial = make_trial(state=State.COMPLETE, curve=curve(*losses))
        for new in (trial.curve, ()):
            shown = {(point.key, point.step, point.value) for point in payload(trial, new).points}
            assert shown >= {("val_loss", 301, 0.25), ("val_loss", 333, 0.5), ("best_val_loss", 301, 0.25)}

    def test_a_curve_that_improves_at_every_epoch(self):
        trial = make_trial(state=State.COMPLETE, curve=curve(*[1 / step for step in range(1, 1002)]))
        best = [point for point in best_points(LOSS, trial) if point.key == "best_val_loss"]
        assert len(best) < 100 + 4 * 50
        assert (best[-1].step, best[-1].value) == (1001, 1 / 1001)

    def test_a_curve_of_a_usual_length_is_whole(self, monkeypatch: pytest.MonkeyPatch):
        monkeypatch.setattr("hpsearch.tracking.run_payloads.DENSE_POINTS", DENSE_POINTS)
        assert len(payload(make_trial(), curve(*[0.5] * 10_001)).points) == 10_001


def test_at_most_most_marked_metrics_get_a_tag():
    report = Report(1, {"val_loss": math.nan, **{f"w{i:04d}": math.nan for i in range(1000)}})
    marks = [name for name in payload(make_trial(), (report,)).tags if name.startswith("hpsearch.nonfinite.")]
    assert len(marks) == 100
    assert "hpsearch.nonfinite.val_loss" in marks


class TestBest:
    def test_a_point_for_each_new_best_epoch(self):
        trial = make_trial(state=State.COMPLETE, curve=curve(0.5, 0.6, 0.4, math.nan, 0.4, 0.3))
        assert [(p.key, p.value, p.step) for p in best_points(LOSS, trial)] == [
            *(("best_val_loss", 0.5, 1), ("best_epoch", 1.0, 1)),
            *(("best_val_loss", 0.4, 3), ("best_epoch", 3.0, 3)),
            *(("best_val_loss", 0.3, 6), ("best_epoch", 6.0, 6)),
        ]

    def test_the_last_is_the_result(self):
        for at in ("best", "last", "mean of last 2"):
            objective = Objective("val_loss", "maximize", at=at)
            trial = make_trial(state=State.PAUSED, curve=curve(0.5, 0.9, 0.7))
            *_, value, epoch = best_points(objective, trial)
            judged = objective.judged(trial)
            assert judged is not None
            assert (value.value, epoch.value) == (objective.value(trial), judged.step)

    def test_a_resumed_trial_adds_points(self):
        paused = make_trial(state=State.PAUSED, curve=curve(0.5, 0.6, 0.4))
        longer = replace(paused, state=State.COMPLETE, curve=curve(0.5, 0.6, 0.4, 0.3))
        assert set(best_points(LOSS, paused)) < set(best_points(LOSS, longer))

    @pytest.mark.parametrize(
        ("state", "cause"), [(State.INFEASIBLE, None), (State.PRUNED, Cause.DIVERGED), (State.RUNNING, None)]
    )
    def test_a_trial_without_a_result_has_no_best_points(self, state: State, cause: Cause | None):
        assert not list(best_points(LOSS, make_trial(state=state, cause=cause, curve=curve(0.5))))

    def test_a_trainer_may_report_a_metric_of_that_name_itself(self):
        reports = (Report(1, {"val_loss": 0.5, "best_val_loss": 0.1}),)
        assert not list(best_points(LOSS, make_trial(state=State.COMPLETE, curve=reports)))


class TestNames:
    def test_an_accepted_name_is_unchanged(self):
        for name in ("val_loss", "top 1", "a/b", "größe", "layer.0:w"):
            assert safe_name(name) == name

    def test_a_refused_name_is_changed(self):
        assert safe_name("acc@5").startswith("acc_5-")
        assert safe_name("100%").startswith("100_-")
        assert "/" not in safe_name("../../etc")

    def test_different_names_stay_different(self):
        names = ["acc@5", "acc%5", "acc_5", "a//b", "a/b", "x" * 300, "x" * 301, "..", "", ".", "/a"]
        assert len({safe_name(name) for name in names}) == len(names)

    @given(st.text(max_size=300))
    def test_mlflow_accepts_every_name(self, name: str):
        _validate_param_name(safe_name(name))
        _validate_metric_name(f"best_{safe_name(name)}")
        _validate_tag_name(f"hpsearch.nonfinite.{safe_name(name)}")
        assert len(f"hpsearch.nonfinite.{safe_name(name)}") <= 250

    def test_a_tag_has_the_reported_name_of_a_changed_one(self):
        name = "metrics/mAP50-95(B)"
        assert renamed([Report(1, {name: 0.5, "val_loss": 1.0})]) == {f"hpsearch.metric.{safe_name(name)}": name}


class TestStudyPayload:
    def test_status_by_state(self):
        for state, status, end in (("NEW", "RUNNING", None), ("RUNNING", "RUNNING", None), ("COMPLETE", "FINISHED", 9)):
            shown = study_payload(AStudy(), LOSS, state, 9, None)
            assert (shown.status, shown.end, shown.tags["hpsearch.state"]) == (status, end, state)

    def test_the_identity_is_params_and_the_search_is_tags(self):
        study = AStudy(
            spec={"study": {"seed": 7}, "search": {"method": "random", "trials": 80}},
            identity={"space": {"lr": {"low": 0.1}, "act": ["relu", "tanh"]}},
        )
        shown = study_payload(study, LOSS, "RUNNING", 0, None)
        assert shown.tags["hpsearch.method"] == "random"
        assert json.loads(shown.tags["hpsearch.search"]) == study.spec["search"]
        assert shown.params["space.lr.low"] == "0.1"
        assert shown.params["space.act"] == '["relu", "tanh"]'
        assert json.loads(shown.texts["study.json"]) == study.spec

    def test_the_front_of_several_goals_is_a_tag_and_an_artifact(self):
        goals = Objective("val_loss", "minimize", others=(Goal("ms", "minimize"),))
        own = [
            FrontTrial(4, {"val_loss": 0.5, "ms": 3.0}, 2, {"x": 1}),
            FrontTrial(7, {"val_loss": 0.7, "ms": 1.0}, 1, {}),
        ]
        shown = study_payload(AStudy(), goals, "COMPLETE", 0, None, front=own)
        assert shown.tags["hpsearch.front"] == "4, 7"
        assert json.loads(shown.tags["hpsearch.objectives"])[1] == {"metric": "ms", "goal": "minimize"}
        assert [one["trial"] for one in json.loads(shown.texts["front.json"])] == [4, 7]
        assert not {"hpsearch.front", "hpsearch.objectives"} & set(study_payload(AStudy(), LOSS, "NEW", 0, None).tags)

    def test_decisions_are_lines_of_text(self):
        decisions = [Decision("pruned", "lost to the median", 7, 3, at=1_700_000_000_000), Decision("end", "budget")]
        text = study_payload(AStudy(), LOSS, "COMPLETE", 0, None, decisions).texts["decisions.txt"]
        assert text.splitlines() == [
            "2023-11-14 22:13:20+00:00  trial 7, epoch 3  pruned: lost to the median",
            "1970-01-01 00:00:00+00:00  study  end: budget",
        ]
