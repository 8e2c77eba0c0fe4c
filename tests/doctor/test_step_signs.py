"""Findings from what hpsearch measured of the steps."""

import pytest

from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.doctor.diagnosis import diagnose
from hpsearch.doctor.findings import Finding, Label, Severity
from hpsearch.doctor.study_evidence import StudyEvidence

LOSS = Objective("val_loss", "minimize")
FLAT = [2.30, 2.31, 2.30, 2.29, 2.30, 2.31, 2.30, 2.29]
FALLING = [2.3, 1.4, 0.9, 0.6, 0.45, 0.36, 0.31, 0.29]
SLOW = [2.30, 2.27, 2.24, 2.21, 2.18, 2.15, 2.12, 2.09]

GROWN = {"initial_norm": 2.0, "weight_norm": [30.0, 40.0, 50.0, 60.0, 60.0, 60.0, 60.0, 60.0]}


def found(losses: list[float], **measured: float | list[float]) -> tuple[Finding, ...]:
    """measured: a value of each report, or of all of them."""
    curve = tuple(
        Report(
            step,
            {"train_loss": loss, "val_loss": loss * 1.01}
            | {f"hpsearch/{k}": v[step - 1] if isinstance(v, list) else v for k, v in measured.items()},
        )
        for step, loss in enumerate(losses, start=1)
    )
    return diagnose(Trial(0, {"lr": 0.01}, 0, len(curve), curve=curve), LOSS)


class TestWeightsStay:
    def test_no_step_is_made(self) -> None:
        (first,) = found(FLAT, steps=0.0, weight_norm=3.0)
        assert (first.label, first.severity) == (Label.PLATEAU, Severity.SEVERE)
        assert first.evidence.startswith("the tracked optimizer made no step")

    def test_steps_change_nothing(self) -> None:
        first, *_ = found(FLAT, steps=9.0, weight_norm=3.0, update_ratio=0.0)
        assert first.evidence.startswith("the steps of the tracked optimizer do not change any weight")

    def test_another_optimizer_makes_them(self) -> None:
        first = found(FALLING, steps=0.0, weight_norm=3.0)[0]
        assert first.label is not Label.PLATEAU
        first = found(FLAT, **{"steps": 0.0, "steps/other": 5.0, "weight_norm": 3.0})[0]
        assert "no step" not in first.evidence


class TestAccumulating:
    @pytest.mark.parametrize("losses", [FLAT, FALLING])
    def test_it_is_found_whatever_the_curve_is(self, losses: list[float]) -> None:
        first = found(losses, accumulated=1.0)[0]
        assert (first.label, first.numbers) == (Label.ACCUMULATING, {"accumulated": 1.0})

    def test_none(self) -> None:
        assert Label.ACCUMULATING not in {one.label for one in found(FALLING, accumulated=0.0)}


class TestInitialWeights:
    @pytest.mark.parametrize(("scale", "label"), [(0.0, Label.PLATEAU), (12.0, Label.EXPLODING_GRADIENTS)])
    def test_zeros_and_far_too_large_ones(self, scale: float, label: Label) -> None:
        first = found(FALLING, initial_scale=scale)[0]
        assert (first.label, first.severity) == (label, Severity.WARNING)

    @pytest.mark.parametrize("scale", [0.02, 0.6, 1.7, 3.9])
    def test_usual_ones(self, scale: float) -> None:
        assert not {one.label for one in found(FALLING, initial_scale=scale)} & {
            Label.PLATEAU,
            Label.EXPLODING_GRADIENTS,
        }


