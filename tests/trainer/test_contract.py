import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.core.trial import Params, Report
from hpsearch.provenance.sources import Sources
from hpsearch.trainer import arguments, contract, forms
from hpsearch.trainer.training_run import Run
from tests.support import annotated, toys
from tests.support.studies import ROOT
from tests.support.toys import Settings


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A study's folder; what is imported from it is forgotten afterwards."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield tmp_path
    for name, module in sys.modules.copy().items():
        if str(tmp_path) in (getattr(module, "__file__", None) or ""):
            del sys.modules[name]


def complaint(use: str, folder: Path | None = ROOT) -> str:
    with pytest.raises(TrainerError) as caught:
        contract.find(use, folder)
    return str(caught.value)


class TestFind:
    def test_beside_the_study_file(self, folder: Path) -> None:
        (folder / "mine.py").write_text("def train(params, run):\n    yield\n")
        assert contract.find("mine:train", folder).__module__ == "mine"

    def test_beside_the_study_file_before_the_python_path(self, folder: Path) -> None:
        (folder / "colorsys.py").write_text("def train(params, run):\n    yield\n")
        sys.modules.pop("colorsys", None)
        assert contract.find("colorsys:train", folder).__name__ == "train"

    def test_in_a_folder_with_what_lies_beside_it(self, folder: Path) -> None:
        (folder / "scripts").mkdir()
        (folder / "scripts" / "beside_it.py").write_text("value = 1\n")
        (folder / "scripts" / "mine.py").write_text("import beside_it\ndef train(params, run):\n    yield\n")
        assert contract.find("scripts.mine:train", folder).__module__ == "scripts.mine"
        assert sys.path[:2] == [str(folder), str(folder / "scripts")]

    def test_beside_a_module_of_a_package_is_not_looked(self, folder: Path) -> None:
        (folder / "package").mkdir()
        (folder / "package" / "__init__.py").touch()
        (folder / "package" / "mine.py").write_text("def train(params, run):\n    yield\n")
        contract.find("package.mine:train", folder)
        assert str(folder / "package") not in sys.path

    def test_in_a_folder_with_the_name_of_an_installed_package(self, folder: Path) -> None:
        import trainers
        from trainers import digits

        before = list(trainers.__path__)
        (folder / "trainers").mkdir()
        (folder / "trainers" / "mine.py").write_text("def train(params, run):\n    yield\n")
        try:
            found = contract.find("trainers.mine:train", folder)
            assert found.__module__ == "trainers.mine"
            assert Sources.of("trainers.mine").files["trainers.mine"] == folder / "trainers" / "mine.py"
            assert contract.find("trainers.digits:train", folder) is digits.train
        finally:
            trainers.__path__[:] = before

    def test_on_the_python_path(self) -> None:
        assert contract.find("tests.support.toys:noop", None) is toys.noop

    @pytest.mark.parametrize("module", ["nowhere", "tests.nowhere", "nowhere.at_all"])
    def test_no_such_module(self, module: str) -> None:
        missing = module.removesuffix(".at_all")
        assert complaint(f"{module}:train") == (
            f'trainer.use = "{module}:train": no module {missing}, '
            f"neither in the study's folder ({ROOT}) nor on the Python path"
        )

    def test_a_module_that_needs_what_is_not_installed(self) -> None:
        assert complaint("tests.support.missing_import:train") == (
            'trainer.use = "tests.support.missing_import:train": importing tests.support.missing_import failed: '
            f"{ROOT}/tests/support/missing_import.py:3 imports no_such_library_at_all, "
            "which is neither beside it nor installed"
        )

    def test_an_import_that_is_interrupted(self, folder: Path) -> None:
        """That is no fault of the module."""
        (folder / "slow.py").write_text("raise KeyboardInterrupt")
        with pytest.raises(KeyboardInterrupt):
            contract.find("slow:train", folder)

    def test_a_module_that_cannot_be_imported(self) -> None:
        text = complaint("tests.support.broken_import:train")
        assert text.startswith(
            'trainer.use = "tests.support.broken_import:train": importing tests.support.broken_import'
        )
        assert 'raise RuntimeError("no data here")' in text
        assert text.endswith("RuntimeError: no data here")

    def test_a_module_with_a_syntax_error(self, folder: Path) -> None:
        (folder / "typo.py").write_text("def train(params, run)\n    yield\n")
        assert "expected ':'" in complaint("typo:train", folder)

    def test_a_module_that_leaves(self, folder: Path) -> None:
        (folder / "leaver.py").write_text("import sys\nsys.exit('no GPU')\n")
        assert complaint("leaver:train", folder).endswith("SystemExit: no GPU")

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("lerner", "tests.support.toys has no `lerner`; did you mean `learner`?"),
            ("xyz", "tests.support.toys has no `xyz`"),
            ("Trainer", ':Trainer" is a class, a trainer is a generator'),
            ("setting", ':setting" is an object of type int, a trainer is a generator'),
            ("parameterless", ':parameterless" takes no parameters of a trial'),
        ],
    )
    def test_what_is_no_trainer(self, name: str, words: str) -> None:
        assert words in complaint(f"tests.support.toys:{name}")


