"""What the recorded code of a trainer is compared with."""

from dataclasses import replace

from hpsearch.records.trainer_code import TrainerCode


def test_versions_that_have_changed_are_named_with_both() -> None:
    before = TrainerCode("", {}, {"python": "3.11.7", "torch": "2.10.0", "numpy": "2.0.0"})
    now = replace(before, versions={"python": "3.11.7", "torch": "2.13.0", "numpy": "2.0.0"})
    found = now.version_changes_since(before)
    assert "2.10.0" in found
    assert "2.13.0" in found
    assert "numpy" not in found
    assert not before.version_changes_since(before)
