import pytest

from hpsearch.tracking.memory import MemoryTracker
from tests.contracts.tracker_contract import TrackerContract


class TestMemoryTracker(TrackerContract):
    @pytest.fixture
    def tracker(self) -> MemoryTracker:
        return MemoryTracker()


def test_remembers_what_was_asked_of_it():
    tracker = MemoryTracker()
    assert (tracker.started, tracker.closed_within) == (False, None)
    tracker.start()
    tracker.close(5)
    assert (tracker.started, tracker.closed_within) == (True, 5)
