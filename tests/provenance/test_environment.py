import hashlib
import json
import platform
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from hpsearch import __version__
from hpsearch.core.errors import TrainerError
from hpsearch.provenance import environment
from hpsearch.provenance.sources import Sources
from hpsearch.trainer import contract
from hpsearch.trainer.training_run import Run

TRAINER = "import sklearn\nimport numpy as np\nfrom {helper} import LR\ndef train(params, run):\n    yield from ()\n"


@pytest.fixture
def use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A trainer beside which its helper lies."""
    monkeypatch.setattr(sys, "path", sys.path[:])
    before = set(sys.modules)
    (tmp_path / "own_helper.py").write_text("LR = 1\n")
    (tmp_path / "own_trainer.py").write_text(TRAINER.format(helper="own_helper"))
    (tmp_path / "not_imported.py").write_text("LR = 2\n")
    yield "own_trainer:train"
    for name in {"own_helper", "own_trainer"} & (set(sys.modules) - before):
        del sys.modules[name]


def own_sources(use: str) -> Sources:
    return Sources.of(use.partition(":")[0])


def seen_by_worker(use: str, folder: Path) -> dict[str, Any]:
    contract.find(use, folder)
    return environment.of_worker(own_sources(use), "cpu", 1)


class TestEnvironment:
    def test_it_is_plain_json(self, use: str, tmp_path: Path) -> None:
        found = seen_by_worker(use, tmp_path)
        assert json.loads(json.dumps(found)) == found

    def test_versions(self, use: str, tmp_path: Path) -> None:
        found = seen_by_worker(use, tmp_path)
        assert found["python"] == platform.python_version()
        assert found["packages"]["hpsearch"] == __version__
        assert found["packages"]["numpy"] == np.__version__
        assert found["packages"]["torch"] == version("torch")
        assert {"ray", "optuna", "mlflow"} <= set(found["packages"])
        assert found["packages"]["sklearn"] == sys.modules["sklearn"].__version__, "what the trainer imports"
        assert not {"sys", "own_helper", "pytest"} & set(found["packages"])

    def test_a_version_does_not_depend_on_what_is_imported(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """scikit-learn has the module sklearn."""
        environment._version.cache_clear()
        monkeypatch.delitem(sys.modules, "sklearn", raising=False)
        assert environment.versions(Sources(packages={"sklearn"}))["sklearn"] == version("scikit-learn")
        assert "no_module" not in environment.versions(Sources(packages={"no_module"}))

    def test_the_trainer_and_what_it_imports_from_beside_itself(self, use: str, tmp_path: Path) -> None:
        names = ("own_helper", "own_trainer")
        hashes = {name: hashlib.sha256((tmp_path / f"{name}.py").read_bytes()).hexdigest() for name in names}
        assert seen_by_worker(use, tmp_path)["sources"] == hashes

    def test_of_a_package_all_that_is_imported_of_it(self) -> None:
        found = seen_by_worker("trainers.digits:train", Path())["sources"]
        assert {"trainers.digits", "trainers.kit.training"} <= set(found)
        assert not [name for name in found if not name.startswith("trainers")]

    def test_of_an_installed_one_the_version(self) -> None:
        found = environment.of_worker(Sources.of("torch.nn"), "cpu", 1)
        assert (found["sources"], found["packages"]["torch"]) == ({}, version("torch"))

    def test_the_machine(self, use: str, tmp_path: Path) -> None:
        found = seen_by_worker(use, tmp_path)
        assert found["cpu"]["cores"] >= 1
        assert found["cpu"]["memory"] >= 1
        assert found["cpu"]["model"]
        assert found["cpu"]["vectors"] == torch.backends.cpu.get_cpu_capability()
        assert (found["device"], found["threads"], found["gpu"]) == ("cpu", 1, None)

    def test_its_gpu(self, use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        contract.find(use, tmp_path)
        assert environment.of_worker(own_sources(use), "cuda", 1)["gpu"] is None, "where torch sees none"
        about = SimpleNamespace(name="H200", total_memory=139 * 2**30 + 1)
        monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
        monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _: about)
        monkeypatch.setattr(torch.backends.cudnn, "version", lambda: 90_000)  # its own asks for the devices
        found = environment.of_worker(own_sources(use), "cuda", 1)
        assert (found["gpu"]["model"], found["gpu"]["memory"]) == ("H200", 140)
        assert {"cuda", "cudnn"} <= set(found["gpu"])
        assert environment.of_worker(own_sources(use), "cpu", 1)["gpu"] is None, "where the trial has none"

    def test_settings_without_secrets(self, use: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("HPSEARCH_DATA", "/data")
        for name in ("HPSEARCH_DATABASE_URL", "HPSEARCH_WEBHOOK", "HPSEARCH_DB_PASS", "HPSEARCH_auth"):
            monkeypatch.setenv(name, "s3cret")
        monkeypatch.setenv("OMP_NUM_THREADS", "1")
        monkeypatch.setenv("AWS_SECRET", "s3cret")
        found = seen_by_worker(use, tmp_path)["settings"]
        assert found["HPSEARCH_DATA"] == "/data"
        assert "s3cret" not in found.values()
        assert found["OMP_NUM_THREADS"] == "1"
        assert "AWS_SECRET" not in found


class TestCode:
    def test_a_trainer_beside_its_study(self, use: str, tmp_path: Path) -> None:
        found = environment.code(use, tmp_path)
        assert found["folder"] == str(tmp_path)
        assert [one["name"] for one in found["repositories"]] == [tmp_path.name]
        assert "problem" in found["repositories"][0]

    def test_an_installed_trainer_is_in_no_repository(self, tmp_path: Path) -> None:
        assert [one["name"] for one in environment.code("torch.nn:Linear", tmp_path)["repositories"]] == [tmp_path.name]

    def test_a_trainer_that_is_nowhere(self, tmp_path: Path) -> None:
        assert len(environment.code("no_such_package.x:train", tmp_path)["repositories"]) == 1


def document(**changes: Any) -> dict[str, Any]:
    clean = {"name": "search", "commit": "ab" * 20, "diff": "", "diff_lines": 0, "diff_sha256": ""}
    about = {"packages": {"hpsearch": "0.1", "torch": "2.13"}, "python": "3.12", "device": "cpu", "threads": 1}
    about |= {"cpu": {"model": "Xeon"}, "gpu": None}
    repository = {**clean, "untracked": {}, "untracked_files": 0, **changes}
    return {"environment": about, "code": {"folder": "/x", "repositories": [repository]}}


class TestInWords:
    def test_clean(self) -> None:
        expected = "commit abababababab, Python 3.12, torch 2.13, cpu with 1 thread, Xeon"
        assert environment.summary(document()) == expected

    def test_changed(self) -> None:
        text = environment.summary(document(diff_lines=1200, diff_sha256="cd" * 32, untracked_files=3))
        assert text.startswith("commit abababababab + 1,200 lines of diff + 3 untracked files, ")

    def test_no_commit(self) -> None:
        assert environment.summary(document(commit=None)).startswith("no commit yet, ")
        assert environment.summary(document(problem="git is not installed")).startswith("no commit (git is not in")

    def test_a_gpu(self) -> None:
        found = document()
        found["environment"] |= {"device": "cuda", "gpu": {"model": "H200"}, "threads": 4}
        assert environment.summary(found).endswith("cuda with 4 threads, H200")

    def test_to_compare_hashes_are_short(self) -> None:
        found = environment.comparable(document(diff_lines=7, diff_sha256="cd" * 32), {"digits": "ef" * 32})
        assert found["data"] == {"digits": "ef" * 6}
        assert found["repository"]["search"] == {"commit": "ab" * 6, "diff": "7 lines (cdcdcdcdcdcd)", "untracked": {}}


class TestUses:
    def test_it_is_kept_by_name(self, tmp_path: Path) -> None:
        (tmp_path / "data.csv").write_text("1,2\n")
        run = Run.local(epochs=1)
        run.uses("table", tmp_path / "data.csv")
        run.uses("table", tmp_path / "data.csv")
        assert run.data_hashes == {"table": hashlib.sha256(b"1,2\n").hexdigest()}

    def test_a_name_stands_for_one_thing(self) -> None:
        run = Run.local(epochs=1)
        run.uses("x", b"1")
        with pytest.raises(TrainerError, match=r"run\.uses\('x', …\) was called with other data before"):
            run.uses("x", b"2")

    def test_what_cannot_be_hashed(self, tmp_path: Path) -> None:
        for thing in ("digits", tmp_path / "nothing"):
            with pytest.raises(TrainerError, match=r"run\.uses\('x', …\): "):
                Run.local(epochs=1).uses("x", thing)
