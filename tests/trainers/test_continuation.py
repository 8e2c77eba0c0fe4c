"""Paused after every epoch or not, a trial yields the same numbers bit for bit: for each parameter with a state."""

from dataclasses import replace

import pytest

from tests.trainers.continuation import curve
from trainers import digits
from trainers.digits import Params

SMALL = Params(model="mlp", hidden=8, batch_size=256)
CNN = replace(SMALL, model="cnn", filters=2)

SETTINGS = {
    **{f"optimizer {name}": {"optimizer": name} for name in ("sgd", "momentum", "nesterov", "rmsprop")},
    "optimizer adam": {"beta1": 0.8, "beta2": 0.99},
    "optimizer adamw": {"optimizer": "adamw", "weight_decay": 0.1},
    "optimizer adagrad": {"optimizer": "adagrad"},
    "optimizer adadelta": {"optimizer": "adadelta", "lr": 1.0},
    **{
        f"schedule {name}": {"schedule": name, "step_epochs": 2}
        for name in ("step", "exponential", "cosine", "linear", "inverse-sqrt", "restarts")
    },
    "plateau": {"schedule": "plateau", "plateau_patience": 0, "lr": 0.3},
    "warm-up": {"warmup": 2.5, "schedule": "cosine"},
    "step at": {"schedule": "step", "step_at": "1,3"},
    "dropout": {"dropout": 0.4},
    "weight average": {"weight_average": 0.9},
    "penalties": {"l1": 1e-3, "weight_decay": 1e-2, "decoupled": True},
    "clipping": {"clip_norm": 0.1, "clip_value": 0.01},
    "label smoothing": {"label_smoothing": 0.1},
    "prelu": {"activation": "prelu"},
    "moving average": {"loss_smoothing": 0.5},
}

ON_IMAGES = {
    "batch norm": {"batch_norm": True},
    "averaged batch norm": {"batch_norm": True, "weight_average": 0.9},
    "augmentation": {
        "shift": 0.1, "zoom": 0.1, "rotation": 10.0, "crop": 1, "flip": 0.5, "distortion": 0.02,
        "brightness": 0.1, "contrast": 0.1, "noise": 0.1, "erasing": 0.5,
    },
    "resnet": {"model": "resnet", "dropout": 0.2},
}  # fmt: skip

CASES = {
    **{name: replace(SMALL, **settings) for name, settings in SETTINGS.items()},
    **{name: replace(CNN, **settings) for name, settings in ON_IMAGES.items()},
}


@pytest.mark.parametrize("name", CASES)
def test_paused_after_every_epoch_it_yields_the_same_numbers_bit_for_bit(name):
    whole = curve(digits.train, CASES[name], 4)
    assert curve(digits.train, CASES[name], 4, pauses=(1, 2, 3)) == whole
    if name != "moving average":
        assert whole != curve(digits.train, SMALL if name in SETTINGS else CNN, 4), "the parameter has no effect"
