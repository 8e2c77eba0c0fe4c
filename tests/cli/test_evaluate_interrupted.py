"""`hpsearch evaluate` that is interrupted, and goes on."""

import re
import shutil
import signal

import pytest

from hpsearch.core.stopping import RESUME
from tests.cli.desk import Desk
from tests.cli.test_evaluate import evaluate, openings, ready


def test_seeds_of_an_interrupted_evaluation_count_and_are_counted(desk: Desk) -> None:
    """The ledger, the table and the progress have the same number."""
    ready(desk)
    desk.diary.with_name("bell").write_text(f"{6 * 3 + 10} SIGINT")
    desk.ended(desk.start("evaluate", "study.toml", "--top", 1, "--seeds", 5))
    desk.diary.with_name("bell").unlink()
    answer = desk.hp("evaluate", "study.toml", "--top", 1, "--seeds", 2)
    data = evaluate(desk, "--json").data
    (only,) = data["finalists"]
    seeds = len(only["values"])
    assert 2 < seeds == len(desk.export("toy evaluation")["trials"])
    assert openings(desk)[0].endswith(f"on validation over {seeds} seeds")
    assert f"1 finalist of 6 trials, {seeds} fresh seeds each" in answer.out
    assert f"note: {seeds} seeds of one finalist are recorded already, and all of them count" in answer.err
    progress = [re.fullmatch(r"\[(\d+)(?:/(\d+))?\] .*", line) for line in answer.err.splitlines()]
    ended = [(int(one[1]), int(one[2] or one[1])) for one in progress if one]
    assert ended
    assert all(done <= total for done, total in ended)


def killed_at(desk: Desk, line: int, *words: object) -> None:
    """The process is killed as the diary gets so many lines."""
    desk.diary.with_name("gate").write_text(str(line))
    process = desk.start("evaluate", "study.toml", *words)
    desk.wait_for(lambda: desk.trained() == line, process)
    process.kill()
    process.communicate()
    desk.diary.with_name("gate").unlink()


def test_killed_while_it_trains_it_goes_on_and_the_test_set_is_opened_once(desk: Desk) -> None:
    whole = evaluate(ready(desk), "--json").data
    shutil.rmtree(desk.folder / ".hpsearch")
    desk.diary.unlink()
    ready(desk)
    killed_at(desk, 6 * 3 + 20)
    assert openings(desk) == []
    data = evaluate(desk, "--json").data
    assert data["finalists"] == whole["finalists"]
    assert data["test"]["contenders"] == whole["test"]["contenders"]
    assert len(openings(desk)) == 1
    assert len(desk.export("toy evaluation")["trials"]) == 15


def test_killed_with_the_test_set_open_it_says_so_and_wants_to_be_asked(desk: Desk) -> None:
    ready(desk)
    killed_at(desk, 6 * 3 + 15 * 3 + 1)
    assert len(openings(desk)) == 1
    answer = evaluate(desk)
    assert answer.code == 2
    assert "the process ended before it recorded a result" in answer.err
    assert "--again" in answer.err
    assert len(openings(desk)) == 1
    assert evaluate(desk, "--again", "--json").data["test"]["opening"] == 2
    assert evaluate(desk).code == 0


def test_a_signal_ends_it_in_good_order(desk: Desk) -> None:
    ready(desk)
    desk.diary.with_name("bell").write_text("25 SIGINT")
    answer = desk.ended(desk.start("evaluate", "study.toml"))
    assert answer.code == 128 + signal.SIGINT
    assert RESUME in answer.err
    assert openings(desk) == []
    desk.diary.with_name("bell").unlink()
    assert evaluate(desk).code == 0
    assert len(desk.export("toy evaluation")["trials"]) == 15


def test_asking_the_study_to_stop_reaches_its_evaluation(desk: Desk) -> None:
    ready(desk, options="pace = 0.05")
    before = desk.trained()
    process = desk.start("evaluate", "study.toml")
    desk.wait_for(lambda: desk.trained() >= before + 2, process)
    assert desk.hp("stop", "toy", "--json").data["asked"].startswith(f"process {process.pid} on ")
    answer = desk.ended(process)
    assert "the evaluation has stopped: `hpsearch stop` was called" in answer.err
    assert openings(desk) == []
    assert evaluate(desk).code == 0


@pytest.mark.parametrize(
    ("part", "advice"), [("validation", "run the same command again"), ("test", "the test set was opened")]
)
def test_sigterm_while_it_scores_says_how_to_go_on(desk: Desk, part: str, advice: str) -> None:
    """With a Ray of its own, whose core has a handler of SIGTERM that prints a stack and ends the process."""
    ready(desk, trials=2)
    evaluate(desk, "--top", 1, "--seeds", 1)
    desk.change(('address = "none"', 'address = "local"\nworkers = 1'))
    (desk.folder / f"hold {part}").touch()
    process = desk.start("evaluate", "study.toml", "--top", 1, "--seeds", 1, "--again")
    desk.wait_for((desk.folder / "waits").exists, process)
    process.send_signal(signal.SIGTERM)
    answer = desk.ended(process)
    (desk.folder / f"hold {part}").unlink()
    assert answer.code == 128 + signal.SIGTERM
    assert answer.err.splitlines()[-1].startswith(f"stopped by SIGTERM: {advice}")
    assert "***" not in answer.err
    assert len(openings(desk)) == (2 if part == "test" else 1)
