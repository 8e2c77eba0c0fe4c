"""Fixtures of the tests of ask and tell."""

from pathlib import Path

import pytest

from hpsearch.orchestrator.sessions import session
from tests.support.session_folder import SessionFolder


@pytest.fixture
def session_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SessionFolder:
    monkeypatch.setenv("HPSEARCH_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(session, "BEAT", 0.05)
    return SessionFolder(tmp_path)
