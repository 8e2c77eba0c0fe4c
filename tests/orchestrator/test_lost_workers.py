"""Which losses of a worker use up a retry."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.messages import Advance, Event, Lost, Start
from hpsearch.core.trial import Cause, Report, Trial
from hpsearch.orchestrator.lost_workers import MAX_OUTSIDE
from tests.support.studies import COMPLETE, FAILED, WAITING, ListSampler, Search, UnreliablePool

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("one_epoch_a_slice")


def losing(folder: Path, why: str, lost: Callable[[int, int], bool], retries: int = 2) -> Search:
    """A study of one trial of 20 epochs. lost: (its epoch, the losses before) -> whether its worker is lost now."""
    study = Search(folder, ListSampler([{}]), epochs=20, retries=retries)
    losses = 0

    def fate(order: Start | Advance, _: int) -> str:
        nonlocal losses
        if not lost(study.recorder.trials[order.number].epoch, losses):
            return ""
        losses += 1
        return why

    study.pool = UnreliablePool(study.pool, fate)
    return study


def at(*epochs: int) -> Callable[[int, int], bool]:
    """Lost once at each of these epochs, in turn."""
    return lambda epoch, before: before < len(epochs) and epoch == epochs[before]


def end(trial: Trial) -> tuple[str, int, int]:
    return trial.state, trial.epoch, trial.attempts


@pytest.mark.parametrize("retries", [1, 2])
def test_losses_with_an_epoch_between_them_use_up_one_retry(tmp_path: Path, retries: int) -> None:
    study = losing(tmp_path, "preempted", at(5, 10, 18), retries)
    assert end(study.run().history[0]) == (COMPLETE, 20, 2)
    assert [numbers["epoch"] for _, _, numbers in study.recorder.waits] == [5, 10, 18]


def test_without_retries_the_first_loss_is_the_last(tmp_path: Path) -> None:
    assert end(losing(tmp_path, "preempted", at(5), retries=0).run().history[0]) == (FAILED, 5, 1)


def test_losses_at_one_epoch_use_up_all(tmp_path: Path) -> None:
    trial = losing(tmp_path, "crashed", lambda epoch, _: epoch == 7).run().history[0]
    assert end(trial) == (FAILED, 7, 3)
    assert (trial.cause, trial.cause_numbers) == (Cause.WORKER_LOST, {"epoch": 7, "workers": 3})


def test_an_epoch_between_gives_no_retry_back(tmp_path: Path) -> None:
    """Lost twice at epoch 5 and at epoch 9: the fourth loss is one too many."""
    assert end(losing(tmp_path, "crashed", at(5, 5, 9, 9)).run().history[0]) == (FAILED, 9, 3)


def test_a_loss_from_outside_uses_up_none(tmp_path: Path) -> None:
    study = losing(tmp_path, "outside", at(0, 0, 0, 3, 3), retries=0)
    assert end(study.run().history[0]) == (COMPLETE, 20, 1)


@pytest.mark.parametrize("retries", [0, 1])
def test_a_trial_that_ends_its_own_worker_each_time_fails_in_the_end(tmp_path: Path, retries: int) -> None:
    study = losing(tmp_path, "outside", lambda epoch, _: epoch == 4, retries)
    assert end(study.run().history[0]) == (FAILED, 4, retries + 1)
    assert len(study.recorder.reasons("wait")) == MAX_OUTSIDE + retries


def test_a_loss_while_the_run_stops_uses_up_none(tmp_path: Path) -> None:
    """A scheduler that stops the driver stops the workers too."""
    study = Search(tmp_path, ListSampler([{}]), retries=0)

    def fate(order: Start | Advance, before: int) -> str:
        return "gone" if before == 2 else ""

    study.pool = UnreliablePool(study.pool, fate)
    events = study.pool.events

    def stopped(timeout: float) -> object:
        if study.recorder.trials and study.recorder.trials[0].epoch == 2:
            loop.stop("stopped by SIGTERM", 20.0)
        return events(timeout)

    study.pool.events = stopped  # type: ignore[method-assign, assignment]
    loop = study.loop()
    loop.run()
    assert end(loop.history[0]) == (WAITING, 2, 1)


def test_another_process_counts_from_where_it_resumed(tmp_path: Path) -> None:
    """The journal then has another cause than the loss."""
    study = losing(tmp_path, "preempted", at(5, 10, 10), retries=1)
    study.run(lambda loop: loop.stop("now") if loop.history.epochs == 7 else None)
    assert study.recorder.trials[0].cause is Cause.INTERRUPTED
    pool = study.pool
    study.reopened()
    pool._inside = study.pool  # type: ignore[attr-defined]
    study.pool = pool
    assert end(study.run().history[0]) == (FAILED, 10, 2)
    assert [numbers.get("epoch") for _, _, numbers in study.recorder.waits if numbers] == [5, 10]


class WithReports(UnreliablePool):
    """What is lost first had reported three epochs."""

    reports = tuple(Report(step, {"val_loss": 1 / step}) for step in (1, 2, 3))

    def events(self, timeout: float) -> Sequence[Event]:
        found = list(super().events(timeout))
        for place, one in enumerate(found):
            if isinstance(one, Lost):
                found[place], self.reports = replace(one, reports=self.reports), ()
        return found


@pytest.mark.parametrize(("why", "cause"), [("crashed", Cause.WORKER_LOST), ("memory", Cause.OUT_OF_MEMORY)])
def test_reports_that_a_lost_trial_had_made_are_kept(tmp_path: Path, why: str, cause: Cause) -> None:
    study = Search(tmp_path, ListSampler([{}]), epochs=20, retries=0)
    study.pool = WithReports(study.pool, lambda _order, before: why * (before <= (why == "memory")))
    trial = study.run().history[0]
    assert end(trial) == (FAILED, 3, 1)
    assert [report.step for report in trial.curve] == [1, 2, 3]
    assert trial.cause is cause


def test_one_that_had_reported_all_its_epochs_is_complete(tmp_path: Path) -> None:
    study = Search(tmp_path, ListSampler([{}]), epochs=3, retries=0)
    study.pool = WithReports(study.pool, lambda _order, before: "crashed" * (before == 0))
    trial = study.run().history[0]
    assert end(trial) == (COMPLETE, 3, 1)
    assert trial.exception == "crashed"
