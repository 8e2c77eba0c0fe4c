"""The trainers of the corpus: what each is, the metric that its study would name, and its learning rate."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hpsearch.core.trial import Objective
from tests.corpus import held_back, held_back_later, pictures, sequences, tables
from tests.corpus.planted import Planted


@dataclass(frozen=True)
class Trainer:
    """held_back: no setting was chosen on it. lr: of the sound training."""

    name: str
    kind: str
    train: Callable[[Planted, int], Iterator[dict[str, float]]]
    objective: Objective
    lr: float
    held_back: bool = False


def _of(
    train: Callable[[Planted, int], Iterator[dict[str, float]]], kind: str, metric: str, lr: float, held: bool = False
) -> Trainer:
    up = any(word in metric.lower() for word in ("acc", "auc", "f1", "top1"))
    return Trainer(train.__name__, kind, train, Objective(metric, "maximize" if up else "minimize"), lr, held)


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
    _of(held_back.fine_tuned, "fine-tuning", "val_accuracy", 3e-3, True),
    _of(held_back.two_optimizers, "adversarial, two optimizers", "energy_distance", 2e-3, True),
    _of(held_back.forecast, "recurrent forecast", "mae/valid", 3e-2, True),
    _of(held_back.warm_restarts, "warm restarts", "Loss/val", 0.1, True),
    _of(held_back.counts, "counts, negative losses", "val_nll", 1e-2, True),
    _of(held_back_later.likelihood, "mean and variance by likelihood", "Test MAE", 2e-3, True),
    _of(held_back_later.denoising, "denoising convolutions", "val_huber", 1e-2, True),
    _of(held_back_later.attention, "sequence classes by attention", "validation/f1", 1e-2, True),
)
