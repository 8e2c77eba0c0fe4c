"""What users expect (`prior`) and earlier studies (`learn_from`): searches with and without them.

    python -m tests.benchmarks evidence                         both tables
    python -m tests.benchmarks.bench_evidence --help            fewer seeds, other tasks

Priors are tried on test functions in the unit cube; earlier studies on tasks of the LCBench surrogate (`curve_tasks`),
where each task learns from all others (leave one task out). Rules were chosen on the tasks of `TASKS`; `--held-out`
names tasks that learn from them and from which none learns.
"""

import argparse
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache, partial
from statistics import fmean

import numpy as np

from hpsearch.core.decisions import New
from hpsearch.core.history import History
from hpsearch.core.related import RelatedStudy, RelatedTrial
from hpsearch.core.trial import Cause, Objective, Params, Report, State, Trial
from hpsearch.orchestrator.evidence.learned_studies import ranked
from hpsearch.samplers.agreement import Array
from hpsearch.samplers.base import Sampler
from hpsearch.samplers.bayesian import Bayesian
from hpsearch.samplers.random import Random
from hpsearch.study.definition import Study
from hpsearch.study.priors import Weight
from hpsearch.study.space import Space
from tests.benchmarks.cube_functions import FUNCTIONS, Function
from tests.benchmarks.curve_tasks import METRIC, CurveTask, load
from tests.benchmarks.processes import progress
from tests.benchmarks.table import Row, Table

TASKS = ("168335", "189862", "34539", "126029")
SEEDS, TRIALS, MARKS = 10, 40, (10, 40)
"""MARKS: numbers of trials at which the regret is taken."""

PRIOR_TRIALS, PRIOR_MARKS = 100, (10, 30, 60, 100)

EARLIER_TRIALS = 40
OFF = 0.1
"""Standard deviation by which a right prior is off on each axis."""

LOSS = Objective(METRIC, "minimize")

Loss = Callable[[Params], float]


def search(sampler: Sampler, loss: Loss, related: Sequence[RelatedStudy] = (), most: int = TRIALS) -> list[float]:
    """The losses of the trials, one after the other."""
    history, losses = History(LOSS, related=related), list[float]()
    while len(history) < most and isinstance(proposal := sampler.ask(history), New):
        number = len(history)
        losses.append(loss(proposal.params))
        curve = (Report(1, {METRIC: losses[-1]}),)
        trial = Trial(number, proposal.params, 0, 1, State.COMPLETE, cause=Cause.DONE, curve=curve)
        history.put(replace(trial, ended=number + 1, ended_before=number))
    return losses


# Priors ──────────────────────────────────────────────────────────────────────────────────────────


def samplers(space: Space, seed: int) -> dict[str, Sampler]:
    return {"random": Random(space, seed, PRIOR_TRIALS, 1), "TPE": Bayesian(space, seed, PRIOR_TRIALS, 1, "tpe", 10)}


KINDS: dict[str, tuple[bool | None, Weight]] = {
    "no prior": (None, "weak"),
    "right, weak": (True, "weak"),
    "right, strong": (True, "strong"),
    "wrong, weak": (False, "weak"),
    "wrong, strong": (False, "strong"),
}


def prior_tables(seeds: Sequence[int], only: Sequence[str] = ()) -> tuple[Table, Table]:
    """The regrets, and their differences from those of the same seeds without priors. only: names of functions."""
    means: list[Row] = []
    differences: list[Row] = []
    for function in (one for one in FUNCTIONS if not only or one.name in only):
        for name in ("random", "TPE"):
            progress(f"{function.name}, {name}")
            found = [_regrets(function, name, seeds, *kind) for kind in KINDS.values()]
            means.append([f"{function.name}, {name}", *(_joined(f"{m:.3g}" for m in one.mean(0)) for one in found)])
            differences.append([f"{function.name}, {name}", *(_with_errors(one - found[0]) for one in found[1:])])
    first, *others = KINDS
    note = f"after {_joined(str(mark) for mark in PRIOR_MARKS)} trials, {len(seeds)} seeds"
    return (
        Table("Priors", ["function, search", first, *others], means, f"mean regret {note}"),
        Table("Priors, difference from none", ["function, search", *others], differences, f"± standard error, {note}"),
    )


def _with_errors(differences: Array) -> str:
    errors = differences.std(0, ddof=1) / math.sqrt(len(differences))
    return _joined(f"{m:.2g} ± {e:.2g}" for m, e in zip(differences.mean(0), errors, strict=True))


def _joined(texts: Iterable[str]) -> str:
    return ", ".join(texts)