class TestRates:
    def test_weights_that_grow_thirty_times(self) -> None:
        first = found(SLOW, **GROWN)[0]
        assert (first.label, first.numbers["growth"]) == (Label.LR_TOO_HIGH, 30.0)

    @pytest.mark.parametrize(("descent", "is_high"), [(0.1, True), (0.2, False)])
    def test_steps_that_still_descend_were_not_too_large(self, descent: float, is_high: bool) -> None:
        labels = {one.label for one in found(SLOW, descent=descent, **GROWN)}
        assert (Label.LR_TOO_HIGH in labels) is is_high

    def test_units_that_large_steps_switched_off(self) -> None:
        grown = [0.1, *[1.0] * 7]
        assert found(SLOW, silent_units=grown, update_ratio=[0.1, *[0.0] * 7])[0].label is Label.LR_TOO_HIGH
        assert found(SLOW, silent_units=grown)[0].label is Label.PLATEAU, "the steps may have been small"
        assert found(SLOW, silent_units=1.0)[0].label is Label.PLATEAU
        labels = {one.label for one in found(SLOW, silent_units=0.7)}
        assert not labels & {Label.LR_TOO_HIGH, Label.PLATEAU}

    @pytest.mark.parametrize(
        ("ratio", "descent", "is_low"), [(1e-3, 0.4, True), (1e-3, 0.1, False), (5e-3, 0.4, False)]
    )
    def test_small_steps_in_the_right_direction(self, ratio: float, descent: float, is_low: bool) -> None:
        bent = [2.30, 2.00, 1.85, 1.75, 1.68, 1.62, 1.57, 1.53]
        labels = {one.label for one in found(bent, update_ratio=ratio, descent=descent)}
        assert (Label.LR_TOO_LOW in labels) is is_low


class TestLayers:
    def test_layers_without_active_units_are_named(self) -> None:
        silent = {"silent_units": 1.0, "layer_silent/fc1": 0.5, "layer_silent/fc3": 1.0}
        assert "100% of the units of layer fc3 have" in found(FLAT, **silent)[0].evidence

    def test_layers_between_which_the_gradient_vanishes_are_named(self) -> None:
        shares = {"layer_ratio": 1e-9, "layer_gradient/fc1": 1e-10, "layer_gradient/head": 0.1}
        first = found(FLAT, **shares)[0]
        assert first.label is Label.VANISHING_GRADIENTS
        assert "layer fc1 is 1e-09 of that of layer head" in first.evidence

    def test_a_usual_ratio_is_none(self) -> None:
        labels = {one.label for one in found(FLAT, layer_ratio=1e-3)}
        assert Label.VANISHING_GRADIENTS not in labels


class TestTinySteps:
    """Steps that together cannot change the weights by 1% of their norm."""

    def test_the_rate_is_too_low_whatever_the_curve_is(self) -> None:
        for losses in (FLAT, [2.3] * 8):
            (first,) = found(losses, steps=20.0, weight_norm=3.0, update_ratio=5e-7)
            assert (first.label, first.severity) == (Label.LR_TOO_LOW, Severity.SEVERE)
            assert first.evidence.startswith(
                "one step changes the weights by 5e-07 of their norm (about 1e-3 is usual)"
            )

    @pytest.mark.parametrize("measured", [{"update_ratio": 5e-7, "steps": 1e5}, {"update_ratio": 1e-3, "steps": 1.0}])
    def test_many_tiny_steps_and_few_usual_ones_may_learn(self, measured: dict[str, float]) -> None:
        said = " ".join(one.evidence for one in found([2.3] * 8, weight_norm=3.0, **measured))
        assert "together" not in said
        assert "so the weights do not change" not in said

    def test_other_trials_do_not_contradict_it_since_nothing_was_learnt(self) -> None:
        objective = Objective("recall", "maximize")
        trials = []
        for number, (lr, recall) in enumerate([(1e-5, 0.12), (1e-4, 0.11), (1e-3, 0.09)]):
            measured = {"hpsearch/steps": 20.0, "hpsearch/update_ratio": lr / 100, "hpsearch/mean_loss": 0.69}
            curve = tuple(Report(step, {"recall": recall} | measured) for step in range(1, 9))
            trials.append(Trial(number, {"lr": lr}, 0, 8, curve=curve))
        evidence = StudyEvidence.of(trials, objective)
        labels = [diagnose(one, objective, evidence)[0].label for one in trials]
        assert labels == [Label.LR_TOO_LOW] * 3
