"""One turn of the loop: calls of observers, writes and requests of the recorder, and a turn without wait."""

from collections.abc import Sequence
from pathlib import Path
from threading import Event as Flag

import pytest

from hpsearch.core.decisions import Continue, Finish, Proposal
from hpsearch.core.history import History
from hpsearch.core.messages import Event
from hpsearch.core.trial import Trial
from hpsearch.orchestrator.loop import STOP_GRACE, Loop
from hpsearch.orchestrator.observers import Observer
from hpsearch.workers.pools.in_process import InProcess
from tests.support.studies import (
    COMPLETE,
    PAUSED,
    WAITING,
    EachTurn,
    ListSampler,
    RecordingObserver,
    RoundsSampler,
    Search,
)

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


class TestObservers:
    def test_see_every_event_of_a_trial(self, tmp_path: Path) -> None:
        seen = RecordingObserver()
        Search(tmp_path, ListSampler([{}]), epochs=2).run(observers=[seen])
        finish = Finish("trained all 2 epochs", numbers={"epoch": 2})
        assert [(name, what) for name, _, what in seen.calls] == [
            ("trial_started", ()),
            ("reported", 1),
            ("judged", Continue()),
            ("reported", 2),
            ("judged", finish),
            ("ended", COMPLETE),
        ]
        assert [trial.epoch for _, trial, _ in seen.calls] == [0, 1, 1, 2, 2, 2]

    def test_see_it_when_it_is_recorded(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]), workers=2)

        class Checking(RecordingObserver):
            def ended(self, trial: Trial) -> None:
                assert study.recorder.trials[trial.number] is trial
                super().ended(trial)

            def reported(self, trial: Trial) -> None:
                assert study.recorder.curve(trial.number) == trial.curve
                super().reported(trial)

        seen = Checking()
        study.run(observers=[seen])
        assert sum(name == "ended" for name, _, _ in seen.calls) == 2

    def test_see_a_trial_that_pauses_and_goes_on_in_one_turn(self, tmp_path: Path) -> None:
        seen = RecordingObserver()
        Search(tmp_path, RoundsSampler([{}], first=2, then=5)).run(observers=[seen])
        assert [what for name, _, what in seen.calls if name == "ended"] == [PAUSED, COMPLETE]
        started = [trial for name, trial, _ in seen.calls if name == "trial_started"]
        assert [trial.round for trial in started] == [1, 2]
        assert {trial.reason for trial in started} == {""}, "a trial that runs has no reason to rest"

    def test_are_called_in_their_order(self, tmp_path: Path) -> None:
        order: list[str] = []
        one, other = EachTurn(lambda _: order.append("one")), EachTurn(lambda _: order.append("other"))
        Search(tmp_path, ListSampler([{}]), epochs=1).run(observers=[one, Observer(), other])
        assert order == ["one", "other"] * (len(order) // 2)


class TestRecorder:
    def test_gets_where_a_trial_was_trained_with_its_first_report(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]))
        study.run()
        assert [(number, came.after) for number, came in study.recorder.provenance] == [(0, 0), (1, 0)]

    def test_may_ask_for_the_end(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]))

        def ask(loop: Loop) -> None:
            study.recorder.stop_requested = "the journal is away" if loop.history.epochs == 2 else ""

        loop = study.run(ask)
        assert (loop.end.stopped, [trial.state for trial in loop.history]) == ("the journal is away", [WAITING])
        assert loop._deadline - study.clock() == STOP_GRACE


class Asked(InProcess):
    """waits: the seconds that it was asked to wait."""

    waits: list[float]

    def events(self, timeout: float) -> Sequence[Event]:
        self.waits.append(timeout)
        return super().events(timeout)


class TestTurn:
    def test_that_does_not_wait_trains_a_slice_at_most(self, tmp_path: Path) -> None:
        study = Search(tmp_path, ListSampler([{}, {}]), epochs=2)
        pool = study.pool = Asked(study.setup)
        pool.waits = []
        loop = study.loop()
        epochs = []
        while loop.turn():
            epochs.append(loop.history.epochs)
            assert study.recorder.history(study.setup.trainer.objective).epochs == loop.history.epochs, (
                "all is recorded"
            )
        assert epochs == [0, 1, 2, 3]
        assert [trial.state for trial in loop.history] == [COMPLETE, COMPLETE]
        assert set(pool.waits) == {0.0}

    def test_a_turn_without_wait_returns_while_a_slow_sampler_is_asked(self, tmp_path: Path) -> None:
        answer = Flag()

        class Thinker(ListSampler):
            def ask(self, history: History) -> Proposal | None:
                assert answer.wait(60)
                return super().ask(history)

        study = Search(tmp_path, Thinker([{}], slow=True), epochs=1)
        loop = study.loop()
        assert loop.turn()
        assert loop.turn()
        assert len(loop.history) == 0
        answer.set()
        while loop.turn(0.1):
            pass
        assert loop.history[0].state is COMPLETE
