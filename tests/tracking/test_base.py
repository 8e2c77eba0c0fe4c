import pytest

from hpsearch.testing.tracker_contract import TrackerContract
from hpsearch.tracking.base import MemoryTracker


class TestMemoryTracker(TrackerContract):
    @pytest.fixture
    def tracker(self) -> MemoryTracker:
        return MemoryTracker()
