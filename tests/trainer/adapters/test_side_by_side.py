"""Several trainings in one trial: each is what it would be alone, and the trial is continued bit for bit."""

import math
import re
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

import pytest

from hpsearch import Report
from hpsearch.core.replicates import Fold, Replicates
from hpsearch.core.seeds import replicate_seed
from hpsearch.core.trial import Objective
from hpsearch.trainer import state
from hpsearch.trainer.adapters.side_by_side import combined, parts
from hpsearch.trainer.training_run import Run
from hpsearch.workers.worker import Worker
from tests.support import torch_toy
from tests.support.studies import ListSampler, Search, setup
from tests.support.workers import EPOCHS, checkpoint_files, start, store_of, train, train_and_release

pytest_plugins = ["tests.support.fixtures"]
pytestmark = pytest.mark.usefixtures("quick_collections")

TORCH = {"lr": 0.01}
SEEDS = [replicate_seed(3, place) for place in range(3)]
"""Of the repeats of `start()`."""


THREE = Replicates(repeats=3)


def worker(work: Path, trainer: str = "learner", replicates: Replicates = THREE, **changes: Any) -> Worker:
    return Worker(setup(work, trainer, replicates=replicates, **changes))


def alone(work: Path, seed: int, trainer: str, params: dict[str, Any]) -> tuple[Report, ...]:
    return train(Worker(setup(work / str(seed), trainer)), start(params=params, seed=seed)).reports


class TestReports:
    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize(("trainer", "params"), [("learner", {}), ("torch_toy:train", TORCH)])
    def test_each_repeat_is_a_trial_of_its_own(self, tmp_path: Path, trainer: str, params: dict[str, Any]) -> None:
        reports = train(worker(tmp_path, trainer), start(params=params)).reports
        for number, seed in enumerate(SEEDS, start=1):
            curve = [report.metrics["val_loss"] for report in alone(tmp_path, seed, trainer, params)]
            assert [report.metrics[f"val_loss_repeat{number}"] for report in reports] == curve

    def test_they_come_as_means(self, tmp_path: Path) -> None:
        curves = [alone(tmp_path, seed, "learner", {}) for seed in SEEDS]
        for epoch, report in enumerate(train(worker(tmp_path), start()).reports):
            losses = [curve[epoch].metrics["val_loss"] for curve in curves]
            weights = [curve[epoch].metrics["weight"] for curve in curves]
            own = {f"val_loss_repeat{number}": loss for number, loss in enumerate(losses, start=1)}
            assert report.step == epoch + 1
            assert report.metrics == pytest.approx(
                {
                    "val_loss": fmean(losses),
                    "weight": fmean(weights),
                    "val_loss_se": stdev(losses) / math.sqrt(3),
                    **own,
                }
            )

    def test_one_alone_is_as_it_always_was(self, tmp_path: Path) -> None:
        whole = train(Worker(setup(tmp_path / "without repeats")), start()).reports
        assert train(worker(tmp_path / "one", replicates=Replicates()), start()).reports == whole

    def test_what_some_leave_out_has_no_mean(self) -> None:
        two = Replicates(repeats=2)
        assert combined([{"loss": 1.0, "x": 1.0}, {"loss": 3.0}], two, "loss") == {
            "loss": 2.0,
            "loss_se": 1.0,
            "loss_repeat1": 1.0,
            "loss_repeat2": 3.0,
        }
        assert combined([{"loss": 1.0, "x": 1.0}, {"x": 3.0}], two, "loss") == {"x": 2.0}

    def test_each_has_params_of_its_own(self, tmp_path: Path) -> None:
        reports = train(worker(tmp_path, "typed"), start(params={"lr": 2})).reports
        assert reports[2].metrics["val_loss_repeat3"] == 6.0


