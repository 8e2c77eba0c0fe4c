"""Whether a higher or a lower value of a metric is better, by the words in its name."""

import re
from typing import Literal

HIGHER_IS_BETTER = frozenset(
    (
        "acc",
        "accuracy",
        "auc",
        "auroc",
        "auprc",
        "bleu",
        "correlation",
        "dice",
        "f1",
        "iou",
        "kappa",
        "map",
        "mcc",
        "ndcg",
        "precision",
        "psnr",
        "r2",
        "recall",
        "return",
        "reward",
        "rouge",
        "sensitivity",
        "specificity",
        "ssim",
        "top1",
        "top5",
    )
)
LOWER_IS_BETTER = frozenset(
    (
        "brier",
        "cer",
        "crossentropy",
        "divergence",
        "err",
        "error",
        "fid",
        "kl",
        "loss",
        "mae",
        "mape",
        "mse",
        "nll",
        "perplexity",
        "ppl",
        "regret",
        "rmse",
        "wer",
    )
)
"""Words in names of metrics."""

NEVER_NEGATIVE = frozenset(
    ("acc", "accuracy", "auc", "auroc", "auprc", "dice", "f1", "iou", "map", "precision", "recall", "top1", "top5")
) | frozenset(("brier", "cer", "err", "error", "fid", "mae", "mape", "mse", "perplexity", "ppl", "rmse", "wer"))


def goal_of(metric: str) -> Literal["minimize", "maximize"] | None:
    """None if the name does not show it."""
    up, down = bool(_words(metric) & HIGHER_IS_BETTER), bool(_words(metric) & LOWER_IS_BETTER)
    return None if up == down else "maximize" if up else "minimize"


def is_never_negative(metric: str) -> bool:
    """Whether its name shows that no value is below 0."""
    return bool(_words(metric) & NEVER_NEGATIVE) and "loss" not in _words(metric)


def _words(metric: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", metric.replace("mAP", " map "))
    return set(re.findall(r"[a-z]+[0-9]*", spaced.lower()))
