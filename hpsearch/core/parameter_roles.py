"""The role of a hyperparameter, told by its name: learning rate, weight penalty, or another regulariser.

The names are those of PyTorch, torchvision, timm, transformers, Lightning, scikit-learn, YOLO and of `trainers/`. The
last part of a dotted name counts: `optimizer.lr` is a learning rate.
"""

import re
from collections.abc import Iterable

RATES = (
    "lr",
    "learning_rate",
    "base_lr",
    "max_lr",
    "peak_lr",
    "init_lr",
    "initial_lr",
    "learning_rate_init",
    "lr0",
    "eta",
    "eta0",
)
"""Names of the main learning rate. If a study has several of them, the first in this list counts."""

_NOT_A_RATE = (
    *("decay", "gamma", "factor", "patience", "step", "epoch", "iter", "warm", "sched", "min", "final", "end", "mult"),
    *("scale", "ratio", "power", "drop", "cycle", "milestone", "threshold", "cooldown", "range"),
)
"""Prefixes of words that, beside `lr`, name something other than a rate, such as in `lr_warmup_epochs`."""

_PENALTY = re.compile(r"(\w+_)?(weight_?decay|wd|l[12](_?(reg|penalty|lambda|norm|decay|weight))?|(reg|lambda)_?l[12])")
_PENALTIES = {"reg", "regularization", "regularisation", "reg_lambda", "lambda_reg", "reg_strength", "weight_penalty"}
_REGULARISER = re.compile(
    r"(\w+_)?(p?drop(out)?|drop_?(path|connect|block))(_?(rate|prob|p))?|stochastic_depth(_(rate|prob))?|(\w+_)?smoothing|"
    r"(mix_?up|cut_?mix)(_?(alpha|prob))?|cut_?out|(\w+_)?noise(_?(std|sd|sigma|level))?|shift|(\w+_)?erasing|"
    r"rand_?aug\w*|augment\w*"
)
_DECAY_TIMES = {"step_epochs", "step_size", "decay_epochs", "restart_epochs", "lr_step_size", "lr_decay_epochs"}


def is_learning_rate(name: str) -> bool:
    own = _own(name)
    parts = own.replace("learning_rate", "lr").replace("learningrate", "lr").split("_")
    return own in RATES or ("lr" in parts and not any(part.startswith(_NOT_A_RATE) for part in parts))


def learning_rate_of(names: Iterable[str]) -> str | None:
    """The name of the main learning rate; None if there is none, or several that are equally likely."""
    found = [name for name in names if is_learning_rate(name)]
    for usual in RATES:
        if same := [name for name in found if _own(name) == usual]:
            return min(same, key=len)
    return found[0] if len(found) == 1 else None


def is_penalty(name: str) -> bool:
    """Whether it is a weight penalty (weight decay, L1, L2), whose useful values span orders of magnitude."""
    own = _own(name)
    return _PENALTY.fullmatch(own) is not None or own in _PENALTIES


def is_regulariser(name: str) -> bool:
    own = _own(name)
    return is_penalty(name) or (_REGULARISER.fullmatch(own) is not None and "lr" not in own.split("_"))


def is_decay_time(name: str) -> bool:
    """Whether it is the time or interval at which the learning rate is decayed."""
    return _own(name) in _DECAY_TIMES


def _own(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name.rpartition(".")[2]).replace("-", "_").lower()
