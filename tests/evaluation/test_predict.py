"""Predictions and scores of trained models and mixtures; trainers without some functions, or that fail."""

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Objective
from hpsearch.evaluation.candidates import GREEDY, Candidates, Member, Mixture
from hpsearch.evaluation.ensembles import averaged
from hpsearch.evaluation.predict import Predict
from hpsearch.trainer import state
from hpsearch.trainer.adapters.side_by_side import parts
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.trainer.predictions import Part, Predictions
from hpsearch.trainer.seal import unsealed
from hpsearch.trainer.training_run import Run
from hpsearch.workers.checkpoints import CheckpointStore
from hpsearch.workers.worker import Worker
from tests.cli import predictors
from tests.support.studies import setup
from tests.support.toys import Weight
from tests.support.workers import start, train
from trainers import diabetes

LOSS = Objective("val_loss", "minimize")


def model(work: Path, number: int, weight: float, **params: Any) -> Member:
    """A trial whose model is that number, at its second epoch."""
    thing = Weight()
    thing.value = weight
    CheckpointStore.of(work, "u", number).write_best(
        state.pack(state.take_snapshot(f"u/{number}", 2, 0.0, {"weight": thing}))
    )
    all_of_them = {"x": 0.0, "epoch_log": str(work / "epoch_log"), **params}
    return Member(f"trial {number}", all_of_them, seed=1, epochs=3, work=work, study_uid="u", number=number, step=2)


def asked(
    members: tuple[Member, ...],
    mixtures: dict[str, tuple[Mixture, ...]],
    part: Part = "validation",
    greedy_from: tuple[int, ...] = (),
    opening: str = "",
) -> Predict:
    return Predict(Candidates(members, mixtures, greedy_from), part, opening)


def context(module: str = "predictors") -> TrainerContext:
    return TrainerContext(f"tests.cli.{module}:train", Path(), {}, LOSS)


def test_mixtures_are_means_of_the_models_predictions(tmp_path: Path) -> None:
    members = tuple(model(tmp_path, i, weight) for i, weight in enumerate((1.0, 3.0)))
    found = asked(members, {"each": ((0,), (1,)), "both": ((0, 1),), "more": ((0, 0, 0, 1),)}).measure(context())
    assert (found.problem, found.problems, found.greedy) == ("", {}, ())
    losses = {name: [one["loss"] for one in scores] for name, scores in found.scores.items()}
    assert losses == {"each": [1.0, 9.0], "both": [4.0], "more": [2.25]}


def test_a_trial_with_repeats_predicts_with_all_of_them(tmp_path: Path) -> None:
    """Their weights are drawn from their seeds, so that each is another."""
    trained = Worker(setup(tmp_path, replicates=Replicates(repeats=3)))
    last = train(trained, start(until=2, epochs=3)).reports[-1]
    trained.release()
    member = replace(model(tmp_path / "another", 0, 0.0), work=tmp_path, replicates=Replicates(repeats=3))
    found = asked((member,), {"each": ((0,),)}).measure(context())
    assert found.problems == {}
    assert found.scores["each"][0]["loss"] == pytest.approx(last.metrics["weight"] ** 2)


def test_folds_predict_each_its_own_part_of_validation_and_together_the_test(tmp_path: Path) -> None:
    replicates, params = Replicates(folds=2, repeats=2), {"lr": 0.03}
    made = setup(tmp_path, use="trainers.diabetes:train", replicates=replicates)
    trained = Worker(made)
    train(trained, start(params=params, until=2, epochs=2))
    trained.release(over=True)
    snapshot = CheckpointStore.of(tmp_path, "u", 0).read("best.pt")
    assert snapshot is not None
    member = Member("trial 0", params, 3, 2, tmp_path, "u", 0, snapshot.step, replicates=replicates)
    here = made.trainer

    def by_hand(part: Part) -> list[Predictions]:
        """Of both seeds' first folds, and of their second ones."""
        runs = [
            Run(3, 2, restored=one, fold=replicate.fold)
            for replicate, one in zip(replicates, parts(snapshot, replicates), strict=True)
        ]
        each = [diabetes.predict(diabetes.Params(lr=0.03), run, part) for run in runs]
        return [averaged([each[fold], each[fold + 2]]) for fold in (0, 1)]

    first, second = by_hand("validation")
    pooled = Predictions(
        np.concatenate([first.outputs, second.outputs]), np.concatenate([first.targets, second.targets])
    )
    found = asked((member,), {"each": ((0,),)}).measure(here)
    assert found.scores["each"][0] == pytest.approx(diabetes.score(pooled))
    with unsealed("a test"):
        expected = diabetes.score(averaged(by_hand("test")))
    found = asked((member,), {"each": ((0,),)}, "test", opening="for this test").measure(here)
    assert found.scores["each"][0] == pytest.approx(expected)


