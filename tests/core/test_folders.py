"""`~` in what a user names, and a system that knows no home folder."""

import getpass
import os
from pathlib import Path

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.core.folders import data_folder, ensure_home, expanded, expanded_url, make_private, study_home, umask


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


@pytest.fixture
def homeless(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user id without an entry in the system's list of users, as in many containers."""
    for name in ("HOME", "LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)

    def unknown(uid: int) -> None:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown)


def test_a_tilde_is_the_home_folder(tmp_path: Path) -> None:
    assert expanded("~/data") == tmp_path / "data"
    assert expanded("data~/x") == Path("data~/x")
    assert expanded_url("sqlite:///~/a.db?timeout=3") == f"sqlite:///{tmp_path}/a.db?timeout=3"
    assert expanded_url("sqlite:///a/~b.db") == "sqlite:///a/~b.db"
    assert expanded_url("postgresql://~me@host/~db") == "postgresql://~me@host/~db"


def test_there_is_no_home_folder_of_a_user_that_is_not_there() -> None:
    with pytest.raises(BadInput, match="no home folder for ~nobody-of-that-name/x: write the whole path"):
        expanded("~nobody-of-that-name/x")


def test_the_folders_that_variables_name(tmp_path: Path) -> None:
    assert study_home(tmp_path / "a", {}) == tmp_path / "a/.hpsearch"
    assert study_home(tmp_path / "a", {"HPSEARCH_HOME": "~/b"}) == tmp_path / "b"
    assert data_folder({}) is None
    assert data_folder({"HPSEARCH_DATA": "~/c"}) == tmp_path / "c"


@pytest.mark.usefixtures("homeless")
def test_home_and_user_name_are_set_where_the_system_has_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", os.environ.copy())
    with pytest.raises(RuntimeError):
        Path.home()
    ensure_home(tmp_path / "home")
    assert Path.home() == tmp_path / "home"
    assert getpass.getuser() == f"uid{os.getuid()}"
    assert not (tmp_path / "home").exists()


def test_a_home_folder_that_is_known_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "ada")
    ensure_home(tmp_path / "other")
    assert (Path.home(), getpass.getuser()) == (tmp_path, "ada")


def modes(folder: Path) -> list[int]:
    return [one.stat().st_mode & 0o777 for one in (folder.parent, folder)]


def test_a_folder_is_for_this_user_only(tmp_path: Path) -> None:
    make_private(tmp_path / "a" / "b")
    make_private(tmp_path / "a" / "b")
    assert modes(tmp_path / "a" / "b") == [0o700, 0o700]


def test_what_is_there_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    make_private(tmp_path / "a" / "b")
    assert modes(tmp_path / "a" / "b") == [0o755, 0o700]


def test_a_group_that_shares_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HPSEARCH_UMASK", "0007")
    before = os.umask(0)
    try:
        make_private(tmp_path / "a" / "b")
    finally:
        os.umask(before)
    assert modes(tmp_path / "a" / "b") == [0o770, 0o770]


@pytest.mark.parametrize("given", ["", "rwx", "8", "-1", "77777"])
def test_a_umask_is_octal(given: str) -> None:
    with pytest.raises(BadInput, match="HPSEARCH_UMASK must be an octal number"):
        umask({"HPSEARCH_UMASK": given})