class TestChecked:
    """Of Python objects: what may be a trainer beside a function."""

    def test_a_partial_a_bound_method_and_an_instance(self) -> None:
        class Trainer:
            def __call__(self, params: Params, run: Run) -> Iterator[Report]:
                yield Report(1, {"val_loss": 0.0})

            def fit(self, params: Params, run: Run) -> Iterator[Report]:
                yield Report(1, {"val_loss": 0.0})

        def scaled(scale: float, params: Params, run: Run) -> Iterator[Report]:
            yield Report(1, {"val_loss": scale})

        for thing in (Trainer(), Trainer().fit, partial(scaled, 2.0)):
            assert forms.as_trainer("the trainer", thing) is thing


class TestArgument:
    def test_a_mapping_by_default(self) -> None:
        params = {"lr": 0.1}
        given = arguments.params_argument(toys.noop, params)
        assert given == params
        assert given is not params

    def test_a_dataclass_where_one_is_annotated(self) -> None:
        given = arguments.params_argument(toys.typed, {"lr": 1, "layers": 3, "optimizer": "adam"})
        assert given == Settings(1.0, 3, "adam")
        assert type(given.lr) is float

    def test_an_annotation_may_be_text(self) -> None:
        """And beside it names that only a type checker knows."""
        assert arguments.params_argument(annotated.train, {"lr": 0.1}) == annotated.Settings(0.1)

    def test_an_annotation_that_nobody_knows_at_run_time_is_named(self) -> None:
        with pytest.raises(TrainerError, match=r"Iterator\[Settings\].*name 'Iterator' is not defined"):
            arguments.params_argument(annotated.lost, {"lr": 0.1})

    @pytest.mark.parametrize(
        ("params", "words"),
        [
            ({"lr": 0.1, "layer": 3}, "Settings has no `layer`; did you mean `layers`?"),
            ({"lr": 0.1, "x": 3}, "Settings has no `x` (it has lr, layers, optimizer, nesterov, name)"),
            ({}, "Settings needs `lr`, which is neither in [space] nor in trainer.options"),
            ({"lr": "0.1"}, "Settings.lr must be float, got '0.1'"),
            ({"lr": True}, "Settings.lr must be float, got True"),
            ({"lr": 0.1, "layers": 2.0}, "Settings.layers must be int, got 2.0"),
            ({"lr": 0.1, "layers": True}, "Settings.layers must be int, got True"),
            ({"lr": 0.1, "nesterov": 1}, "Settings.nesterov must be bool, got 1"),
            ({"lr": 0.1, "name": 1}, "Settings.name must be str, got 1"),
            ({"lr": 0.1, "optimizer": "rmsprop"}, "Settings.optimizer must be one of 'sgd', 'adam', got 'rmsprop'"),
        ],
    )
    def test_what_does_not_fit(self, params: Params, words: str) -> None:
        with pytest.raises(TrainerError) as caught:
            arguments.params_argument(toys.typed, params)
        assert words in str(caught.value)

    def test_all_names_that_are_wrong_at_once(self) -> None:
        with pytest.raises(TrainerError) as caught:
            arguments.params_argument(toys.typed, {"layer": 3, "x": 1})
        assert len(str(caught.value).splitlines()) == 3