def test_a_model_that_does_not_read_its_fold_is_left_out(tmp_path: Path) -> None:
    trained = Worker(setup(tmp_path, "folded", replicates=Replicates(folds=2)))
    step = train(trained, start(until=2, epochs=2)).reports[-1].step
    trained.release(over=True)
    member = Member(
        "trial 0",
        {"epoch_log": str(tmp_path / "epoch_log")},
        3,
        2,
        tmp_path,
        "u",
        0,
        step,
        replicates=Replicates(folds=2),
    )
    snapshot = CheckpointStore.of(tmp_path, "u", 0).read("best.pt")
    assert snapshot is not None
    found = asked((replace(member, step=snapshot.step),), {"each": ((0,),)}).measure(context())
    assert "run.fold" in found.problems[0]


def test_a_greedy_mixture_is_found_among_those_that_may(tmp_path: Path) -> None:
    members = tuple(model(tmp_path, i, weight) for i, weight in enumerate((0.0, 1.0, -1.0, 5.0)))
    found = asked(members, {}, greedy_from=(1, 2, 3)).measure(context())
    assert sorted(found.greedy) == [1, 2]
    assert found.scores[GREEDY][0]["loss"] == 0.0


def test_the_test_part_is_open_only_where_it_is_on_record(tmp_path: Path) -> None:
    member = model(tmp_path, 0, 1.0)
    found = asked((member,), {"each": ((0,),)}, "test", opening="for this test").measure(context())
    assert found.scores["each"][0]["loss"] == 4.0
    with pytest.raises(ValueError, match="opening must not be empty"):
        asked((member,), {"each": ((0,),)}, "test").measure(context())


def test_only_the_missing_model_is_left_out(tmp_path: Path) -> None:
    good, gone = model(tmp_path, 0, 2.0), model(tmp_path, 1, 0.0)
    gone = replace(gone, step=3)
    found = asked((good, gone), {"both": ((0, 1),), "gone": ((1,),)}, greedy_from=(0, 1)).measure(context())
    assert list(found.problems) == [1]
    assert re.findall(r"best.pt|epoch \d", found.problems[1]) == ["best.pt", "epoch 2", "epoch 3"]
    assert found.scores["both"][0]["loss"] == 4.0
    assert (set(found.scores), found.greedy) == ({"both", GREEDY}, (0,))


def test_ways_that_a_trainer_does_not_have_are_no_fault(tmp_path: Path) -> None:
    plain = model(tmp_path, 0, 2.0)
    members = (replace(plain, way="snapshots"), replace(plain, way="augmented"))
    found = asked(members, {"each": ((0,), (1,))}).measure(context())
    assert (found.scores, found.problems) == ({}, {0: "", 1: ""})


def test_a_trainer_without_predict_is_an_error(tmp_path: Path) -> None:
    found = asked((model(tmp_path, 0, 1.0),), {"each": ((0,),)}).measure(context("trainers_without"))
    assert "no module" in found.problem
    found = asked((), {}).measure(TrainerContext("tests.support.toys:noop", Path(), {}, LOSS))
    assert found.problem.startswith("tests.support.toys has no `predict` and no `score`")


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"accuracy": 0.5}, "tests.cli.predictors.score returns accuracy, but no loss"),
        (ZeroDivisionError("of nothing"), "tests.cli.predictors.score: ZeroDivisionError: of nothing"),
    ],
)
def test_a_score_that_is_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any, problem: str) -> None:
    def score(predictions: Predictions) -> dict[str, float]:
        if isinstance(given, Exception):
            raise given
        return dict(given)

    monkeypatch.setattr(predictors, "score", score)
    assert asked((model(tmp_path, 0, 1.0),), {"each": ((0,),)}).measure(context()).problem == problem


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ([1, 2], "`predict` returned a list, not hpsearch.Predictions(outputs, targets)"),
        (Predictions(np.zeros(3), np.zeros(2)), "`predict` returned 3 outputs and 2 targets: every example needs"),
        (KeyError("pixels"), "KeyError: 'pixels'"),
    ],
)
def test_predictions_that_are_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: Any, problem: str) -> None:
    def predict(params: Any, run: Any, part: Part) -> Any:
        if isinstance(given, Exception):
            raise given
        return given

    monkeypatch.setattr(predictors, "predict", predict)
    found = asked((model(tmp_path, 0, 1.0),), {"each": ((0,),)}).measure(context())
    assert found.problems[0].startswith(problem)


def test_what_a_worker_imports_to_predict_is_not_what_runs_a_study() -> None:
    code = "import sys, hpsearch.evaluation.predict; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    rooms = {name.split(".")[1] for name in loaded if name.startswith("hpsearch.")}
    assert rooms == {"core", "evaluation", "provenance", "study", "trainer", "workers"}


def test_without_some_members_mixtures_get_smaller_and_empty_ones_go() -> None:
    candidates = Candidates((), {"a": ((0,), (1,)), "b": ((0, 1, 1),), "c": ((1,),)}, greedy_from=(0, 1))
    assert candidates.without({1}) == Candidates((), {"a": ((0,),), "b": ((0,),)}, greedy_from=(0,))
    assert candidates.without(()) == candidates
