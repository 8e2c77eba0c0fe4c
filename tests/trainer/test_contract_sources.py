"""Whether a trainer may use torch, from its source code."""

from pathlib import Path

import pytest

from hpsearch.provenance.sources import Sources
from hpsearch.trainer.contract import may_use_torch

PLAIN = "for epoch in run.epochs():\n    yield Report(epoch, {'val_loss': 1.0})\n"


@pytest.mark.parametrize(
    ("text", "packages", "may"),
    [
        (PLAIN, set(), False),
        (PLAIN, {"numpy", "sklearn"}, False),
        (PLAIN, {"numpy", "torch"}, True),
        (PLAIN, {"lightning"}, True),
        ("run.track(counter=counter)\n" + PLAIN, set(), True),
        ("library = importlib.import_module('torch')\n" + PLAIN, set(), True),
        ("tracker = []\n" + PLAIN, set(), False),
    ],
)
def test_from_its_packages_and_its_text(tmp_path: Path, text: str, packages: set[str], may: bool) -> None:
    file = tmp_path / "mine.py"
    file.write_text(text)
    assert may_use_torch(Sources({"mine": file}, packages)) is may


def test_an_object_without_a_file_may() -> None:
    assert may_use_torch(Sources(objects={"__main__:train": "0" * 64}))
