"""Every sentence that hpsearch wrote up to journal 0004, of a trial and of a study."""

import pytest

from hpsearch.core.trial import Cause, State
from hpsearch.journal.sentences_of_0004 import cause_of_study, cause_of_trial, exception_of

TRIALS = [
    ("COMPLETE", "trained all 9 epochs", "done", {"epoch": 9}),
    ("COMPLETE", "its trainer ended at epoch 3 of 9", "done", {"epoch": 3, "of": 9}),
    ("COMPLETE", "early stop: no finite val_loss for 2 epochs", "patience", {"epochs": 2}),
    (
        "COMPLETE",
        "early stop: no better val loss than -1e-05 (epoch 7) for 3 epochs",
        "patience",
        {"best": -1e-5, "epoch": 7, "epochs": 3},
    ),
    ("COMPLETE", "something else", "done", {}),
    ("PAUSED", "trained to epoch 4, as far as round 2 goes", "done", {"epoch": 4, "round": 2}),
    ("PRUNED", "diverged: train_loss is -inf at epoch 12", "diverged", {"epoch": 12}),
    ("PRUNED", "timeout: over limits.trial = 1e+06 s", "timeout", {"seconds": 1e6}),
    ("PRUNED", "patience: no finite val_loss for 2 epochs", "patience", {"epochs": 2}),
    (
        "PRUNED",
        "median: val_loss not finite at epoch 2 is worse than 0.25, the median of 4 others",
        "pruned",
        {"epoch": 2, "median": 0.25, "others": 4},
    ),
    (
        "PRUNED",
        "halving: rank 7 of 9 at epoch 3 (val_loss 0.6), the best 3 go on",
        "pruned",
        {"rank": 7, "of": 9, "epoch": 3},
    ),
    (
        "PRUNED",
        "hyperband, bracket 0: rank 2 of 2 at epoch 1 (val_loss not finite), the best one goes on",
        "pruned",
        {"rank": 2, "of": 2, "epoch": 1},
    ),
    ("PRUNED", "threshold: val_accuracy 0.1 at epoch 1 is below 0.2", "pruned", {"epoch": 1, "lower": 0.2}),
    ("PRUNED", "threshold: val_accuracy 0.95 at epoch 1 is above 0.9", "pruned", {"epoch": 1, "upper": 0.9}),
    ("PRUNED", "threshold: val_accuracy nan at epoch 1 is not a number", "pruned", {}),
    (
        "PRUNED",
        "paired test: val_loss 0.4 is worse than 0.3 of trial 2 at epoch 9, and does not catch up; p <= 0.0013 over "
        "5 folds for 3 epochs",
        "pruned",
        {"best_trial": 2, "epoch": 9, "p": 0.0013, "epochs": 3},
    ),
    ("FAILED", "ValueError: diverged; 3 workers lost (limits.retries)", "trainer_raised", {}),
    ("FAILED", "out of memory even alone (MemoryError): try a smaller model", "out_of_memory", {}),
    (
        "FAILED",
        "its worker died of: Fatal Python error; 3 workers lost (limits.retries)",
        "worker_lost",
        {"workers": 3},
    ),
    (
        "FAILED",
        "stalled: no report for limits.stall = 60 s; 1 workers lost (limits.retries)",
        "stalled",
        {"seconds": 60, "workers": 1},
    ),
    ("WAITING", "", None, {}),
    ("WAITING", "out of memory (RuntimeError: no room; goes on from epoch 2): once more, alone", "out_of_memory", {}),
    ("RUNNING", "out of memory (out of memory: Ray ended its worker): once more, alone", "out_of_memory", {}),
    ("WAITING", "its worker vanished (ActorDiedError); goes on from epoch 2", "worker_lost", {"epoch": 2}),
    (
        "RUNNING",
        "stalled: no report for limits.stall = 0.5 s; goes on from epoch 0",
        "stalled",
        {"seconds": 0.5, "epoch": 0},
    ),
    ("WAITING", "trained its share of limits.epochs = 40", "limit", {"epochs": 40}),
    ("WAITING", "limits.study = 60 s is used up; its epoch took too long to wait for", "limit", {"seconds": 60}),
    ("WAITING", "limits.epochs = 40 is used up", "limit", {"epochs": 40}),
    ("WAITING", "limits.gpu_hours = 0.5 is used up", "limit", {"gpu_hours": 0.5}),
    ("WAITING", "5 trials failed (limits.max_failures)", "limit", {"failed": 5}),
    ("WAITING", "stopped by SIGTERM; its epoch took too long to wait for", "interrupted", {}),
    ("WAITING", "the run ended: KeyboardInterrupt", "interrupted", {}),
    ("WAITING", "`hpsearch stop` was called", "interrupted", {}),
    ("WAITING", "the journal has been away for 600 s (journal.wait)", "interrupted", {}),
    ("WAITING", "a checkpoint could not be written: [Errno 28] No space left on device", "interrupted", {}),
    ("WAITING", "OSError: [Errno 28] No space left on device", "interrupted", {}),
    ("WAITING", "the trainer yielded 3, not a Report(epoch, {name: value})", "trainer_raised", {}),
]