def _regrets(function: Function, name: str, seeds: Sequence[int], is_right: bool | None, weight: Weight) -> Array:
    """(seeds, PRIOR_MARKS)"""
    runs = []
    for seed in seeds:
        shift = np.random.default_rng([seed, 1]).normal(0.0, OFF, len(function.optimum))
        right = np.clip(np.array(function.optimum) + shift, 0.0, 1.0).tolist()
        at = None if is_right is None else right if is_right else function.wrong
        runs.append(search(samplers(function.space(at, weight), seed)[name], function.loss, most=PRIOR_TRIALS))
    return np.array([[min(run[:mark]) for mark in PRIOR_MARKS] for run in runs])


# Earlier studies ─────────────────────────────────────────────────────────────────────────────────


@cache
def task_named(name: str) -> CurveTask:
    return load(name)


def space_of(task: CurveTask) -> Space:
    sections = {
        "study": {"name": "bench", "metric": METRIC, "goal": "minimize"},
        "trainer": {"use": "bench:train", "epochs": task.epochs},
        "space": dict(task.space),
        "search": {"method": "random", "trials": 1},
    }
    return Study.from_dict(sections).space


def regret(task: CurveTask, params: Params) -> float:
    """Of the best epoch, in percent of the way from the best known loss to that of an untrained network."""
    reports = task.curve(params, 0, task.epochs).reports
    return 100 * (min(one.metrics[METRIC] for one in reports) - task.best) / (task.scale - task.best)


def earlier_study(name: str, seed: int) -> RelatedStudy:
    """Half of them are random searches, half of TPE."""
    task = task_named(name)
    space, tried, loss = space_of(task), list[Params](), partial(regret, task)

    def kept(params: Params) -> float:
        tried.append(params)
        return loss(params)

    own = {"random": Random(space, 1000 + seed, EARLIER_TRIALS, 1), "TPE": samplers(space, 1000 + seed)["TPE"]}
    losses = search(own["random" if seed % 2 else "TPE"], kept, most=EARLIER_TRIALS)
    names = tuple(one.name for one in space.parameters)
    trials = [RelatedTrial(i, params, value) for i, (params, value) in enumerate(zip(tried, losses, strict=True))]
    return RelatedStudy(name, names, tuple(ranked(trials)))


def transfer_table(tasks: Sequence[str], held_out: Sequence[str], seeds: int, sampler: str, trials: int) -> Table:
    marks = (min(MARKS[0], trials), trials)
    rows: list[Row] = []
    for name in (*tasks, *held_out):
        progress(f"LCBench {name}")
        task = task_named(name)
        space, runs = space_of(task), []
        for seed in range(seeds):
            others = [earlier_study(other, seed) for other in tasks if other != name]
            searched = Bayesian(space, seed, trials, 1, sampler, 10)  # type: ignore[arg-type]
            runs.append([search(searched, partial(regret, task), related, trials) for related in ((), others)])
        cells: list[float | int] = []
        for mark in marks:
            pairs = [(min(without[:mark]), min(with_[:mark])) for without, with_ in runs]
            cells += [fmean(one for one, _ in pairs), fmean(other for _, other in pairs)]
            cells.append(sum(other < one for one, other in pairs))
        rows.append([f"{name}{', held out' * (name in held_out)}", *cells])
    columns = ["task", *(f"{what} {mark}" for mark in marks for what in ("without,", "with,", "better,"))]
    note = f"mean regret in percent after so many trials, {seeds} seeds, {sampler}; better: of the {seeds} searches"
    return Table("Earlier studies, leave one task out", columns, rows, note)


def tables() -> Iterator[Table]:
    yield from prior_tables(range(SEEDS))
    yield transfer_table(TASKS, (), SEEDS, "tpe", TRIALS)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.bench_evidence", description=__doc__)
    parser.add_argument("--only", choices=["priors", "earlier"], help="one of the two tables")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--first-seed", type=int, default=0, help="of the searches with priors")
    parser.add_argument("--functions", nargs="*", default=(), metavar="NAME", help="for the priors; default: all")
    parser.add_argument("--trials", type=int, default=TRIALS, help="of a search that learns from earlier studies")
    parser.add_argument("--sampler", choices=["tpe", "gp"], default="tpe", help="of the searches on LCBench")
    parser.add_argument("--tasks", nargs="+", default=TASKS, metavar="NUMBER", help="of LCBench")
    parser.add_argument("--held-out", nargs="*", default=(), metavar="NUMBER", help="tasks that only learn")
    args = parser.parse_args()
    if args.only != "earlier":
        for table in prior_tables(range(args.first_seed, args.first_seed + args.seeds), args.functions):
            print(table.markdown(), end="\n\n", flush=True)
    if args.only != "priors":
        print(transfer_table(args.tasks, args.held_out, args.seeds, args.sampler, args.trials).markdown())


if __name__ == "__main__":
    main()
