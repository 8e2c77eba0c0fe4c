"""The observers of a run."""

from threading import Thread

import pytest

from hpsearch.core.history import History
from hpsearch.core.trial import Report, Trial
from hpsearch.orchestrator.observers import Notes, Tracking
from hpsearch.tracking.base import Sync
from tests.support.studies import LOSS

EMPTY, TRAINED = History(LOSS), History(LOSS, [Trial(0, {}, 0, 5, curve=(Report(1, {"val_loss": 1.0}),))])


class Tracker:
    """interrupted: Ctrl-C comes while it waits for its server."""

    def __init__(self, interrupted: bool = False) -> None:
        self.problem, self.interrupted = "", interrupted
        self.starts, self.waits = 0, list[float]()

    def start(self) -> None:
        self.starts += 1

    def close(self, timeout: float) -> Sync:
        self.waits.append(timeout)
        if self.interrupted and timeout > 0:
            raise KeyboardInterrupt
        return Sync(3, 0)


class TestNotes:
    def test_notes_of_any_thread_are_shown_after_the_turn(self) -> None:
        said: list[str] = []
        notes = Notes(said.append)
        notes.add("from the loop")
        other = Thread(target=notes.add, args=("from another thread",))
        other.start()
        other.join()
        assert said == []
        notes.turn_ended(EMPTY, [])
        notes.turn_ended(EMPTY, [])
        assert said == ["from the loop", "from another thread"]

    @pytest.mark.parametrize(
        ("resumes", "start", "costs"),
        [
            (True, "warning: ", "(after Ctrl-C, after a lost worker, in a later round) trains again from epoch 1"),
            (False, "note: ", "An interrupted trial (after Ctrl-C) trains again from epoch 1"),
        ],
    )
    def test_a_trainer_without_checkpoints_is_a_warning_where_the_run_resumes_trials(
        self, resumes: bool, start: str, costs: str
    ) -> None:
        said: list[str] = []
        notes = Notes(said.append)
        notes.resumes = resumes
        notes.unsaved("nothing is tracked")
        notes.show_all()
        (line,) = said
        assert line.startswith(f"{start}trials of this trainer cannot be continued: nothing is tracked. ")
        assert costs in line


class TestTracking:
    def test_starts_with_the_first_result(self) -> None:
        tracking, tracker = Tracking(print), Tracker()
        tracking.turn_ended(TRAINED, [])
        tracking.tracker = tracker
        tracking.turn_ended(EMPTY, [0])
        assert (tracker.starts, tracking.close(9.0)) == (0, Sync(0, 0))
        tracking.turn_ended(TRAINED, [0])
        tracking.turn_ended(TRAINED, [0])
        assert (tracker.starts, tracking.close(9.0), tracker.waits) == (1, Sync(3, 0), [9.0])

    def test_one_problem_is_shown(self) -> None:
        said: list[str] = []
        tracking, tracker = Tracking(said.append), Tracker()
        tracking.tracker = tracker
        for tracker.problem in ("", "MLflow is away", "", "MLflow is away again"):
            tracking.turn_ended(TRAINED, [])
        assert said == ["note: MLflow is away"]

    def test_close_does_not_wait_for_the_server_after_ctrl_c(self) -> None:
        tracking, tracker = Tracking(print), Tracker(interrupted=True)
        tracking.tracker = tracker
        tracking.follow(TRAINED)
        assert (tracking.close(9.0), tracker.waits) == (Sync(3, 0), [9.0, 0.0])
