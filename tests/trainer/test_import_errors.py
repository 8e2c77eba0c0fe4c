"""What a message names, so that it can be acted on: file, line, what is missing, what is meant."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.trainer import contract

TRAIN = "def train(params, run):\n    yield\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", list(sys.path))
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def message(use: str, folder: Path) -> str:
    with pytest.raises(TrainerError) as caught:
        contract.find(use, folder)
    return str(caught.value)


class TestNoModule:
    @pytest.mark.parametrize(
        ("file", "use", "meant"),
        [
            ("mine.py", "mien:train", '"mine:train"'),
            ("src/mine.py", "src.mien:train", '"src.mine:train"'),
            ("src/mine.py", "mine:train", '"src/mine.py:train"'),
            ("src/own/mine.py", "own.mine:train", '"src/own/mine.py:train"'),
            ("../own/mine.py", "own.mine:train", '"../own/mine.py:train"'),
            ("../mine.py", "mine:train", '"../mine.py:train"'),
            ("../mine.py", "../mien.py:train", '"../mine.py:train"'),
        ],
    )
    def test_which_is_meant(self, folder: Path, file: str, use: str, meant: str) -> None:
        study = folder / "study"
        study.mkdir()
        (study / file).parent.mkdir(parents=True, exist_ok=True)
        (study / file).write_text(TRAIN)
        assert message(use, study).endswith(f"; did you mean {meant}?")

    def test_a_notebook(self, folder: Path) -> None:
        (folder / "mine.ipynb").touch()
        assert "mine.ipynb is a notebook: write the trainer into a .py file" in message("mine:train", folder)

    def test_a_name_that_begins_like_it(self, folder: Path) -> None:
        """`mine` is there, and what it imports is not."""
        (folder / "mine.py").write_text("import min")
        assert "mine.py:1 imports min," in message("mine:train", folder)


class TestImportFailed:
    def test_the_file_whose_import_is_missing(self, folder: Path) -> None:
        (folder / "mine.py").write_text("import beside_it\n")
        (folder / "beside_it.py").write_text("import json\nimport no_such_library\n")
        assert message("mine:train", folder).endswith(
            f"{folder}/beside_it.py:2 imports no_such_library, which is neither beside it nor installed"
        )

    def test_which_sibling_is_meant(self, folder: Path) -> None:
        (folder / "mine.py").write_text("from besideit import value\n")
        (folder / "beside_it.py").touch()
        assert message("mine:train", folder).endswith("; did you mean `beside_it`?")

    def test_parse_args(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["hpsearch", "run"])
        (folder / "mine.py").write_text(
            "import argparse\nparser = argparse.ArgumentParser()\n"
            "parser.add_argument('--data', required=True)\nargs = parser.parse_args()\n" + TRAIN
        )
        assert f"{folder}/mine.py:4 calls parse_args() when it is imported" in message("mine:train", folder)
        assert sys.argv == ["hpsearch", "run"]

    def test_parse_args_that_need_none_get_none(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "argv", ["hpsearch", "run"])
        (folder / "mine.py").write_text("import argparse\nargs = argparse.ArgumentParser().parse_args()\n" + TRAIN)
        assert contract.find("mine:train", folder).__module__ == "mine"

    def test_a_relative_import_in_no_package(self, folder: Path) -> None:
        (folder / "mine.py").write_text("from .beside_it import value\n")
        (folder / "beside_it.py").touch()
        assert f"{folder}/mine.py:1 is in no package" in message("mine:train", folder)