@pytest.mark.parametrize(("state", "reason", "cause", "numbers"), TRIALS)
def test_of_a_trial(state: str, reason: str, cause: str | None, numbers: dict[str, float]) -> None:
    assert cause_of_trial(state, reason) == (cause, numbers)


def test_every_state_and_every_cause_that_there_was_is_known() -> None:
    assert {state for state, *_ in TRIALS} == set(State) - {State.INFEASIBLE}
    assert {cause for *_, cause, _ in TRIALS if cause} == set(Cause) - {Cause.INFEASIBLE, Cause.EXHAUSTED}


@pytest.mark.parametrize(
    ("reason", "exception"),
    [
        ("ValueError: no: not so\nbut so", "ValueError: no: not so\nbut so"),
        ("KeyError", "KeyError"),
        ("the trainer called sys.exit(3)", "SystemExit: 3"),
        ("the trainer called sys.exit('no data')", "SystemExit: no data"),
        ("the trainer called sys.exit(None)", "SystemExit"),
        ("another worker was given the trial", ""),
        ("out of memory even alone (RuntimeError: no (room)): try a smaller batch_size", "RuntimeError: no (room)"),
        ("out of memory even alone (MemoryError): try a smaller batch_size", "MemoryError"),
        ("out of memory even alone (out of memory: Ray ended its worker): try a smaller batch_size", ""),
        ("its worker vanished (ActorDiedError); 3 workers lost (limits.retries)", ""),
    ],
)
def test_the_exception_of_a_trial_that_failed(reason: str, exception: str) -> None:
    assert exception_of("FAILED", reason) == exception
    assert exception_of("WAITING", reason) == ""


USED = {"trials": 9, "epochs": 40, "failed": 5}


@pytest.mark.parametrize(
    ("state", "last", "limits", "found"),
    [
        ("NEW", ("", ""), {}, (None, {})),
        ("RUNNING", ("wait", "stopped by SIGINT"), {}, (None, {})),
        ("COMPLETE", ("complete", "trained all 9 epochs"), {}, ("done", {})),
        ("COMPLETE", ("complete", "trained all 9 epochs"), {"trials": 9}, ("limit", {"trials": 9})),
        (
            "COMPLETE",
            ("over", "round 3 gained nothing: …; the budget of 300 epochs is spent (4 left)"),
            {},
            ("limit", {"budget": 300, "left": 4}),
        ),
        ("COMPLETE", ("over", "round 2 gained 1; all 2 rounds are done"), {}, ("done", {"rounds": 2})),
        ("COMPLETE", ("over", "none of 3 trials came to anything"), {}, ("done", {})),
        ("STOPPED", ("wait", "stopped by SIGINT"), {"epochs": 40}, ("interrupted", {})),
        ("STOPPED", ("wait", "limits.study = 60 s is used up"), {}, ("limit", {"seconds": 60})),
        ("STOPPED", ("wait", "the run ended: TrainerError"), {}, ("trainer_raised", {})),
        ("STOPPED", ("wait", "the run ended: JournalUnavailable"), {}, ("interrupted", {})),
        ("STOPPED", ("complete", ""), {"epochs": 40}, ("limit", {"epochs": 40})),
        ("STOPPED", ("wait", "trained its share of limits.epochs = 40"), {"epochs": 40}, ("limit", {"epochs": 40})),
        ("STOPPED", ("failed", ""), {"max_failures": 5}, ("limit", {"failed": 5})),
        ("STOPPED", ("failed", ""), {"max_failures": 6}, ("interrupted", {})),
    ],
)
def test_of_a_study(
    state: str, last: tuple[str, str], limits: dict[str, int], found: tuple[str | None, object]
) -> None:
    assert cause_of_study(state, last, limits, USED) == found
