"""The contract of trackers: `TrackerContract`, a class of tests with one fixture, `tracker`."""

import threading

import pytest

from hpsearch.tracking.base import Sync, Tracker


class TrackerContract:
    """A subclass defines the fixture `tracker`: a new tracker of a study that is not running."""

    @pytest.fixture
    def tracker(self) -> Tracker:
        raise NotImplementedError("the fixture `tracker` returns a tracker")

    def test_agrees_with_the_journal_when_it_is_closed(self, tracker: Tracker) -> None:
        tracker.start()
        sync = tracker.close(30)
        assert (sync.pending, sync.problem) == (0, "")
        assert sync.sent >= 0

    def test_leaves_no_thread(self, tracker: Tracker) -> None:
        before = set(threading.enumerate())
        tracker.start()
        tracker.close(30)
        assert set(threading.enumerate()) <= before

    def test_is_closed_twice(self, tracker: Tracker) -> None:
        tracker.start()
        assert tracker.close(30) == tracker.close(0)

    def test_is_closed_without_a_start(self, tracker: Tracker) -> None:
        assert isinstance(tracker.close(30), Sync)

    def test_is_closed_with_no_time_left(self, tracker: Tracker) -> None:
        tracker.start()
        assert isinstance(tracker.close(0), Sync)
        tracker.close(30)

    def test_is_silent(self, tracker: Tracker, capfd: pytest.CaptureFixture[str]) -> None:
        tracker.start()
        tracker.close(30)
        assert capfd.readouterr() == ("", "")
