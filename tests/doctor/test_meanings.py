"""What reported names and values are taken for."""

import pytest

from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.doctor.diagnosis import Diagnosis
from hpsearch.doctor.findings import Label
from hpsearch.doctor.meanings import Meanings, Role
from tests.doctor.curve import falling, trial

ACC = Objective("val_acc", "maximize")


def roles(names: str, metric: str, goal: str = "minimize", value: float = 0.5) -> dict[str, str]:
    """By role the name, of a trial that reports these metrics."""
    seen = trial(**{name: [value, value] for name in names.split()})
    found = Meanings.of([seen], Objective(metric, goal))  # type: ignore[arg-type]
    return {str(role): one.name for role, one in found.by_role.items()}


@pytest.mark.parametrize(
    ("names", "metric", "train", "validation"),
    [
        ("train_loss val_loss", "val_loss", "train_loss", "val_loss"),
        ("loss val_loss", "val_loss", "loss", "val_loss"),
        ("loss eval_loss learning_rate", "eval_loss", "loss", "eval_loss"),
        ("train/loss val/loss", "val/loss", "train/loss", "val/loss"),
        ("loss/train loss/valid", "loss/valid", "loss/train", "loss/valid"),
        ("training_loss validationLoss", "validationLoss", "training_loss", "validationLoss"),
        ("train_rmse val_rmse", "val_rmse", "train_rmse", "val_rmse"),
        ("running_loss test_loss acc", "test_loss", "running_loss", "test_loss"),
        ("train_mse train_loss val_loss val_mse", "val_loss", "train_loss", "val_loss"),
        ("train_huber val_huber lr-NAdam", "val_huber", "train_huber", "val_huber"),
        ("train_loss_step train_loss_epoch val_loss", "val_loss", "train_loss_epoch", "val_loss"),
        ("avg_train_loss vloss", "vloss", "avg_train_loss", "vloss"),
        ("tloss vloss", "vloss", "tloss", "vloss"),
        ("train/l1 valid/l1", "valid/l1", "train/l1", "valid/l1"),
    ],
)
def test_losses(names: str, metric: str, train: str, validation: str) -> None:
    found = roles(names, metric)
    assert (found["train_loss"], found["val_loss"]) == (train, validation)


@pytest.mark.parametrize(
    ("names", "metric", "train", "validation"),
    [
        ("accuracy val_accuracy", "val_accuracy", "accuracy", "val_accuracy"),
        ("loss top1", "top1", None, "top1"),
        ("train/acc val/acc", "val/acc", "train/acc", "val/acc"),
        ("loss metrics/mAP50", "metrics/mAP50", None, "metrics/mAP50"),
        ("loss quality", "quality", None, "quality"),
        ("train/acc1 eval/acc1", "eval/acc1", "train/acc1", "eval/acc1"),
        ("loss validation/macro_jaccard", "validation/macro_jaccard", None, "validation/macro_jaccard"),
    ],
)
def test_accuracies(names: str, metric: str, train: str | None, validation: str) -> None:
    found = roles(names, metric, "maximize")
    assert (found.get("train_accuracy"), found["val_accuracy"]) == (train, validation)


@pytest.mark.parametrize("name", ["lr-NAdam", "lr/pg0", "opt/learning_rate", "LR"])
def test_a_learning_rate_under_other_names(name: str) -> None:
    assert roles(f"{name} train_loss val_loss hpsearch/lr", "val_loss")["lr"] == name
    assert roles(f"{name} lr_decoder train_loss val_loss hpsearch/lr", "val_loss")["lr"] == "hpsearch/lr"


def test_losses_of_different_quantities_are_not_compared() -> None:
    seen = [trial(**{"train/loss": [9.0, 4.0], "val/mae": [3.0, 2.0]})]
    assert not Meanings.of(seen, Objective("val/mae", "minimize")).comparable
    assert Meanings.of(seen, Objective("val/mae", "minimize"), {"val_loss": "val/mae"}).comparable


def test_a_percentage_is_known_by_the_values_of_all_trials() -> None:
    low, high = trial(val_acc=[0.9, 1.2]), trial(1, val_acc=[55.0, 80.0])
    assert Meanings.of([low, high], ACC).by_role[Role.VAL_ACCURACY].factor == 0.01
    assert Meanings.of([trial(val_acc=[0.9, 0.95])], ACC).by_role[Role.VAL_ACCURACY].factor == 1


def test_the_study_file_has_the_last_word() -> None:
    seen = trial(a=falling(2.3, 0.1, 20), b=falling(2.3, 0.15, 20), c=falling(0.1, 0.4, 20))
    alone = Diagnosis.of(seen, [seen], Objective("c", "maximize"))
    diagnosis = Diagnosis.of(seen, [seen], Objective("c", "maximize"), {"train_loss": "a", "val_loss": "b"})
    assert alone.findings[0].label is Label.TOO_EARLY
    assert diagnosis.not_reported == ["lr", "grad_norm", "weight_norm", "update_ratio"]
    sources = {one["metric"]: one["source"] for one in diagnosis.document()["metrics"]}
    assert sources == {"a": "study file", "b": "study file", "c": "values"}


def test_a_loss_and_a_percentage_are_enough_to_judge() -> None:
    """Nothing else is reported by many trainers."""
    percent = [100 - value for value in falling(80.0, 4.0, 20, 0.6)]
    seen = trial(loss=falling(2.3, 0.05, 20, 0.6), val_acc=percent)
    assert Diagnosis.of(seen, [seen], ACC).findings[0].label is Label.HEALTHY


def test_what_hpsearch_measures_is_used_where_the_trainer_does_not_report_it() -> None:
    both = {"val_loss": 0.5, "lr": 0.1, "hpsearch/lr": 0.2, "hpsearch/update_ratio": 1e-3, "hpsearch/steps/loss": 5.0}
    found = Meanings.of([Trial(0, {}, 0, 1, curve=(Report(1, both),))], Objective("val_loss", "minimize"))
    assert (found.name(Role.LR), found.name(Role.UPDATE_RATIO)) == ("lr", "hpsearch/update_ratio")
    assert found.name(Role.TRAIN_LOSS) is None
    assert not found.renamed
