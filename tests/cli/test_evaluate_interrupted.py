"""`hpsearch evaluate` that is interrupted, and goes on."""

import re
import shutil
import signal

import pytest

from hpsearch.core.stopping import RESUME
from tests.cli.cli_runner import CliRunner
from tests.cli.test_evaluate import evaluate, openings, ready


def test_seeds_of_an_interrupted_evaluation_count_and_are_counted(cli: CliRunner) -> None:
    """The ledger, the table and the progress have the same number."""
    ready(cli)
    cli.epoch_log.with_name("bell").write_text(f"{6 * 3 + 10} SIGINT")
    assert cli.invoke("evaluate", "study.toml", "--top", 1, "--seeds", 5).code == 130
    cli.epoch_log.with_name("bell").unlink()
    answer = cli.invoke("evaluate", "study.toml", "--top", 1, "--seeds", 2)
    data = evaluate(cli, "--json").data
    (only,) = data["finalists"]
    seeds = len(only["values"])
    assert 2 < seeds == len(cli.export("toy evaluation")["trials"])
    assert openings(cli)[0].endswith(f" {seeds} seeds")
    assert f" {seeds} fresh" in answer.out.splitlines()[0]
    assert f"note: {seeds} seeds of one finalist are recorded already, and all of them count" in answer.err
    progress = [re.fullmatch(r"\[(\d+)(?:/(\d+))?\] .*", line) for line in answer.err.splitlines()]
    ended = [(int(one[1]), int(one[2] or one[1])) for one in progress if one]
    assert ended
    assert all(done <= total for done, total in ended)


def killed_at(cli: CliRunner, line: int, *words: object) -> None:
    """The process is killed as the epoch_log gets so many lines."""
    cli.epoch_log.with_name("gate").write_text(str(line))
    process = cli.start("evaluate", "study.toml", *words)
    cli.wait_for(lambda: cli.trained() == line, process)
    process.kill()
    process.communicate()
    cli.epoch_log.with_name("gate").unlink()


def test_an_evaluation_killed_while_training_resumes_and_opens_the_test_set_once(cli: CliRunner) -> None:
    whole = evaluate(ready(cli), "--json").data
    shutil.rmtree(cli.folder / ".hpsearch")
    cli.epoch_log.unlink()
    ready(cli)
    killed_at(cli, 6 * 3 + 20)
    assert openings(cli) == []
    data = evaluate(cli, "--json").data
    assert data["finalists"] == whole["finalists"]
    assert data["test"]["contenders"] == whole["test"]["contenders"]
    assert len(openings(cli)) == 1
    assert len(cli.export("toy evaluation")["trials"]) == 15


def test_an_evaluation_killed_with_the_test_set_open_needs_again(cli: CliRunner) -> None:
    ready(cli)
    killed_at(cli, 6 * 3 + 15 * 3 + 1)
    assert len(openings(cli)) == 1
    answer = evaluate(cli)
    assert answer.code == 2
    assert "the process ended before it recorded a result" in answer.err
    assert "--again" in answer.err
    assert len(openings(cli)) == 1
    assert evaluate(cli, "--again", "--json").data["test"]["opening"] == 2
    assert evaluate(cli).code == 0


def test_a_signal_ends_it_in_good_order(cli: CliRunner) -> None:
    ready(cli)
    cli.epoch_log.with_name("bell").write_text("25 SIGINT")
    answer = cli.invoke("evaluate", "study.toml")
    assert answer.code == 128 + signal.SIGINT
    assert RESUME in answer.err
    assert openings(cli) == []
    cli.epoch_log.with_name("bell").unlink()
    assert evaluate(cli).code == 0
    assert len(cli.export("toy evaluation")["trials"]) == 15


@pytest.mark.slow
def test_asking_the_study_to_stop_reaches_its_evaluation(cli: CliRunner) -> None:
    ready(cli, options="pace = 0.05")
    before = cli.trained()
    process = cli.start("evaluate", "study.toml")
    cli.wait_for(lambda: cli.trained() >= before + 2, process)
    assert cli.invoke("stop", "toy", "--json").data["asked"].startswith(f"process {process.pid} on ")
    answer = cli.ended(process)
    assert answer.code == 5
    assert answer.err.splitlines()[-1].startswith("the evaluation has stopped: ")
    assert answer.names("`hpsearch stop`", 'hpsearch status "toy evaluation"')
    assert openings(cli) == []
    assert evaluate(cli).code == 0


@pytest.mark.parametrize(
    ("part", "advice"), [pytest.param("validation", RESUME, marks=pytest.mark.slow), ("test", "--again")]
)
@pytest.mark.slow
def test_sigterm_while_scoring_says_how_to_resume(cli: CliRunner, part: str, advice: str) -> None:
    """With a Ray of its own, whose core has a handler of SIGTERM that prints a stack and ends the process."""
    ready(cli, trials=2)
    evaluate(cli, "--top", 1, "--seeds", 1)
    cli.change(('address = "none"', 'address = "local"\nworkers = 1'))
    (cli.folder / f"hold {part}").touch()
    process = cli.start("evaluate", "study.toml", "--top", 1, "--seeds", 1, "--again")
    cli.wait_for((cli.folder / "waits").exists, process)
    process.send_signal(signal.SIGTERM)
    answer = cli.ended(process)
    (cli.folder / f"hold {part}").unlink()
    assert answer.code == 128 + signal.SIGTERM
    assert all(word in answer.err.splitlines()[-1] for word in ("SIGTERM", advice))
    assert "***" not in answer.err
    assert len(openings(cli)) == (2 if part == "test" else 1)
