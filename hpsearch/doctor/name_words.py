"""The words in the names of metrics, as PyTorch, Lightning, Keras, transformers and others write them."""

import re
from functools import cache

TRAINING = frozenset({"train", "training", "trn", "tr", "running", "epoch", "batch", "tloss", "tacc"})
VALIDATION = frozenset(
    {
        *("val", "valid", "validation", "vld", "vloss", "vacc", "eval", "evaluation", "test", "testing", "te", "dev"),
        *("holdout", "heldout", "oof"),
    }
)
HOW = frozenset({"step", "avg", "average", "mean", "total", "dataloader", "idx"})
"""Words for how a metric is aggregated; they do not change the quantity. Lightning reports `loss_step`."""

LOSSES = frozenset(
    {
        *("loss", "losses", "cost", "nll", "bce", "ce", "xent", "crossentropy", "entropy", "logloss", "elbo", "hinge"),
        *("mse", "rmse", "mae", "mape", "smape", "msle", "rmsle", "nmse", "nrmse", "error", "err", "perplexity", "ppl"),
        *("objective", "tloss", "vloss", "huber", "l1", "l2", "logcosh", "pinball", "quantile", "deviance"),
        *("kl", "kld", "focal", "triplet", "bpc", "bpb", "bpd", "bits", "nats", "wer", "cer", "nelbo", "lpips"),
    }
)
GAINS = frozenset(
    {
        *("likelihood", "loglikelihood", "loglik", "llh", "ll", "logprob", "logp", "logpdf", "lpd", "elpd"),
        *("psnr", "snr", "sdr", "sisnr", "sisdr"),
    }
)
"""Quantities that rise in a training and have no upper bound."""

NEGATIVE = frozenset({"neg", "negative", "minus", "nll", "nelbo", "loss"})
"""Words that make a loss of a quantity of GAINS."""

EXPLAINED = frozenset({"r2", "r2score", "rsquared"})
"""Shares of the explained variance: at most 1, negative where a model is worse than a constant."""

PERPLEXITIES = frozenset({"perplexity", "ppl"})

ACCURACIES = frozenset(
    {
        *("accuracy", "acc", "acc1", "acc5", "tacc", "vacc", "top1", "top5", "prec1", "prec5", "pixacc"),
        *("auroc", "auc", "auprc", "f1", "fscore", "precision", "recall", "sensitivity", "specificity"),
        *("iou", "miou", "jaccard", "dice", "map", "map50", "ap", "ndcg", "mrr", "hits", "hit", "kappa", "mcc"),
        *("bleu", "rouge", "ssim", "success", "exact", "em"),
    }
)
NO_LEVEL = frozenset({"map", "map50", "ap", "ndcg", "mrr", "hits", "hit", "kappa", "mcc", "matthews", "bleu", "rouge"})
"""Fractions for which a value far below 1 can be excellent."""

ERROR_RATES = frozenset({"errorrate", "misclassification", "misclass"})

REWARDS = frozenset({"reward", "rewards", "rew", "return", "returns", "episodic"})

UNSTEADY = frozenset(
    {
        *("d", "g", "disc", "gen", "discriminator", "generator", "adversarial", "adv", "fake", "real"),
        *("actor", "critic", "policy", "td", "value", "vf", "pg"),
    }
)
"""Words of losses in adversarial and reinforcement learning, which need not fall while the training succeeds."""

SHORT = {"tl": "train loss", "vl": "val loss", "ta": "train acc", "va": "val acc"}
"""Whole names that are abbreviations."""


@cache
def words(name: str) -> frozenset[str]:
    """The words of a metric's name in lower case: `val/top1`, `evalLoss`, `testacc` and `Test Acc` have two each."""
    name = SHORT.get(name.lower(), name).replace("mAP", " map ").replace("mIoU", " miou ").replace("rougeL", "rouge")
    name = re.sub(r"(?<![A-Za-z])[Rr]@", " recall ", name)
    name = re.sub(r"(?<![A-Za-z])[Pp](rec)?@", " precision ", name)
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return frozenset(part for word in re.findall(r"[a-z]+[0-9]*", spaced.lower()) for part in _parts(word))


def _parts(word: str) -> tuple[str, ...]:
    """`valloss` and `losstrain` are two words."""
    known = LOSSES | ACCURACIES
    for split in TRAINING | VALIDATION:
        for other in (word.removeprefix(split), word.removesuffix(split)) if len(split) > 2 else ():
            if other != word and other in known:
                return (split, other)
    return (word,)


def is_validation(name: str) -> bool:
    return bool(words(name) & VALIDATION)


def is_training(name: str) -> bool:
    return bool(words(name) & TRAINING) and not is_validation(name)


def quantity(name: str) -> frozenset[str]:
    """The measured quantity: the words of the name without those for the split."""
    return words(name) - TRAINING - VALIDATION - HOW


def is_loss(name: str) -> bool:
    """Whether the name is that of a loss; `L_train` is one too."""
    found = words(name)
    return bool(found & LOSSES) or bool(found & NEGATIVE and _is_gain(found)) or ({"l"} == quantity(name) != found)


def is_gain(name: str) -> bool:
    """Whether the name is that of a quantity that rises and is no fraction, such as a log-likelihood or R²."""
    return _is_gain(words(name)) and not words(name) & NEGATIVE


def _is_gain(found: frozenset[str]) -> bool:
    return bool(found & (GAINS | EXPLAINED)) or ("log" in found and bool(found & {"prob", "p", "density"}))


def is_explained_variance(name: str) -> bool:
    return bool(words(name) & EXPLAINED) or words(name) >= {"explained", "variance"}


def is_error_rate(name: str) -> bool:
    found = words(name)
    of_classes = found & {"rate", "top1", "top5"} and found & {"error", "err"}
    return bool(found & ERROR_RATES or of_classes)


def is_rate(name: str) -> bool:
    """Whether the name is that of a learning rate."""
    return "lr" in words(name) or words(name) >= {"learning", "rate"}
