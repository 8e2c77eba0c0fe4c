"""What of a study's folder is sent to a cluster: as Ray packs it."""

from pathlib import Path
from zipfile import ZipFile

import pytest
from ray._private.runtime_env.packaging import create_package

from hpsearch.core.errors import BadInput
from hpsearch.workers.pools.ray import upload
from hpsearch.workers.pools.ray.packages import runtime_env
from hpsearch.workers.pools.ray.upload import check, excludes, left_out


def written(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def packed(folder: Path, patterns: list[str], into: Path) -> set[str]:
    """The files in the archive that Ray sends."""
    archive = into / f"{folder.name}.zip"
    create_package(str(folder), archive, include_gitignore=True, excludes=patterns)
    with ZipFile(archive) as file:
        return {name for name in file.namelist() if not name.endswith("/")}


def test_what_is_left_out_is_left_out_at_the_root_only(tmp_path: Path) -> None:
    study = written(
        tmp_path / "study",
        *("train.py", "net/__init__.py", "net/data/__init__.py", "net/data/loading.py", "net/venv/__init__.py"),
        *("net/start.pt", "net/mlruns/a.py", "data/images/1.png", "model.pt", "last.ckpt", "mlruns/0/meta.yaml"),
        *(".venv/pyvenv.cfg", ".venv/lib/torch.py", ".hpsearch/journal.db", ".git/config", "node_modules/a.js"),
    )
    assert left_out(study) == [".venv", "data", "last.ckpt", "mlruns", "model.pt", "node_modules"]
    inside = {"__init__.py", "data/__init__.py", "data/loading.py", "venv/__init__.py", "start.pt", "mlruns/a.py"}
    assert packed(study, excludes(study, []), tmp_path) == {"train.py", *(f"net/{name}" for name in inside)}


@pytest.mark.parametrize("name", ["data/__init__.py", "data/readers/csv.py", "venv/tools.py", "mlruns/__init__.py"])
def test_a_folder_with_python_files_is_sent(tmp_path: Path, name: str) -> None:
    study = written(tmp_path / "study", "train.py", name)
    assert left_out(study) == []
    assert packed(study, excludes(study, []), tmp_path) == {"train.py", name}


def test_a_virtual_environment_of_any_folder_name_that_we_know_is_not(tmp_path: Path) -> None:
    assert left_out(written(tmp_path, "venv/pyvenv.cfg", "venv/bin/activate_this.py")) == ["venv"]


def test_passwords_are_sent_from_no_folder(tmp_path: Path) -> None:
    study = written(tmp_path / "study", "train.py", ".env", ".env.local", "net/.env")
    assert packed(study, excludes(study, []), tmp_path) == {"train.py"}
    assert left_out(study) == [".env", ".env.local"]


def test_names_that_are_patterns_of_gitignore(tmp_path: Path) -> None:
    study = written(tmp_path / "study", "a[1].pt", "!b.pt", "# c.pt", "a1.py", "b.py")
    assert packed(study, excludes(study, []), tmp_path) == {"a1.py", "b.py"}


def test_a_package_beside_it_keeps_its_folder_of_the_same_name(tmp_path: Path) -> None:
    """Ray applies one list of patterns to the study's folder and to each package."""
    study = written(tmp_path / "study", "train.py", "data/images/1.png", "data/labels.csv", "model.pt")
    package = written(tmp_path / "other" / "package", "__init__.py", "data/__init__.py", "data/loading.py")
    patterns = excludes(study, [str(package)])
    assert packed(study, patterns, tmp_path) == {"train.py"}
    assert packed(package, patterns, tmp_path) == {"__init__.py", "data/__init__.py", "data/loading.py"}


def test_a_folder_that_is_too_large_is_refused_with_its_largest_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = written(tmp_path, "train.py", "data/huge.bin", "ignored.bin", "sub/b.bin", "sub/a.bin", ".gitignore")
    (study / ".gitignore").write_text("ignored.bin\n")
    for name, count in (("data/huge.bin", 9000), ("ignored.bin", 9000), ("sub/b.bin", 3000), ("sub/a.bin", 2000)):
        (study / name).write_bytes(b"x" * count)
    monkeypatch.setattr(upload, "MAX_BYTES", 5500)
    check([str(study)], excludes(study, []), [])
    monkeypatch.setattr(upload, "MAX_BYTES", 4999)
    with pytest.raises(BadInput) as refused:
        runtime_env("train:train", study)
    assert refused.value.exit_code == 2
    places = [str(refused.value).find(name) for name in (str(study), "sub/b.bin", "sub/a.bin")]
    assert places == sorted(places)
    assert min(places) >= 0
    assert "huge.bin" not in str(refused.value)
    assert "ignored.bin" not in str(refused.value)


@pytest.mark.parametrize("pattern", ["data/", "data", "**/data/**", "/net/data", "*.py"])
def test_a_module_that_gitignore_leaves_out_is_refused_with_the_lines_that_send_it(
    tmp_path: Path, pattern: str
) -> None:
    study = written(tmp_path / "study", "train.py", "net/__init__.py", "net/data/loading.py", "data/1.csv")
    files = [study / "net/data/loading.py"]
    (study / ".gitignore").write_text(f"{pattern}\n")
    with pytest.raises(BadInput, match=r"net/data/loading.py, which the trainer imports, would not be sent") as refused:
        check([str(study)], excludes(study, []), files)
    lines = str(refused.value).split("`")[1::2]
    (study / ".gitignore").write_text("\n".join([pattern, *lines]))
    check([str(study)], excludes(study, []), files)
    assert "net/data/loading.py" in packed(study, excludes(study, []), tmp_path)
