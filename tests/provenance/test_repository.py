"""With real repositories."""

import hashlib
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hpsearch.provenance import repository

AT = {"GIT_AUTHOR_DATE": "2024-01-01T00:00:00Z", "GIT_COMMITTER_DATE": "2024-01-01T00:00:00Z"}

Git = Callable[..., str]


@pytest.fixture
def git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Git:
    """git in a new repository with one file, which is not committed yet, whatever the user's own settings are."""
    for name, value in {**AT, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}.items():
        monkeypatch.setenv(name, value)

    def git(*words: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
        done = subprocess.run(["git", *who, *words], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "-q")
    (tmp_path / "train.py").write_text("lr = 1\n")
    git("add", "train.py")
    return git


@pytest.fixture
def committed(git: Git) -> Git:
    git("commit", "-q", "-m", "first")
    return git


def test_a_clean_one(committed: Git, tmp_path: Path) -> None:
    assert repository.state(tmp_path) == {
        "name": tmp_path.name,
        "commit": committed("rev-parse", "HEAD"),
        "diff": "",
        "diff_lines": 0,
        "diff_sha256": "",
        "untracked": {},
        "untracked_files": 0,
    }


def test_all_of_it_from_a_folder_within(committed: Git, tmp_path: Path) -> None:
    inside = tmp_path / "studies" / "deep"
    inside.mkdir(parents=True)
    (tmp_path / "train.py").write_text("lr = 2\n")
    found = repository.state(inside)
    assert found["commit"] == committed("rev-parse", "HEAD")
    assert "-lr = 1\n+lr = 2\n" in found["diff"]
    assert found["diff_lines"] == found["diff"].count("\n") == 7
    assert found["diff_sha256"] == hashlib.sha256(found["diff"].encode()).hexdigest()


def test_what_is_staged_counts(committed: Git, tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("lr = 2\n")
    before = repository.state(tmp_path)
    committed("add", "train.py")
    assert repository.state(tmp_path) == before


@pytest.mark.usefixtures("committed")
def test_untracked_files_are_hashed_and_not_kept(tmp_path: Path) -> None:
    (tmp_path / "new.py").write_bytes(b"abc")
    (tmp_path / "large.bin").write_bytes(bytes(repository.MAX_BYTES + 1))
    found = repository.state(tmp_path)
    assert found["untracked"] == {"large.bin": "1,048,577 bytes", "new.py": hashlib.sha256(b"abc").hexdigest()}
    assert found["diff"] == ""


@pytest.mark.usefixtures("committed")
def test_many_untracked_files_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "MAX_FILES", 2)
    for name in "cab":
        (tmp_path / name).touch()
    found = repository.state(tmp_path)
    assert (list(found["untracked"]), found["untracked_files"]) == (["a", "b"], 3)


@pytest.mark.usefixtures("committed")
def test_of_a_long_diff_the_beginning_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "train.py").write_text("lr = 2\n")
    whole = repository.state(tmp_path)
    monkeypatch.setattr(repository, "MAX_DIFF_LENGTH", 20)
    assert repository.state(tmp_path) == {**whole, "diff": whole["diff"][:20]}


def test_it_has_no_password_and_no_files_of_hpsearch(committed: Git, tmp_path: Path) -> None:
    for name in (".env", "train.py"):
        (tmp_path / name).write_text("url = 'postgresql://ada:s3cret@db/x'\n")
    committed("add", "-f", ".env")
    (tmp_path / ".env.local").write_text("s3cret")
    (tmp_path / ".hpsearch").mkdir()
    (tmp_path / ".hpsearch" / "journal.db").touch()
    found = repository.state(tmp_path)
    assert "postgresql://ada:***@db/x" in found["diff"]
    assert "s3cret" not in str(found)
    assert ".env" not in found["diff"]
    assert found["untracked"] == {}


@pytest.mark.usefixtures("git")
def test_before_the_first_commit(tmp_path: Path) -> None:
    found = repository.state(tmp_path)
    assert (found["commit"], found["diff"]) == (None, "")


def test_a_variable_of_git_does_not_lead_elsewhere(
    committed: Git, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = committed("rev-parse", "HEAD")
    for name in ("GIT_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY"):
        monkeypatch.setenv(name, str(tmp_path.parent / "nowhere"))
    found = repository.state(tmp_path)
    assert (found["commit"], found["diff_lines"]) == (commit, 0)


class TestNoAnswer:
    def test_no_repository(self, tmp_path: Path) -> None:
        found = repository.state(tmp_path)
        assert found["name"] == tmp_path.name
        assert found["problem"] == "not in a git repository"

    def test_no_git(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("PATH", str(tmp_path))
        assert repository.state(tmp_path)["problem"] == "git is not installed"

    def test_a_git_that_hangs(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "git").write_text("#!/bin/sh\nexec sleep 60\n")
        (tmp_path / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr(repository, "GIT_TIMEOUT", 0.1)
        assert repository.state(tmp_path)["problem"] == "git did not answer within 0.1 s"

    def test_a_folder_that_is_gone(self, tmp_path: Path) -> None:
        assert "problem" in repository.state(tmp_path / "gone")
