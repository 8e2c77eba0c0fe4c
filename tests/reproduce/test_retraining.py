"""Changes since a trial was trained, as they are shown while it is trained again."""

from types import SimpleNamespace
from typing import Any

import pytest

from hpsearch.core.messages import Provenance
from hpsearch.reproduce.retraining import NOTIFIED, Changes


@pytest.mark.parametrize(("changes", "shown"), [(0, 0), (NOTIFIED, NOTIFIED), (NOTIFIED + 30, NOTIFIED + 1)])
def test_few_are_shown_meanwhile_and_all_are_kept(changes: int, shown: int) -> None:
    """Another environment has a hundred other distributions."""
    code = {"repositories": []}
    names = [f"table{i:02d}" for i in range(changes)]
    segment: Any = SimpleNamespace(
        environment=SimpleNamespace(document={"environment": {}, "code": code}), data=dict.fromkeys(names, "old")
    )
    notes: list[str] = []
    found = Changes([segment], code, notes.append)
    found.add(Provenance(0, {}, dict.fromkeys(names, "new")))
    found.add(Provenance(0, {}, dict.fromkeys(names, "new")))
    assert len(notes) == shown
    assert len(found.lines) == changes
