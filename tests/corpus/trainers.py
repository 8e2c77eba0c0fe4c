"""The trainers of the corpus: what each is, the metric that its study would name, and its learning rate."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from hpsearch.core.trial import Objective
from tests.corpus import (
    fresh,
    held_back,
    held_back_later,
    pictures,
    sequences,
    tables,
    unseen,
    unseen_after,
    unseen_last,
    unseen_later,
)
from tests.corpus.planted import Planted


class Part(StrEnum):
    """DEVELOPED: the doctor's limits were chosen on it. HELD_BACK: no limit was. UNSEEN: written later, of kinds that
    the others do not have, and scored once before anything was changed. LATER: eleven more, of
    which all were scored once before anything was changed for them. LAST: scored once, after all changes of then.
    FRESH: six more, scored once before anything was changed for them."""

    DEVELOPED = "developed on"
    HELD_BACK = "held back"
    UNSEEN = "unseen"
    LATER = "later"
    LAST = "last"
    FRESH = "fresh"


@dataclass(frozen=True)
class Trainer:
    """lr: of the sound training."""

    name: str
    kind: str
    train: Callable[[Planted, int], Iterator[dict[str, float]]]
    objective: Objective
    lr: float
    part: Part = Part.DEVELOPED


RISING = (
    "acc",
    "auc",
    "f1",
    "top1",
    "recall",
    "dice",
    "p@1",
    "log_prob",
    "tau",
    "c_index",
    "reward",
    "exact",
    "mrr",
    "psnr",
    "iou",
)
"""Words of metrics that are maximised."""


def _of(train: Callable[[Planted, int], Iterator[dict[str, float]]], kind: str, metric: str, lr: float) -> Trainer:
    goal: Literal["minimize", "maximize"] = "maximize" if any(one in metric.lower() for one in RISING) else "minimize"
    return Trainer(
        train.__name__, kind, train, Objective(metric, goal), lr, PARTS.get(train.__module__, Part.DEVELOPED)
    )


PARTS = {
    held_back.__name__: Part.HELD_BACK,
    held_back_later.__name__: Part.HELD_BACK,
    unseen.__name__: Part.UNSEEN,
    unseen_later.__name__: Part.LATER,
    unseen_after.__name__: Part.LATER,
    unseen_last.__name__: Part.LAST,
    fresh.__name__: Part.FRESH,
}

TRAINERS = (
    _of(tables.wine, "tabular classification", "val_acc", 3e-3),
    _of(tables.diabetes, "regression in raw units", "val_rmse", 3e-2),
    _of(tables.friedman, "regression, standardised inputs", "val/mae", 3e-2),
    _of(tables.labels, "several labels", "dev_f1", 5e-3),
    _of(tables.imbalanced, "imbalanced classes", "valid_auc", 0.05),
    _of(tables.one_by_one, "very small batches", "acc", 0.05),
    _of(tables.moons, "one batch of all", "Test Acc", 1e-2),
    _of(tables.noisy_labels, "label noise", "val_acc", 3e-3),
    _of(pictures.convolutions, "convolutions, last batch's loss", "val_accuracy", 0.05),
    _of(pictures.residual, "residual blocks with batch norm", "top1", 0.1),
    _of(pictures.autoencoder, "autoencoder, summed squares", "val_loss", 1e-2),
    _of(pictures.variational, "variational autoencoder", "test_loss", 5e-3),
    _of(pictures.contrastive, "contrastive", "knn_acc", 3e-3),
    _of(sequences.parity, "recurrent, learns suddenly", "val/acc", 5e-2),
    _of(sequences.transformer, "small transformer", "eval_loss", 3e-2),
    _of(sequences.equation, "differential equation", "error", 1e-2),
    _of(held_back.fine_tuned, "fine-tuning", "val_accuracy", 3e-3),
    _of(held_back.two_optimizers, "adversarial, two optimizers", "energy_distance", 2e-3),
    _of(held_back.forecast, "recurrent forecast", "mae/valid", 3e-2),
    _of(held_back.warm_restarts, "warm restarts", "Loss/val", 0.1),
    _of(held_back.counts, "counts, negative losses", "val_nll", 1e-2),
    _of(held_back_later.likelihood, "mean and variance by likelihood", "Test MAE", 2e-3),
    _of(held_back_later.denoising, "denoising convolutions", "val_huber", 1e-2),
    _of(held_back_later.attention, "sequence classes by attention", "validation/f1", 1e-2),
    _of(unseen.triplet, "triplets, recall in percent", "recall@1", 6e-4),
    _of(unseen.segmentation, "segmentation, dice", "dice", 1e-2),
    _of(unseen.characters, "letters, perplexity", "valid_ppl", 5e-3),
    _of(unseen.quantiles, "quantiles in raw units", "val_pinball", 6e-2),
    _of(unseen.two_tasks, "two tasks, two losses", "val/digit_error", 0.1),
    _of(unseen.bag_of_words, "bag of words", "P@1", 1.0),
    _of(unseen.flow, "normalising flow, log-likelihood", "val/log_prob", 5e-3),
    _of(unseen_later.ranker, "ranking of pairs", "tau", 3e-3),
    _of(unseen_later.survival, "survival times", "c_index", 1e-3),
    _of(unseen_later.recommender, "ratings, matrix factorisation", "test/mse", 0.1),
    _of(unseen_later.graph, "graph convolution", "val_acc", 1e-2),
    _of(unseen_later.distilled, "distillation", "val_kd_loss", 0.3),
    _of(unseen_later.td_learning, "reinforcement learning", "eval_reward", 2e-3),
    _of(unseen_later.diffusion, "diffusion, averaged weights", "val/loss_ema", 1e-2),
    _of(unseen_later.teacher_forcing, "sequence to sequence", "exact_match", 4e-3),
    _of(unseen_after.mixture_density, "mixture density", "dev/nll", 2e-2),
    _of(unseen_after.knowledge_graph, "knowledge graph", "MRR", 6e-2),
    _of(unseen_after.accumulated, "accumulated gradients, spectral norms", "test_loss", 0.4),
    _of(unseen_last.skip_gram, "words by their neighbours", "valid_sgns_loss", 1e-2),
    _of(unseen_last.ordinal, "ordered classes", "levels_off", 6e-3),
    _of(unseen_last.without_alignment, "sequences without alignment", "val_ctc_loss", 1e-2),
    _of(fresh.instances, "bags of instances", "val/AUC", 3e-3),
    _of(fresh.coordinates, "a picture by its coordinates", "PSNR", 2e-3),
    _of(fresh.quantised, "quantised codes", "val/recon", 3e-3),
    _of(fresh.boxes, "boxes in pictures", "val/mIoU", 0.1),
    _of(fresh.masked, "masked letters", "eval_mlm_loss", 5e-3),
    _of(fresh.pendulum, "motion, predictions over time", "rollout_rmse", 2e-3),
)


def chosen(options: Sequence[str]) -> list[Trainer]:
    """Those that are named; otherwise those developed on, or with `--held-back` or `--unseen` the others."""
    named = [one for one in options if not one.startswith("--")]
    part = next((one for one in Part if f"--{one.replace(' ', '-')}" in options), Part.DEVELOPED)
    return [one for one in TRAINERS if (one.name in named if named else one.part is part)]
