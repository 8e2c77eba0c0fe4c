"""Requirements on reported metrics."""

import math
import pickle

import pytest

from hpsearch.core.requirements import read
from hpsearch.core.trial import Objective, Report, State, Trial, metrics_at


@pytest.mark.parametrize(
    ("text", "metrics", "excess"),
    [
        ("latency_ms <= 20", {"latency_ms": 20.0}, 0.0),
        ("latency_ms <= 20", {"latency_ms": 30.0}, 0.5),
        ("latency_ms <= 20", {"latency_ms": 10.0}, -0.5),
        ("20 >= latency_ms", {"latency_ms": 30.0}, 0.5),
        ("accuracy >= 0.5", {"accuracy": 0.25}, 0.5),
        ("10 <= latency_ms <= 20", {"latency_ms": 5.0}, 0.5),
        ("gap <= 0", {"gap": 3.0}, 3.0),
        ("val - train <= 0.5", {"val": 2.0, "train": 1.0}, 1.0),
        ("val <= train", {"val": 2.0, "train": 1.0}, 1.0),
        ("'val/ms' <= 2", {"val/ms": 4.0}, 1.0),
        ("val.ms <= 2", {"val.ms": 4.0}, 1.0),
        ("val/ms <= 2", {"val/ms": 4.0}, 1.0),
        ("val/ms <= 2", {"val": 8.0, "ms": 2.0}, 1.0),
        ("val/ms/max <= 2", {"val/ms/max": 5.0}, 1.5),
        ("1.0 >= top-5", {"top-5": 2.0}, 1.0),
        ("a / b <= 1", {"a": 1.0, "b": 0.0}, math.inf),
        ("a <= 1", {"a": math.nan}, math.inf),
        ("a <= 1", {}, math.inf),
    ],
)
def test_excess(text: str, metrics: dict[str, float], excess: float) -> None:
    one = read(text)
    assert one.excess(metrics) == pytest.approx(excess)
    assert pickle.loads(pickle.dumps(one)) == one


def test_a_value_equal_to_a_strict_bound_does_not_meet_it() -> None:
    assert read("a < 1").excess({"a": 1.0}) > 0
    assert read("a < 1").excess({"a": 0.999}) < 0


def test_the_numbers_in_words() -> None:
    assert read("latency_ms <= 20").unmet({"latency_ms": 31.2}) == "latency_ms 31.2, required <= 20"
    assert read("20 > latency_ms").unmet({"latency_ms": 31.2}) == "latency_ms 31.2, required < 20"
    assert read("a + b <= 3").unmet({"a": 2.0, "b": 5.0}) == "a 2, b 5, required a + b <= 3"
    assert read("a <= 3").unmet({}) == "a is not reported, required <= 3"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "latency_ms",
        "latency_ms <=",
        "1 <= 2",
        "a == 1",
        "a <= 1 and b <= 2",
        "not a <= 1",
        "(a <= 1) <= 1",
        "a in [1, 2]",
        "a <= [1]",
        "f(a) <= 1",
        "__import__('os').system('true') <= 0",
        "a <= " + "1 + " * 300 + "1",
        "x" * 10_000,
    ],
)
def test_what_is_no_requirement(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        read(text)


CURVE = (
    Report(1, {"acc": 0.5, "size": 9.0}),
    Report(2, {"acc": 0.9, "ms": 30.0}),
    Report(3, {"acc": 0.7, "ms": 10.0, "late": 1.0}),
)
TRIAL = Trial(0, {}, seed=0, until=3, state=State.COMPLETE, curve=CURVE)


def test_metrics_at_an_epoch_are_its_own_or_the_last_before_or_the_first_after() -> None:
    assert metrics_at(CURVE, 2, ["ms", "size", "late", "none"]) == {"ms": 30.0, "size": 9.0, "late": 1.0}


@pytest.mark.parametrize(
    ("at", "text", "meets"),
    [
        ("best", "ms <= 20", False),
        ("last", "ms <= 20", True),
        ("best", "size <= 9", True),
        ("best", "other <= 1", False),
        ("mean of last 3", "acc >= 0.71", False),
        ("mean of last 3", "acc >= 0.69", True),
    ],
)
def test_a_trial_meets_it_at_the_epoch_by_which_it_is_judged(at: str, text: str, meets: bool) -> None:
    objective = Objective("acc", "maximize", at, require=(read(text),))
    assert (objective.unmet(TRIAL) == ()) is meets
    assert objective.counts(TRIAL) is meets
    assert math.isfinite(objective.loss(TRIAL)) is meets
    assert objective.value(TRIAL) is not None
    assert objective.ranked([TRIAL]) == [TRIAL] * meets
