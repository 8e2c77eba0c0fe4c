"""Sources are read, never run."""

from pathlib import Path

import pytest

from hpsearch.provenance.sources import Sources
from hpsearch.trainer.source.overwritten import overwritten

TRAIN = "DEFAULTS = {'width': 8, 'depth': 2, 'run': str()}\ndef train(params, run):\n    LINE\n    yield {}\n"


def warning(folder: Path, line: str) -> str:
    file = folder / "mine.py"
    file.write_text(TRAIN.replace("LINE", line))
    return overwritten(Sources({"mine": file}), "train", {"lr", "width", "run"})


@pytest.mark.parametrize(
    "line",
    [
        "config = {**params, **DEFAULTS}",
        "config = {**params, 'width': 64}",
        "config = dict({**params, 'width': 64})",
        "config = params | DEFAULTS",
        "config = dict(params) | {'width': 8}",
        "config = dict(params); config.update(DEFAULTS)",
        "config = params.copy(); config.update({'width': 8})",
        "config = {**params, **DEFAULTS}; lr = params['lr']",
        "defaults = dict(width=8); config = {**params, **defaults}",
    ],
)
def test_constants_that_replace_the_trials_values(tmp_path: Path, line: str) -> None:
    found = warning(tmp_path, line)
    assert found.startswith("line 3 of mine.py replaces the trial's `width` by a constant: `")


@pytest.mark.parametrize(
    "line",
    [
        "config = {**DEFAULTS, **params}",
        "config = {'width': 8, **params}",
        "config = {**params, 'width': int(params['width'])}",
        "config = {**params, 'depth': 2}",
        "config = DEFAULTS | params",
        "config = dict(DEFAULTS); config.update(params)",
        "config = {**DEFAULTS, **params} if run else {**params, **other}",
        "if run is None: config = {**params, **DEFAULTS}",
        "config = {**params, **other()}",
        "teacher, student = build({**params, 'width': 64}), build(params)",
        "teacher = {**params, 'width': 64}; width = params['width']",
    ],
)
def test_other_tables(tmp_path: Path, line: str) -> None:
    assert warning(tmp_path, line) == ""


def test_a_trainer_whose_function_is_not_found(tmp_path: Path) -> None:
    assert overwritten(Sources({"mine": tmp_path / "gone.py"}), "train", {"lr"}) == ""
