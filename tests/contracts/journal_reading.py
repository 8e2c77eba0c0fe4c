"""The contract of journals: the summary of a study, and its changes."""

import math
import threading
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hpsearch.core.decisions import Decision
from hpsearch.core.errors import NotFound
from hpsearch.core.history import BestTrial
from hpsearch.core.trial import Cause, Objective, Report, State
from hpsearch.journal import Batch, Changes, Journal
from hpsearch.journal.schema import leases
from tests.contracts.journal_helpers import LOSS, LeasedStudy, exact_repr, lease_study, make_batch, make_trial


class SummaryContract:
    def test_of_an_empty_study(self, journal: Journal, leased: LeasedStudy) -> None:
        summary = journal.summary(leased.study.id)
        assert summary.trials == dict.fromkeys(State, 0)
        assert (summary.epochs, summary.busy, summary.best) == (0, 0.0, None)

    def test_counts_states_epochs_and_seconds(self, journal: Journal, leased: LeasedStudy) -> None:
        trials = [make_trial(0, 3.0, busy=0.5), make_trial(1, 2.0, busy=0.25), make_trial(2, state=State.WAITING)]
        leased.writer.write(make_batch(*trials))
        leased.writer.write(make_batch(make_trial(1, 2.0, 1.0, busy=0.75, state=State.COMPLETE)))
        summary = journal.summary(leased.study.id)
        assert summary.trials[State.COMPLETE] == summary.trials[State.RUNNING] == summary.trials[State.WAITING] == 1
        assert (summary.epochs, summary.busy) == (3, 1.25)

    @pytest.mark.parametrize(
        ("objective", "best"),
        [
            (Objective("loss", "minimize"), (1, 1.0, 2)),
            (Objective("loss", "maximize"), (0, 5.0, 2)),
            (Objective("loss", "minimize", at="last"), (1, 2.0, 3)),
            (Objective("loss", "maximize", at="last"), (0, 3.0, 3)),
            (Objective("other", "minimize"), None),
        ],
    )
    def test_the_best_trial_follows_the_objective(
        self, journal: Journal, objective: Objective, best: tuple[int, float, int] | None
    ) -> None:
        leased = lease_study(journal, "study", objective)
        trials = [make_trial(0, 4.0, 5.0, 3.0), make_trial(1, 3.0, 1.0, 2.0), make_trial(2, math.nan, math.inf, 9.0)]
        worst = [replace(trials[2], state=State.PRUNED, cause=Cause.DIVERGED)]
        for epoch in (1, 2, 3):
            leased.writer.write(make_batch(*(replace(one, curve=one.curve[:epoch]) for one in (*trials[:2], *worst))))
        leased.writer.close()
        found = journal.summary(leased.study.id).best
        assert best == (None if found is None else (found.trial, found.value, found.epoch))

    def test_the_best_has_not_diverged_and_is_the_first_of_equals(self, journal: Journal, leased: LeasedStudy) -> None:
        leased.writer.write(make_batch(
            make_trial(0, math.nan, state=State.FAILED),
            make_trial(1, -math.inf, state=State.PRUNED, cause=Cause.DIVERGED),
            make_trial(2, 0.2, state=State.PRUNED, cause=Cause.DIVERGED),
            make_trial(3, 0.5),
            make_trial(4, 0.5, state=State.COMPLETE),
        ))  # fmt: skip
        best = journal.summary(leased.study.id).best
        assert best is not None
        assert (best.trial, best.value, best.epoch, best.failed) == (3, 0.5, 1, False)

    @pytest.mark.parametrize(
        ("spec", "best"), [({}, 0), ({"study": {"failed": "keep"}}, 0), ({"study": {"failed": "drop"}}, 1)]
    )
    def test_a_failed_trial_is_the_best_unless_the_study_drops_it(
        self, journal: Journal, leased: LeasedStudy, spec: dict[str, dict[str, str]], best: int
    ) -> None:
        leased.writer.write(make_batch(make_trial(0, 0.1, state=State.FAILED), make_trial(1, 0.5)))
        journal.update_spec(leased.lease, spec)
        found = journal.summary(leased.study.id).best
        assert found is not None
        assert (found.trial, found.failed) == (best, best == 0)

    def test_the_best_epoch_survives_writes_without_reports_and_a_new_writer(
        self, journal: Journal, leased: LeasedStudy
    ) -> None:
        first, second = make_trial(0, 1.0), make_trial(0, 1.0, 3.0)
        leased.writer.write(make_batch(first))
        leased.writer.write(make_batch(second))
        leased.writer.write(Batch([replace(second, state=State.PAUSED)]))
        assert exact_repr(journal.summary(leased.study.id).best) == exact_repr(BestTrial(0, 1.0, 1, first.params))
        again = journal.writer(leased.lease, LOSS)
        again.write(Batch([replace(second, state=State.RUNNING)]))
        again.close()
        summary = journal.summary(leased.study.id)
        assert exact_repr(summary.best) == exact_repr(BestTrial(0, 1.0, 1, first.params))
        assert summary.epochs == 2

    def test_ten_thousand_trials(self, journal: Journal, leased: LeasedStudy) -> None:
        for thousand in range(10):
            numbers = range(1000 * thousand, 1000 * (thousand + 1))
            leased.writer.write(make_batch(*(make_trial(n, 1.0 + n, state=State.COMPLETE, busy=1.0) for n in numbers)))
        summary = journal.summary(leased.study.id)
        assert summary.trials[State.COMPLETE] == summary.epochs == summary.busy == 10_000
        assert exact_repr(summary.best) == exact_repr(BestTrial(0, 1.0, 1, make_trial(0).params))


