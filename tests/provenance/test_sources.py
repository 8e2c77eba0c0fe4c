import sys
from collections.abc import Iterator
from pathlib import Path

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
