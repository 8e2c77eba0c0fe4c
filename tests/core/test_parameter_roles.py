import pytest

from hpsearch.core.parameter_roles import (
    is_decay_time,
    is_learning_rate,
    is_penalty,
    is_regulariser,
    learning_rate_of,
)

RATES = (
    *("lr", "LR", "learning_rate", "learning-rate", "learningRate", "optimizer.lr", "optim.learning_rate", "lr0"),
    *("max_lr", "base_lr", "peak_lr", "initial_lr", "init_lr", "learning_rate_init", "eta", "initLR", "lr_g", "d_lr"),
    *("discriminator_lr", "encoder_lr", "policy_lr", "lr_backbone"),
)
NO_RATES = (
    *("lr_decay", "lr_gamma", "lr_step_size", "lr_warmup_epochs", "warmup_lr", "min_lr", "lr_patience", "lr_factor"),
    *("lrf", "lr_scheduler", "final_lr", "lr_mult", "momentum", "hidden", "clr", "allure", "optimizer", "lr.decay"),
)


@pytest.mark.parametrize("name", RATES)
def test_learning_rates(name: str) -> None:
    assert is_learning_rate(name)
    assert not is_regulariser(name)


@pytest.mark.parametrize("name", NO_RATES)
def test_no_learning_rates(name: str) -> None:
    assert not is_learning_rate(name)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("hidden", "optimizer.lr"), "optimizer.lr"),
        (("lr_g", "lr"), "lr"),
        (("max_lr", "learning_rate"), "learning_rate"),
        (("lr_g", "lr_d"), None),
        (("head_lr", "hidden"), "head_lr"),
        (("hidden",), None),
        ((), None),
    ],
)
def test_the_one_that_is_meant(names: tuple[str, ...], expected: str | None) -> None:
    assert learning_rate_of(names) == expected


@pytest.mark.parametrize(
    "name", ["weight_decay", "wd", "optimizer.weight_decay", "l1", "l2", "L2_reg", "l2_lambda", "reg", "weightDecay"]
)
def test_penalties(name: str) -> None:
    assert is_penalty(name)
    assert is_regulariser(name)


@pytest.mark.parametrize(
    "name",
    [
        *("dropout", "dropout_rate", "p_drop", "attn_pdrop", "hidden_dropout_prob", "drop_path", "drop", "drop_rate"),
        *("label_smoothing", "mixup", "cutmix_alpha", "noise", "noise_std", "shift", "erasing", "model.dropout"),
    ],
)
def test_regularisers(name: str) -> None:
    assert is_regulariser(name)
    assert not is_penalty(name)


@pytest.mark.parametrize(
    "name", ["hidden", "batch_size", "momentum", "lr_drop", "lr_decay", "drop_last", "decay", "backdrop", "shifts"]
)
def test_no_regularisers(name: str) -> None:
    assert not is_regulariser(name)


def test_decay_times() -> None:
    assert is_decay_time("scheduler.step_size")
    assert not is_decay_time("steps")
