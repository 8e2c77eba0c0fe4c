"""Modules of the user's that were edited since they were imported: a notebook is one process for many runs."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpsearch.core.errors import BadInput
from hpsearch.trainer.fresh_imports import check_is_current, unload_changed

MINE = "from edited_helper import VALUE\nimport edited_other\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = set(sys.modules)
    write(tmp_path, "edited_mine", MINE)
    write(tmp_path, "edited_helper", "VALUE = 1\n")
    write(tmp_path, "edited_other", "VALUE = 5\n")
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith("edited_"):
            del sys.modules[name]


def write(folder: Path, module: str, text: str) -> None:
    (folder / f"{module}.py").write_text(text)


def opened(folder: Path, module: str = "edited_mine") -> Any:
    unload_changed([module], folder)
    return importlib.import_module(module)


def test_an_unchanged_module_stays(folder: Path) -> None:
    assert opened(folder) is opened(folder)


def test_an_edit_of_the_same_size_in_the_same_second_is_read(folder: Path) -> None:
    assert opened(folder).VALUE == 1
    for value in (2, 3, 4):
        write(folder, "edited_helper", f"VALUE = {value}\n")
        assert value == opened(folder).VALUE


def test_what_does_not_import_the_edited_module_stays(folder: Path) -> None:
    opened(folder)
    other = sys.modules["edited_other"]
    write(folder, "edited_helper", "VALUE = 2\n")
    assert opened(folder).edited_other is other


def test_the_programs_own_import_of_an_unchanged_module_stays(folder: Path) -> None:
    sys.path.insert(0, str(folder))
    importlib.invalidate_caches()
    mine = importlib.import_module("edited_mine")
    assert opened(folder) is mine


def test_an_edit_after_the_programs_own_import(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    sys.path.insert(0, str(folder))
    write(folder, "edited_early", "VALUE = 1\n")
    importlib.invalidate_caches()
    importlib.import_module("edited_early")
    write(folder, "edited_early", "VALUE = 20\n")
    assert opened(folder, "edited_early").VALUE == 20


def test_a_module_of_the_same_name_in_another_folder(folder: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    write(other, "edited_mine", MINE)
    write(other, "edited_helper", "VALUE = 9\n")
    assert opened(folder).VALUE == 1
    assert opened(other).VALUE == 9
    assert opened(folder).VALUE == 1


def test_a_package_is_imported_anew_with_the_edited_part(folder: Path) -> None:
    package = folder / "edited_package"
    package.mkdir()
    write(package, "__init__", "from .part import VALUE\n")
    write(package, "part", "VALUE = 1\n")
    assert opened(folder, "edited_package").VALUE == 1
    write(package, "part", "VALUE = 2\n")
    os.utime(package / "part.py", (1, 1))
    assert opened(folder, "edited_package").VALUE == 2


def test_installed_modules_stay(folder: Path) -> None:
    write(folder, "edited_mine", "import numpy\n")
    opened(folder)
    numpy = sys.modules["numpy"]
    write(folder, "edited_mine", "import numpy as np\n")
    assert opened(folder).np is numpy


def test_an_object_of_a_file_that_was_edited_is_refused(folder: Path) -> None:
    text = "import edited_helper\ndef train(params, run):\n    yield edited_helper.VALUE\n"
    write(folder, "edited_given", text)
    given = opened(folder, "edited_given").train
    check_is_current(given, "the trainer")
    write(folder, "edited_given", f"# a comment\n{text}")
    check_is_current(given, "the trainer")
    write(folder, "edited_helper", "VALUE = 2\n")
    with pytest.raises(BadInput, match=r"the trainer has the code from before edited_helper\.py was edited"):
        check_is_current(given, "the trainer")
    check_is_current(opened(folder, "edited_given").train, "the trainer")
