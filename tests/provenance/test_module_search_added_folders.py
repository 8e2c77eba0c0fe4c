"""Folders that a file adds to sys.path."""

from pathlib import Path

import pytest

from hpsearch.provenance.module_search import added_folders
from hpsearch.provenance.sources import Sources


@pytest.mark.parametrize(
    "text",
    [
        'sys.path.append("lib")',
        'sys.path.append("./lib/")',
        'sys.path.extend(["none", "lib"])',
        'sys.path.append(os.path.join(os.path.dirname(__file__), "lib"))',
        'sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "code", "lib"))',
        'sys.path.append(str(Path(__file__).resolve().parent / "lib"))',
        'sys.path.append(str(Path(__file__).parents[1] / "code" / "lib"))',
        'HERE = Path(__file__).parent\nsys.path.append(f"{HERE}/lib")',
        'HERE = os.path.dirname(__file__)\nLIB = HERE + "/lib"\nsys.path.append(LIB)',
        'site.addsitedir(Path(__file__).parent.joinpath("lib"))',
    ],
)
def test_a_folder_that_the_text_shows(tmp_path: Path, text: str) -> None:
    (tmp_path / "code" / "lib").mkdir(parents=True)
    file = tmp_path / "code" / "train.py"
    file.write_text(text)
    assert [*added_folders(file)] == [((tmp_path / "code" / "lib").resolve(), False)]
    file.write_text(text.replace("append(", "insert(0, "))
    assert [first for _, first in added_folders(file)] == ["append" in text]


@pytest.mark.parametrize(
    "text",
    [
        'sys.path.append(os.environ["LIB"])',
        'sys.path.append("none")',
        "LIB = LIB\nsys.path.append(LIB)",
        "def",
        "x = 1",
    ],
)
def test_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "train.py").write_text(text)
    assert [*added_folders(tmp_path / "train.py")] == []


def test_modules_in_them_are_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "added_model.py").write_text("SIZE = 1")
    (tmp_path / "added_trainer.py").write_text('import sys\nsys.path.append("lib")\nimport added_model\n')
    monkeypatch.syspath_prepend(str(tmp_path))
    assert Sources.of("added_trainer").files["added_model"] == tmp_path / "lib" / "added_model.py"
