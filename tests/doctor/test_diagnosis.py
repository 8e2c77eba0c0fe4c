"""The whole diagnosis: on curves of real trainings, and on random curves."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import ADVICE, Finding, Label, Severity
from hpsearch.doctor.meanings import Meanings
from hpsearch.doctor.study_evidence import StudyEvidence
from tests.doctor import stored
from tests.doctor.curve import ACCURACY, LOSS, falling, trial
from tests.doctor.faults import FAULTS

REAL = stored.load()
REPORTED = Meanings.of([trial(train_loss=[1.0], val_loss=[1.0])], LOSS)
NORMS = ("grad_norm", "weight_norm", "update_ratio")

LOSSES_ALONE = {
    "learning rate x 300": Label.DIVERGED,
    "learning rate 10,000": Label.DIVERGED,
    "learning rate / 300": Label.PLATEAU,
    "weights x 20 to 50": Label.HEALTHY,
    "sigmoid, 12 layers": Label.UNDERFITTING,
    "all weights 0": Label.PLATEAU,
    "dead units": Label.PLATEAU,
    "shuffled labels": Label.METRIC_STUCK,
    "decay every 2 epochs": Label.UNDERFITTING,
    "8 to 16 validation examples": Label.HEALTHY,
    "50 training examples": Label.OVERFITTING,
    "6 to 10 epochs, gently": Label.STILL_IMPROVING,
    "2 units": Label.HEALTHY,
    "2 inputs": Label.UNDERFITTING,
    "weights held at 0": Label.UNDERFITTING,
    "1 or 2 epochs": Label.TOO_EARLY,
}


def wanted(name: str) -> frozenset[Label]:
    return FAULTS[name.rpartition(" (")[0]].labels


def changed(seen: Trial, change: object) -> Trial:
    """With other metrics, by a function of a report's."""
    assert callable(change)
    return replace(seen, curve=tuple(Report(report.step, change(dict(report.metrics))) for report in seen.curve))


def without(seen: Trial, *names: str) -> Trial:
    return changed(seen, lambda metrics: {k: v for k, v in metrics.items() if k.partition("/")[0] not in names})


class TestRealTrainings:
    @pytest.mark.parametrize("name", REAL)
    def test_first_finding_is_what_was_planted(self, name: str) -> None:
        assert diagnose(REAL[name], LOSS)[0].label in wanted(name)

    @pytest.mark.parametrize("name", REAL)
    def test_order_of_the_metrics_does_not_matter(self, name: str) -> None:
        def shuffled(metrics: dict[str, float]) -> dict[str, float]:
            names = sorted(metrics, key=lambda name: name[::-1])
            return {name: metrics[name] for name in names}

        assert diagnose(changed(REAL[name], shuffled), LOSS)[0].label in wanted(name)

    @pytest.mark.parametrize("name", REAL)
    def test_steps_may_be_far_apart(self, name: str) -> None:
        far = tuple(Report(10 * report.step, report.metrics) for report in REAL[name].curve)
        assert diagnose(replace(REAL[name], curve=far), LOSS)[0].label in wanted(name) | {Label.LR_TOO_LOW}

    @pytest.mark.parametrize("name", REAL)
    def test_a_little_noise_changes_nothing(self, name: str) -> None:
        draw = random.Random(name)

        def noisy(metrics: dict[str, float]) -> dict[str, float]:
            return {k: v * (1 + 0.002 * draw.gauss(0, 1)) if k.endswith("loss") else v for k, v in metrics.items()}

        assert diagnose(changed(REAL[name], noisy), LOSS)[0].label in wanted(name)

    @pytest.mark.parametrize("name", [name for name in REAL if not name.startswith("none")])
    def test_with_losses_alone_findings_are_fewer_and_not_wrong(self, name: str) -> None:
        """What the fault is shows where norms, shares and the learning rate are reported too."""
        found = diagnose(without(REAL[name], *NORMS, "lr", "train_accuracy", "val_accuracy"), LOSS)[0]
        assert found.label is LOSSES_ALONE[name.rpartition(" (")[0]]

    @pytest.mark.parametrize("name", [name for name in REAL if name.startswith("none")])
    @pytest.mark.parametrize(
        "left_out", [(), NORMS, (*NORMS, "lr"), ("train_accuracy",), ("train_loss",), ("val_loss",)]
    )
    def test_sound_trainings_have_no_fault(self, name: str, left_out: tuple[str, ...]) -> None:
        for objective in (LOSS, ACCURACY):
            found = diagnose(without(REAL[name], *left_out), objective)[0]
            assert found.label in (Label.HEALTHY, Label.TOO_EARLY)
            if absent := {"train_loss", "val_loss"} & set(left_out):
                is_judged = absent == {"val_loss"} and objective is ACCURACY
                assert found.label is (Label.HEALTHY if is_judged else Label.TOO_EARLY)
                if not is_judged:
                    assert found.evidence == f"{absent.pop()} is not reported, so overfitting cannot be judged"

    @pytest.mark.parametrize("name", REAL)
    @pytest.mark.parametrize("epochs", [0, 1, 2, 3])
    def test_beginnings_are_too_early_unless_they_diverge(self, name: str, epochs: int) -> None:
        found = diagnose(replace(REAL[name], curve=REAL[name].curve[:epochs]), LOSS)[0]
        assert found.label in (Label.TOO_EARLY, Label.DIVERGED)
        if not any(math.isnan(report.metrics["train_loss"]) for report in REAL[name].curve[:epochs]):
            assert found.label is Label.TOO_EARLY


