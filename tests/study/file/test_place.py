"""URLs, ${env:NAME}, and where a study's things are."""
# ruff: noqa: E501 (one fault, one line)

import json

import pytest

from tests.support.study_text import make_study, study_file_errors


@pytest.fixture(autouse=True)
def _here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_everything_is_beside_the_file_by_default(tmp_path):
    study = make_study()
    assert (study.path, study.folder, study.home) == (tmp_path / "study.toml", tmp_path, tmp_path / ".hpsearch")
    assert study.journal_url == f"sqlite:///{tmp_path}/.hpsearch/journal.db"
    assert study.tracking_uri == f"sqlite:///{tmp_path}/.hpsearch/mlflow.db"


def test_hpsearch_home_moves_what_the_file_does_not_name(tmp_path):
    study = make_study(("", '[tracking]\nmlflow = "sqlite:///own.db"'), environment={"HPSEARCH_HOME": "elsewhere"})
    assert study.home == tmp_path / "elsewhere"
    assert study.journal_url == f"sqlite:///{tmp_path}/elsewhere/journal.db"
    assert study.tracking_uri == f"sqlite:///{tmp_path}/own.db"


def test_sqlite_files_start_at_the_study_file(tmp_path):
    study = make_study(
        ("", '[journal]\nurl = "sqlite:///../x/j.db?timeout=3"\n[tracking]\nmlflow = "sqlite:////abs/m.db"')
    )
    assert study.journal_url == f"sqlite:///{tmp_path.parent}/x/j.db?timeout=3"
    assert study.tracking_uri == "sqlite:////abs/m.db"


def test_a_tilde_is_the_home_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    study = make_study(
        ("", '[journal]\nurl = "sqlite:///~/j.db"\n[tracking]\nmlflow = "sqlite:///~/m.db"'),
        environment={"HPSEARCH_HOME": "~/h"},
    )
    assert str(study.home) == "/home/ada/h"
    assert (study.journal_url, study.tracking_uri) == ("sqlite:////home/ada/j.db", "sqlite:////home/ada/m.db")
    assert study.spec()["journal"]["url"] == "sqlite:///~/j.db"


def test_the_home_folder_of_a_user_that_is_not_there():
    no_home = "there is no home folder for ~nobody-of-that-name/j.db: write the whole path"
    url = "sqlite:///~nobody-of-that-name/j.db"
    assert study_file_errors(("", f'[journal]\nurl = "{url}"')) == [f"study.toml:17 journal.url: {no_home}"]
    home = {"HPSEARCH_HOME": "~nobody-of-that-name/j.db"}
    assert study_file_errors(environment=home) == [f"study.toml: HPSEARCH_HOME: {no_home}"]


def test_mlflow_may_be_left_out():
    assert make_study(("", '[tracking]\nmlflow = "none"')).tracking_uri == "none"


SECRET = {"DB": "postgresql://me:hunter2@host/db", "PW": "hunter2", "TRACK": "https://u:hunter2@host", "EMPTY": ""}


@pytest.mark.parametrize("url", ["${env:DB}", "postgresql://me:${env:PW}@host/db", "postgresql+psycopg://host/db?password=${env:PW}"])  # fmt: skip
def test_a_password_comes_from_the_environment_and_shows_nowhere(url):
    study = make_study(("", f'[journal]\nurl = "{url}"\n[tracking]\nmlflow = "${{env:TRACK}}"'), environment=SECRET)
    assert "hunter2" in study.journal_url
    assert study.tracking_uri == "https://u:hunter2@host"
    assert study.spec()["journal"] == {"url": url, "wait": "10m"}
    assert study.spec()["tracking"] == {"mlflow": "${env:TRACK}"}
    shown = [repr(study), str(study), json.dumps(study.spec()), json.dumps(study.identity())]
    assert not any("hunter2" in text for text in [*shown, study.journal_display, study.tracking_display])
    assert study.tracking_display == "https://u:***@host"


