"""The copy of a configuration file that a trial gets."""

import json
from pathlib import Path

import pytest
import yaml

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params
from hpsearch.study.program import Program
from hpsearch.trainer.adapters.config_file import ConfigFile

BASE = {"lr": "1e-3", "net": {"layers": [{"units": 8}, {"units": 8}], "a.b": 1}, "seed": 0, "amp": True, "ü": None}


@pytest.fixture(params=[".yaml", ".json"])
def base(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    path = tmp_path / f"base{request.param}"
    path.write_text(json.dumps(BASE) if request.param == ".json" else yaml.safe_dump(BASE), encoding="utf-8")
    return path


def written(base: Path, params: Params, *words: str) -> tuple[dict[str, object], object]:
    """The parameters that are no keys, and the content of the copy."""
    copy = base.with_stem("copy")
    rest = ConfigFile(base).write(params, Program(words), copy)
    text = copy.read_text(encoding="utf-8")
    return rest, json.loads(text) if base.suffix == ".json" else yaml.safe_load(text)


def test_keys_at_any_depth(base: Path) -> None:
    params: Params = {"lr": 1e-5, "net.layers.1.units": 64, "net.a.b": 2, "ü": "x"}
    net = {"layers": [{"units": 8}, {"units": 64}], "a.b": 2}
    assert written(base, params) == ({}, {**BASE, "lr": 1e-5, "net": net, "ü": "x"})


def test_what_is_no_key_is_given_in_another_way(base: Path) -> None:
    params: Params = {"net.layers.2.units": 1, "net.lr": 1, "lr.x": 1, "depth": 1}
    assert written(base, params) == (params, BASE)


def test_a_parameter_of_the_command_is_not_written(base: Path) -> None:
    assert written(base, {"lr": 0.1}, "train", "{lr}") == ({"lr": 0.1}, BASE)


def test_a_filled_placeholder_is_a_number_where_the_file_has_one(base: Path) -> None:
    assert written(base, {"seed": "12", "lr": "12"}) == ({}, {**BASE, "seed": 12, "lr": "12"})


@pytest.mark.parametrize(
    ("text", "message"), [("a: [", "cannot be read"), ("- 1", "no keys"), ("a: !x 1", "cannot be read")]
)
def test_a_file_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "base.yaml").write_text(text)
    with pytest.raises(TrainerError, match=message):
        ConfigFile(tmp_path / "base.yaml")
