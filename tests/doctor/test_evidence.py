"""What findings are based on: values as they were reported, and a verb that fits them."""

import math
import re
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.core.trial import Objective, Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.evidence import Change, Computed, CurvePoint, Extreme, Value
from hpsearch.doctor.findings import Finding, Label
from hpsearch.doctor.meanings import Meanings
from hpsearch.doctor.study_evidence import StudyEvidence
from tests.corpus.stored import trainings
from tests.corpus.trainers import chosen
from tests.doctor import stored
from tests.doctor.curve import ACCURACY, LOSS, falling, straight, trial
from tests.doctor.test_diagnosis import NAMES, anything

RANGE = re.compile(r"(rose|fell) from (\S+) \(epoch (\d+)\) to (\S+) \(epoch (\d+)\)")


def points(finding: Finding) -> Iterator[CurvePoint]:
    for fact in finding.facts:
        match fact:
            case Value(point=point) | Extreme(point=point):
                yield point
            case Change(start=start, end=end):
                yield from (start, end)
            case Computed():
                pass


def check(seen: Trial, objective: Objective, evidence: StudyEvidence | None = None) -> set[Label]:
    """That every finding of the trial says what was reported; the labels that were found."""
    found = diagnose(seen, objective, evidence)
    reported = {(name, one.step): value for one in seen.curve for name, value in one.metrics.items()}
    meanings = evidence.meanings if evidence is not None else Meanings.of([seen], objective)
    rising = {one.name for one in meanings.by_role.values() if one.form.read(1.0) > one.form.read(2.0)}
    rising |= {objective.metric} if objective.goal == "maximize" else set()
    for finding in found:
        for point in points(finding):
            value = reported[point.metric, point.epoch]
            assert value == point.value or math.isnan(value)
        for fact in finding.facts:
            assert str(fact) in finding.evidence
            if isinstance(fact, Extreme):
                curve = [value for (name, _), value in reported.items() if name == fact.point.metric]
                largest = fact.which == "highest" or (fact.which == "best" and fact.point.metric in rising)
                assert fact.point.value == (max if largest else min)(filter(math.isfinite, curve))
            if isinstance(fact, Change):
                assert fact.start.epoch <= fact.end.epoch
                assert (fact.verb == "rose") <= (fact.end.value > fact.start.value)
                assert (fact.verb == "fell") <= (fact.end.value < fact.start.value)
        for verb, before, _, after, _ in re.findall(RANGE, finding.evidence):
            assert (float(before) < float(after)) == (verb == "rose")
            assert float(before) != float(after)
    return {finding.label for finding in found}


@settings(max_examples=150, deadline=None)
@given(seen=anything(), goal=st.sampled_from(["minimize", "maximize"]), metric=st.sampled_from(NAMES))
def test_of_whatever_was_recorded(seen: Trial, goal: str, metric: str) -> None:
    check(seen, Objective(metric, goal))  # type: ignore[arg-type]


def test_of_real_trainings_with_every_label() -> None:
    seen = stored.load().values()
    found = {label for one in seen for objective in (LOSS, ACCURACY) for label in check(one, objective)}
    for name in (one.name for one in chosen([])):
        every = trainings(name)
        evidence = StudyEvidence.of([one.trial for one in every], every[0].trainer.objective)
        for one in every:
            found |= check(one.trial, one.trainer.objective) | check(one.trial, one.trainer.objective, evidence)
    assert found == set(Label)


@settings(max_examples=150, deadline=None)
@given(
    start=st.floats(0.01, 20),
    train=st.floats(0, 25),
    validation=st.floats(0, 25),
    accuracy=st.tuples(st.floats(0, 1), st.floats(0, 1)),
    epochs=st.integers(1, 40),
    pace=st.floats(0.1, 0.99),
    losses=st.sets(st.sampled_from(["train_loss", "val_loss"])),
)
def test_of_curves_that_go_one_way(
    start: float,
    train: float,
    validation: float,
    accuracy: tuple[float, float],
    epochs: int,
    pace: float,
    losses: set[str],
) -> None:
    curves = {
        "train_loss": falling(start, train, epochs, pace),
        "val_loss": falling(start * 1.1, validation, epochs, pace),
        "val_accuracy": falling(*accuracy, epochs, pace),
    }
    seen = trial(**{name: curve for name, curve in curves.items() if name in {*losses, "val_accuracy"}})
    check(seen, LOSS)
    check(seen, ACCURACY)


def evidence(objective: Objective, **metrics: list[float]) -> str:
    return diagnose(trial(**metrics), objective)[0].evidence


def test_a_metric_that_is_maximised_has_its_own_values() -> None:
    accuracy = straight(0.95, 0.972, 12)
    said = evidence(ACCURACY, train_loss=falling(2.3, 0.5, 12, 0.9), val_accuracy=accuracy)
    assert said == f"val_accuracy rose from {accuracy[6]:.4g} (epoch 7) to {accuracy[10]:.4g} (epoch 11)"


def test_a_loss_that_rises_is_not_said_to_fall() -> None:
    """The initial loss that a fall is measured from is the higher one of the two splits'."""
    said = evidence(LOSS, train_loss=straight(0.469, 0.799, 20), val_loss=falling(2.3, 0.8, 20, 0.5))
    assert "train_loss rose from 0.469 (epoch 1) to 0.7643 (epoch 18)" in said


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (2.0, 1.5, "m fell from 2 (epoch 1) to 1.5 (epoch 9)"),
        (-2.0, 1.5, "m rose from -2 (epoch 1) to 1.5 (epoch 9)"),
        (0.30001, 0.30002, "m stayed at 0.3 (epochs 1 to 9)"),
    ],
)
def test_change(before: float, after: float, said: str) -> None:
    assert str(Change(CurvePoint("m", 1, before), CurvePoint("m", 9, after))) == said


def test_value_and_extreme() -> None:
    point = CurvePoint("val_loss", 3, math.nan)
    assert str(Value(point)) == "val_loss is nan at epoch 3"
    assert str(Extreme(CurvePoint("val_loss", 3, 0.12345), "best")) == "val_loss was best at epoch 3 (0.1235)"


def test_rise_of_the_training_loss_is_of_its_own_initial_value() -> None:
    """Its limit is in units of the validation loss, where that begins higher."""
    (finding, *_) = diagnose(trial(train_loss=[1.0, 0.6, 0.9] * 6, val_loss=[2.0, *[1.4] * 17]), LOSS)
    assert finding.numbers["climbs"] == pytest.approx((5 * 0.3 + 5 * 0.1) / 16 / 2.0), (
        "of 17 changes, without the largest rise"
    )
    assert finding.evidence.startswith("train_loss rises by 12.5% of its initial value per epoch on average")
