"""A user's defaults, and which of two files is stronger."""

from pathlib import Path

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.preferences import Preference, Preferences, preferences, project_file, user_file


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    (tmp_path / "config" / "hpsearch").mkdir(parents=True)
    return {"XDG_CONFIG_HOME": str(tmp_path / "config")}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    (folder / "studies").mkdir(parents=True)
    return folder


def test_without_files(project: Path, environment: dict[str, str]) -> None:
    assert preferences(project, environment) == Preferences()


def test_the_nearest_pyproject_above(project: Path, environment: dict[str, str]) -> None:
    file = project / "pyproject.toml"
    file.write_text('[tool.hpsearch]\nhome = "runs"\nworkers = 3\n')
    assert project_file(project / "studies") == file
    found = preferences(project / "studies", environment)
    assert found == Preferences(Preference(project / "runs", file), Preference(3, file))


def test_pyproject_is_stronger_than_the_users_file(project: Path, environment: dict[str, str]) -> None:
    user = user_file(environment)
    assert user is not None
    user.write_text('workers = 8\ntracking = "http://mlflow:5000"\n')
    (project / "pyproject.toml").write_text("[tool.hpsearch]\nworkers = 3\n")
    found = preferences(project, environment)
    assert (found.workers.value, found.tracking) == (3, Preference("http://mlflow:5000", user))


def test_a_pyproject_without_a_table(project: Path, environment: dict[str, str]) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "mine"\n')
    assert preferences(project, environment) == Preferences()


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[tool.hpsearch]\nwokers = 2", ("tool.hpsearch.wokers", "`workers`")),
        ("[tool.hpsearch]\nworkers = 0", ("tool.hpsearch.workers", "0")),
        ("[tool.hpsearch]\nworkers = true", ("tool.hpsearch.workers", "True")),
        ("[tool.hpsearch]\nhome = 3", ("tool.hpsearch.home", "3")),
        ("[tool]\nhpsearch = 3", ("tool.hpsearch",)),
        ("[tool.hpsearch", ("pyproject.toml",)),
    ],
)
def test_faults(project: Path, environment: dict[str, str], text: str, named: tuple[str, ...]) -> None:
    (project / "pyproject.toml").write_text(text)
    with pytest.raises(BadInput) as raised:
        preferences(project, environment)
    assert all(word in str(raised.value) for word in (str(project), *named))


def test_a_user_without_a_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", no_home)
    assert user_file({}) is None
