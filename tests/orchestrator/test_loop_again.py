"""A stopped, interrupted or killed run is resumed and has exactly the result of an uninterrupted run."""

import math
from collections import Counter
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.decisions import Continue, Finish, New, Proposal, Stop
from hpsearch.core.errors import JournalError
from hpsearch.core.history import History
from hpsearch.core.messages import Advance, Order, Release, Start
from tests.support.list_recorder import ENDS, ListRecorder
from tests.support.studies import (
    COMPLETE,
    PAUSED,
    RUNNING,
    ListSampler,
    RoundsSampler,
    ScriptedPruner,
    Search,
    UnreliablePool,
)

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


def epoch_log(folder: Path) -> list[str]:
    return (folder / "epoch_log").read_text().splitlines()


class TestOnceMore:
    """A stopped, interrupted or killed run is resumed and has exactly the result of an uninterrupted run."""

    @dataclass
    class Greedy:
        """Its proposals depend on all ended trials, so any difference changes the later proposals."""

        trials: int
        slow: bool

        def ask(self, history: History) -> Proposal | None:
            if len(history) >= self.trials:
                return None
            seen = sum(history.loss(trial) for trial in history if trial.ended and math.isfinite(history.loss(trial)))
            return New({"x": seen, "drift": 0.1 * history.ended}, 4, f"after {history.ended} with {seen}")

    def study(self, folder: Path, sampler: str) -> Search:
        samplers = {
            "rounds": RoundsSampler([{"x": 0.3 * n} for n in range(4)], 2, 5, best=2),
            "prompt": self.Greedy(4, slow=False),
            "slow": self.Greedy(4, slow=True),
        }
        folder.mkdir(exist_ok=True)
        study = Search(folder, samplers[sampler])
        study.pruner = ScriptedPruner({(1, 1): Stop("rung"), (2, 1): Continue("good")})
        study.early_stopping = ScriptedPruner({(0, 4): Finish("patience")})
        return study

    @pytest.mark.parametrize("sampler", ["rounds", "prompt", "slow"])
    def test_stopped_after_any_turn(self, tmp_path: Path, sampler: str) -> None:
        unbroken = self.study(tmp_path / "unbroken", sampler)
        unbroken.run()
        for stop_at in range(unbroken.recorder.writes):
            turns = count()
            study = self.study(tmp_path / str(stop_at), sampler)
            study.run(lambda loop, turns=turns, at=stop_at: loop.stop("now") if next(turns) == at else None)
            assert RUNNING not in {trial.state for trial in study.recorder.trials.values()}
            study.reopened().run()
            assert study.recorder.result() == unbroken.recorder.result()

    @pytest.mark.parametrize("sampler", ["rounds", "prompt", "slow"])
    def test_killed_before_any_write(self, tmp_path: Path, sampler: str) -> None:
        unbroken = self.study(tmp_path / "unbroken", sampler)
        unbroken.run()
        for killed_at in range(unbroken.recorder.writes):
            study = self.study(tmp_path / str(killed_at), sampler)
            study.recorder.fails = range(killed_at, 999)
            with pytest.raises(JournalError):
                study.run()
            study.reopened().run()
            assert study.recorder.result() == unbroken.recorder.result()

    def test_at_most_one_epoch_is_trained_twice(self, tmp_path: Path) -> None:
        study = self.study(tmp_path, "rounds")
        study.sampler = RoundsSampler(
            [{"x": 0.3 * n, "epoch_log": str(tmp_path / "epoch_log")} for n in range(4)], 2, 5, best=2
        )
        study.rules = replace(study.rules, trial_seeds="different")  # the epoch_log tells trials apart by their seeds
        for killed_at in count(1):
            study.recorder.fails = range(killed_at, 999)
            try:
                study.run()
                break
            except JournalError:
                study.reopened()
        trained = Counter(epoch_log(tmp_path))
        assert max(trained.values()) == 2, "a report that the recorder did not take is trained again, and nothing else"

    def test_extended_by_more_trials(self, tmp_path: Path) -> None:
        unbroken = Search(tmp_path / "unbroken", self.Greedy(4, slow=False))
        unbroken.run()
        study = Search(tmp_path / "extended", self.Greedy(2, slow=False))
        study.run()
        study.sampler = self.Greedy(4, slow=False)
        study.reopened().run()
        assert study.recorder.result() == unbroken.recorder.result()


class TestRecorderFirst:
    """Everything is written before it is acted on."""

    class Recording:
        def __init__(self, inside: Any, seen: list[Any]):
            self.inside, self.seen = inside, seen
            self.events, self.close = inside.events, inside.close

        @property
        def room(self) -> int:
            return int(self.inside.room)

        def room_after(self, released: int) -> int:
            return self.room + released

        def execute(self, order: Order) -> None:
            self.seen.append(order)
            self.inside.execute(order)

    def test_a_start_and_an_advance_follow_the_write_of_their_decision(self, tmp_path: Path) -> None:
        study = Search(tmp_path, RoundsSampler([{"x": 9.0}, {"x": 0.0}], first=2, then=5), workers=2)

        class Watching(self.Recording):  # type: ignore[name-defined, misc]
            def execute(self, order: Order) -> None:
                written = study.recorder.trials[order.number]
                match order:
                    case Start(after=after):
                        assert (written.state, written.epoch) == (RUNNING, after)
                    case Advance():
                        assert written.state is RUNNING
                        assert study.recorder.curve(order.number)[-1].step == written.epoch
                    case Release():
                        assert any(one.number == order.number and one.kind in ENDS for one in study.recorder.decisions)
                super().execute(order)

        study.pool = Watching(study.pool, [])
        assert [trial.state for trial in study.run().history] == [PAUSED, COMPLETE]

    @pytest.mark.parametrize("fails", range(10))
    def test_a_failed_write_gives_no_orders(self, tmp_path: Path, fails: int) -> None:
        """Where a later attempt succeeds, the study is consistent."""
        done: list[Order] = []
        study = Search(tmp_path, ListSampler([{}] * 2), workers=2)
        study.pool = self.Recording(study.pool, done)
        ordered_before: list[int] = []

        class Failing(ListRecorder):
            def write(self, *batch: Any) -> None:
                ordered_before.append(len(done))
                super().write(*batch)

        study.recorder = Failing(fails=[fails])
        with pytest.raises(JournalError):
            study.run()
        assert len(done) == ordered_before[fails]
        assert RUNNING not in {trial.state for trial in study.recorder.trials.values()}
        assert [trial.state for trial in study.reopened().run().history] == [COMPLETE] * 2

    def test_a_write_with_a_lost_reply_is_not_written_twice(self, tmp_path: Path) -> None:
        """The connection broke after the commit: the same batch is offered again, by which a recorder knows it."""

        class Mute(ListRecorder):
            unsure: Any = None

            def write(self, *given: Any) -> None:
                batch = [list(part) for part in given]
                known, self.unsure = self.unsure == batch, None
                if not known:
                    super().write(*batch)
                if self.writes == 4 and not known:
                    self.unsure = batch
                    raise JournalError("the connection broke")

        study = Search(tmp_path, ListSampler([{}] * 2), workers=2)
        study.recorder = Mute()
        with pytest.raises(JournalError):
            study.run()
        assert [trial.state for trial in study.reopened().run().history] == [COMPLETE] * 2

    def test_a_turn_without_events_renews_the_lease(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}]), stall_seconds=10.0, retries=0)
        study.pool = UnreliablePool(study.pool, lambda _order, _before: "hang", study.clock)
        study.run()
        assert 20 <= study.recorder.renewals <= 22, "every half second"
