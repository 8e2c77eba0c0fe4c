"""Each is found as a worker finds it, imported, and made into files by `Sources`."""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hpsearch.provenance import module_search
from hpsearch.provenance.module_search import module_of
from hpsearch.provenance.sources import Sources


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A study's folder; what is imported from it is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    monkeypatch.setattr(module_search, "AFTER_STANDARD", set())
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def value(use: str, folder: Path) -> Any:
    """What the module has as `value`."""
    return importlib.import_module(module_of(use, folder)).value


def files(use: str, folder: Path) -> set[str]:
    """Those that are hashed for the record."""
    return {path.name for path in Sources.of(module_of(use, folder)).files.values()}


SIBLINGS = {"mine.py": "from beside_it import value", "beside_it.py": "value = 7"}


class TestInAFolder:
    @pytest.mark.parametrize("use", ["deep.down.mine:train", "deep/down/mine.py:train"])
    def test_nested_with_siblings(self, folder: Path, use: str) -> None:
        write(folder, **{f"deep/down/{name}": text for name, text in SIBLINGS.items()})
        assert value(use, folder) == 7
        assert files(use, folder) == set(SIBLINGS)

    def test_a_package_with_relative_imports(self, folder: Path) -> None:
        write(folder, **{"package/__init__.py": "", "package/part/__init__.py": "", "package/util.py": "value = 7"})
        write(folder, **{"package/part/mine.py": "from ..util import value"})
        assert value("package.part.mine:train", folder) == 7
        assert {"mine.py", "util.py"} <= files("package.part.mine:train", folder)

    @pytest.mark.parametrize("use", ["src.package.mine:train", "src/package/mine.py:train"])
    def test_a_package_in_src_that_imports_itself(self, folder: Path, use: str) -> None:
        write(folder, **{"src/package/__init__.py": "", "src/package/util.py": "value = 7"})
        write(folder, **{"src/package/mine.py": "from package.util import value"})
        assert value(use, folder) == 7
        assert {"mine.py", "util.py"} <= files(use, folder)

    def test_relative_imports_without_init(self, folder: Path) -> None:
        write(folder, **{"bare/util.py": "value = 7", "bare/mine.py": "from .util import value"})
        assert value("bare.mine:train", folder) == 7

    @pytest.mark.parametrize("use", ["my-code.my-train:train", "my-code.my train:train"])
    def test_a_name_that_is_no_identifier(self, folder: Path, use: str) -> None:
        for name in ("my-train.py", "my train.py"):
            write(folder, **{f"my-code/{name}": SIBLINGS["mine.py"], "my-code/beside_it.py": SIBLINGS["beside_it.py"]})
        assert value(use, folder) == 7
        assert len(files(use, folder)) == 2

    def test_that_is_a_link(self, folder: Path) -> None:
        write(folder, **{f"real/{name}": text for name, text in SIBLINGS.items()})
        (folder / "linked").symlink_to("real")
        assert value("linked.mine:train", folder) == 7

    def test_a_file_that_is_a_link_has_the_siblings_of_what_it_points_to(self, folder: Path) -> None:
        write(folder, **{f"real/{name}": text for name, text in SIBLINGS.items()})
        (folder / "linked.py").symlink_to("real/mine.py")
        assert value("linked:train", folder) == 7


class TestNamedLikeAModuleThatInstalledCodeImports:
    @pytest.fixture(autouse=True)
    def _not_imported(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module_search, "STUDY_FOLDERS", set())
        for name in ("profile", "cProfile"):
            monkeypatch.delitem(sys.modules, name, raising=False)
        write(folder, **{"profile.py": "value = 7", "mine.py": "from profile import value"})

    def test_the_trainer_gets_its_own(self, folder: Path) -> None:
        assert value("mine:train", folder) == 7

    def test_installed_code_does_not(self, folder: Path) -> None:
        module_of("mine:train", folder)
        importlib.import_module("cProfile")
        assert not str(sys.modules["profile"].__file__).startswith(str(folder))


class TestOutsideTheFolder:
    def test_in_a_parent_folder(self, folder: Path) -> None:
        write(folder, **SIBLINGS, **{"studies/study.toml": ""})
        assert value("../mine.py:train", folder / "studies") == 7
        assert files("../mine.py:train", folder / "studies") == set(SIBLINGS)

    def test_at_an_absolute_path(self, folder: Path) -> None:
        write(folder, **{f"else where/{name}": text for name, text in SIBLINGS.items()})
        assert value(f"{folder}/else where/mine.py:train", folder) == 7

    def test_in_a_folder_with_a_dot(self, folder: Path) -> None:
        write(folder, **{f"v1.2/{name}": text for name, text in SIBLINGS.items()})
        assert value("v1.2/mine.py:train", folder) == 7

    def test_in_a_package_of_a_parent_folder(self, folder: Path) -> None:
        write(folder, **{"package/__init__.py": "", "package/util.py": "value = 7", "studies/study.toml": ""})
        write(folder, **{"package/mine.py": "from .util import value"})
        assert module_of("../package/mine.py:train", folder / "studies") == "package.mine"
        assert value("../package/mine.py:train", folder / "studies") == 7

    def test_installed(self, folder: Path) -> None:
        assert module_of("json.decoder:JSONDecoder", folder) == "json.decoder"

    def test_on_a_node_without_that_folder(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """What travels to a cluster is in the working directory."""
        write(folder, **SIBLINGS)
        monkeypatch.chdir(folder)
        assert value("mine:train", Path("/no/such/folder")) == 7


class TestNamedLikeAStandardModule:
    @pytest.mark.parametrize("name", ["random", "json", "types", "queue", "code", "calendar"])
    def test_a_file(self, folder: Path, name: str) -> None:
        standard = importlib.import_module(name)
        write(folder, **{f"{name}.py": SIBLINGS["mine.py"], "beside_it.py": SIBLINGS["beside_it.py"]})
        assert value(f"{name}:train", folder) == 7
        assert files(f"{name}:train", folder) == {f"{name}.py", "beside_it.py"}
        assert importlib.import_module(name) is standard

    def test_the_standard_module_is_what_others_import(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        write(folder, **{"colorsys.py": "value = 7"})
        monkeypatch.delitem(sys.modules, "colorsys", raising=False)
        assert value("colorsys:train", folder) == 7
        assert hasattr(importlib.import_module("colorsys"), "rgb_to_hsv")

    def test_a_package(self, folder: Path) -> None:
        write(
            folder, **{"code/__init__.py": "", "code/util.py": "value = 7", "code/mine.py": "from .util import value"}
        )
        assert value("code.mine:train", folder) == 7
        assert {"mine.py", "util.py"} <= files("code.mine:train", folder)

    def test_a_folder_without_init(self, folder: Path) -> None:
        write(folder, **{f"code/{name}": text for name, text in SIBLINGS.items()})
        assert value("code.mine:train", folder) == 7

    def test_none_in_the_folder(self, folder: Path) -> None:
        assert module_of("random:train", folder) == "random"
