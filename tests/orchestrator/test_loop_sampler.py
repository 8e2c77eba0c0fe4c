"""A slow sampler beside the loop, and totals."""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.decisions import New, Over, Proposal
from hpsearch.core.history import History
from tests.support.studies import COMPLETE, RUNNING, ListSampler, RecordingObserver, Search

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


class TestSlowSampler:
    def test_is_asked_while_others_train(self, tmp_path: Path) -> None:
        """Its second answer comes after three epochs of the first trial: it waits for them on its own thread."""
        trained = threading.Event()

        class Thinker(ListSampler):
            def ask(self, history: History) -> Proposal | None:
                assert threading.current_thread() is not threading.main_thread()
                if len(history) == 1:
                    assert trained.wait(60)
                return super().ask(history)

        loop = Search(tmp_path, Thinker([{}] * 3, slow=True)).run(
            lambda loop: trained.set() if loop.history.epochs >= 3 else None
        )
        assert [trial.state for trial in loop.history] == [COMPLETE] * 3

    def test_uses_the_trials_that_had_ended_when_the_previous_one_was_started(self, tmp_path: Path) -> None:
        seen: dict[int, list[tuple[int, ...]]] = {}

        class Noting(ListSampler):
            def ask(self, history: History) -> Proposal | None:
                ended = tuple(trial.number for trial in history if trial.state is COMPLETE)
                seen.setdefault(len(history), []).append(ended)
                assert all(trial.curve == () for trial in history if trial.number not in ended)
                return super().ask(history)

        study = Search(tmp_path, Noting([{}] * 4, slow=True))
        study.run()
        study.reopened().run()
        assert {number: set(each) for number, each in seen.items()} == {
            0: {()}, 1: {()}, 2: {(0,)}, 3: {(0, 1)}, 4: {(0, 1, 2), (0, 1, 2, 3)}
        }  # fmt: skip
        assert [len(each) for each in seen.values()] == [1, 1, 1, 1, 4], "once; for the last again when all ended"

    @pytest.mark.parametrize("slow", [False, True])
    def test_one_that_raises_ends_the_run_with_nothing_running(self, tmp_path: Path, slow: bool) -> None:
        class Broken(ListSampler):
            def ask(self, history: History) -> Proposal | None:
                if len(history) == 2:
                    raise ArithmeticError("no positive definite matrix")
                return super().ask(history)

        study = Search(tmp_path, Broken([{}] * 4, slow=slow), workers=3)
        with pytest.raises(ArithmeticError, match="positive definite"):
            study.run()
        assert RUNNING not in {trial.state for trial in study.recorder.trials.values()}


class TestTotals:
    def test_are_those_of_this_run(self, tmp_path: Path) -> None:
        study = Search(
            tmp_path, ListSampler([{"at": 2, "how": "raise"}] + [{"at": 0, "how": ""}] * 2), "faulty", workers=2
        )
        first = study.run().totals
        assert (first.epochs, first.failures, first.workers) == (11, 1, 2)
        assert first.busy > 0
        study.sampler = ListSampler([{"at": 0, "how": ""}] * 4)
        then = study.reopened().run().totals
        assert (then.epochs, then.failures, then.workers) == (5, 0, 1)


class Noted(ListSampler):
    """Says something of the search with every second proposal, and why it is over."""

    def ask(self, history: History) -> Proposal | None:
        proposal = super().ask(history)
        if isinstance(proposal, New):
            notes = (f"half {len(history)}", "its window") if len(history) % 2 == 0 else ()
            return replace(proposal, notes=notes)
        return Over("all is known")


class TestDecisionsAboutTheSearch:
    @pytest.mark.parametrize("slow", [False, True])
    def test_is_recorded_once_before_the_proposal_it_came_with(self, tmp_path: Path, slow: bool) -> None:
        study = Search(tmp_path, Noted([{}] * 3, slow=slow))
        seen = RecordingObserver()
        loop = study.run(observers=[seen])
        decided = [
            (one.kind, one.reason) for one in study.recorder.decisions if one.kind in ("round", "propose", "over")
        ]
        proposed = [("propose", f"listed {number}") for number in range(3)]
        first, last = ([("round", f"half {number}"), ("round", "its window")] for number in (0, 2))
        assert decided == [*first, *proposed[:2], *last, proposed[2], ("over", "all is known")]
        assert loop.end.over == "all is known"
        assert loop.end.stopped == ""
        assert [notes for name, _, notes in seen.calls if name == "trial_started"] == [
            ("half 0", "its window"),
            (),
            ("half 2", "its window"),
        ]

    def test_is_of_no_trial(self, tmp_path: Path) -> None:
        study = Search(tmp_path, Noted([{}]))
        study.run()
        assert {one.number for one in study.recorder.decisions if one.kind in ("round", "over")} == {None}