class TestFolds:
    """`toys:folded` reports the number of its fold and a number drawn from its seed."""

    def test_each_training_has_a_fold_and_a_seed_of_its_own(self, tmp_path: Path) -> None:
        report = train(worker(tmp_path, "folded", Replicates(folds=3)), start(until=1)).reports[0]
        own = [report.metrics[f"val_loss_fold{number}"] for number in (1, 2, 3)]
        assert [math.floor(value) for value in own] == [1, 2, 3]
        assert len({value % 1 for value in own}) == 3
        assert report.metrics["val_loss"] == pytest.approx(fmean(own))
        assert report.metrics["val_loss_se"] == pytest.approx(stdev(own) / math.sqrt(3))

    def test_with_repeats_each_fold_has_as_many_and_the_error_is_over_folds(self, tmp_path: Path) -> None:
        metrics = train(worker(tmp_path, "folded", Replicates(folds=2, repeats=3)), start(until=1)).reports[0].metrics
        own = {fold: [metrics[f"val_loss_fold{fold}_repeat{n}"] for n in (1, 2, 3)] for fold in (1, 2)}
        assert [{math.floor(value) for value in values} for values in own.values()] == [{1}, {2}]
        assert len({value % 1 for values in own.values() for value in values}) == 6
        means = [fmean(values) for values in own.values()]
        assert metrics["val_loss"] == pytest.approx(fmean(means))
        assert metrics["val_loss_se"] == pytest.approx(stdev(means) / math.sqrt(2))

    @pytest.mark.parametrize("k", range(1, EPOCHS))
    def test_they_are_continued_after_every_epoch(self, tmp_path: Path, k: int) -> None:
        replicates = Replicates(folds=2, repeats=2)
        whole = train(worker(tmp_path / "whole", "folded", replicates), start()).reports
        trained = worker(tmp_path, "folded", replicates)
        first = train_and_release(trained, start(until=k))
        assert first.reports + train(trained, start(after=k)).reports == whole

    @pytest.mark.parametrize("trainer", ["learner", "tune_toys:network"])
    def test_a_trainer_that_knows_of_no_folds_is_told(self, tmp_path: Path, trainer: str) -> None:
        failure = train(worker(tmp_path, trainer, Replicates(folds=3)), start(params=TORCH)).failure
        assert failure is not None
        assert failure.kind == "contract"
        assert "run.fold" in failure.summary

    def test_without_a_cross_validation_there_is_no_fold(self, tmp_path: Path) -> None:
        failure = train(worker(tmp_path, "folded", THREE), start()).failure
        assert failure is not None
        assert failure.summary.startswith("AssertionError")

    @pytest.mark.parametrize(("number", "of"), [(0, 5), (6, 5), (1, 1)])
    def test_a_fold_that_there_is_not(self, number: int, of: int) -> None:
        with pytest.raises(ValueError, match=f"there is no fold {number} of {of}"):
            Fold(number, of)


class TestContinuation:
    @pytest.mark.usefixtures("slices")
    @pytest.mark.parametrize("k", range(1, EPOCHS))
    def test_after_every_epoch(self, tmp_path: Path, k: int) -> None:
        whole = train(worker(tmp_path / "whole"), start()).reports
        trained = worker(tmp_path)
        first = train_and_release(trained, start(until=k))
        assert first.reports + train(trained, start(after=k)).reports == whole

    def test_of_a_network(self, tmp_path: Path) -> None:
        k = 3
        whole = train(worker(tmp_path / "whole", "torch_toy:train"), start(params=TORCH)).reports
        trained = worker(tmp_path, "torch_toy:train")
        first = train_and_release(trained, start(params=TORCH, until=k))
        train_and_release(trained, start(1, {"lr": 0.1}, seed=9, until=2))
        then = train(trained, start(params=TORCH, after=k))
        assert first.reports + then.reports == whole
        assert then.notes == ()

    def test_after_a_kill(self, tmp_path: Path) -> None:
        whole = train(worker(tmp_path / "whole"), start()).reports
        gone = worker(tmp_path)
        gone.start(start(until=4))
        assert train(worker(tmp_path), start(after=2)).reports == whole[2:]
        gone.release()

    @pytest.mark.usefixtures("one_epoch_a_slice")
    def test_several_trials_take_turns_in_one_process(self, tmp_path: Path) -> None:
        whole = train(worker(tmp_path / "whole"), start()).reports
        first, second = (worker(tmp_path, shared=True) for _ in range(2))
        curve = [*first.start(start()).reports]
        second.start(start(1, seed=4))
        for _ in range(1, EPOCHS):
            curve += first.advance().reports
            second.advance()
        assert tuple(curve) == whole

    def test_what_tracks_nothing_is_trained_again(self, tmp_path: Path) -> None:
        whole = train(worker(tmp_path / "whole", "untracked"), start()).reports
        trained = worker(tmp_path, "untracked")
        first = train_and_release(trained, start(until=4))
        assert checkpoint_files(tmp_path) == []
        then = train(trained, start(after=4))
        assert first.reports + then.reports == whole
        (note,) = then.notes
        assert re.findall(r"\d+", note) == ["1", "4"]

    def test_a_ray_tune_function_can_be_repeated_too(self, tmp_path: Path) -> None:
        whole = train(worker(tmp_path / "whole", "tune_toys:network"), start(params=TORCH)).reports
        assert whole[0].metrics["val_loss_se"] > 0
        trained = worker(tmp_path, "tune_toys:network")
        first = train_and_release(trained, start(params=TORCH, until=3))
        assert first.reports + train(trained, start(params=TORCH, after=3)).reports == whole

    def test_the_checkpoint_of_one_is_that_of_a_trial_of_its_own(self, tmp_path: Path) -> None:
        train_and_release(worker(tmp_path, "torch_toy:train"), start(params=TORCH, until=4))
        snapshot = store_of(tmp_path).read("epoch-000004.pt")
        assert snapshot is not None
        _, single, _ = parts(snapshot, THREE)
        state.seed_everything(SEEDS[1])
        reports = [*torch_toy.train(TORCH, Run(SEEDS[1], EPOCHS, restored=single))]
        assert reports == list(alone(tmp_path, SEEDS[1], "torch_toy:train", TORCH)[4:])


