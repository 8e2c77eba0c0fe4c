"""What a task's `predict`, `score` and `snapshots` make of a checkpoint."""

import zlib
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from hpsearch import Fold, Predictions, Report, Run
from hpsearch.evaluation.ensembles import averaged
from hpsearch.trainer import state
from hpsearch.trainer.seal import Sealed, unsealed
from tests.trainers.conftest import cifar_batch, idx, pictures
from tests.trainers.test_tasks import TASKS, params_of
from trainers import diabetes, digits, heart, mnist
from trainers.kit import cifar, cleveland
from trainers.kit.data import sealed_test, split

SEED = 7


@pytest.fixture(scope="module")
def with_tests(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data for every task, and the test sets that have files of their own."""
    folder = tmp_path_factory.mktemp("with-tests")
    for source in data_dir.rglob("*"):
        if source.is_file():
            target = folder / source.relative_to(data_dir)
            target.parent.mkdir(parents=True, exist_ok=True)
            target.symlink_to(source)
    pixels, labels = pictures(60, 1, 28, seed=5)
    (folder / "mnist" / "t10k-images-idx3-ubyte").write_bytes(idx(pixels[:, 0]))
    (folder / "mnist" / "t10k-labels-idx1-ubyte").write_bytes(idx(labels))
    (folder / "cifar-10" / cifar.FOLDER / cifar.TEST[0]).write_bytes(cifar_batch(30, 9))
    return folder


def trained(task: str, params: Any, epochs: int, data_dir: Path) -> tuple[list[Report], state.Snapshot]:
    """All reports, and the checkpoint of the epoch with the smallest val_loss, read back from its file's bytes."""
    run = Run.local(epochs, SEED, "cpu", data_dir)
    reports, best = [], b""
    for report in TASKS[task][0].train(params, run):
        reports.append(report)
        if report is min(reports, key=val_loss):
            best = state.pack(state.take_snapshot("study/0", report.step, 0.0, run.tracked))
    return reports, state.unpack(best)


def val_loss(report: Report) -> float:
    return report.metrics["val_loss"]


def restored(snapshot: state.Snapshot, data_dir: Path, epochs: int = 4) -> Run:
    return Run(SEED, epochs, data_dir=data_dir, restored=snapshot)


# Validation: what the trial reported ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize("settings", [{}, {"weight_average": 0.9, "dropout": 0.2}], ids=["plain", "averaged"])
@pytest.mark.parametrize("task", TASKS)
def test_the_best_checkpoint_scores_what_the_trial_reported_at_its_best_epoch(task, settings, data_dir):
    module, params = TASKS[task][0], params_of(task, lr=0.03, **settings)
    reports, snapshot = trained(task, params, 4, data_dir)
    best = min(reports, key=val_loss)
    assert snapshot.step == best.step
    predictions = module.predict(params, restored(snapshot, data_dir), "validation")
    scores = module.score(predictions)
    reported = {name.removeprefix("val_"): value for name, value in best.metrics.items() if name.startswith("val_")}
    assert scores.keys() == reported.keys()
    for name, value in reported.items():  # float32 there, float64 here
        assert scores[name] == pytest.approx(value, rel=2e-5, abs=1e-6), name
    assert scores.get("accuracy") == reported.get("accuracy")
    assert len(predictions) == len(predictions.outputs) == len(predictions.targets)


@pytest.mark.parametrize("task", sorted(set(TASKS) - {"diabetes"}))
def test_a_classification_predicts_probabilities_and_class_numbers(task, data_dir):
    module, params = TASKS[task][0], params_of(task)
    _, snapshot = trained(task, params, 1, data_dir)
    predictions = module.predict(params, restored(snapshot, data_dir), "validation")
    classes = 2 if task in ("heart", "breast_cancer") else 10
    assert predictions.outputs.shape == (len(predictions), classes)
    assert np.allclose(predictions.outputs.sum(axis=1), 1)
    assert predictions.outputs.min() > 0
    assert {*predictions.targets.tolist()} <= {*range(classes)}


def test_a_regression_predicts_in_the_units_of_the_data(data_dir):
    params = diabetes.Params(lr=0.03)
    _, snapshot = trained("diabetes", params, 4, data_dir)
    predictions = diabetes.predict(params, restored(snapshot, data_dir), "validation")
    assert predictions.outputs.shape == predictions.targets.shape == (87,)
    assert 25 <= predictions.targets.min() < predictions.targets.max() <= 346
    error = np.sqrt(np.mean((predictions.outputs - predictions.targets) ** 2))
    assert diabetes.score(predictions)["rmse"] == pytest.approx(error)


def test_the_checkpoint_decides_and_not_the_first_weights(data_dir):
    params = params_of("digits")
    _, snapshot = trained("digits", params, 2, data_dir)
    first, again = (digits.predict(params, restored(snapshot, data_dir), "validation") for _ in range(2))
    fresh = digits.predict(params, Run(SEED, 2), "validation")
    assert np.array_equal(first.outputs, again.outputs)
    assert digits.score(fresh)["accuracy"] < 0.5 < digits.score(first)["accuracy"]


def test_in_a_notebook_the_run_that_has_trained_predicts(data_dir):
    params, run = params_of("heart", lr=0.03), Run.local(3, SEED, "cpu", data_dir)
    *_, last = heart.train(params, run)
    assert heart.score(heart.predict(params, run, "validation"))["loss"] == pytest.approx(last.metrics["val_loss"])


# Folds ───────────────────────────────────────────────────────────────────────────────────────────


def test_the_network_of_a_fold_predicts_its_own_part_of_validation_and_all_of_the_test(data_dir):
    params, fold, table = heart.Params(lr=0.03), Fold(2, 3), cleveland.table(data_dir)
    run = Run.local(2, SEED, "cpu", data_dir, fold)
    *_, last = heart.train(params, run)
    predictions = heart.predict(params, run, "validation")
    sick = cleveland.sick(table)
    assert np.array_equal(predictions.targets, sick[split(sick, fold).validation])
    assert heart.score(predictions)["loss"] == pytest.approx(last.metrics["val_loss"], rel=2e-5)
    with unsealed("a test"):
        assert np.array_equal(heart.predict(params, run, "test").targets, sick[sealed_test(sick)])


def test_the_tests_rows_are_scaled_as_those_that_the_fold_trains_on(data_dir):
    target = diabetes.load_diabetes(scaled=False).target
    for fold in Fold.each(2):
        with unsealed("a test"):
            given, rows = diabetes.held_out(fold), sealed_test(diabetes.strata())
        _, values = diabetes.load(fold)
        assert given.targets.flatten().numpy() * values.unit + values.mean == pytest.approx(target[rows], rel=1e-5)


# The test ────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("task", TASKS)
def test_the_test_is_predicted_only_where_it_is_unsealed(task, with_tests):
    module, params = TASKS[task][0], params_of(task)
    _, snapshot = trained(task, params, 1, with_tests)
    for predict in (module.predict, module.snapshots):
        with pytest.raises(Sealed):
            predict(params, restored(snapshot, with_tests), "test")
    with unsealed("a test"):
        predictions = module.predict(params, restored(snapshot, with_tests), "test")
    expected = {"digits": 359, "heart": 40, "breast_cancer": 113, "diabetes": 90, "mnist": 60, "cifar10": 30}
    assert len(predictions) == expected[task]
    assert module.score(predictions).keys() >= {"loss"}


def test_the_tests_pixels_are_scaled_by_those_trained_on(with_tests):
    with unsealed("a test"):
        given = mnist.held_out(with_tests)
    data = mnist.load(with_tests, None)
    assert given.scaling is data.train.scaling


def test_the_tests_rows_are_those_that_nobody_saw_and_are_encoded_by_the_training_rows(data_dir):
    table = cleveland.table(data_dir)
    with unsealed("a test"):
        given = heart.held_out(table)
        rows = sealed_test(cleveland.sick(table))
    seen = split(cleveland.sick(table))
    assert sorted([*rows, *seen.train, *seen.validation]) == list(range(len(table)))
    encoding = cleveland.Encoding.of(table[seen.train])
    assert given.inputs.numpy() == pytest.approx(encoding.inputs(table[rows]), rel=1e-6)
    assert given.targets.flatten().tolist() == cleveland.sick(table)[rows].tolist()


# Augmented ───────────────────────────────────────────────────────────────────────────────────────


def test_augmented_predictions_are_a_mean_with_the_plain_one_in_it_and_the_same_again(data_dir):
    params = params_of("digits", model="cnn", filters=4, shift=0.1, rotation=10.0)
    _, snapshot = trained("digits", params, 2, data_dir)
    plain, one, four, again = (
        digits.predict(params, restored(snapshot, data_dir), "validation", augmented=copies) for copies in (0, 1, 4, 4)
    )
    assert np.array_equal(four.outputs, again.outputs)
    assert np.allclose(four.outputs.sum(axis=1), 1)
    copy = 2 * one.outputs - plain.outputs  # what the one copy said: probabilities again
    assert copy.min() > -1e-12
    assert np.allclose(copy.sum(axis=1), 1)
    assert not np.allclose(copy, plain.outputs, atol=0.01)
    assert digits.score(four)["accuracy"] == pytest.approx(digits.score(plain)["accuracy"], abs=0.05)


@pytest.mark.parametrize("task", ["digits", "heart"])
def test_where_nothing_augments_copies_change_nothing(task, data_dir):
    params = params_of(task)
    _, snapshot = trained(task, params, 1, data_dir)
    predict: Callable[..., Predictions] = TASKS[task][0].predict
    plain, copies = (predict(params, restored(snapshot, data_dir), "validation", augmented=k) for k in (0, 3))
    assert copies.outputs == pytest.approx(plain.outputs, rel=1e-12)


# Snapshots ───────────────────────────────────────────────────────────────────────────────────────

CYCLES = digits.Params(hidden=8, batch_size=256, schedule="restarts", restart_epochs=2, snapshots=3)


def states(snapshot: state.Snapshot) -> list[int]:
    return [zlib.crc32(kept["output.weight"].numpy().tobytes()) for kept in snapshot.objects["snapshots"]["kept"]]


def test_a_snapshot_is_the_network_at_the_end_of_its_cycle(data_dir):
    ends = {}
    run = Run.local(6, SEED, "cpu", data_dir)
    for report in digits.train(CYCLES, run):
        ends[report.step] = state.unpack(state.pack(state.take_snapshot("study/0", report.step, 0.0, run.tracked)))
    assert [len(states(ends[epoch])) for epoch in range(1, 7)] == [0, 1, 1, 2, 2, 3]
    found = digits.snapshots(CYCLES, restored(ends[6], data_dir), "validation")
    for epoch, predictions in zip((2, 4, 6), found, strict=True):
        then = digits.predict(CYCLES, restored(ends[epoch], data_dir), "validation")
        assert np.array_equal(predictions.outputs, then.outputs)
    assert digits.score(averaged(found))["accuracy"] > 0.3
    assert digits.snapshots(CYCLES, restored(ends[1], data_dir), "validation") == []


def test_a_pause_or_a_kill_loses_no_snapshot(data_dir):
    """Whoever goes on from the checkpoint of any epoch has at the end the very snapshots of the unbroken training."""
    run = Run.local(6, SEED, "cpu", data_dir)
    kept = {}
    for report in digits.train(CYCLES, run):
        kept[report.step] = state.pack(state.take_snapshot("study/0", report.step, 0.0, run.tracked))
    whole = states(state.unpack(kept[6]))
    for epoch in (1, 2, 3, 5):
        again = Run(SEED, 6, data_dir=data_dir, restored=state.unpack(kept[epoch]))
        for _ in digits.train(CYCLES, again):
            pass
        assert states(state.take_snapshot("study/0", 6, 0.0, again.tracked)) == whole


def test_only_the_newest_cycles_are_kept(data_dir):
    params = heart.Params(schedule="restarts", restart_epochs=1, snapshots=2, lr=0.03)
    run = Run.local(4, SEED, "cpu", data_dir)
    for _ in heart.train(params, run):
        pass
    snapshot = state.take_snapshot("study/0", 4, 0.0, run.tracked)
    found = heart.snapshots(params, restored(snapshot, data_dir), "validation")
    assert len(found) == 2
    now = heart.predict(params, restored(snapshot, data_dir), "validation")
    assert np.array_equal(found[-1].outputs, now.outputs)
    assert not np.array_equal(found[0].outputs, now.outputs)


def test_with_a_weight_average_that_is_what_is_kept(data_dir):
    params = replace(CYCLES, weight_average=0.9)
    run = Run.local(2, SEED, "cpu", data_dir)
    for _ in digits.train(params, run):
        pass
    snapshot = state.take_snapshot("study/0", 2, 0.0, run.tracked)
    (found,) = digits.snapshots(params, restored(snapshot, data_dir), "validation")
    assert np.array_equal(found.outputs, digits.predict(params, restored(snapshot, data_dir), "validation").outputs)


def test_without_snapshots_there_are_none_and_checkpoints_do_not_grow(data_dir):
    params = params_of("digits", schedule="restarts", restart_epochs=1)
    _, snapshot = trained("digits", params, 2, data_dir)
    assert "snapshots" not in snapshot.objects
    assert digits.snapshots(params, restored(snapshot, data_dir), "validation") == []


def test_predicting_needs_no_random_state_of_the_machine_that_trained(data_dir):
    """A GPU's generator has a state that a CPU's refuses."""
    params = params_of("digits")
    _, snapshot = trained("digits", params, 1, data_dir)
    foreign = {**snapshot.objects, "augmentation": torch.zeros(16, dtype=torch.uint8)}
    with pytest.raises(RuntimeError):
        next(digits.train(params, restored(replace(snapshot, objects=foreign), data_dir)))
    digits.predict(params, restored(replace(snapshot, objects=foreign), data_dir), "validation")
