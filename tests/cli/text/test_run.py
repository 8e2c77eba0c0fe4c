"""The result of a run in words."""

import signal
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.cli.text.run import text
from hpsearch.core.history import BestTrial, History
from hpsearch.core.trial import Cause, Numbers, Report, State, Trial
from hpsearch.orchestrator.rules import End, Totals
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.progress.nothing_to_train import how_to_extend
from hpsearch.tracking.base import Sync
from tests.support.study_text import RANDOM, ROUNDS, make_study

AGAIN = "run the same command again"


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("HPSEARCH_HOME", raising=False)
    monkeypatch.setattr(sys, "argv", ["pytest"])


def trial(number: int, state: State = State.COMPLETE, reason: str = "trained all 2 epochs") -> Trial:
    curve = tuple(Report(step, {"val_loss": 0.5 - number / 10}) for step in (1, 2))
    return Trial(number, {"lr": 0.1 * (number + 1), "opt": "sgd"}, 0, 9, state, curve=curve, busy=60.0, reason=reason)


ALL = [trial(number) for number in range(3)]
DONE = End()
FAILED = trial(3, State.FAILED, reason="ValueError: x = 2 is too much")


def result(trials: Sequence[Trial] = ALL, end: End = DONE, *, spent: float = 95.0, **changes: object) -> RunResult:
    """Of a random search for 5 trials of 9 epochs."""
    study = make_study(("", '[tracking]\nmlflow = "none"\n'))
    history = History(study.objective, trials)
    best = history.best()
    row = best and BestTrial(best.number, 0.5 - best.number / 10, 1, best.params)
    totals = Totals(began=0.0, ended=100.0, busy=180.0, epochs=6, workers=2)
    counts = Counter(one.state for one in trials)
    whole = RunResult(study, False, history, counts, row, totals, end, Sync(0, 0), 95.0, spent, None)
    return replace(whole, **changes)  # type: ignore[arg-type]


def limit(numbers: Numbers) -> End:
    return End(stopped="a limit", cause=Cause.LIMIT, numbers=numbers)


def advice(found: RunResult) -> list[str]:
    """What stands below the places to look at."""
    *_, last = text(found).split("\n\n")
    return [] if last.startswith(" ") else last.splitlines()


def test_a_run_of_a_complete_study_says_how_to_extend_it() -> None:
    found = result(trained_nothing=True)
    assert text(found).splitlines()[0] == "digits: done (nothing was left to train)"
    assert advice(found) == how_to_extend(found)


def test_the_screen() -> None:
    assert text(result()).splitlines() == [
        "digits: done",
        "3 trials: 3 complete; 6 epochs in 1m35s, workers busy 90%",
        "",
        "best: trial 2, val_loss 0.3 at epoch 1",
        "      lr = 0.3, opt = sgd",
        "",
        "  journal    .hpsearch/journal.db",
        "  best       hpsearch show digits 2",
        "  report     hpsearch report digits",
    ]


def test_a_search_in_rounds_that_gives_a_reason_for_its_end_has_them_to_show() -> None:
    over = End(over="the budget of 6 epochs is spent")
    study = make_study(
        (RANDOM, ROUNDS + "[{ trials = 4, epochs = 2 }, { trials = 2, epochs = 9 }]"),
        ("", '[tracking]\nmlflow = "none"\n'),
    )
    lines = text(result(end=over, study=study)).splitlines()
    assert not any("rounds" in line for line in text(result(end=over)).splitlines())
    assert lines[:2] == ["digits: done", "the budget of 6 epochs is spent"]
    assert "  rounds     hpsearch show digits" in lines


def test_a_run_without_a_result() -> None:
    assert text(result([replace(FAILED, number=0, curve=())], End(all_failed=True))).splitlines() == [
        "digits: failed (all 1 trial)",
        "1 trial: 1 failed; 0 epochs in 1m35s, workers busy 90%",
        "",
        "no trial succeeded; the last one: ValueError: x = 2 is too much",
        "",
        "  journal    .hpsearch/journal.db",
        "  failed     hpsearch show digits 0",
        "",
        f"fix the trainer and {AGAIN}: failed trials are tried again (--retry-failed: also without a change)",
    ]


def test_no_parameters_are_feasible() -> None:
    found = result([trial(0, State.INFEASIBLE)], End(cause=Cause.INFEASIBLE, all_failed=True))
    assert text(found).splitlines()[0] == "digits: infeasible (all 1 trial)"
    assert advice(found) == [
        "change [space], or the condition under which the trainer raises Infeasible, and run with --fork NEW_NAME"
    ]


