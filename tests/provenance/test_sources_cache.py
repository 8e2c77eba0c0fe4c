import os
from pathlib import Path

import pytest

from hpsearch.provenance.sources import Sources, read_once


@pytest.fixture
def script(tmp_path: Path) -> Path:
    path = tmp_path / "train.py"
    path.write_text("import helper\n")
    return path


def names(script: Path) -> set[str]:
    return set(read_once(script, lambda: Sources.of_files([script])).files)


def test_what_has_not_changed_is_read_once(script: Path) -> None:
    first = read_once(script, lambda: Sources.of_files([script]))
    assert read_once(script, lambda: Sources()) is first


def test_a_changed_file_is_read_again(script: Path) -> None:
    assert names(script) == {"train.py"}
    script.write_text("import other\n")
    (script.parent / "other.py").write_text("")
    assert names(script) == {"train.py", "other"}


def test_so_is_one_with_the_same_size(script: Path) -> None:
    """Only its time of change differs."""
    assert names(script) == {"train.py"}
    (script.parent / "helpes.py").write_text("")
    names(script)
    script.write_text("import helpes\n")
    os.utime(script, ns=(1, 1))
    assert names(script) == {"train.py", "helpes"}


def test_a_module_that_was_missing_is_found(script: Path) -> None:
    assert names(script) == {"train.py"}
    (script.parent / "helper.py").write_text("")
    assert names(script) == {"train.py", "helper"}
