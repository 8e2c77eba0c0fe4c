"""Options of absl, fire, jsonargparse, tyro, typer and the like, and subcommands, from the source of a script."""

from pathlib import Path

import pytest

from hpsearch.trainer.adapters.script_libraries import subcommands
from hpsearch.trainer.adapters.script_options import Options

TYPER = """
import typer
app = typer.Typer()

@app.command()
def main(
    data: str,
    learning_rate: float = 0.1,
    rate: Annotated[float, typer.Option("-r", "--lr")] = 0.1,
    use_amp: bool = True,
    fast: bool = typer.Option(False, "--quick/--slow"),
    cosine: bool = typer.Option(False, "--cosine"),
    norm: Annotated[bool, typer.Option("--norm/--no-norm")] = True,
    layers: list[int] = [],
    *,
    batch_size: int = 32,
): ...
"""

ABSL = """
from absl import app, flags
flags.DEFINE_float("learning_rate", 0.1, "")
flags.DEFINE_bool("use_amp", True, "")
flags.DEFINE_multi_integer("layers", [1, 2], "")
"""

TAP = """
from tap import Tap

class Arguments(Tap):
    learning_rate: float = 0.1
    use_amp: bool = True
    fast: bool = False
    layers: list[int] = [1]
"""

FIRE = "import fire\ndef main(learning_rate=0.1, use_amp=True): ...\nfire.Fire(main)\n"
TYRO = "import tyro\nargs = tyro.cli(Args)\n"
JSONARGPARSE = "from jsonargparse import ArgumentParser\nparser.add_argument('--use_amp', type=bool)\n"
TRANSFORMERS = "from transformers import HfArgumentParser\nHfArgumentParser(Arguments).parse_args_into_dataclasses()\n"


@pytest.mark.parametrize(
    ("source", "name", "value", "expected"),
    [
        (TYPER, "learning_rate", 0.1, ["--learning-rate", "0.1"]),
        (TYPER, "batch_size", 8, ["--batch-size", "8"]),
        (TYPER, "lr", 0.1, ["--lr", "0.1"]),
        (TYPER, "rate", 0.1, ["--lr", "0.1"]),
        (TYPER, "use_amp", True, ["--use-amp"]),
        (TYPER, "use_amp", False, ["--no-use-amp"]),
        (TYPER, "fast", True, ["--quick"]),
        (TYPER, "fast", False, ["--slow"]),
        (TYPER, "cosine", False, []),
        (TYPER, "norm", False, ["--no-norm"]),
        (TYPER, "layers", [1, 2], ["--layers", "1", "--layers", "2"]),
        (TYPER, "from_elsewhere", 1, ["--from-elsewhere", "1"]),
        (TYPER.replace("@app.command()", "").replace("app = typer.Typer()", "") + "typer.run(main)", "use_amp", False,
         ["--no-use-amp"]),
        (ABSL, "learning_rate", 0.1, ["--learning_rate", "0.1"]),
        (ABSL, "use_amp", True, ["--use_amp"]),
        (ABSL, "use_amp", False, ["--nouse_amp"]),
        (ABSL, "layers", [1, 2], ["--layers", "1", "--layers", "2"]),
        (TAP, "learning_rate", 0.1, ["--learning_rate", "0.1"]),
        (TAP, "use_amp", True, []),
        (TAP, "use_amp", False, ["--use_amp"]),
        (TAP, "fast", True, ["--fast"]),
        (TAP, "layers", [1, 2], ["--layers", "1", "2"]),
        (FIRE, "use_amp", True, ["--use_amp", "True"]),
        (FIRE, "use_amp", False, ["--use_amp", "False"]),
        (TYRO, "use_amp", True, ["--use_amp"]),
        (TYRO, "use_amp", False, ["--no-use_amp"]),
        (JSONARGPARSE, "use_amp", False, ["--use_amp", "False"]),
        (TRANSFORMERS, "use_amp", False, ["--use_amp", "False"]),
    ],
)  # fmt: skip
def test_options(tmp_path: Path, source: str, name: str, value: object, expected: list[str]) -> None:
    (tmp_path / "train.py").write_text(source)
    assert Options.of([tmp_path / "train.py"]).arguments(name, value) == expected  # type: ignore[arg-type]


def test_options_from_omegaconf_are_those_of_hydra(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("config = OmegaConf.merge(base, OmegaConf.from_cli())")
    assert Options.of([tmp_path / "train.py"]).style == "hydra"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (
            "parsers = parser.add_subparsers()\nparsers.add_parser('train')\nparsers.add_parser('eval')",
            ["train", "eval"],
        ),
        ("import click\n@click.group()\ndef cli(): ...\n@cli.command('fit')\ndef train(): ...", ["fit"]),
        ("import click\n@click.command()\ndef main(): ...", []),
        (TYPER, []),
        (TYPER + "@app.command()\ndef eval_all(): ...", ["main", "eval-all"]),
        ("class Runs:\n  def train(self): ...\n  def _own(self): ...\nfire.Fire(Runs)", ["train"]),
        ("class Runs:\n  def train(self): ...\nfire.Fire(Runs())", ["train"]),
        ("fire.Fire({'train': train, 'eval': evaluate})", ["train", "eval"]),
        ("fire.Fire(train)", []),
        ("LightningCLI(Model)", ["fit", "validate", "test", "predict"]),
        ("LightningCLI(Model, run=False)", []),
        ("not Python", []),
    ],
)
def test_subcommands(tmp_path: Path, source: str, expected: list[str]) -> None:
    (tmp_path / "train.py").write_text(source)
    assert subcommands([tmp_path / "train.py"]) == expected
