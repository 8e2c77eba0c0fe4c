from pathlib import Path

import pytest

from tests.trainer.adapters.programs import Programs


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Programs:
    """PYTHONUNBUFFERED is not set, as on a user's machine."""
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    return Programs(tmp_path)
