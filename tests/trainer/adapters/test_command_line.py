"""The command line of a program: the styles, the options as its source spells them, parameters that a trial lacks."""

import json
from pathlib import Path

import pytest

from hpsearch.core.errors import TrainerError
from hpsearch.study.program import Program, Style
from hpsearch.trainer.adapters.command import sources_of
from hpsearch.trainer.adapters.command_line import command_line, located
from hpsearch.trainer.adapters.script_options import Option, Options

BUILT_IN = {"epochs": 9, "seed": 3}


def words(program: Program, params: dict[str, object], source: str = "", folder: Path = Path("/nowhere")) -> list[str]:
    """Without the program itself. source: of a script."""
    options = Options()
    if source:
        (folder / "train.py").write_text(source)
        options = Options.of([folder / "train.py"])
    return [*command_line(program, params, BUILT_IN, options, folder / "params.json").words[1:]]  # type: ignore[arg-type]


def styled(style: Style | None, **keys: object) -> Program:
    return Program(("train", "--epochs={epochs}"), style)


class TestStyles:
    PARAMS = {"lr": 1e-5, "net.hidden": 16, "name": "a b", "amp": True, "fast": False}  # noqa: RUF012

    def test_argparse(self) -> None:
        assert words(styled("argparse"), self.PARAMS) == [
            *("--epochs=9", "--lr", "1e-05", "--net.hidden", "16", "--name", "a b", "--amp")
        ]

    def test_hydra(self) -> None:
        assert words(styled("hydra"), self.PARAMS) == [
            *("--epochs=9", "lr=1e-05", "net.hidden=16", "name=a b", "amp=true", "fast=false")
        ]

    @pytest.mark.parametrize(
        ("value", "written"),
        [
            ([64, 64], "[64,64]"),
            (["a,b", "c"], "['a,b','c']"),
            ({"flip": True, "p": [1, None]}, "{flip: true, p: [1,null]}"),
            (None, "null"),
            ("a,b", "'a,b'"),
            ("x=y", "'x=y'"),
            ("it's", '"it\'s"'),
            ("é\\", "'é\\\\'"),
            ("[a,b]", "[a,b]"),
            ("${hydra:job}", "${hydra:job}"),
            ("/data/x y", "/data/x y"),
        ],
    )
    def test_values_in_the_grammar_of_hydra(self, value: object, written: str) -> None:
        assert words(styled("hydra"), {"x": value})[1:] == [f"x={written}"]

    def test_json(self, tmp_path: Path) -> None:
        assert words(styled("json"), self.PARAMS, folder=tmp_path) == ["--epochs=9", str(tmp_path / "params.json")]
        assert json.loads((tmp_path / "params.json").read_text()) == self.PARAMS

    def test_a_file_of_all_parameters_where_the_command_has_it(self, tmp_path: Path) -> None:
        program = Program(("train", "--config", "{params_file}"))
        assert words(program, self.PARAMS, folder=tmp_path) == ["--config", str(tmp_path / "params.json")]
        assert json.loads((tmp_path / "params.json").read_text()) == self.PARAMS

    def test_environment(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """In capitals too, but for a variable that is there already."""
        monkeypatch.setenv("NAME", "kept")
        line = command_line(styled("env"), {"lr": 0.1, "name": "x"}, BUILT_IN, Options(), tmp_path)
        assert line.variables == {"LR": "0.1", "lr": "0.1", "name": "x"}

    def test_a_negative_number_is_joined(self) -> None:
        """argparse reads `--bias -1e-3` as two options."""
        assert words(styled("argparse"), {"bias": -1e-3}) == ["--epochs=9", "--bias=-0.001"]


class TestOptionsOfTheSource:
    ARGPARSE = """
parser.add_argument("-w", "--weight-decay", type=float)
parser.add_argument("--amp", action="store_true")
parser.add_argument("--nesterov", type=str2bool)
parser.add_argument("--norm", action=argparse.BooleanOptionalAction)
parser.add_argument("--no-accel", action="store_true")
parser.add_argument("--no_bias", "-n", action="store_true")
parser.add_argument("--tied")
parser.add_argument("-lr", "--learning-rate", "--step-size", dest="rate", type=float)
parser.add_argument("-m")
parser.add_argument("--betas", nargs=2, type=float)
parser.add_argument("--units", nargs="+", type=int)
parser.add_argument("--layer", action="append")
parser.add_argument("--clip", nargs="?")
parser.add_argument("--cosine", type=bool)
# usage: train.py --momentum=0.9
"""
    CLICK = """
@click.option("--weight-decay", type=float)
@click.option("--norm/--no-norm")
@click.option("--amp", is_flag=True)
@click.option("-l", "--layer", multiple=True)
@click.option("--cosine", type=bool)
def main(): ...
"""

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("weight_decay", 0.1, ["--weight-decay", "0.1"]),
            ("momentum", 0.9, ["--momentum=0.9"]),
            ("amp", True, ["--amp"]),
            ("amp", False, []),
            ("nesterov", True, ["--nesterov", "True"]),
            ("nesterov", False, ["--nesterov", "False"]),
            ("norm", True, ["--norm"]),
            ("norm", False, ["--no-norm"]),
            ("other_one", 3, ["--other_one", "3"]),
            ("no_accel", True, ["--no-accel"]),
            ("no_accel", False, []),
            ("accel", True, []),
            ("accel", False, ["--no-accel"]),
            ("no-bias", True, ["--no_bias"]),
            ("tied", False, ["--tied", "False"]),
            ("learning_rate", 0.1, ["--learning-rate", "0.1"]),
            ("step_size", 0.1, ["--step-size", "0.1"]),
            ("lr", 0.1, ["-lr", "0.1"]),
            ("rate", 0.1, ["--learning-rate", "0.1"]),
            ("m", 0.1, ["-m", "0.1"]),
            ("betas", [0.9, 0.99], ["--betas", "0.9", "0.99"]),
            ("units", [64, 32], ["--units", "64", "32"]),
            ("units", 64, ["--units", "64"]),
            ("layer", ["a", "b"], ["--layer", "a", "--layer", "b"]),
            ("clip", [1, 2], ["--clip", "[1,2]"]),
            ("cosine", True, ["--cosine", "True"]),
            ("cosine", False, ["--cosine="]),
        ],
    )
    def test_argparse(self, tmp_path: Path, name: str, value: object, expected: list[str]) -> None:
        found = words(styled("argparse"), {name: value}, self.ARGPARSE, tmp_path)
        assert found[1:] == expected

    @pytest.mark.parametrize(
        ("name", "value", "expected"),
        [
            ("weight_decay", 0.1, ["--weight-decay", "0.1"]),
            ("norm", False, ["--no-norm"]),
            ("amp", True, ["--amp"]),
            ("layer", [1, 2], ["--layer", "1", "--layer", "2"]),
            ("l", 1, ["-l", "1"]),
            ("cosine", False, ["--cosine", "False"]),
        ],
    )
    def test_click(self, tmp_path: Path, name: str, value: object, expected: list[str]) -> None:
        assert words(styled("argparse"), {name: value}, self.CLICK, tmp_path)[1:] == expected

    def test_hydra_is_seen(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text("@hydra.main(version_base=None)\ndef main(cfg): ...")
        assert Options.of([tmp_path / "train.py"]).style == "hydra"

    def test_options_that_a_module_beside_it_defines(self, tmp_path: Path) -> None:
        (tmp_path / "train.py").write_text("import own_flags\nown_flags.main()")
        (tmp_path / "own_flags.py").write_text('def main(): parser.add_argument("--weight-decay")')
        sources = sources_of(Program(("python", "train.py")), tmp_path)
        assert Options.of(sources.files.values()).by_key == {
            "weight-decay": Option("--weight-decay", main="--weight-decay")
        }


@pytest.mark.parametrize("words", [("make", "train", "LR={lr}"), ("sh", "-c", "cd . && python fit.py --lr {lr}")])
def test_the_sources_of_commands_in_a_file_or_a_text(tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "Makefile").write_text("train:\n\tpython fit.py --lr $(LR)\n")
    (tmp_path / "fit.py").touch()
    found = sources_of(Program(words), tmp_path)
    assert found.files.keys() == {"fit.py", *(("Makefile",) if words[0] == "make" else ())}


def test_the_sources_of_a_module(tmp_path: Path) -> None:
    (tmp_path / "own_package").mkdir()
    (tmp_path / "own_package" / "fit.py").touch()
    found = sources_of(Program(("python", "-m", "own_package.fit", "--lr", "{lr}")), tmp_path)
    assert found.files == {"fit.py": tmp_path / "own_package" / "fit.py"}


class TestPlaceholders:
    @pytest.mark.parametrize(
        ("given", "params", "expected"),
        [
            (["--lr", "{lr}"], {"lr": 0.1}, ["--lr", "0.1"]),
            (["--momentum", "{momentum}", "x"], {"lr": 0.1}, ["x"]),
            (["--momentum={momentum}", "x"], {"lr": 0.1}, ["x"]),
            (["--verbose", "--momentum={momentum}"], {"lr": 0.1}, ["--verbose"]),
            (["--amp", "{amp}", "x"], {"amp": True}, ["--amp", "x"]),
            (["--amp", "{amp}", "x"], {"amp": False}, ["x"]),
            (["--amp={amp}"], {"amp": False}, ["--amp=false"]),
            (["--verbose", "--lr", "{lr}", "--last"], {"lr": 1}, ["--verbose", "--lr", "1", "--last"]),
            (["net.{lr}/{lr}"], {"lr": 1}, ["net.1/1"]),
            (["{epochs*2}", "{epochs / 2}", "{-epochs}"], {}, ["18", "4.5", "-9"]),
        ],
    )
    def test_words(self, given: list[str], params: dict[str, object], expected: list[str]) -> None:
        assert words(Program(("train", *given)), params) == expected


class TestLocated:
    def test_python_is_the_one_that_runs_hpsearch(self, tmp_path: Path) -> None:
        import sys

        assert located(Program(("python", "-c", "1")), tmp_path).words[0] == sys.executable

    def test_programs_beside_python_are_found(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """As torchrun and accelerate in an environment that is not activated."""
        for name in ("python", "own_launcher"):
            (tmp_path / name).touch(0o755)
        monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
        assert located(Program(("own_launcher", "x")), tmp_path).words[0] == str(tmp_path / "own_launcher")

    def test_files_of_the_study_are_found_from_a_folder_of_the_trial(self, tmp_path: Path) -> None:
        (tmp_path / "train.sh").touch()
        program = Program(("sh", "train.sh", "other"), in_scratch=True)
        assert located(program, tmp_path).words[1:] == (str(tmp_path / "train.sh"), "other")

    def test_a_file_that_runs_nothing(self, tmp_path: Path) -> None:
        text = '"""A trainer."""\nfrom hpsearch import Report\nN = 3\ndef train(a, run):\n    yield Report(1, {})\n'
        (tmp_path / "mine.py").write_text(text)
        with pytest.raises(TrainerError, match=r'use = "mine.py:train"'):
            located(Program(("python", "mine.py")), tmp_path)
        (tmp_path / "mine.py").write_text(f"{text}train({{}}, None)")
        located(Program(("python", "mine.py")), tmp_path)
