"""A script against its study, from its source alone."""

from pathlib import Path

import pytest

from hpsearch.study.program import Program, Style
from hpsearch.study.space import Choice, Float, Int, Parameter, Space
from hpsearch.trainer.adapters.script_check import check

SCRIPT = """
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--optimizer", choices=["sgd", "adam"])
parser.add_argument("--no-accel", action="store_true")
parser.add_argument("--epochs", type=int)
args = parser.parse_args()
"""


def faults(
    folder: Path, *parameters: Parameter, source: str = SCRIPT, fixed: dict[str, object] | None = None, **keys: object
) -> dict[str, str]:
    (folder / "train.py").write_text(source)
    program = Program(**{"words": ("python", "train.py"), "style": "auto", **keys})  # type: ignore[arg-type]
    found = check(program, Space(parameters, fixed or {}), {"epochs": "{epochs}"}, folder)  # type: ignore[arg-type]
    return {fault.parameter: fault.message for fault in found.faults}


def test_a_script_that_only_defines_functions(tmp_path: Path) -> None:
    source = "import argparse\ndef train(params):\n    yield 1, {}\ndef accuracy(model):\n    return 1\n"
    assert faults(tmp_path, Float("lr", 0.1, 1.0), source=source) == {
        "": "the trainer's command runs train.py, which defines functions and calls none of them. For a function as "
        'the trainer, write use = "train.py:train"'
    }


def test_a_file_with_functions_may_be_an_argument(tmp_path: Path) -> None:
    (tmp_path / "models.py").write_text("def build():\n    return 1\n")
    words = ("python", "-m", "train", "models.py")
    assert faults(tmp_path, words=words, style=None) == {}


class TestParameters:
    def test_right_ones(self, tmp_path: Path) -> None:
        own = (Float("lr", 0.1, 1.0), Int("batch_size", 8, 64), Choice("optimizer", ("sgd", "adam")))
        assert faults(tmp_path, *own, Choice("no_accel", (True, False)), fixed={"accel": True}) == {}

    def test_an_unknown_one(self, tmp_path: Path) -> None:
        assert faults(tmp_path, Float("lrr", 0.1, 1.0), Choice("amp", (True, False))) == {
            "lrr": "train.py has no option --lrr; did you mean --lr?",
            "amp": "train.py has no option --amp",
        }

    def test_each_name_of_an_option(self, tmp_path: Path) -> None:
        source = SCRIPT.replace('"--lr"', '"-l", "--learning-rate", "--lr", dest="rate", required=True')
        for name in ("lr", "learning_rate", "learning", "l", "rate"):
            assert faults(tmp_path, Float(name, 0.1, 1.0), source=source) == {}
        assert faults(tmp_path, source=source) == {"": "train.py requires --learning-rate; add it to [trainer.options]"}

    def test_a_list(self, tmp_path: Path) -> None:
        source = SCRIPT.replace('"--batch-size",', '"--batch-size", nargs="+",')
        assert faults(tmp_path, fixed={"batch_size": [8, 16]}, source=source) == {}
        assert faults(tmp_path, fixed={"batch_size": [8, 16.5]}, source=source).keys() == {"batch_size"}

    def test_a_unique_beginning_is_completed(self, tmp_path: Path) -> None:
        assert faults(tmp_path, Int("batch", 8, 64)) == {}

    def test_a_value_that_is_none_of_its_choices(self, tmp_path: Path) -> None:
        assert faults(tmp_path, Choice("optimizer", ("sgd", "rmsprop"))) == {
            "optimizer": "train.py: --optimizer takes sgd, adam, not rmsprop"
        }

    def test_a_fraction_for_a_whole_number(self, tmp_path: Path) -> None:
        assert "type=int" in faults(tmp_path, Float("batch_size", 8.0, 64.5))["batch_size"]
        assert faults(tmp_path, fixed={"batch_size": 8.5}) == {
            "batch_size": "train.py: --batch-size takes a whole number, not 8.5"
        }

    def test_a_placeholder_in_the_command_needs_no_option(self, tmp_path: Path) -> None:
        words = ("python", "train.py", "--lr", "{rate}")
        assert faults(tmp_path, Float("rate", 0.1, 1.0), words=words) == {}