NAMES = [
    "train_loss", "val_loss", "val_accuracy", "train_accuracy", "lr", "grad_norm", "grad_norm/a", "grad_norm/b",
    "weight_norm", "update_ratio",
]  # fmt: skip
VALUES = st.floats(allow_nan=True, allow_infinity=True, width=32) | st.floats(0, 1) | st.sampled_from([0.0, 1.0, 0.5])


@st.composite
def anything(draw: st.DrawFn) -> Trial:
    names = draw(st.lists(st.sampled_from(NAMES), unique=True))
    steps = sorted(draw(st.sets(st.integers(1, 500), max_size=40)))
    rows = [Report(step, {name: draw(VALUES) for name in names if draw(st.booleans())}) for step in steps]
    params: Mapping[str, float | str] = draw(st.sampled_from([{}, {"lr": 0.1}, {"lr": "auto"}]))
    return Trial(0, params, 0, 500, curve=tuple(rows))


@settings(max_examples=150, deadline=None)
@given(seen=anything(), goal=st.sampled_from(["minimize", "maximize"]), metric=st.sampled_from(NAMES))
def test_whatever_was_recorded_has_a_diagnosis(seen: Trial, goal: str, metric: str) -> None:
    found = diagnose(seen, Objective(metric, goal))  # type: ignore[arg-type]
    assert found
    labels = [one.label for one in found]
    assert len(set(labels)) == len(labels)
    assert Label.HEALTHY not in labels[1:]
    assert Label.TOO_EARLY not in labels[1:]
    for one in found:
        assert one.advice
        assert one.evidence
        assert all(map(math.isfinite, one.numbers.values()))
        assert one.epochs == (0, 0) or 1 <= one.epochs[0] <= one.epochs[1] <= seen.epoch


@pytest.mark.parametrize(
    ("label", "says"),
    [
        (Label.DIVERGED, "lower the learning rate by a factor of 10"),
        (Label.LR_TOO_HIGH, "lower the learning rate by a factor of 3"),
        (Label.EXPLODING_GRADIENTS, "he or glorot"),
        (Label.VANISHING_GRADIENTS, "relu"),
        (Label.PLATEAU, "all zero"),
        (Label.LR_TOO_LOW, "raise the learning rate"),
        (Label.NOISY_VALIDATION, "validate on more examples"),
        (Label.METRIC_STUCK, "labels and inputs"),
        (Label.DECAYED_TOO_EARLY, "learning rate later"),
        (Label.OVERFITTING, "regularise more"),
        (Label.SLOW_START, "kaiming"),
        (Label.STILL_IMPROVING, "train longer"),
        (Label.UNDERFITTING, "regularise less"),
        (Label.PLATEAU_AT_END, "where the plateau begins"),
        (Label.BEHIND, "with those of the best trials"),
        (Label.HEALTHY, "nothing to change"),
        (Label.TOO_EARLY, "more epochs"),
    ],
)
def test_every_label_has_advice_of_its_own(label: Label, says: str) -> None:
    assert says in Finding(label, Severity.NONE, (), {}, (0, 0)).advice.lower()
    assert [other for other in Label if says in ADVICE[other].lower()] == [label]


class TestUnknown:
    def test_a_trial_that_reported_nothing(self) -> None:
        found = diagnose(replace(trial(), reason="FAILED: no GPU\nTraceback"), LOSS)
        assert [(one.label, one.severity) for one in found] == [(Label.TOO_EARLY, Severity.NONE)]
        assert found[0].evidence == "no epoch is reported: FAILED: no GPU"

    def test_metrics_without_information(self) -> None:
        found = diagnose(trial(size=[1.0] * 9), LOSS)
        assert found[0].evidence == "neither train_loss nor val_loss nor the study's metric is reported"

    def test_no_validation_curve(self) -> None:
        found = diagnose(trial(train_loss=falling(2.3, 0.1, 20)), LOSS)
        assert (found[0].label, found[0].evidence) == (
            Label.TOO_EARLY,
            "val_loss is not reported, so overfitting cannot be judged",
        )

    def test_a_level_is_judged_by_other_trials(self) -> None:
        seen = trial(train_loss=falling(1.0, 0.5, 20), val_loss=falling(1.0, 0.51, 20))
        labels = [diagnose(seen, LOSS, StudyEvidence(REPORTED, lowest))[0].label for lowest in (None, 0.2, 0.5)]
        assert labels == [Label.TOO_EARLY, Label.TOO_EARLY, Label.HEALTHY]
