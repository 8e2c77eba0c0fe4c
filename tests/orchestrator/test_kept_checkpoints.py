"""Which checkpoints of trials that have ended are removed, and when."""

import random
from dataclasses import replace
from pathlib import Path

import pytest

from hpsearch.core.history import History
from hpsearch.core.messages import Release
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.evaluation.finalists import best_distinct
from hpsearch.orchestrator.kept_checkpoints import OVER, BestEnded, KeptCheckpoints
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.coarse_to_fine import CoarseToFine
from hpsearch.study.file.search_sections import Round
from hpsearch.study.file.sections import Checkpoints
from hpsearch.study.space import Float, Space
from hpsearch.workers.checkpoints import CheckpointStore, Removal
from hpsearch.workers.worker import Worker
from tests.support.studies import (
    COMPLETE,
    FAILED,
    INFEASIBLE,
    LOSS,
    PAUSED,
    PRUNED,
    RUNNING,
    WAITING,
    ListSampler,
    setup,
)
from tests.support.workers import checkpoint_files, start, store_of, train


def ended(number: int, loss: float, state: State = COMPLETE, x: float | None = None) -> Trial:
    """Its parameters are its own, or those of x. Of three epochs; without a curve where the loss is infinite."""
    curve = (Report(1, {"val_loss": loss}),) if loss < float("inf") else ()
    return Trial(number, {"x": number if x is None else x}, 0, 3, state, curve=curve)


class Folder:
    """A study's folder with checkpoints, and the trials that still have some."""

    def __init__(self, work: Path) -> None:
        self.work, self.warned = work, list[str]()
        self.history = History(LOSS)
        self.sampler: Sampler = ListSampler([])

    def end(self, *trials: Trial) -> "Folder":
        """They have checkpoints, and are recorded as they are."""
        for trial in trials:
            self.write(trial.number)
            self.history.put(trial)
        return self

    def write(self, number: int) -> None:
        store = store_of(self.work, number)
        store.write(1, b"first", best=True)
        store.write(2, b"second")

    def observer(self, keep: str = "best", most: int = 20) -> KeptCheckpoints:
        rule = Checkpoints.model_validate({"keep": keep, "finalists": most})
        return KeptCheckpoints(rule, self.sampler, self.history, self.work, "u", self.warned.append)

    @property
    def have(self) -> list[int]:
        return [trial.number for trial in self.history if checkpoint_files(self.work, trial.number)]


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


class TestRule:
    @pytest.mark.parametrize("seed", range(20))
    @pytest.mark.parametrize("most", [1, 3, 20])
    def test_is_what_evaluate_chooses_after_every_trial(self, seed: int, most: int) -> None:
        """Also with equal values, and several trials of the same parameters."""
        chance = random.Random(seed)
        best, left = BestEnded(LOSS, most), set[int]()
        trials: list[Trial] = []
        for number in range(40):
            trials.append(ended(number, chance.choice([1.0, 2.0, 3.0, chance.random()]), x=chance.randrange(25)))
            left.add(number)
            for worse in best.add(trials[-1]):
                left.remove(worse)
            assert left == {one.number for one in best_distinct(trials, LOSS, most)}

    def test_one_without_a_result_is_none_of_the_best(self) -> None:
        best = BestEnded(LOSS, 5)
        diverged = Trial(1, {}, 0, 3, PRUNED, curve=(Report(1, {"val_loss": 0.1}),), cause=Cause.DIVERGED)
        assert [best.add(one) for one in (ended(0, float("inf")), diverged)] == [[0], [1]]

    def test_other_seeds_of_the_best_parameters_stay(self) -> None:
        """A list with `seeds` can be extended."""
        best, first, second, other = BestEnded(LOSS, 1), ended(0, 1.0), ended(1, 2.0, x=0), ended(2, 0.5)
        assert [best.add(one) for one in (first, replace(second, seed=1), other)] == [[], [], [0, 1]]

    def test_a_metric_that_is_maximised(self) -> None:
        best = BestEnded(Objective("val_loss", "maximize"), 1)
        assert [best.add(ended(number, value)) for number, value in enumerate((0.5, 0.9, 0.7))] == [[], [0], [2]]


