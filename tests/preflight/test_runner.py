"""The preflight as a part of a run, and on its own."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.messages import Failure
from hpsearch.core.trial import Report, key_of
from hpsearch.preflight.learning_test import MAX_INFEASIBLE
from hpsearch.preflight.measure.learning import LearningMeasurement
from hpsearch.preflight.measurements import FirstSteps, Measurements, OverfitAttempt, TrainedEpochs
from hpsearch.preflight.runner import PreflightFailed, PreflightRecord, complete, run_preflight
from hpsearch.study.definition import Study
from hpsearch.study.space import Float
from tests.preflight.fake_pools import Answering, Vanishing
from tests.support.study_text import LR, make_study

BOTH = ("", "[preflight]\n[lr_range]\n")
AUTO = (LR, "{ auto = true }")
LEARNS = Measurements(trained=TrainedEpochs(1.0, (Report(1, {"val_loss": 0.5}),), seconds=2.0), seconds=3.0)

INFEASIBLE = Measurements(failure=Failure("infeasible", "b > a"))


@pytest.fixture
def study(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Study:
    monkeypatch.chdir(tmp_path)
    return make_study(AUTO, BOTH)


class TestAsAPartOfARun:
    def test_both_are_measured_and_decided(self, study: Study) -> None:
        said: list[str] = []
        record = complete(study, Answering(learning=LEARNS), PreflightRecord(), said.append)
        assert list(record.documents) == ["preflight", "lr_range"]
        assert [one.kind for one in record.decisions] == ["preflight", "lr range"]
        assert record.decisions[1].reason == said[-1] == record.documents["lr_range"]["says"]

    def test_the_search_takes_the_range_that_was_found(self, study: Study) -> None:
        record = complete(study, Answering(learning=LEARNS), PreflightRecord(), str)
        own, window = record.narrowed(study).space["lr"], record.documents["lr_range"]["window"]
        assert isinstance(own, Float)
        assert {"low": own.low, "high": own.high} == window
        assert PreflightRecord().narrowed(study) is study

    def test_recorded_tests_are_not_repeated(self, study: Study) -> None:
        measurer = Answering(learning=LEARNS)
        recorded = PreflightRecord(complete(study, measurer, PreflightRecord(), str).documents)
        asked = len(measurer.asked)
        assert complete(study, measurer, recorded, str) == recorded
        assert len(measurer.asked) == asked

    def test_skipped(self, study: Study) -> None:
        record = complete(study, Answering(), PreflightRecord(), str, skip_preflight=True)
        assert list(record.documents) == ["lr_range"]
        assert [one.kind for one in record.decisions] == ["preflight", "lr range"]

    def test_one_that_fails_says_how_to_go_on(self, study: Study) -> None:
        with pytest.raises(PreflightFailed) as problem:
            complete(study, Answering(), PreflightRecord(), str)
        first, *_, last = str(problem.value).splitlines()
        assert first == "preflight failed, so the study does not start"
        assert last == (
            "fix this, skip single checks with preflight.skip, or skip all checks with --skip-preflight "
            "(in Python: skip_preflight=True)"
        )

    def test_a_range_outside_of_the_range_test_stops_it_before_the_first_trial(self, study: Study) -> None:
        far = _with_range(study, 1e-7, 1e-6)
        with pytest.raises(PreflightFailed) as problem:
            complete(far, Answering(learning=LEARNS), PreflightRecord(), str)
        change = str(problem.value).splitlines()[-1]
        assert change.startswith("write lr = { low = ")
        assert change.endswith("or start with --force (in Python: force=True)")
        record = complete(far, Answering(learning=LEARNS), PreflightRecord(), str, force=True)
        assert record.narrowed(far) is far

    def test_with_expand_the_search_begins_in_the_range_that_was_found(self, study: Study) -> None:
        far = _with_range(study, 1e-7, 1e-6, expand=True)
        record = complete(far, Answering(learning=LEARNS), PreflightRecord(), str)
        found, own = record.documents["lr_range"]["window"], record.narrowed(far).space["lr"]
        assert isinstance(own, Float)
        assert (own.low, own.high, own.expand) == (found["low"], found["high"], False)

    def test_what_an_earlier_version_recorded_moves_nothing(self, study: Study) -> None:
        far = _with_range(study, 1e-7, 1e-6, expand=True)
        record = complete(far, Answering(learning=LEARNS), PreflightRecord(), str)
        old = {name: value for name, value in record.documents["lr_range"].items() if name != "moves"}
        assert PreflightRecord({"lr_range": old}).narrowed(far) is far

    def test_a_warning_does_not_stop_it(self, study: Study) -> None:
        said: list[str] = []
        nan = Report(1, {"val_loss": 0.5, "other": math.nan})
        warns = replace(LEARNS, trained=replace(LEARNS.trained, reports=(nan,)))
        complete(study, Answering(learning=warns), PreflightRecord(), said.append)
        assert said[:2] == [
            "preflight: checking whether the trainer can learn",
            "preflight warning: metrics: other: NaN or infinite in some epochs; it is not judged",
        ]

    @pytest.mark.parametrize("signal", [KeyboardInterrupt, SystemExit])
    def test_interrupted(self, study: Study, signal: type[BaseException]) -> None:
        class Interrupted(Answering):
            def measure(self, measurement: object) -> object:
                raise signal

        said: list[str] = []
        with pytest.raises(signal):
            complete(study, Interrupted(), PreflightRecord(), said.append)
        assert said[-1] == "interrupted before the first trial: the next run starts the preflight again"

    def test_a_worker_that_is_lost(self, study: Study) -> None:
        with pytest.raises(
            PreflightFailed, match=r"(?s)the measurement was lost: its worker died of: Fatal Python error.*in conv2d"
        ):
            complete(study, Vanishing(), PreflightRecord(), str)

    def test_infeasible_parameters_are_replaced_by_others(self, study: Study) -> None:
        measurer = Answering(learning=INFEASIBLE)
        record = complete(study, measurer, PreflightRecord(), str)
        tried = [one.params for one in measurer.asked if isinstance(one, LearningMeasurement)]
        assert tried[0] == study.space.middle()
        assert len(tried) == len({key_of(params) for params in tried}) == MAX_INFEASIBLE
        assert all(map(study.space.contains, tried))
        (runs,) = (one for one in record.documents["preflight"]["checks"] if one["name"] == "runs")
        assert (runs["outcome"], runs["severity"]) == ("failed", "warning")

    def test_feasible_ones_are_measured(self, study: Study) -> None:
        class Later(Answering):
            def measure(self, measurement: Any) -> Any:
                answer = super().measure(measurement)
                return INFEASIBLE if len(self.asked) < 3 else answer

        measurer = Later(learning=LEARNS)
        record = complete(study, measurer, PreflightRecord(), str)
        assert record.documents["preflight"]["passed"]
        assert record.documents["preflight"]["params"] == measurer.asked[2].params != study.space.middle()

    def test_then_there_is_no_range(self, study: Study) -> None:
        with pytest.raises(BadInput, match="its worker died"):
            complete(study, Vanishing(), PreflightRecord(), str, skip_preflight=True)


class TestAlone:
    def test_its_document(self, study: Study) -> None:
        found = run_preflight(study, Answering(learning=LEARNS))
        assert found.learning.passed
        document = found.document()
        assert list(document) == ["study", "preflight", "lr_range"]
        assert document["preflight"]["cost"]["seconds"] == 2.0
        assert found.documents() == {name: document[name] for name in ("preflight", "lr_range")}

    def test_a_trainer_that_cannot_learn_has_no_range_test(self, study: Study) -> None:
        found = run_preflight(study, Answering())
        assert (found.learning.passed, found.range_test, found.document()["lr_range"]) == (False, None, None)


def _with_range(study: Study, low: float, high: float, expand: bool = False) -> Study:
    own = Float("lr", low, high, log=True, expand=expand)
    return study.with_space(replace(study.space, parameters=(own, *study.space.parameters[1:])))


class TestARateThatIsFarOff:
    """At rates that are wrong by decades, a sound trainer learns as little as one with shuffled labels."""

    @pytest.mark.parametrize("fall", [0.2, 0.0])
    def test_the_checks_are_repeated_in_the_range_that_the_range_test_finds(self, study: Study, fall: float) -> None:
        """fall: of the training loss at rates that are too low."""
        measurer = LearnsFrom(1e-3, fall)
        far = _with_range(study, 1e-7, 1e-6, expand=True)
        record = complete(far, measurer, PreflightRecord(), str)
        first, *_, last = measurer.asked
        found = record.documents["lr_range"]["window"]
        assert first.params["lr"] < 1e-6 < found["low"] < last.params["lr"] < found["high"]
        assert last.params == {**first.params, "lr": last.params["lr"]}
        assert record.documents["preflight"]["params"] == last.params
        assert len([one for one in measurer.asked if isinstance(one, LearningMeasurement)]) == 2

    def test_without_expand_the_range_is_what_stops_the_study(self, study: Study) -> None:
        with pytest.raises(PreflightFailed) as problem:
            complete(_with_range(study, 1e-7, 1e-6), LearnsFrom(1e-3), PreflightRecord(), str)
        assert str(problem.value).splitlines()[-1].startswith("write lr = { low = ")

    def test_a_trainer_that_learns_nowhere_fails(self, study: Study) -> None:
        with pytest.raises(PreflightFailed, match="shuffled labels"):
            complete(_with_range(study, 1e-7, 1e-6, expand=True), LearnsFrom(math.inf), PreflightRecord(), str)

    def test_a_range_that_is_right_is_no_excuse(self, study: Study) -> None:
        measurer = LearnsFrom(math.inf)
        with pytest.raises(PreflightFailed):
            complete(_with_range(study, 1e-4, 1e-1), measurer, PreflightRecord(), str)
        assert len([one for one in measurer.asked if isinstance(one, LearningMeasurement)]) == 1

    def test_a_training_loss_that_hardly_falls_at_a_right_rate_is_a_warning(self, study: Study) -> None:
        """A task that is learnt suddenly looks like this before."""
        measurer, said = LearnsFrom(math.inf, fall=0.0), list[str]()
        complete(_with_range(study, 1e-4, 1e-1), measurer, PreflightRecord(), said.append)
        assert any("preflight warning: labels: " in line for line in said)
        assert len(measurer.asked) == len(set(map(str, measurer.asked))), "nothing is measured twice"

    def test_alone(self, study: Study) -> None:
        found = run_preflight(_with_range(study, 1e-7, 1e-6, expand=True), LearnsFrom(1e-3))
        assert found.learning.passed
        assert found.range_test is not None
        assert found.range_test.moves


class LearnsFrom(Answering):
    """What it measures of a trainer that learns something from this rate on."""

    def __init__(self, rate: float, fall: float = 0.2):
        super().__init__()
        self._rate, self._fall = rate, fall

    def measure(self, measurement: Any) -> Any:
        if isinstance(measurement, LearningMeasurement):
            self._learning = _learnt(measurement.params["lr"] >= self._rate, self._fall)
        return super().measure(measurement)


def _losses(first: float, fall: float) -> tuple[float, ...]:
    return tuple(first * (1 - fall * step / 60) + 0.01 * (step % 3) for step in range(60))


def _learnt(well: bool, fall: float) -> Measurements:
    """Of a training, and of two on shuffled labels. fall: the fraction by which the losses fall."""
    trained, shuffled = (
        TrainedEpochs(1.0, (Report(1, {"val_loss": loss}),), _losses(loss, fall), 500, 2.0)
        for loss in (0.5 if well else 2.301, 2.3)
    )
    attempt = OverfitAttempt(1.0, 64, (2.3, *[0.1] * 20), 1.0, math.log(10))
    return replace(
        LEARNS,
        steps=FirstSteps((2.3,) * 8, fed=True),
        attempts=(attempt,),
        trained=trained,
        shuffled=(shuffled, shuffled),
    )