class ChangesContract:
    def test_everything_is_new_at_first_and_nothing_after(self, journal: Journal, leased: LeasedStudy) -> None:
        trial, decision = make_trial(0, 1.0), Decision("propose", "a draw", 0, 0, 5)
        leased.writer.write(replace(make_batch(trial), decisions=[decision], study_state="RUNNING"))
        new = journal.changes(leased.study.id, 0)
        assert new == Changes(1, (replace(trial, curve=()),), ((0, trial.curve[0]),), (decision,), "RUNNING")
        assert journal.changes(leased.study.id, 1) == Changes(1, (), (), (), "RUNNING")

    def test_changes_have_new_rows_only(self, journal: Journal, leased: LeasedStudy) -> None:
        leased.writer.write(make_batch(make_trial(0, 1.0), make_trial(1, 1.0)))
        leased.writer.write(make_batch(make_trial(1, 1.0, 0.5)))
        new = journal.changes(leased.study.id, 1)
        assert [trial.number for trial in new.trials] == [1]
        assert new.reports == ((1, Report(2, {"loss": 0.5})),)

    @pytest.mark.parametrize("limit", [1, 2, 3, 5, 100])
    def test_pages_add_up_to_everything_once(self, journal: Journal, leased: LeasedStudy, limit: int) -> None:
        self.write_history(leased)
        pages = list(self.pages(journal, leased, limit))
        whole = journal.changes(leased.study.id, 0)
        assert [page.revision for page in pages] == sorted({page.revision for page in pages})
        assert pages[-1].revision == whole.revision == 7
        assert sorted(sum((page.reports for page in pages), ()), key=str) == sorted(whole.reports, key=str)
        assert sum((page.decisions for page in pages), ()) == whole.decisions

    @pytest.mark.parametrize("limit", [1, 2, 3, 5])
    def test_a_page_respects_its_limit_unless_one_batch_is_larger(
        self, journal: Journal, leased: LeasedStudy, limit: int
    ) -> None:
        self.write_history(leased)
        assert all(len(page.reports) <= max(limit, 3) for page in self.pages(journal, leased, limit))

    def test_a_page_with_reports_also_has_their_trials(self, journal: Journal, leased: LeasedStudy) -> None:
        self.write_history(leased)
        pages = list(self.pages(journal, leased, 1))
        for page in pages:
            assert {number for number, _ in page.reports} <= {trial.number for trial in page.trials}
        last = [trial for page in pages for trial in page.trials if trial.number == 0][-1]
        assert last.state is State.COMPLETE

    def test_a_cursor_belongs_to_one_target_of_one_study(self, journal: Journal, leased: LeasedStudy) -> None:
        other = journal.create("other", {}, {}, at=0)
        assert journal.cursor(leased.study.id, "here") == 0
        for revision in (3, 8, 5):
            journal.set_cursor(leased.study.id, "here", revision)
            assert journal.cursor(leased.study.id, "here") == revision
        assert journal.cursor(leased.study.id, "there") == journal.cursor(other.id, "here") == 0

    def test_no_such_study(self, journal: Journal) -> None:
        with pytest.raises(NotFound, match="no study"):
            journal.changes(99, 0)

    def test_readers_see_whole_batches_while_another_thread_writes(self, journal: Journal, leased: LeasedStudy) -> None:
        broken: list[str] = []
        done = threading.Event()

        def read() -> None:
            while not done.is_set():
                new = journal.changes(leased.study.id, 0)
                if not len(new.decisions) == len(new.reports) / 2 == new.revision:
                    broken.append(f"{new.revision}: {len(new.decisions)} decisions, {len(new.reports)} reports")

        reader = threading.Thread(target=read)
        reader.start()
        losses: list[float] = []
        for step in range(100):
            losses.append(float(step))
            batch = make_batch(make_trial(0, *losses), make_trial(1, *losses))
            leased.writer.write(replace(batch, decisions=[Decision("go on", "", 0, step)]))
        done.set()
        reader.join()
        assert broken == []

    def test_a_reader_does_not_wait_for_a_writer(self, journal: Journal, leased: LeasedStudy) -> None:
        with journal._database.write() as connection:
            connection.execute(leases.update().values(pid=1))
            assert journal.summary(leased.study.id).epochs == 0
            assert journal.changes(leased.study.id, 0).revision == 0

    def write_history(self, leased: LeasedStudy) -> None:
        """Seven batches with 0 to 3 reports each; trial 0 ends in the last one."""
        zero, one, two = make_trial(0, 1.0, 2.0, 3.0), make_trial(1, 4.0, 5.0), make_trial(2, 6.0)
        leased.writer.write(Batch([make_trial(0)], decisions=[Decision("propose", "", 0)]))
        leased.writer.write(make_batch(replace(zero, curve=zero.curve[:1])))
        leased.writer.write(make_batch(replace(zero, curve=zero.curve[:2]), replace(one, curve=one.curve[:1]), two))
        leased.writer.write(Batch([replace(one, curve=one.curve[:1])], decisions=[Decision("go on", "", 1)]))
        leased.writer.write(make_batch(one))
        leased.writer.write(make_batch(zero))
        leased.writer.write(Batch([replace(zero, state=State.COMPLETE)], decisions=[Decision("complete", "", 0)]))

    def pages(self, journal: Journal, leased: LeasedStudy, limit: int) -> Iterator[Changes]:
        since, page = -1, journal.changes(leased.study.id, 0, limit)
        while page.revision != since:
            yield page
            since = page.revision
            page = journal.changes(leased.study.id, since, limit)