class TestCommand:
    @pytest.mark.parametrize(
        ("style", "expected"),
        [
            (None, "lrr is neither a key of base.yaml nor a placeholder of trainer.command; did you mean optim.lr?"),
            ("argparse", "train.py has no option --lrr; did you mean --lr?"),
        ],
    )
    def test_a_key_of_the_configuration_file(self, tmp_path: Path, style: str | None, expected: str) -> None:
        (tmp_path / "base.yaml").write_text("{optim: {lr: 1}, epochs: 2}")
        keys = {"words": ("python", "train.py", "{config_file}"), "style": style, "config": "base.yaml"}
        assert faults(tmp_path, Float("optim.lr", 0.1, 1.0), Float("lrr", 0.1, 1.0), **keys) == {"lrr": expected}

    def test_an_option_of_the_command(self, tmp_path: Path) -> None:
        words = ("python", "train.py", "--learning-rate={lr}")
        found = faults(tmp_path, Float("lr", 0.1, 1.0), words=words, style=None)
        assert found == {"": "train.py has no option --learning-rate"}

    def test_an_option_of_a_launcher(self, tmp_path: Path) -> None:
        assert faults(tmp_path, words=("torchrun", "--nproc-per-node", "2", "train.py", "--lr", "1"), style=None) == {}

    def test_a_required_option(self, tmp_path: Path) -> None:
        source = SCRIPT.replace('"--lr", type=float', '"--lr", required=True')
        assert faults(tmp_path, source=source) == {"": "train.py requires --lr; add it to [trainer.options]"}
        assert faults(tmp_path, Float("lr", 0.1, 1.0), source=source) == {}


@pytest.mark.parametrize(
    "change",
    [
        ("parse_args()", "parse_known_args()[0]"),
        ("parse_args()", "parse_args(words())"),
        ("import argparse", "import argparse, sys; sys.argv.pop()"),
        ("args =", "add_more(parser)\nargs ="),
        ('"--epochs"', '"--" + name'),
        ("ArgumentParser()", "ArgumentParser(parents=[own])"),
    ],
)
def test_no_fault_where_the_source_does_not_show_all_options(tmp_path: Path, change: tuple[str, str]) -> None:
    assert SCRIPT.count(change[0]) == 1
    assert faults(tmp_path, Float("lrr", 0.1, 1.0), source=SCRIPT.replace(*change)) == {}


@pytest.mark.parametrize("style", ["hydra", "env", "json"])
def test_other_styles_have_no_options(tmp_path: Path, style: str) -> None:
    assert faults(tmp_path, Float("lrr", 0.1, 1.0), style=style) == {}


TRAIN = 'write command = ["python", "train.py", "train"] and style = "argparse"'
CLICK = "import click\n@click.group()\ndef cli(): ...\n@cli.command()\ndef train(): ...\ncli()"


