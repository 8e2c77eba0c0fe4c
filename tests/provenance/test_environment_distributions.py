"""What is needed to build an environment again."""

import hashlib
import json
from pathlib import Path

import pytest

from hpsearch.provenance.environment import changed, distributions, lock_files, requirements


@pytest.fixture
def site(tmp_path: Path) -> Path:
    about = {
        "numpy-2.4.6": None,
        "My_Package-1.0": {"url": "https://me:secret@host/p", "vcs_info": {"vcs": "git", "commit_id": "abc"}},
        "local-0.1": {"url": "file:///home/me/local", "dir_info": {"editable": True}},
        "broken-3": "no object",
        "torch-2.13.0+cpu": None,
    }
    for name, direct in about.items():
        folder = tmp_path / f"{name}.dist-info"
        folder.mkdir()
        if direct is not None:
            (folder / "direct_url.json").write_text(json.dumps(direct))
    return tmp_path


def test_each_with_its_version_and_where_it_is_from(site: Path) -> None:
    found = distributions([str(site), str(site / "missing")])
    assert list(found) == ["broken", "local", "my-package", "numpy", "torch"]
    assert found["numpy"] == {"version": "2.4.6"}
    assert found["local"] == {"version": "0.1", "url": "file:///home/me/local", "editable": "true"}
    assert found["my-package"]["url"].startswith("git+https://")
    assert found["my-package"]["url"].endswith("@abc")
    assert "secret" not in str(found)


def test_the_first_on_the_path_is_the_one_that_is_imported(site: Path, tmp_path: Path) -> None:
    (tmp_path / "first" / "numpy-1.0.dist-info").mkdir(parents=True)
    assert distributions([str(tmp_path / "first"), str(site)])["numpy"]["version"] == "1.0"


def test_this_environment() -> None:
    assert {"numpy", "pydantic", "sqlalchemy"} <= set(distributions())


def test_requirements(site: Path) -> None:
    lines = list(requirements(distributions([str(site)])))
    assert "numpy==2.4.6" in lines
    assert "torch==2.13.0+cpu  # not on PyPI: add --extra-index-url with the index that has it" in lines
    assert next(line for line in lines if "local" in line).startswith("#")
    assert any(line.startswith("my-package @ git+https://") for line in lines)


def test_lock_files_beside_the_study_or_above_it(tmp_path: Path) -> None:
    (tmp_path / "project" / ".git").mkdir(parents=True)
    (tmp_path / "requirements.txt").write_text("outside of the repository")
    studies = tmp_path / "project" / "studies"
    studies.mkdir()
    assert lock_files(studies) == {}
    (tmp_path / "project" / "uv.lock").write_text("lock")
    assert lock_files(studies) == {"uv.lock": hashlib.sha256(b"lock").hexdigest()}


def test_what_has_changed() -> None:
    before = {"distributions": {"a": {"version": "1"}, "b": {"version": "2"}}, "locks": {"uv.lock": "x"}}
    now = {"distributions": {"a": {"version": "1"}, "b": {"version": "3"}, "c": {"version": "4"}}, "locks": {}}
    assert changed(before, now) == ["b: was 2, is 3", "c: was not installed, is 4", "uv.lock has changed"]
    assert changed(before, before) == []
    assert changed({"folder": "/x"}, now) == []
