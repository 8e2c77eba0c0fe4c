"""The error in the last lines of a failed program, and advice."""

from pathlib import Path

import pytest

from hpsearch.study.program import Program
from hpsearch.trainer.adapters.program_failures import WRONG_USAGE, advice, error_line

TYPER_BOX = ["\u256d\u2500 Error \u2500\u256e", "\u2502 No such option: --lrr   \u2502", "\u2570\u2500\u2500\u256f"]


@pytest.mark.parametrize(
    ("lines", "code", "expected"),
    [
        (["Traceback", "ValueError: bad", "", "---"], 1, "ValueError: bad"),
        (["usage: train.py", "train.py: error: no --lrr"], WRONG_USAGE, "train.py: error: no --lrr"),
        (["ERROR: Could not consume arg: --lrr", "Usage: train.py", "  train.py --help"], WRONG_USAGE,
         "ERROR: Could not consume arg: --lrr"),
        (["ValueError: bad", "Set the environment variable HYDRA_FULL_ERROR=1"], 1, "ValueError: bad"),
        (TYPER_BOX, WRONG_USAGE, "No such option: --lrr"),
        (["Error: No such option '--lrr'."], WRONG_USAGE, "Error: No such option '--lrr'"),
        ([], 1, ""),
    ],
)  # fmt: skip
def test_the_line_with_the_error(lines: list[str], code: int, expected: str) -> None:
    assert error_line(lines, code) == expected


def test_a_subcommand_is_missing(tmp_path: Path) -> None:
    (tmp_path / "run.py").write_text("parsers.add_parser('evaluate')\nparsers.add_parser('train')")
    found = advice(["error: invalid choice"], WRONG_USAGE, Program(("python", "run.py"), "auto"), tmp_path)
    assert found.endswith('write command = ["python", "run.py", "train"] and style = "argparse"')
    assert advice([], WRONG_USAGE, Program(("python", "run.py", "train"), "argparse"), tmp_path) == ""
    assert advice([], 1, Program(("python", "run.py"), "auto"), tmp_path) == ""


def test_a_file_of_the_study_from_a_folder_of_the_trial(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    line = "FileNotFoundError: [Errno 2] No such file or directory: '{}'"
    in_scratch = Program(("python", "run.py"), in_scratch=True)
    assert 'cwd = "scratch"' in advice([line.format("./data")], 1, in_scratch, tmp_path)
    assert advice([line.format("other")], 1, in_scratch, tmp_path) == ""
    assert advice([line.format("./data")], 1, Program(("python", "run.py")), tmp_path) == ""


def test_a_program_that_needs_a_terminal(tmp_path: Path) -> None:
    lines = ["  _, width = os.popen('stty size', 'r').read().split()", "ValueError: not enough values to unpack"]
    assert "terminal = true" in advice(lines, 1, Program(("python", "run.py")), tmp_path)
    assert advice(lines, 1, Program(("python", "run.py"), terminal=True), tmp_path) == ""