def test_the_best_trial_failed_after_its_best_epoch() -> None:
    best = replace(BestTrial(3, 0.25, 1, {}), failed=True)
    assert "best: trial 3, val_loss 0.25 at epoch 1; it FAILED later" in text(result(best=best)).splitlines()


def test_exceptions_after_the_last_report() -> None:
    raised = [replace(one, exception="ValueError: no room") for one in ALL[:2]]
    lines = text(result([*raised, ALL[2]])).splitlines()
    assert "  warning    hpsearch show digits 1" in lines
    assert lines[-1] == ("warning: In trials 0, 1, the trainer failed after its last report. The results are kept.")


def test_nothing_was_trained() -> None:
    nothing = Totals()
    lines = text(result([], End(stopped="x"), totals=nothing)).splitlines()
    assert lines[1] == "0 trials; 0 epochs in 1m35s"
    assert lines[3] == "no trial succeeded; the last one: nothing was trained"


def test_trials_of_every_state() -> None:
    states = [State.COMPLETE, State.PRUNED, State.FAILED, State.PAUSED, State.WAITING]
    trials = [trial(number, state) for number, state in enumerate(states)]
    over, stopped = text(result(trials)), text(result(trials, End(stopped="x")))
    start = "5 trials: 1 complete, 1 pruned, 1 failed, 1"
    assert over.splitlines()[1].startswith(f"{start} not continued, 1 interrupted (will resume); 10 epochs")
    assert stopped.splitlines()[1].startswith(f"{start} paused, 1 interrupted (will resume); 10 epochs")


def test_the_budget_of_the_search_is_used_up() -> None:
    """It is the end that the file asks for, unlike one of [limits]."""
    found = result([trial(0), trial(1, State.PAUSED), trial(2, State.WAITING)], limit({"epochs": 60}))
    auto = make_study(
        ('[search]\nmethod = "random"\ntrials = 5', '[search]\nmethod = "auto"\nbudget = { epochs = 60 }')
    )
    lines = text(replace(found, study=auto)).splitlines()
    assert lines[0] == "digits: done (a limit)"
    assert lines[1].startswith("3 trials: 1 complete, 1 not continued, 1 not finished; ")
    assert text(found).splitlines()[0] == "digits: stopped (a limit)"


@pytest.mark.parametrize(
    ("changes", "head"),
    [
        ({"signal": signal.SIGINT}, "digits: stopped by SIGINT"),
        ({"signal": signal.SIGTERM}, "digits: stopped by SIGTERM"),
        ({}, "digits: stopped (`hpsearch stop` was called)"),
    ],
)
def test_a_stopped_run_is_resumed_by_the_same_command(changes: dict[str, object], head: str) -> None:
    found = result(end=End(stopped="`hpsearch stop` was called", cause=Cause.INTERRUPTED), **changes)
    assert text(found).splitlines()[0] == head
    assert advice(found) == [f"{AGAIN} to continue"]


class TestLimits:
    """What is named is what a further run needs: trained epochs, trials and seconds count, not the limit."""

    def test_epochs(self) -> None:
        above = "raise limits.epochs above 6"
        assert advice(result(end=limit({"epochs": 5}))) == [
            f"{above} (up to 45 for the whole search) and {AGAIN} to continue"
        ]

    def test_seconds(self) -> None:
        for spent, limited, above in ((95.4, 90.0, "1m36s"), (0.2, 0.1, "1s"), (7201.0, 7200.0, "2h01m")):
            found = result(end=limit({"seconds": limited}), spent=spent)
            assert advice(found) == [f"raise limits.study above {above} and {AGAIN} to continue"]

    def test_gpu_hours(self) -> None:
        found = result(end=limit({"gpu_hours": 0.25}))
        assert advice(found) == [f"raise limits.gpu_hours above 0.25 and {AGAIN} to continue"]

    def test_trials(self) -> None:
        found = result(end=limit({"trials": 2}))
        assert advice(found) == [f"raise limits.trials above 3 (up to 5 for the whole search) and {AGAIN} to continue"]

    def test_failures(self) -> None:
        fix, other = advice(result([*ALL, FAILED], limit({"failed": 1})))
        assert fix.startswith("fix the trainer and ")
        assert other == "or raise limits.max_failures to train other trials first"
        _, other = advice(result([*ALL, FAILED], limit({"failed": 1, "share": 0.25})))
        assert other == "or raise limits.max_failure_share to train other trials first"


def test_events_that_are_not_in_mlflow() -> None:
    lines = text(result(sync=Sync(3, 16, "MLflow at http://127.0.0.1:9 does not answer"))).splitlines()
    assert lines[-2:] == [
        "16 events are not in MLflow yet; `hpsearch sync digits` sends them",
        "  MLflow at http://127.0.0.1:9 does not answer",
    ]
