"""Each clause of the contract that a proposal breaks is named, while a study runs."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from hpsearch.core.decisions import New, Over, Resume
from hpsearch.core.errors import OwnMethodError
from hpsearch.core.history import History
from hpsearch.core.trial import Cause, Report, State, Trial
from hpsearch.orchestrator.own.own_sampler import OwnSampler
from hpsearch.samplers.random import Random
from hpsearch.study.space import Space
from hpsearch.testing import CONDITIONAL
from hpsearch.testing.simulation import LOSS

SGD = {"batch_size": 64, "lr": 0.1, "dropout": 0.2, "hidden": 32, "optimizer": "sgd", "momentum": 0.5}
ADAM = {name: value for name, value in {**SGD, "optimizer": "adam"}.items() if name != "momentum"}
HISTORY = History(
    LOSS,
    [
        Trial(0, SGD, 0, 1, State.PAUSED, curve=(Report(1, {"val_loss": 0.5}),), ended=1),
        Trial(1, ADAM, 0, 4, State.RUNNING),
    ],
)
BY = "mine:Sampler"


@dataclass
class Says:
    answer: Any

    def ask(self, history: History) -> Any:
        return self.answer(history) if callable(self.answer) else self.answer


def own(make: Callable[[], Any], trials: int | None = None, *, ends_itself: bool = False) -> OwnSampler:
    return OwnSampler(BY, make, CONDITIONAL, 4, trials, ends_itself)


def refusal(answer: Any) -> str:
    with pytest.raises(OwnMethodError) as refused:
        own(lambda: Says(answer)).ask(HISTORY)
    assert refused.value.exit_code == 2
    return str(refused.value).removeprefix(f"{BY}: ask(history) with 2 trials ")


def changed(**changes: Any) -> New:
    return New({**SGD, **changes}, 4, "why")


@pytest.mark.parametrize(
    "answer", [None, New(SGD, 4, "why"), New(ADAM, 1, "why"), changed(lr=1), Resume(0, 2, "why"), Over("enough")]
)
def test_a_valid_result_is_returned(answer: Any) -> None:
    assert own(lambda: Says(answer)).ask(HISTORY) == answer


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (changed(lr=9.0), "proposed lr = 9.0, but [space] has 1e-05 to 1.0"),
        (changed(lr=float("nan")), "proposed lr = nan, but [space] has 1e-05 to 1.0"),
        (changed(lr="0.1"), "proposed lr = '0.1', a str; it must be a plain Python float"),
        (changed(lr=True), "proposed lr = True, a bool; it must be a plain Python float"),
        (
            changed(lr=np.float64(0.1)),
            "proposed lr = np.float64(0.1), a numpy.float64; it must be a plain Python value",
        ),
        (
            changed(optimizer=np.str_("sgd")),
            "proposed optimizer = np.str_('sgd'), a numpy.str_; it must be a plain Python value",
        ),
        (changed(hidden=32.0), "proposed hidden = 32.0, a float; it must be a plain Python int"),
        (changed(dropout=0.25), "proposed dropout = 0.25, but [space] has steps of 0.1 there"),
        (changed(optimizer="rms"), 'proposed optimizer = \'rms\', but [space] has "sgd", "adam"'),
        (changed(lrr=0.1), "proposed a value for `lrr`, which is not in [space]; did you mean `lr`?"),
        (changed(batch_size=32), "proposed batch_size = 32, but [space] fixes it at 64"),
        (New({**ADAM, "momentum": 0.5}, 4, "why"), "proposed a value for `momentum`, which is not active"),
        (New({**ADAM, "optimizer": "sgd"}, 4, "why"), "proposed no value for `momentum`"),
        (
            New({name: SGD[name] for name in SGD if name != "batch_size"}, 4, "why"),
            "proposed no value for `batch_size`, which [space] fixes at 64: start with dict(space.fixed)",
        ),
        (New([0.1], 4, "why"), "returned params that are a list; they must map each name to its value"),  # type: ignore[arg-type]
        (New(SGD, 0, "why"), "proposed to train until epoch 0; it must be a whole number from 1 to 4"),
        (New(SGD, 5, "why"), "proposed to train until epoch 5; it must be a whole number from 1 to 4"),
        (New(SGD, 2.0, "why"), "proposed to train until epoch 2.0; it must be"),  # type: ignore[arg-type]
        (New(SGD, 4, ""), "gave no reason for its New: reason must be a non-empty str, got ''"),
        (New(SGD, 4, None), "gave no reason for its New: reason must be a non-empty str, got None"),  # type: ignore[arg-type]
        (New(SGD, 4, "why", round=0), "returned round 0; it must be a whole number >= 1"),
        (New(SGD, 4, "why", notes="note"), "returned notes 'note'; they must be a tuple of str"),  # type: ignore[arg-type]
        (Resume(2, 4, "why"), "resumed trial 2, but there is no trial of that number"),
        (Resume(-1, 4, "why"), "resumed trial -1, but there is no trial of that number"),
        (Resume(1, 4, "why"), "resumed trial 1, which is RUNNING; only a PAUSED trial can be resumed"),
        (Resume(0, 1, "why"), "proposed to train until epoch 1; it must be a whole number from 2 to 4"),
        (Over("enough", "done"), "returned the cause 'done'; it must be"),  # type: ignore[arg-type]
        (Over("enough", Cause.DONE, {"n": float("inf")}), "returned the numbers {'n': inf}; they must map"),
        (SGD, "returned a dict; it must return New, Resume, Over or None"),
        (New, "returned a type; it must return New, Resume, Over or None"),
    ],
)
def test_a_clause_that_is_broken_is_named(answer: Any, says: str) -> None:
    assert refusal(lambda _: answer).startswith(says)


def test_what_it_raises_is_shown_without_our_frames() -> None:
    def deep(history: History) -> None:
        raise KeyError("population")

    said = refusal(deep)
    assert said.startswith("raised\nTraceback")
    assert said.endswith("KeyError: 'population'")
    assert "hpsearch/orchestrator" not in said


def test_it_may_not_end_the_process_and_a_signal_still_does() -> None:
    def leaves(history: History) -> None:
        raise SystemExit(3)

    def interrupted(history: History) -> None:
        raise KeyboardInterrupt

    assert "SystemExit: 3" in refusal(leaves)
    with pytest.raises(KeyboardInterrupt):
        own(lambda: Says(interrupted)).ask(HISTORY)


def test_an_object_without_ask_is_refused_when_it_is_made() -> None:
    with pytest.raises(OwnMethodError, match=r"has no method `ask\(history\)`"):
        own(dict)


@dataclass
class Remembers:
    """Draws from a generator that it stores, as many samplers do."""

    space: Space
    generator: np.random.Generator = field(default_factory=lambda: np.random.default_rng(0))

    def ask(self, history: History) -> New:
        return New(self.space.from_unit(self.generator.random(self.space.dimensions)), 4, "why")


def grown(number: int) -> History:
    return History(LOSS, [Trial(n, SGD, 0, 4, State.RUNNING) for n in range(number)])


def test_one_that_keeps_state_is_refused() -> None:
    sampler = own(lambda: Remembers(CONDITIONAL))
    sampler.ask(grown(0))
    with pytest.raises(OwnMethodError, match="pure function of the history"):
        sampler.ask(grown(1))
    the_same = Remembers(CONDITIONAL)
    with pytest.raises(OwnMethodError, match="in a second call"):
        own(lambda: the_same).ask(grown(0))


@pytest.mark.parametrize("number", [2, 4, 64])
def test_purity_is_checked_again_as_a_study_grows(number: int) -> None:
    sampler = own(lambda: Remembers(CONDITIONAL))
    sampler.ask(grown(number - 1 + (number == 2) * 2))
    with pytest.raises(OwnMethodError, match="in a second call"):
        sampler.ask(grown(number))


def test_the_reason_is_not_compared() -> None:
    asked: list[int] = []

    def answer(history: History) -> New:
        asked.append(1)
        return New(SGD, 4, f"ask {len(asked)}")

    assert own(lambda: Says(answer)).ask(grown(0)) == New(SGD, 4, "ask 1")


class TestBudget:
    def test_after_its_trials_it_is_not_asked(self) -> None:
        asked: list[int] = []
        sampler = own(lambda: Says(lambda history: asked.append(len(history)) or New(SGD, 4, "why")), trials=3)
        assert sampler.ask(grown(3)) is None
        assert asked == []

    def test_one_that_was_given_it_ends_itself_and_may_resume(self) -> None:
        resumes = own(lambda: Says(Resume(0, 2, "why")), trials=2, ends_itself=True)
        assert resumes.ask(HISTORY) == Resume(0, 2, "why")
        more = own(lambda: Says(New(SGD, 4, "why")), trials=2, ends_itself=True)
        with pytest.raises(OwnMethodError, match=r"proposed a new trial after search.trials = 2"):
            more.ask(HISTORY)


def test_slow_is_optional() -> None:
    class Slow(Says):
        slow = True

    assert own(lambda: Says(None)).slow is False
    assert own(lambda: Slow(None)).slow is True


def test_ours_pass_and_it_pickles() -> None:
    sampler = OwnSampler(BY, RandomOf(CONDITIONAL), CONDITIONAL, 2)
    assert pickle.loads(pickle.dumps(sampler)).ask(grown(3)) == sampler.ask(grown(3))


@dataclass
class RandomOf:
    space: Space

    def __call__(self) -> Random:
        return Random(self.space, 0, 9, 2)
