from pathlib import Path

import pytest

from hpsearch.core.errors import JournalError
from hpsearch.tracking.location import artifact_folder, cursor_name, explain, without_credentials


class TestMessages:
    def test_addresses_without_passwords(self):
        text = "API request to https://me:s3cret@host:5000/api failed; postgresql://u:p@db/x"
        assert without_credentials(text) == "API request to https://host:5000/api failed; postgresql://db/x"

    @pytest.mark.timeout(60)
    @pytest.mark.parametrize("part", ["a://a:", "a://", "a://b@c"])
    def test_megabytes_without_a_space(self, part: str):
        """In quadratic time this would take an hour."""
        assert without_credentials(part * 200_000).startswith("a://")

    def test_an_error_of_the_journal_is_unchanged(self):
        assert explain(JournalError("journal a.db: locked"), "http://host") == "journal a.db: locked"

    def test_another_error_is_one_line(self):
        message = explain(ValueError("what\n  is\tthis"), "http://me:pw@host")
        assert message.startswith("MLflow at http://host cannot be used: what is this; training is not affected")


class TestCursorName:
    def test_depends_on_the_address_and_not_on_the_user(self):
        assert cursor_name("http://me:a@host:1/") == cursor_name("http://you:b@host:1") != cursor_name("http://host:2")

    def test_has_no_password(self):
        assert len(cursor_name("http://me:secret@host")) == 16


def test_artifacts_are_beside_the_local_store():
    assert artifact_folder("sqlite:////home/me/.hpsearch/mlflow.db") == Path("/home/me/.hpsearch/mlartifacts")
    assert artifact_folder("postgresql://db/mlflow") is None
    assert artifact_folder("http://host:5000") is None