class TestRemoval:
    def test_the_best_alone_keeps_its_checkpoint(self, folder: Folder) -> None:
        folder.end(ended(0, 3.0), ended(1, 1.0), ended(2, 2.0, PRUNED)).observer().finish()
        assert folder.have == [1]

    @pytest.mark.parametrize("most", [2, 4])
    def test_finalists(self, folder: Folder, most: int) -> None:
        folder.end(*(ended(number, float(number)) for number in range(4))).observer("finalists", most).finish()
        assert folder.have == list(range(most))

    def test_all(self, folder: Folder) -> None:
        observer = folder.end(*(ended(number, float(number)) for number in range(4))).observer("all")
        observer.finish()
        assert folder.have == [0, 1, 2, 3]

    @pytest.mark.parametrize("state", State)
    def test_what_may_be_continued_keeps_everything(self, folder: Folder, state: State) -> None:
        folder.end(ended(0, 1.0), ended(1, 9.0, state)).observer().finish()
        assert (1 in folder.have) == (state in (WAITING, RUNNING, PAUSED, FAILED))
        assert state not in OVER or state in (COMPLETE, PRUNED, INFEASIBLE)

    def test_a_better_one_that_may_be_continued_takes_no_place(self, folder: Folder) -> None:
        """Its value may still change, or be dropped."""
        folder.end(ended(0, 1.0, FAILED), ended(1, 2.0), ended(2, 3.0), ended(3, 0.5, PAUSED)).observer().finish()
        assert folder.have == [0, 1, 3]

    def test_as_trials_end(self, folder: Folder) -> None:
        observer = folder.observer()
        for trial in (ended(0, 2.0), ended(1, 3.0), ended(2, 1.0)):
            folder.end(trial)
            observer.ended(trial)
        observer.close()
        assert folder.have == [2]

    def test_what_is_written_at_the_last_moment_is_removed_at_the_end(self, folder: Folder) -> None:
        observer = folder.end(ended(0, 1.0), ended(1, 2.0)).observer()
        observer.close()
        folder.write(1)
        observer.finish()
        assert folder.have == [0]

    def test_nothing_is_left_of_what_a_killed_run_had_begun(self, folder: Folder) -> None:
        folder.end(ended(0, 1.0), ended(1, 2.0))
        store = store_of(folder.work, 1)
        store.remove(Removal("best", 1))
        (store.folder / "best.pt").write_bytes(b"one file was left")
        (store.folder / ".best.pt.77").write_bytes(b"half a file")
        folder.observer().finish()
        assert [path.name for path in store.folder.iterdir()] == ["claim"]

    def test_a_folder_that_is_elsewhere_is_no_problem(self, folder: Folder) -> None:
        folder.history.put(ended(0, 1.0))
        folder.history.put(ended(1, 2.0))
        folder.observer().finish()
        assert not (folder.work / "checkpoints").exists()
        assert folder.warned == []

    def test_a_file_that_cannot_be_removed_is_one_warning(
        self, folder: Folder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refuse(store: CheckpointStore, why: Removal) -> None:
            raise PermissionError(13, "Permission denied", str(store.folder))

        folder.end(*(ended(number, float(number)) for number in range(4)))
        with monkeypatch.context() as patch:
            patch.setattr(CheckpointStore, "remove", refuse)
            folder.observer().finish()
        (warning,) = folder.warned
        assert str(store_of(folder.work, 1).folder) in warning
        folder.observer().finish()
        assert folder.have == [0], "the next run removes them"


class TestRounds:
    """Of a coarse-to-fine search: a round continues trials of the one before it."""

    @pytest.fixture
    def rounds(self, folder: Folder) -> Folder:
        """The second round has begun: trials 0 to 2 were left in the first, 3 is in the second."""
        space = Space((Float("x", 0.0, 9.0),))
        given = [Round(trials=4, epochs=1), Round(trials=2, epochs=2), Round(trials=2, epochs=3)]
        folder.sampler = CoarseToFine(space, 0, given, 0.5, 0.5, 0.1)
        first = [replace(ended(number, 3.0 - number, PAUSED), round=1) for number in range(3)]
        return folder.end(*first, replace(ended(3, 9.0, PAUSED), round=2))

    def test_the_round_before_may_be_continued(self, rounds: Folder) -> None:
        rounds.observer().finish()
        assert rounds.have == [0, 1, 2, 3]

    def test_earlier_ones_are_over(self, rounds: Folder) -> None:
        observer = rounds.observer()
        third = replace(ended(4, 9.0, RUNNING), round=3)
        rounds.end(third)
        observer.trial_started(third, ("round 3: …",))
        observer.finish()
        assert rounds.have == [2, 3, 4], "the best of those that are left behind, and what may be continued"
        assert checkpoint_files(rounds.work, 2) == ["best.pt"]
        assert checkpoint_files(rounds.work, 3) == ["best.pt", "epoch-000001.pt", "epoch-000002.pt"]

    def test_the_next_run_finds_them_too(self, rounds: Folder) -> None:
        rounds.end(replace(ended(4, 9.0, RUNNING), round=3)).observer().finish()
        assert rounds.have == [2, 3, 4]

    def test_those_of_earlier_code_stay_and_their_rounds_do_not_count(self, folder: Folder, rounds: Folder) -> None:
        again = Folder(folder.work)
        again.sampler = rounds.sampler
        earlier = [replace(trial, round=3, superseded=True) for trial in rounds.history]
        again.history = History(LOSS, earlier)
        again.end(replace(ended(4, 5.0, PAUSED), round=1)).observer().finish()
        assert again.have == [0, 1, 2, 3, 4]

    def test_with_all_nothing_changes(self, rounds: Folder) -> None:
        rounds.end(replace(ended(4, 9.0, RUNNING), round=3)).observer("all").finish()
        assert rounds.have == [0, 1, 2, 3, 4]
        assert checkpoint_files(rounds.work, 2) == ["best.pt", "epoch-000001.pt", "epoch-000002.pt"]


class TestWorker:
    @pytest.fixture
    def worker(self, tmp_path: Path) -> Worker:
        return Worker(setup(tmp_path, "scripted"))

    def test_one_that_still_has_the_trial_writes_nothing_more(self, folder: Folder, worker: Worker) -> None:
        """On Ray the order to release the trial and the removal are carried out at the same time."""
        train(worker, start(params={"losses": "5 4 3 2 1 1"}))
        store_of(folder.work).remove(Removal("best", 1))
        order = Release(0, over=True, epoch=3)
        worker.release(order.over, order.epoch)
        assert checkpoint_files(folder.work) == []

    def test_a_trial_that_is_started_again_has_its_own(self, folder: Folder, worker: Worker) -> None:
        train(worker, start(params={"losses": "5 4"}))
        store_of(folder.work).remove(Removal("best", 1))
        assert store_of(folder.work).removal == Removal("best", 1)
        train(worker, start(params={"losses": "5 4"}))
        assert (store_of(folder.work).removal, checkpoint_files(folder.work)[0]) == (None, "best.pt")
