"""docs/public-scripts.md: the counted lines of one search, written for four tools, are those of the files."""

import ast
import re
import tomllib
from pathlib import Path

import pytest

from hpsearch.study.definition import Study
from tests.cli.cli_runner import CliRunner
from tests.cli.conftest import cli

__all__ = ["cli"]  # a fixture

DOCS = Path(__file__).parents[1] / "docs"
FILES = DOCS / "examples" / "same-search"

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--epochs", type=int)
parser.add_argument("--lr", type=float)
parser.add_argument("--gamma", type=float)
args = parser.parse_args()
for epoch in range(args.epochs):
    print(f"\\nTest set: Average loss: {args.lr + args.gamma**epoch:.4f}, Accuracy: 9/10 (90%)\\n")
"""
"""Prints as mnist/main.py of pytorch/examples does."""


def lines(file: str) -> int:
    """Lines that somebody writes: without blank ones and comments; of a patch, those that it adds."""
    text = (FILES / file).read_text(encoding="utf-8").splitlines()
    if file.endswith(".patch"):
        return sum(line.startswith("+") and not line.startswith("+++") for line in text)
    return sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in text)


def test_the_table_has_the_lines_of_the_files() -> None:
    page = (DOCS / "public-scripts.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (\w[^|]*) \| ([^|]*\]\([^|]*) \| (\d+) \|", page, re.MULTILINE)
    counted = {tool.strip(): int(count) for tool, _, count in rows}
    files = {tool.strip(): re.findall(r"same-search/([\w.]+)\)", links) for tool, links, _ in rows}
    assert counted == {tool: sum(map(lines, names)) for tool, names in files.items()}
    assert sorted(name for names in files.values() for name in names) == sorted(path.name for path in FILES.iterdir())
    assert min(counted, key=lambda tool: counted[tool]) == "hpsearch"


def test_ours_runs(cli: CliRunner) -> None:
    text = (FILES / "hpsearch.toml").read_text(encoding="utf-8")
    (cli.folder / "main.py").write_text(SCRIPT)
    (cli.folder / "study.toml").write_text(text + 'address = "none"\n[tracking]\nmlflow = "none"\n')
    cli.change(("trials = 20", "trials = 3"), ("workers = 2", "workers = 1"))
    answer = cli.run("--json")
    assert answer.code == 0, answer.err
    assert answer.data["trials"]["complete"] + answer.data["trials"]["pruned"] == 3


def test_all_search_the_same_space() -> None:
    """The numbers of the space, the number of trials and the length are in each file."""
    tomllib.loads((FILES / "hpsearch.toml").read_text(encoding="utf-8"))
    for name in ("with_optuna.py", "with_ray_tune.py"):
        ast.parse((FILES / name).read_text(encoding="utf-8"))
    for name in ("hpsearch.toml", "with_optuna.py", "with_ray_tune.py", "wandb_sweep.yaml"):
        text = (FILES / name).read_text(encoding="utf-8").replace("1e-2", "0.01")
        missing = [
            word for word in ("0.01", "10.0", "0.3", "1.0", "20", "9", "lr", "gamma", "val_loss") if word not in text
        ]
        assert missing == ([] if name != "with_optuna.py" else ["val_loss"]), name


@pytest.mark.parametrize("name", sorted(path.stem for path in (DOCS / "examples" / "public-scripts").glob("*.toml")))
def test_the_study_files_of_public_scripts_are_whole(name: str, tmp_path: Path) -> None:
    assert Study.load(DOCS / "examples" / "public-scripts" / f"{name}.toml").study.name == name
