from pathlib import Path

from hpsearch.core.errors import JournalError
from hpsearch.tracking.location import artifact_folder, cursor_name, explain, without_credentials


class TestWords:
    def test_no_secret_is_said(self):
        text = "API request to https://me:s3cret@host:5000/api failed; postgresql://u:p@db/x"
        assert without_credentials(text) == "API request to https://host:5000/api failed; postgresql://db/x"

    def test_the_journals_errors_are_said_as_they_are(self):
        assert explain(JournalError("journal a.db: locked"), "http://host", "digits") == "journal a.db: locked"

    def test_any_other_is_one_line(self):
        said = explain(ValueError("what\n  is\tthis"), "http://me:pw@host", "digits")
        assert said.startswith("MLflow at http://host cannot be used: what is this; training is not affected")


class TestTarget:
    def test_is_the_place_and_not_who_goes_there(self):
        assert cursor_name("http://me:a@host:1/") == cursor_name("http://you:b@host:1") != cursor_name("http://host:2")

    def test_holds_no_secret(self):
        assert len(cursor_name("http://me:secret@host")) == 16


def test_artifacts_stand_beside_the_embedded_store():
    assert artifact_folder("sqlite:////home/me/.hpsearch/mlflow.db") == Path("/home/me/.hpsearch/mlartifacts")
    assert artifact_folder("postgresql://db/mlflow") is None
    assert artifact_folder("http://host:5000") is None