class TestEnds:
    """The repeats end by themselves after 3, 7 and 1 epochs."""

    def whole(self, tmp_path: Path, epochs: int = 9) -> tuple[Report, ...]:
        reported = train(worker(tmp_path / "whole", "repeated:ends"), start(epochs=epochs, until=epochs))
        assert reported.ended
        return reported.reports

    def test_one_that_has_ended_counts_with_its_last_report(self, tmp_path: Path) -> None:
        reports = self.whole(tmp_path)
        assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6, 7]
        first = [report.metrics["val_loss_repeat1"] for report in reports]
        assert len(set(first[:3])) == 3
        assert first[2:] == [first[2]] * 5

    @pytest.mark.parametrize("k", range(1, 7))
    def test_a_trial_is_continued_after_one_has_ended(self, tmp_path: Path, k: int) -> None:
        whole = self.whole(tmp_path)
        trained = worker(tmp_path, "repeated:ends")
        curve = [*train_and_release(trained, start(until=k, epochs=9)).reports]
        for after in range(k, 7):  # and paused in each epoch again: what has ended is handed on
            curve += train_and_release(trained, start(until=after + 1, after=after, epochs=9)).reports
        assert tuple(curve) == whole


class TestFaults:
    def trained(self, tmp_path: Path, how: str) -> Any:
        return train(
            worker(tmp_path, "repeated:one_repeat_differs"), start(params={"how": how, "seed": SEEDS[1]}, until=2)
        )

    def test_one_that_raises_fails_the_trial(self, tmp_path: Path) -> None:
        reported = self.trained(tmp_path, "raises")
        assert (reported.failure.kind, reported.failure.summary) == ("error", "ValueError: no such optimizer")
        assert f"in repeat2, of seed {SEEDS[1]}" in reported.failure.traceback
        assert [report.step for report in reported.reports] == [1]

    def test_one_that_diverges_makes_the_mean_diverge(self, tmp_path: Path) -> None:
        metrics = self.trained(tmp_path, "is not a number").reports[1].metrics
        assert math.isnan(metrics["val_loss"])
        assert math.isfinite(metrics["val_loss_repeat1"])

    def test_infinities_of_both_signs(self, tmp_path: Path) -> None:
        assert math.isnan(self.trained(tmp_path, "is infinite").reports[1].metrics["size"])

    def test_a_metric_that_one_leaves_out_has_no_mean(self, tmp_path: Path) -> None:
        assert self.trained(tmp_path, "leaves the metric out").reports[1].metrics == {"size": 1.0}
        assert "size" not in self.trained(tmp_path / "other", "leaves another out").reports[1].metrics

    def test_one_without_a_report(self, tmp_path: Path) -> None:
        failure = train(worker(tmp_path, "silent"), start()).failure
        assert failure is not None
        assert (failure.kind, failure.summary) == ("infeasible", "repeat1, of seed 3, returned before its first report")

    def test_all_are_closed_though_one_goes_wrong_then(self, tmp_path: Path) -> None:
        trained = worker(tmp_path, "tidy")
        train(trained, start(params={"how": "raise"}, until=2))
        trained.release()
        closed = [path.parent.name for path in (tmp_path / "scratch").rglob("closed")]
        assert sorted(closed) == ["repeat1", "repeat2", "repeat3"]


class TestSearch:
    @pytest.fixture
    def search(self, tmp_path: Path) -> Search:
        params = [{"x": 1.0}, {"x": 2.0}, {"x": 1.0}]
        return Search(tmp_path, ListSampler(params), replicates=Replicates(repeats=2))

    def test_trials_of_other_parameters_have_the_same_seeds(self, search: Search) -> None:
        search.run()
        seeds = [trial.seed for trial in search.recorder.trials.values()]
        assert seeds[0] == seeds[1]
        assert seeds[2] != seeds[0], "the same parameters once more are not the same training once more"

    def test_with_different_seeds_and_without_repeats_every_trial_has_its_own(self, tmp_path: Path) -> None:
        alone = Search(tmp_path, ListSampler([{"x": 1.0}, {"x": 2.0}, {"x": 1.0}]), trial_seeds="different")
        alone.run()
        assert len({trial.seed for trial in alone.recorder.trials.values()}) == 3


def test_of_a_maximised_metric(tmp_path: Path) -> None:
    made = worker(tmp_path, "torch_toy:train", objective=Objective("lr", "maximize"))
    metrics = train(made, start(params=TORCH, until=1)).reports[0].metrics
    assert {name for name in metrics if name.startswith("lr")} == {"lr", "lr_se", *(f"lr_repeat{n}" for n in (1, 2, 3))}
    assert metrics["lr_se"] == 0.0
