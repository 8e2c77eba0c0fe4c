import hashlib
import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType
from typing import Any

import pytest

from hpsearch.provenance.sources import Sources

FILES = {
    "shop/__init__.py": "",
    "shop/train.py": "from .parts import wheel\nimport numpy\ndef go():\n    from shop.parts.late import LATE\n",
    "shop/parts/__init__.py": "from ..common import *\nfrom . import wheel\n",
    "shop/parts/wheel.py": "import json, sklearn.datasets\nfrom shop import train\nimport no_such_module\n",
    "shop/parts/late.py": "LATE = 1\nfrom ..... import above\n",
    "shop/common.py": "from hpsearch import Report\nfrom loose.bit import BIT\n",
    "shop/unused.py": "import pandas\n",
    "loose/bit.py": "BIT =\n",
}


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        if name.startswith(("shop", "loose")):
            del sys.modules[name]


def test_all_that_it_is_made_of(shop: Path) -> None:
    found = Sources.of("shop.train")
    names = {"shop", "shop.train", "shop.parts", "shop.parts.wheel", "shop.parts.late", "shop.common", "loose.bit"}
    assert set(found.files) == names
    assert found.files["shop.parts"] == shop / "shop/parts/__init__.py"
    assert found.packages - {"no_such_module"} == {"numpy", "sklearn"}


@pytest.mark.usefixtures("shop")
def test_it_is_the_same_when_more_is_imported() -> None:
    before = Sources.of("shop.train")
    import shop.unused  # type: ignore[import-not-found]  # noqa: F401

    assert Sources.of("shop.train") == before


def test_of_an_installed_module_only_its_name() -> None:
    assert Sources.of("torch.nn") == Sources({}, {"torch"})


def test_of_none() -> None:
    assert Sources.of("no_such_module.train").files == {}


# Of Python objects ───────────────────────────────────────────────────────────────────────────────


def program(text: str) -> dict[str, Any]:
    """The names of a program or a notebook of this text."""
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(text, "a notebook's cell", "exec"), names)
    return names


CELL = "import loose.bit\ndef half(x):\n    return x / 2\ndef train(params, run):\n    yield half(loose.bit.BIT)\n"


def test_a_function_of_a_program_is_made_of_what_it_refers_to(shop: Path) -> None:
    (shop / "loose/bit.py").write_text("BIT = 1\n")
    found = Sources.of_object(program(CELL)["train"])
    assert set(found.objects) == {"__main__:train", "__main__:half"}
    assert set(found.files) == {"loose.bit"}


def test_its_hash_changes_with_its_code_and_not_with_its_place(shop: Path) -> None:
    (shop / "loose/bit.py").write_text("BIT = 1\n")
    first, moved, changed = (
        Sources.of_object(program(text)["train"]).objects
        for text in (CELL, f"\n\n{CELL}", CELL.replace("x / 2", "x / 3"))
    )
    assert first == moved
    assert first["__main__:train"] == changed["__main__:train"]
    assert first["__main__:half"] != changed["__main__:half"]


def test_classes_instances_partials_and_enclosing_functions_are_followed() -> None:
    text = (
        "import functools\n"
        "class Base:\n    def fit(self, params, run):\n        yield helper()\n"
        "class Trainer(Base):\n    pass\n"
        "def helper():\n    return 1\n"
        "def made():\n    def inner():\n        return 2\n"
        "    def train(params, run):\n        yield inner()\n    return train\n"
        "bound, partial, closure = Trainer().fit, functools.partial(helper), made()\n"
    )
    names = program(text)
    assert set(Sources.of_object(names["Trainer"]()).objects) == {
        "__main__:Trainer",
        "__main__:Base",
        "__main__:helper",
    }
    assert set(Sources.of_object(names["bound"]).objects) == {"__main__:Base.fit", "__main__:helper"}
    assert set(Sources.of_object(names["partial"]).objects) == {"__main__:helper"}
    assert len(Sources.of_object(names["closure"]).objects) == 2


def test_source_code_is_hashed_where_it_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "program.py"
    file.write_text("def train(params, run):\n    yield 1  # a comment\n")
    names: dict[str, Any] = {"__name__": "__main__"}
    exec(compile(file.read_text(), str(file), "exec"), names)
    known = Sources.of_object(names["train"]).objects
    assert known == {"__main__:train": hashlib.sha256(file.read_bytes()).hexdigest()}


def test_an_object_of_a_module_has_the_files_of_the_module(shop: Path) -> None:
    (shop / "loose/bit.py").write_text("BIT = 1\n")
    common = importlib.import_module("shop.common")
    common.train = FunctionType((lambda: None).__code__, vars(common), "train")
    assert Sources.of_object(common.train) == Sources.of("shop.common")
