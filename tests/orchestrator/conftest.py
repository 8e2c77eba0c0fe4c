"""What tests of ask and tell share."""

from pathlib import Path

import pytest

from hpsearch.orchestrator import session
from tests.support.asking import Desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(session, "BEAT", 0.05)
    return Desk(tmp_path)
