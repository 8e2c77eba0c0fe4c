"""[metrics]: what reported names mean, where they do not show it."""

from pathlib import Path

import pytest

from hpsearch.core.errors import StudyFileError
from tests.support.study_text import RANDOM, make_study

META = ("", '[metrics]\ntrain_loss = "a"\nval_accuracy = "b"\n')


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_is_read_and_recorded() -> None:
    study = make_study(META)
    assert study.metric_meanings == {"train_loss": "a", "val_accuracy": "b"}
    assert study.spec()["metrics"] == study.metric_meanings
    assert make_study().metric_meanings == {}


def test_is_part_of_what_a_search_depends_on_only_where_curves_are_diagnosed() -> None:
    assert "metrics" not in make_study(META).identity()
    recipe = (RANDOM, '"recipe"\nbudget = { epochs = 900 }')
    assert make_study(META, recipe).identity()["metrics"] == {"train_loss": "a", "val_accuracy": "b"}


def test_a_metric_has_one_meaning() -> None:
    with pytest.raises(StudyFileError, match=r"metrics\.val_loss: `a` is already given as train_loss"):
        make_study(("", '[metrics]\ntrain_loss = "a"\nval_loss = "a"\n'))