class TestSubcommands:
    @pytest.mark.parametrize(
        ("source", "is_fault"),
        [
            ("p = parser.add_subparsers(dest='mode', required=True)\np.add_parser('train')", True),
            ("p = parser.add_subparsers()\np.required = True\np.add_parser('train')", True),
            ("p = parser.add_subparsers()\np.add_parser('train')", False),
            (CLICK, True),
            (CLICK.replace("group()", "group(invoke_without_command=True)"), False),
            ("class Runs:\n  def train(self): ...\nfire.Fire(Runs)", False),
        ],
    )
    def test_a_command_without_one(self, tmp_path: Path, source: str, is_fault: bool) -> None:
        (tmp_path / "train.py").write_text(source)
        found = check(Program(("python", "train.py"), "auto"), Space((Float("lr", 0.1, 1.0),)), {}, tmp_path)
        (message,) = [fault.message for fault in found.faults] if is_fault else found.doubts
        assert message.endswith(TRAIN)

    @pytest.mark.parametrize(
        ("words", "parameters"),
        [(("python", "train.py", "train"), ()), (("python", "train.py", "{to}"), (Choice("to", ("train", "x")),))],
    )
    def test_with_one(self, tmp_path: Path, words: tuple[str, ...], parameters: tuple[Parameter, ...]) -> None:
        (tmp_path / "train.py").write_text(CLICK)
        found = check(Program(words, "argparse"), Space((Float("lr", 0.1, 1.0), *parameters)), {}, tmp_path)
        assert (found.faults, found.doubts) == ((), ())


class TestVariables:
    SOURCE = 'import os\nLR = os.environ.get("LR", 0.1)\nWIDTH = int(os.getenv("WIDTH", 8))\nD = os.environ["D"]\n'

    @pytest.mark.parametrize(
        ("style", "name", "says"),
        [
            ("env", "lr", ""),
            ("env", "widht", "train.py does not read the environment variable widht; did you mean WIDTH?"),
            ("auto", "D", 'so the parameters have no effect. With style = "env" in [trainer] they are the environment '
             "variables that it reads: D"),
            ("constants", "LR", '; it reads the environment variable, which style = "env" sets'),
        ],
    )  # fmt: skip
    def test_of_a_script(self, tmp_path: Path, style: Style, name: str, says: str) -> None:
        (tmp_path / "train.py").write_text(self.SOURCE)
        found = check(Program(("python", "train.py"), style), Space((Float(name, 0.1, 1.0),)), {}, tmp_path)
        messages = [*(fault.message for fault in found.faults), *found.doubts]
        assert len(messages) == bool(says)
        assert all(message.endswith(says) for message in messages)

    @pytest.mark.parametrize("other", ["for key in os.environ: ...", "os.getenv(name)", "from os import getenv"])
    def test_others_that_the_source_does_not_show(self, tmp_path: Path, other: str) -> None:
        (tmp_path / "train.py").write_text(self.SOURCE + other)
        found = check(Program(("python", "train.py"), "env"), Space((Float("widht", 0.1, 1.0),)), {}, tmp_path)
        assert found.doubts == ()


class TestAScriptWithoutOptions:
    SOURCE = "lr = 0.1\nif __name__ == '__main__':\n    width = 64\n"

    def test_its_parameters_have_no_effect(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text(self.SOURCE)
        program = Program(("python", "train.py"), "auto")
        found = check(program, Space((Float("lr", 0.1, 1.0),)), {}, tmp_path)
        assert found.faults == ()
        assert found.doubts[0].endswith("it has lr")
        (tmp_path / "train.py").write_text("print(1)")
        assert check(program, Space((Float("lr", 0.1, 1.0),)), {}, tmp_path).doubts[0].endswith("such as lr = 0.1")

    @pytest.mark.parametrize("reads", ["import sys; print(sys.argv)", "from mine import get_args", "import click"])
    def test_others_have_options(self, tmp_path: Path, reads: str) -> None:
        (tmp_path / "mine.py").write_text("from argparse import ArgumentParser\ndef get_args(): ...\n")
        (tmp_path / "train.py").write_text(reads)
        found = check(Program(("python", "train.py"), "auto"), Space((Float("lr", 0.1, 1.0),)), {}, tmp_path)
        assert found.doubts == ()

    def test_its_constants(self, tmp_path: Path) -> None:
        own = (Float("lr", 0.1, 1.0), Int("widht", 8, 64))
        assert faults(tmp_path, *own, source=self.SOURCE + "epochs = 3\n", style="constants") == {
            "widht": "train.py assigns no literal value to widht outside of its functions; did you mean width?"
        }