def test_other_values_are_looked_up_too():
    environment = {"WHO": "me", "RAY": "head"}
    study = make_study(
        ('"digits"', '"digits of ${env:WHO}"'),
        ("", '[resources]\naddress = "ray://${env:RAY}:10001"'),
        environment=environment,
    )
    assert study.study.name == "digits of me"
    assert study.resources.address == "ray://head:10001"


@pytest.mark.parametrize(
    ("new", "message"),
    [
        ('[journal]\nurl = "${env:NONE}"', "17 journal.url: the environment variable NONE is not set"),
        ('[journal]\nurl = "${env:NO}:${env:NE}"', "17 journal.url: the environment variable NO, NE is not set"),
        ('[journal]\nurl = "${env:}"', "17 journal.url: must refer to a variable as ${env:NAME}"),
        ('[journal]\nurl = "${env:A-B}"', "17 journal.url: must refer to a variable as ${env:NAME}"),
        ('[journal]\nurl = "postgresql://me:hunter2@host/db"', "17 journal.url: a password must not be in the file; write ${env:NAME} in its place"),
        ('[journal]\nurl = "postgresql://me:x${env:PW}@host/db"', "17 journal.url: a password must not be in the file; write ${env:NAME} in its place"),
        ('[journal]\nurl = "postgresql://host/db?password=hunter2"', "17 journal.url: a password must not be in the file; write ${env:NAME} in its place"),
        ('[tracking]\nmlflow = "http://me:hunter2@host"', "17 tracking.mlflow: a password must not be in the file; write ${env:NAME} in its place"),
        ('[journal]\nurl = "mysql://host/db"', "17 journal.url: must be a sqlite or postgresql URL, such as sqlite:///journal.db"),
        ('[journal]\nurl = "${env:PW}"', "17 journal.url: must be a sqlite or postgresql URL, such as sqlite:///journal.db"),
        ('[journal]\nurl = "${env:EMPTY}"', "17 journal.url: must be a sqlite or postgresql URL, such as sqlite:///journal.db"),
        ('[journal]\nurl = "sqlite://"', "17 journal.url: must name a file, as in sqlite:///journal.db: a database in memory ends with the process"),
        ('[journal]\nurl = "sqlite:///:memory:"', "17 journal.url: must name a file, as in sqlite:///journal.db: a database in memory ends with the process"),
        ("[journal]\nurl = 5", "17 journal.url: must be a string"),
        ('[tracking]\nmlflow = "mlruns"', '17 tracking.mlflow: must be a sqlite, postgresql, mysql, mssql, http, https or databricks URL, such as sqlite:///mlflow.db, or "none" (MLflow no longer supports folders)'),
        ('[journal]\nurl = "sqlite:///a.db"\n[tracking]\nmlflow = "sqlite:///./a.db"', "19 tracking.mlflow: must not be the journal's database: MLflow and hpsearch each need their own"),
    ],
)  # fmt: skip
def test_a_url_that_cannot_be(new, message):
    assert study_file_errors(("", new), environment=SECRET) == [f"study.toml:{message}"]


def test_parameters_are_not_looked_up_since_they_are_recorded():
    message = "${env:…} is not replaced in parameters, since they are recorded; read the variable in your code"
    assert study_file_errors(
        ("layers = 2", 'token = "${env:PW}"'), ("lr = ", 'key = "${env:PW}"\nlr = '), environment=SECRET
    ) == [
        f"study.toml:8 trainer.options.token: {message}",
        f"study.toml:10 space.key: {message}",
    ]


@pytest.mark.timeout(60)
@pytest.mark.parametrize("key", ["[tracking]\nmlflow", "[journal]\nurl", "[notify]\nurl"])
def test_an_address_of_any_length(key):
    """To look for a password in it takes time that is quadratic in its length."""
    (error,) = study_file_errors(("", f'{key} = "{"://a:" * 20_000}"'))
    assert error.endswith("must have at most 2,000 characters, got 100,000")
