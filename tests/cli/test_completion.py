"""`hpsearch completion`."""

import subprocess

import pytest

from hpsearch.cli.parser import VERBS
from tests.cli.cli_runner import CliRunner


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_script_has_every_command(cli: CliRunner, shell: str) -> None:
    answer = cli.invoke("completion", shell)
    assert answer.code == 0
    assert all(verb in answer.out for verb in VERBS)
    assert "accept-changes" in answer.out


def test_bash_completes(cli: CliRunner) -> None:
    (cli.folder / "complete.sh").write_text(
        cli.invoke("completion", "bash").out
        + 'try() { COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _hpsearch; echo "${COMPREPLY[*]}"; }\n'
        + 'try hpsearch ru; try hpsearch run --fo; try hpsearch export toy --format ""; try hpsearch completion z\n'
        + "try hpsearch init --example quick; try hpsearch --v; try hpsearch help ru\n"
    )
    done = subprocess.run(
        ["bash", "complete.sh"], cwd=cli.folder, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert done[0] == "run"
    assert set(done[1].split()) == {"--fork", "--force"}
    assert {"json", "csv", "parquet", "optuna"} <= set(done[2].split())
    assert done[3:] == ["zsh", "quickstart", "--version", "run"]
