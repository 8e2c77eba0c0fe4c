"""What travels to the workers of a cluster."""

from pathlib import Path

import pytest

import hpsearch
from hpsearch.workers.pools.ray.packages import packages, runtime_env

ROOT = Path(hpsearch.__file__).parents[1]


def test_hpsearch_and_the_trainers_package_travel(tmp_path: Path) -> None:
    assert packages("trainers.digits:train", tmp_path) == [str(ROOT / "hpsearch"), str(ROOT / "trainers")]


@pytest.mark.parametrize("name", ["hpsearch", "trainers"])
def test_a_package_in_the_studys_folder_travels_with_the_folder(tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    found = packages("trainers.digits:train", tmp_path)
    assert [Path(one).name for one in found] == [other for other in ("hpsearch", "trainers") if other != name]


def test_a_trainer_that_is_one_file_in_the_studys_folder_travels_with_the_folder(tmp_path: Path) -> None:
    (tmp_path / "my_trainer.py").write_text("")
    assert packages("my_trainer:train", tmp_path) == [str(ROOT / "hpsearch")]


def test_passwords_and_results_stay_here(tmp_path: Path) -> None:
    environment = runtime_env("trainers.digits:train", tmp_path)
    assert environment["working_dir"] == str(tmp_path)
    assert {".env*", ".hpsearch", ".git", "*.pt"} <= set(environment["excludes"])
