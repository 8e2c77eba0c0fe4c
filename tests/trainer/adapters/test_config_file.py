"""The copy of a configuration file that a trial gets."""

import json
import tomllib
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
    ("suffix", "text", "message"),
    [
        ("yaml", "a: [", "cannot be read"),
        ("yaml", "- 1", "no keys"),
        ("yaml", "a: !x 1", "cannot be read"),
        ("toml", "a = [", "cannot be read"),
        ("ini", "a = 1", "cannot be read"),
        ("py", "a = (", "cannot be read"),
    ],
)
def test_a_file_that_cannot_be_read(tmp_path: Path, suffix: str, text: str, message: str) -> None:
    (tmp_path / f"base.{suffix}").write_text(text)
    with pytest.raises(TrainerError, match=message):
        ConfigFile(tmp_path / f"base.{suffix}")


TOML = """
title = "a"  # a comment
[net]
"a.b" = 1
layers = [{ units = 8, since = 2026-01-31 }, { units = 8 }]
[net.head]
at = 07:32:00
tiny = 1e-9
"""


def test_toml(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(TOML)
    params: Params = {"net.layers.1.units": 64, "net.a.b": 2.5, "net.head.tiny": 1e-05, "title": 'é"\n'}
    ConfigFile(tmp_path / "base.toml").write(params, Program(("train",)), tmp_path / "copy.toml")
    expected = tomllib.loads(TOML)
    expected["title"], expected["net"]["a.b"] = 'é"\n', 2.5
    expected["net"]["layers"][1]["units"], expected["net"]["head"]["tiny"] = 64, 1e-5
    assert tomllib.loads((tmp_path / "copy.toml").read_text(encoding="utf-8")) == expected
    ConfigFile(tmp_path / "base.toml").write({"title": None}, Program(("train",)), tmp_path / "copy.toml")
    assert "title" not in (tmp_path / "copy.toml").read_text()


@pytest.mark.parametrize("suffix", [".ini", ".cfg"])
def test_ini(tmp_path: Path, suffix: str) -> None:
    base, copy = tmp_path / f"base{suffix}", tmp_path / "copy"
    base.write_text("[DEFAULT]\nroot = /d\n[Train]\nLR = 0.1\npath = %(root)s/x\namp = False\nflag\nsizes = [8]\n")
    params: Params = {"Train.LR": 1e-5, "Train.amp": True, "Train.sizes": [16, 32], "Train.lr": 1}
    assert ConfigFile(base).write(params, Program(("train",)), copy) == {"Train.lr": 1}
    assert copy.read_text().split("\n") == [
        *("[DEFAULT]", "root = /d", "", "[Train]", "LR = 1e-05", "path = %(root)s/x", "amp = True", "flag"),
        *("sizes = [16,32]", "", ""),
    ]


def test_python(tmp_path: Path) -> None:
    base, copy = tmp_path / "base.py", tmp_path / "copy.py"
    base.write_text(
        "import math\nepochs = 2 * 10  # of all\noptim = dict(name='sgd', betas=(0.9, 0.99))\n"
        "model = dict(head=dict(width=8), layers=[8, 8])\nhalf = math.pi / 2\n"
    )
    params: Params = {"epochs": "6", "optim.betas": [0.8, 0.9], "model.head.width": 16, "model.layers.1": 4, "half": 1}
    assert ConfigFile(base).write(params, Program(("train",)), copy) == {"half": 1}
    assert copy.read_text() == (
        "import math\nepochs = 6\noptim = dict(name='sgd', betas=(0.8, 0.9))\n"
        "model = dict(head=dict(width=16), layers=[8, 4])\nhalf = math.pi / 2\n"
    )
