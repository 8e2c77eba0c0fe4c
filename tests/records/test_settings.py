"""The settings that apply in a folder."""

from pathlib import Path

from hpsearch.records.settings import Setting, settings


def test_defaults(tmp_path: Path) -> None:
    found = settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)})
    assert found.home == Setting(str(tmp_path / ".hpsearch"), "default")
    assert found.tracking == Setting(f"sqlite:///{tmp_path}/.hpsearch/mlflow.db", "default")
    assert (found.workers, found.data) == (Setting(None, "default"), Setting(None, ""))
    assert (found.project, found.user) == ("", f"{tmp_path}/hpsearch/config.toml")


def test_an_environment_variable_is_strongest(tmp_path: Path) -> None:
    file = tmp_path / "pyproject.toml"
    file.write_text('[tool.hpsearch]\nhome = "runs"\nworkers = 2\n')
    mine = {"XDG_CONFIG_HOME": str(tmp_path)}
    assert settings(tmp_path, mine).home == Setting(str(tmp_path / "runs"), str(file))
    found = settings(tmp_path, {**mine, "HPSEARCH_HOME": "/elsewhere", "HPSEARCH_DATA": "/data"})
    assert found.home == Setting("/elsewhere", "HPSEARCH_HOME")
    assert found.data == Setting("/data", "HPSEARCH_DATA")
    assert found.workers == Setting(2, str(file))


def test_a_password_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.hpsearch]\ntracking = "https://me:secret@mlflow"\n')
    assert "secret" not in str(settings(tmp_path, {"XDG_CONFIG_HOME": str(tmp_path)}).document())
