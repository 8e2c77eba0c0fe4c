"""What reported names and values are taken for."""

import pytest

from hpsearch.core.trial import Objective, Report, Trial
from hpsearch.doctor.diagnosis import Diagnosis
from hpsearch.doctor.findings import Label
from hpsearch.doctor.meanings import Form, Meanings, Role
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
    assert Meanings.of([low, high], ACC).by_role[Role.VAL_ACCURACY].form is Form.PERCENT
    assert Meanings.of([trial(val_acc=[0.9, 0.95])], ACC).by_role[Role.VAL_ACCURACY].form is Form.PLAIN


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


LOSSES = [
    ("train_ppl valid_ppl", "valid_ppl", Form.LOGARITHM),
    ("train_bits_per_char val_bits_per_char", "val_bits_per_char", Form.PLAIN),
    ("train_bpd val_bpd", "val_bpd", Form.PLAIN),
    ("train/nats valid/nats", "valid/nats", Form.PLAIN),
    ("neg_log_likelihood/train neg_log_likelihood/val", "neg_log_likelihood/val", Form.PLAIN),
    ("L_train L_val", "L_val", Form.PLAIN),
    ("loss_tr loss_te", "loss_te", Form.PLAIN),
    ("trainloss valloss", "valloss", Form.PLAIN),
    ("LossTrain LossTest", "LossTest", Form.PLAIN),
    ("tl vl", "vl", Form.PLAIN),
    ("train_loss_epoch val_loss/dataloader_idx_0", "val_loss/dataloader_idx_0", Form.PLAIN),
    ("total_loss validation_loss", "validation_loss", Form.PLAIN),
]
RISING = [
    ("train_log_likelihood val_log_likelihood", Form.NEGATED),
    ("train/log_prob val/log_prob", Form.NEGATED),
    ("train_logp val_logp", Form.NEGATED),
    ("train_elbo val_elbo", Form.NEGATED),
    ("train_psnr val_psnr", Form.NEGATED),
    ("train_r2 val_r2", Form.EXPLAINED),
]


def ends(names: str, first: float, last: float) -> dict[str, list[float]]:
    return {name: [first, last] for name in names.split()}


@pytest.mark.parametrize(("names", "metric", "form"), LOSSES)
def test_losses_in_other_units_and_spellings(names: str, metric: str, form: Form) -> None:
    others = {"loss_cls": [1.0, 0.5], "train_kl": [1.0, 3.0]}
    found = Meanings.of([trial(**ends(names, 9.0, 2.0), **others)], Objective(metric, "minimize"))
    pair = [found.by_role[role] for role in (Role.TRAIN_LOSS, Role.VAL_LOSS)]
    assert [(one.name, one.form) for one in pair] == [(name, form) for name in names.split()]
    assert found.comparable


@pytest.mark.parametrize(("names", "form"), RISING)
def test_quantities_that_rise_are_read_as_losses(names: str, form: Form) -> None:
    values = ends(names, -5.0, 0.9) | {"train_kl": [1.0, 3.0]}
    found = Meanings.of([trial(**values)], Objective(names.split()[1], "maximize"))
    pair = [found.by_role[role] for role in (Role.TRAIN_LOSS, Role.VAL_LOSS)]
    assert [(one.name, one.form) for one in pair] == [(name, form) for name in names.split()]
    assert all(one.form.read(0.9) < one.form.read(-5.0) for one in pair)


@pytest.mark.parametrize(
    ("name", "value", "form"),
    [
        ("error_rate", 0.07, Form.WRONG),
        ("val_top1_err", 12.0, Form.PERCENT_WRONG),
        ("misclassification", 0.1, Form.WRONG),
        ("recall@1", 80.0, Form.PERCENT),
        ("R@1", 80.0, Form.PERCENT),
        ("Prec@1", 80.0, Form.PERCENT),
    ],
)
def test_an_error_rate_is_an_accuracy_that_falls(name: str, value: float, form: Form) -> None:
    goal = "minimize" if form in (Form.WRONG, Form.PERCENT_WRONG) else "maximize"
    found = Meanings.of([trial(train_loss=[2.3], **{name: [value]})], Objective(name, goal))  # type: ignore[arg-type]
    accuracy = found.by_role[Role.VAL_ACCURACY]
    assert (accuracy.name, accuracy.form) == (name, form)
    assert 0.7 < accuracy.form.read(value) < 1


def test_of_several_accuracies_the_metric_of_the_study_is_taken() -> None:
    names = "metrics/precision(B) metrics/mAP50(B) metrics/mAP50-95(B)"
    assert roles(names, "metrics/mAP50-95(B)", "maximize")["val_accuracy"] == "metrics/mAP50-95(B)"
    assert roles("train_score test_score", "test_score", "maximize")["train_accuracy"] == "train_score"


@pytest.mark.parametrize(
    ("names", "metric"),
    [
        ("train/loss rollout/ep_rew_mean", "rollout/ep_rew_mean"),
        ("policy_loss value_loss return_mean", "return_mean"),
        ("losses/td_loss charts/episodic_return", "charts/episodic_return"),
        ("d_loss g_loss fid", "fid"),
    ],
)
def test_losses_of_adversarial_and_reinforcement_learning_are_not_judged(names: str, metric: str) -> None:
    goal = "minimize" if metric == "fid" else "maximize"
    assert not {"train_loss", "val_loss", "val_accuracy"} & roles(names, metric, goal).keys()


def test_rewards_that_rise_are_healthy_whatever_the_loss_does() -> None:
    objective = Objective("rollout/ep_rew_mean", "maximize")
    seen = trial(train__loss=[0.1 * step for step in range(20)], rollout__ep_rew_mean=falling(9.0, 190.0, 20, 0.6))
    diagnosis = Diagnosis.of(seen, [seen], objective)
    assert diagnosis.findings[0].label is Label.HEALTHY
    assert not {"train_loss", "val_loss"} & {*diagnosis.not_reported}


def test_the_level_of_some_metrics_says_little() -> None:
    """A BLEU of 27 is good."""
    seen = trial(train_loss=falling(6.0, 2.4, 20), valid_loss=falling(6.1, 2.6, 20), valid_bleu=falling(1.0, 27.0, 20))
    labels = {one.label for one in Diagnosis.of(seen, [seen], Objective("valid_bleu", "maximize")).findings}
    assert Label.UNDERFITTING not in labels
