"""What the name of a metric shows: whether a higher or a lower value is better, on which data it is measured, and
whether hpsearch has added it to the trainer's own metrics."""

import re
from typing import Literal

Goal = Literal["minimize", "maximize"]

PREFIX = "hpsearch/"
"""Before the names of the metrics that hpsearch measures: gradients, weights, times."""

HIGHER_IS_BETTER = frozenset(
    [
        *("acc", "accuracy", "ap", "ari", "auc", "auprc", "auroc", "bertscore", "bleu", "chrf", "cider", "corr"),
        *("corrcoef", "correlation", "dice", "em", "f1", "fbeta", "fscore", "hits", "hota", "idf1", "iou"),
        *("jaccard", "kappa", "mota", "pck"),
        *("likelihood", "llh", "loglik", "loglikelihood", "logprob", "map", "matthews", "mcc", "meteor", "miou"),
        *("mrr", "ndcg", "nmi", "pearson", "pearsonr", "pesq", "pixacc", "prec1", "prec5", "precision", "psnr", "r2"),
        *("recall", "return", "returns", "reward", "rewards", "rouge", "rougel", "rsquared", "sacrebleu", "sdr"),
        *("sensitivity", "sharpe", "silhouette", "sisdr", "sisnr", "snr", "spearman", "spearmanr", "specificity"),
        *("ssim", "stoi", "tacc", "throughput", "tnr", "top1", "top5", "tpr", "vacc"),
    ]
)
LOWER_IS_BETTER = frozenset(
    [
        *("aic", "bce", "bic", "bpb", "bpc", "bpd", "brier", "ce", "cer", "chamfer", "crossentropy", "crps"),
        *("deviance", "divergence", "ece", "eer", "epe", "err", "error", "errorrate", "fid", "fnr", "fpr"),
        *("hausdorff", "hd95", "hinge", "huber", "kid", "kl", "kld", "logcosh", "logloss", "loss", "losses", "lpips"),
        *("mae", "mape", "mdape", "misclass", "misclassification", "mpjpe", "mse", "msle", "nelbo", "nll", "nmse"),
        *("nrmse", "perplexity", "ppl", "regret", "rmse", "rmsle", "smape", "tloss", "vloss", "wer", "xent"),
    ]
)
"""Words in names of metrics."""

PHRASES: dict[str, Goal] = {
    **dict.fromkeys(("exact match", "explained variance", "hit at", "hit rate", "inception score"), "maximize"),
    **dict.fromkeys(("r squared", "success rate", "true negative", "true positive", "win rate"), "maximize"),
    **dict.fromkeys(("bits per", "cross entropy", "false negative", "false positive", "inference time"), "minimize"),
    "miss rate": "minimize",
}
"""Several words that have another meaning together."""

PENALTIES = frozenset(("err", "error", "loss", "losses"))
"""A metric that ends with one of these is a loss, whatever it is made of: `auc_loss`, `top5_error`."""

OPPOSITES = frozenset(("1", "minus", "neg", "negative"))
"""Words before a metric that turn its goal around: `neg_mean_squared_error` of scikit-learn, `1-accuracy`."""

NEVER_NEGATIVE = frozenset(
    ("acc", "accuracy", "auc", "auroc", "auprc", "dice", "f1", "iou", "map", "precision", "recall", "top1", "top5")
) | frozenset(("brier", "cer", "err", "error", "fid", "mae", "mape", "mse", "perplexity", "ppl", "rmse", "wer"))


def is_measured(name: str) -> bool:
    """Whether hpsearch has measured it, and the trainer has not reported it."""
    return name.startswith(PREFIX)


def goal_of(metric: str) -> Goal | None:
    """None if the name does not show it."""
    words = _words(metric)
    text = " ".join(words)
    if (phrase := next((one for one in PHRASES if f" {one}" in f" {text}"), None)) is not None:
        return PHRASES[phrase]
    turned = sum(one in OPPOSITES for one in words) % 2 == 1
    known = {word for one in words for word in (one, one.rstrip("0123456789"))}
    is_at_rank = re.search(r"[A-Za-z]@\d", metric) is not None  # R@1, P@5
    up, down = is_at_rank or bool(known & HIGHER_IS_BETTER), bool(known & LOWER_IS_BETTER)
    if up and down and (words[-1] not in PENALTIES or known & {"acc", "accuracy"}):  # accuracy_loss may be either
        return None
    if not (up or down) or "win" in known:
        return None
    return "minimize" if down != turned else "maximize"


def split_of(metric: str) -> Literal["training", "test"] | None:
    """The part of the data that a metric is measured on, if its name shows that this is not the validation split."""
    words = set(_words(metric))
    if words & {"val", "valid", "validation", "dev", "eval", "heldout"}:
        return None
    return "training" if words & {"train", "training", "trn"} else "test" if words & {"test", "testing"} else None


def is_never_negative(metric: str) -> bool:
    """Whether its name shows that no value is below 0."""
    words = set(_words(metric))
    return bool(words & NEVER_NEGATIVE) and not words & {"loss", *OPPOSITES}


def _words(metric: str) -> list[str]:
    """In order, in lower case; a number at the beginning is a word, such as in `1-accuracy`."""
    plain = metric.replace("mAP", " map ").replace("IoU", " iou ")
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", plain)
    return re.findall(r"^1(?=\W|_)|[a-z]+[0-9]*", spaced.lower())
