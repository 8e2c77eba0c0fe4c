"""The recipe on trainers outside the kit that no setting was chosen on, with equal epochs for each search."""

from collections.abc import Iterator

from tests.benchmarks import bench_recipe, bench_trainings
from tests.benchmarks.bench_recipe import Task, table
from tests.benchmarks.bench_trainings import BATCHES, DECAY, LOSS, WIDE
from tests.benchmarks.table import Table

SEEDS = 5

LETTERS = f"""
{DECAY}
{BATCHES}
embedding = {{ low = 2, high = 32, log = true }}
hidden = {{ low = 16, high = 256, log = true }}
dropout = {{ low = 0.0, high = 0.6 }}
"""
DENOISED = f"""
{BATCHES}
hidden = {{ low = 16, high = 256, log = true }}
code = {{ low = 2, high = 32, log = true }}
beta1 = {{ low = 0.0, high = 0.99 }}
noise = {{ low = 0.0, high = 1.0 }}
"""
RATINGS = f"""
{BATCHES}
factors = {{ low = 1, high = 16, log = true }}
scale = {{ low = 1e-3, high = 1.0, log = true }}
penalty = {{ low = 1e-5, high = 1.0, log = true }}
lr_decay = {{ low = 1e-6, high = 1e-2, log = true }}
"""
RARE = f"""
{BATCHES}
hidden = {{ low = 4, high = 128, log = true }}
momentum = {{ low = 0.1, high = 0.99 }}
dropout = {{ low = 0.0, high = 0.7 }}
rare_weight = {{ low = 0.5, high = 30.0, log = true }}
"""
SHAPES = f"""
{DECAY}
{BATCHES}
quarter_width = {{ low = 1, high = 8, log = true }}
dropout = {{ low = 0.0, high = 0.5 }}
smoothing = {{ low = 0.0, high = 0.4 }}
"""
WAVES = f"""
{DECAY}
{BATCHES}
filters = {{ low = 2, high = 16, log = true }}
momentum = {{ low = 0.0, high = 0.99 }}
dropout = {{ low = 0.0, high = 0.7 }}
"""
SETS = f"""
{DECAY}
{BATCHES}
hidden = {{ low = 8, high = 64, log = true }}
beta1 = {{ low = 0.0, high = 0.99 }}
beta = {{ low = 1e-3, high = 1.0, log = true }}
"""
LATER_WAVES = f"""
{DECAY}
{BATCHES}
channels = {{ low = 4, high = 32, log = true }}
dropout = {{ low = 0.0, high = 0.5 }}
beta1 = {{ low = 0.0, high = 0.99 }}
"""
CLOUDS = f"""
{DECAY}
{BATCHES}
hidden = {{ low = 8, high = 128, log = true }}
momentum = {{ low = 0.0, high = 0.99 }}
jitter = {{ low = 0.0, high = 0.3 }}
"""
COMMUNITIES = f"""
{DECAY}
steps = [2, 5, 10]
hidden = {{ low = 4, high = 64, log = true }}
dropout = {{ low = 0.0, high = 0.8 }}
edge_dropout = {{ low = 0.0, high = 0.8 }}
"""
QUANTILES = f"""
{DECAY}
{BATCHES}
hidden = {{ low = 4, high = 64, log = true }}
momentum = {{ low = 0.0, high = 0.99 }}
dropout = {{ low = 0.0, high = 0.5 }}
"""
OWN = "tests.benchmarks.own_trainers_later"
LAST = "tests.benchmarks.own_trainers_last"
ANNEALED = "tests.benchmarks.own_trainers_annealed"
TASKS = (
    *bench_trainings.TASKS[:3],
    Task("letters, MLP", f"{OWN}:next_letters", *LOSS, 27, 270, WIDE, LETTERS),
    Task("digits, denoising", f"{OWN}:denoised_digits", *LOSS, 27, 270, WIDE, DENOISED),
    Task("ratings, factors", f"{OWN}:film_ratings", "val_mae", "minimize", 27, 270, WIDE, RATINGS),
    Task("rare class, MLP", f"{OWN}:rare_cases", "val_auroc", "maximize", 27, 270, WIDE, RARE),
    Task("shapes, transformer", f"{OWN}:shapes_of_points", "val_acc", "maximize", 27, 270, WIDE, SHAPES),
    Task("waves, convolutions, annealed", f"{LAST}:waves", *LOSS, 27, 270, WIDE, WAVES),
    Task("sets of numbers, annealed", f"{LAST}:sets", "val_mae", "minimize", 27, 270, WIDE, SETS),
    Task("communities, graph convolutions", f"{LAST}:communities", *LOSS, 27, 270, WIDE, COMMUNITIES),
    Task("quantiles, MLP", f"{LAST}:quantiles", *LOSS, 27, 270, WIDE, QUANTILES),
    Task("waves, dilated convolutions", f"{ANNEALED}:waves_forecast", *LOSS, 27, 270, WIDE, LATER_WAVES),
    Task("clouds, sets of points", f"{ANNEALED}:clouds_of_points", *LOSS, 27, 270, WIDE, CLOUDS),
)

METHODS = {
    "random": bench_recipe.METHODS["random"],
    "random, halving": bench_trainings.METHODS["random, halving"],
    "TPE, hyperband": bench_recipe.METHODS["TPE, hyperband"],
    "recipe": bench_recipe.METHODS["recipe"],
}


def tables() -> Iterator[Table]:
    for task in TASKS:
        yield table("Trainers", task, METHODS, SEEDS)
