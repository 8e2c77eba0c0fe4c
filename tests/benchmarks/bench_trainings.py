"""Search methods by real training: a CNN on MNIST, and three trainers outside the kit, with equal epochs."""

from collections.abc import Iterator

from tests.benchmarks.bench_recipe import Task, table
from tests.benchmarks.table import Table

SEEDS = 5

WIDE = "low = 1e-5, high = 10.0"
DECAY = "weight_decay = { low = 1e-6, high = 1e-1, log = true }"
BATCHES = "batch_size = [16, 64, 256]"
CNN = f"""
{DECAY}
{BATCHES}
filters = {{ low = 4, high = 16, log = true }}
dropout = {{ low = 0.0, high = 0.6 }}
optimizer = ["sgd", "adam", "rmsprop"]
"""
GRU = f"""
{DECAY}
{BATCHES}
hidden = {{ low = 8, high = 64, log = true }}
beta1 = {{ low = 0.0, high = 0.99 }}
noise = {{ low = 0.0, high = 1.0 }}
"""
CONVOLUTIONS = f"""
{DECAY}
{BATCHES}
filters = {{ low = 2, high = 16, log = true }}
momentum = {{ low = 0.0, high = 0.99 }}
dropout = {{ low = 0.0, high = 0.7 }}
"""
TABULAR = f"""
{DECAY}
{BATCHES}
hidden = {{ low = 4, high = 128, log = true }}
dropout = {{ low = 0.0, high = 0.7 }}
scale = {{ low = 1e-2, high = 1e1, log = true }}
"""
LOSS = ("val_loss", "minimize")
OWN = "tests.benchmarks.own_trainers"
TASKS = (
    Task("digits, GRU", f"{OWN}:rows_of_digits", *LOSS, 27, 270, WIDE, GRU),
    Task("digits, CNN with cosine schedule", f"{OWN}:small_convolutions", *LOSS, 27, 270, WIDE, CONVOLUTIONS),
    Task("diabetes, MLP", f"{OWN}:tabular_regression", *LOSS, 27, 270, WIDE, TABULAR),
    Task(
        *("MNIST, 2,500 images, CNN", "tests.benchmarks.mnist_part:train_on_few", "val_accuracy", "maximize"),
        *(9, 90, WIDE, CNN, 'model = "cnn"'),
    ),
)

METHODS = {
    "random, halving": '"random"\ntrials = {budget}\n[prune]\nmethod = "halving"',
    "TPE, hyperband": '"bayesian"\nsampler = "tpe"\ntrials = {budget}\n[prune]\nmethod = "hyperband"',
    "TPE, halving": '"bayesian"\nsampler = "tpe"\ntrials = {budget}\n[prune]\nmethod = "halving"',
    "freeze-thaw": '"bayesian"\nsampler = "freeze-thaw"\ntrials = {budget}',
}


def tables() -> Iterator[Table]:
    for task in TASKS:
        yield table("Trainings", task, METHODS, SEEDS)
