import pytest

from hpsearch.tracking.base import MemoryTracker
from tests.contracts.tracker_contract import TrackerContract


class TestMemoryTracker(TrackerContract):
    @pytest.fixture
    def tracker(self) -> MemoryTracker:
        return MemoryTracker()
