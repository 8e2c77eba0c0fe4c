"""What is installed with hpsearch, and the files that say how to build and change it."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import hpsearch
from tests.test_architecture import imports

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")

OPTIONAL = {"fsspec", "IPython", "psycopg", "pytest", "lightning", "pytorch_lightning", "transformers", "accelerate"}
"""Packages that hpsearch uses where they are installed, or that an extra installs."""

OF_DEPENDENCIES = {"grpc": "ray", "markupsafe": "jinja2", "pydantic_core": "pydantic"}
"""Packages that a declared one cannot do without: their objects are in its interface."""


def requirements() -> list[Requirement]:
    extras = [line for lines in PROJECT["optional-dependencies"].values() for line in lines]
    return [Requirement(line) for line in [*PROJECT["dependencies"], *extras]]


def pinned() -> dict[str, str]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    return {canonicalize_name(line.partition("==")[0]): line.partition("==")[2] for line in lines if "==" in line}


def test_what_is_imported_is_declared() -> None:
    declared = {canonicalize_name(Requirement(line).name) for line in PROJECT["dependencies"]}
    distributions = packages_distributions()
    used = {one.package for one in imports("hpsearch", "trainers")} - {"hpsearch", "trainers", *sys.stdlib_module_names}
    missing = {
        package
        for package in used - OPTIONAL - set(OF_DEPENDENCIES)
        if not declared & set(map(canonicalize_name, distributions.get(package, [package])))
    }
    assert missing == set()
    assert set(OF_DEPENDENCIES.values()) <= declared


def test_development_has_a_version_that_is_allowed() -> None:
    versions = pinned()
    allowed = [one for one in requirements() if canonicalize_name(one.name) in versions]
    assert {"torch", "ray", "optuna", "mlflow", "sqlalchemy"} <= {one.name for one in allowed}
    assert [str(one) for one in allowed if versions[canonicalize_name(one.name)] not in one.specifier] == []


def test_a_bound_above_has_a_reason() -> None:
    lines = (ROOT / "pyproject.toml").read_text(encoding="utf-8").partition("dependencies = [")[2].partition("\n]")[0]
    assert [line for line in lines.splitlines() if "<" in line.partition("#")[0] and "#" not in line] == []


def test_the_version_is_in_one_place() -> None:
    assert "version" in PROJECT["dynamic"]
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.findall(r"^version: (.*)$", citation, re.MULTILINE) == [hpsearch.__version__]
    unreleased, *released = re.findall(
        r"^## ([^\s,]+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    assert unreleased == "Unreleased"
    assert released[:1] in ([], [hpsearch.__version__])


def test_make_without_a_target_lists_them() -> None:
    shown = subprocess.run(["make", "-s"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    targets = set(re.findall(r"^\.PHONY: (.*)$", MAKEFILE, re.MULTILINE)[0].split())
    assert set(re.findall(r"^  ([a-z-]+) ", shown, re.MULTILINE)) == targets


def test_targets_that_texts_name_are_there() -> None:
    targets = set(re.findall(r"^([a-z-]+):", MAKEFILE, re.MULTILINE))
    texts = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / ".github").rglob("*.yaml")]  # none in an sdist
    for path in texts:
        if path.name != "CHANGELOG.md":
            named = re.findall(r"(?:`|run: )make ([a-z-]+)(?=[`\s])", path.read_text(encoding="utf-8"))
            assert set(named) <= targets, path
