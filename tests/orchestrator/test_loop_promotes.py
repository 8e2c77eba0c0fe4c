"""Searches that pause trials and resume them later, on virtual workers; also where they are killed."""

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Params, State
from hpsearch.orchestrator.loop import Loop
from hpsearch.orchestrator.rules import Rules
from hpsearch.pruners.base import NeverPrune, Pruner
from hpsearch.pruners.halving import Halving
from hpsearch.pruners.hyperband import Hyperband
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.freeze_thaw.freezing import FreezeThaw
from hpsearch.samplers.promoting import Promoting
from hpsearch.samplers.random import Random
from hpsearch.study.space import Float, Space
from hpsearch.workers.pools.simulated.played_curves import FunctionCurves
from hpsearch.workers.pools.simulated.virtual_workers import Simulated
from tests.support.list_recorder import ListRecorder
from tests.support.studies import LOSS

EPOCHS, TRIALS = 27, 24
SPACE = Space((Float("x", 0.0, 1.0), Float("y", 0.0, 1.0)))


def valley(params: Params, epoch: int) -> float:
    return float((params["x"] - 0.3) ** 2 + (params["y"] - 0.7) ** 2) + (0.1 + params["x"]) / epoch


CURVES = FunctionCurves(valley, "val_loss", seconds=lambda params: 1.0 + params["y"])


def promoting(pruner: Halving | Hyperband) -> tuple[Sampler, Pruner]:
    return Promoting(Random(SPACE, 0, TRIALS, EPOCHS), pruner, EPOCHS), pruner


METHODS: dict[str, Callable[[], tuple[Sampler, Pruner]]] = {
    "halving": lambda: promoting(Halving(1, 3, EPOCHS, promote=True)),
    "hyperband": lambda: promoting(Hyperband(1, 3, EPOCHS, promote=True)),
    "freeze-thaw": lambda: (FreezeThaw(SPACE, 0, TRIALS, EPOCHS, 6), NeverPrune()),
}


class Search:
    """One search, which may be killed and begun again with what it has recorded."""

    def __init__(self, method: str, *, resumes: bool = True, workers: int = 1):
        self.method, self.resumes, self.workers = method, resumes, workers
        self.recorder = ListRecorder()
        self.now, self.restarts = 0.0, False

    def run(self, turns: int | None = None) -> "Search":
        """So many turns, after which its process is killed; None: to its end."""
        sampler, pruner = METHODS[self.method]()
        trials = [
            replace(one, state=State.WAITING) if one.state.is_active else one for one in self.recorder.trials.values()
        ]
        pool = Simulated(CURVES, self.workers, resumes=self.resumes, now=self.now)
        history = History(LOSS, trials, restarts=self.restarts)
        rules, recorder = Rules(0, EPOCHS), ListRecorder(self.recorder)
        loop = Loop(rules, sampler, pruner, NeverPrune(), pool, recorder, history, clock=pool.clock, wall=pool.wall)
        for turn in count():
            if turn == turns or not loop.turn():
                break
        self.recorder, self.now, self.restarts = recorder, pool.now, history.restarts
        return self

    @property
    def result(self) -> list[tuple[object, ...]]:
        return [
            (dict(one.params), one.state, one.reason, [(report.step, dict(report.metrics)) for report in one.curve])
            for one in self.recorder.trials.values()
        ]

    def reached(self, epoch: int) -> int:
        return sum(one.epoch >= epoch for one in self.recorder.trials.values())


@pytest.mark.parametrize("method", METHODS)
def test_a_search_that_is_killed_again_and_again_comes_to_the_same(method: str) -> None:
    whole, killed, turns = Search(method).run(), Search(method), random.Random(1)
    for _ in range(8):
        killed.run(turns.randint(1, 12))
    assert killed.run().result == whole.result


@pytest.mark.parametrize("method", METHODS)
def test_every_trial_is_paused_or_trained_to_the_end(method: str) -> None:
    search = Search(method, workers=3).run()
    states = [one.state for one in search.recorder.trials.values()]
    assert set(states) == {State.PAUSED, State.COMPLETE}
    assert len(states) == TRIALS
    assert search.reached(EPOCHS) == states.count(State.COMPLETE) < search.reached(9) < TRIALS
    assert any(one.kind == "continue" for one in search.recorder.decisions)


@pytest.mark.parametrize("method", METHODS)
def test_without_checkpoints_no_trial_is_trained_twice(method: str) -> None:
    search = Search(method, resumes=False, workers=2).run()
    states = [one.state for one in search.recorder.trials.values()]
    assert states.count(State.PAUSED) <= 2  # those that began before the first report
    assert not any(one.retrained for one in search.recorder.trials.values())
