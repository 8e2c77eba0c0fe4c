"""The forecast of a study, as text."""

from collections.abc import Iterator, Sequence

from hpsearch.cli.text.status import infeasible
from hpsearch.core.format import columns, many, params_line, size, span
from hpsearch.core.trial import State
from hpsearch.orchestrator.forecast import MAX_SHOWN, Forecast
from hpsearch.records.preflight_record import cost_text
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import Grid, Random
from hpsearch.study.file.study_section import StudySection
from hpsearch.study.plan import certain_proposals, replaceable

FEW_PARAMETERS = 3
"""Up to this number of parameters a grid is advised, above it random search."""

MIN_GRID_VALUES = 4
"""Values of each parameter. With fewer, a grid is no better than random search."""

EXTREME = {"minimize": "lowest", "maximize": "highest"}


def text(expected: Forecast, evidence: Sequence[str] = ()) -> str:
    """evidence: lines about the earlier results that the study starts with."""
    study = expected.study
    about = study.study
    rows = [
        f"{about.name}: {study.search.label} search for the {_sought(about)}",
        *([str(study.search.auto)] if study.search.auto is not None else []),
        *_feasible(expected),
        *evidence,
        *_amount(expected),
        *_advice(expected),
        _workers(study),
        *_measured(expected),
        *_disk(expected),
    ]
    if done := expected.recorded:
        rows.append(
            f"recorded so far: {many(sum(done.trials.values()), 'trial')}, {many(done.epochs, study.trainer.word)}"
        )
        rows += infeasible(done.trials.get(State.INFEASIBLE, 0), replaceable(study))
    return "\n".join([*rows, *_proposals(expected)])


def _proposals(expected: Forecast) -> Iterator[str]:
    """The first ones of a new study, the next ones of a recorded one."""
    done = sum(expected.recorded.trials.values()) if expected.recorded else 0
    left = max(0, expected.trials - done) if expected.trials is not None else MAX_SHOWN
    shown = expected.following if expected.recorded else expected.first
    if done and not left:
        return
    yield ""
    yield "next proposals" if expected.recorded else "first proposals"
    yield from (f"  {params_line(expected.study.space.shown(one.params))}" for one in shown)
    if len(shown) < min(MAX_SHOWN, left):
        yield "  later proposals depend on results" if shown or not done else "  they depend on results"


def _sought(about: StudySection) -> str:
    if about.objectives is None:
        return f"{EXTREME[about.goal]} {about.metric}"
    goals = [f"the {EXTREME[one.goal]} {one.metric}" for one in about.objectives]
    return f"Pareto front of {' and '.join(goals)}"


def _feasible(expected: Forecast) -> Iterator[str]:
    if expected.feasible is not None:
        count = many(len(expected.study.space.constraints), "constraint")
        value = expected.feasible.value
        least = 1 / expected.feasible.draws
        text = f"{value:.3g}" if value else f"less than {least:.1g}"
        yield f"{count}: the share of the space that is feasible is {text}"


def _amount(expected: Forecast) -> Iterator[str]:
    """The number of trials and epochs, and the time."""
    study, unit = expected.study, expected.study.trainer.word
    if expected.epochs is None or (expected.trials is None and study.limits.epochs is None):
        yield f"the sampler decides how many trials it proposes, each of up to {many(study.trainer.epochs, unit)}"
        yield f"pruning: {_prune(study)}"
        return
    most = many(expected.epochs, unit)
    if expected.trials is None:
        yield f"as many trials as {most} allow, each of up to {many(study.trainer.epochs, unit)}"
    else:
        yield _rounds(expected)
        if certain_proposals(study) is None:
            yield "later rounds depend on results: this is a forecast"
    yield f"at most {most} (pruning: {_prune(study)})"
    if expected.restarts:
        yield f"trials have no checkpoints: a continued trial trains again from {unit} 1 (included in this number)"
    yield f"time: {_time(expected)}"


def _advice(expected: Forecast) -> Iterator[str]:
    """A grid for two or three parameters, random search for more (Bergstra and Bengio 2012, JMLR 13)."""
    study, trials = expected.study, expected.trials
    count = len(study.space.parameters)
    if trials is None or trials < 2:
        return
    each = int(trials ** (1 / count) + 1e-9) if count else 0
    if isinstance(study.search, Grid) and count > FEW_PARAMETERS:
        yield (
            f"advice: {many(trials, 'trial')} of a grid over {count} parameters try few values of each: with more than "
            f'{FEW_PARAMETERS} parameters, method = "random" tries another value of every parameter in each trial'
        )
    elif isinstance(study.search, Random) and 1 < count <= FEW_PARAMETERS and each >= MIN_GRID_VALUES:
        yield (
            f"advice: {many(trials, 'trial')} are enough for a grid over {count} parameters with {each} values of each "
            '(method = "grid"), which leaves no gaps'
        )


def _rounds(expected: Forecast) -> str:
    rows = [["round", "trials", "continued", f"to {expected.study.trainer.word}"]]
    for i, one in enumerate(expected.rounds, 1):
        rows.append([str(i), str(one.trials), f"up to {one.survivors}" if one.survivors else "none", str(one.epochs)])
    return columns(rows)


def _prune(study: Study) -> str:
    asked = [study.prune.label] if study.prune is not None else []
    if study.search.traits.freezes:
        asked.append("freeze-thaw pauses trials and continues the promising ones")
    paired = [f"paired test over {study.replicates}"] if study.is_paired else []
    return " and ".join([*asked, *paired]) or "never"


def _time(expected: Forecast) -> str:
    unit = expected.study.trainer.word
    if expected.seconds_per_epoch is None or expected.time_left is None:
        return f"unknown, because no {unit} has been measured yet (`hpsearch preflight` measures one)"
    hours = f" ({expected.gpu_hours:.3g} GPU hours at most in all)" if expected.gpu_hours else ""
    if expected.time_left.high == 0:
        return "nothing is left to train"
    left = f"{span(expected.time_left)}{' left' if expected.recorded else ''}"
    return f"{left}{hours}, measured: {expected.seconds_per_epoch:.3g} s per {unit}"


def _workers(study: Study) -> str:
    """2 trials in parallel, 1 CPU and 0.25 GPU each"""
    workers, each = study.resources.workers, study.resources.per_trial
    if study.resources.address == "none":
        workers = workers or 1
    trials = f"{many(workers, 'trial')} in parallel" if workers else "as many trials in parallel as fit"
    gpus = f" and {each.gpus:g} GPU" if each.gpus else ""
    replicates = study.replicates
    several = (
        f"; each trial trains {replicates} side by side, in every {study.trainer.word}" if len(replicates) > 1 else ""
    )
    return f"{trials}, {each.cpus:g} CPU{gpus} each{several}"


def _disk(expected: Forecast) -> Iterator[str]:
    """disk: checkpoints take at most 7.9 GiB at one time (20 ended trials, 2 running); 120 GiB are free"""
    disk = expected.disk
    if disk is None:
        return
    ended = "all ended trials" if disk.ended is None else many(disk.ended, "ended trial")
    paused = [f"{disk.paused} paused"] if disk.paused else []
    count = ", ".join([ended, f"{disk.running} running", *paused])
    free = "" if disk.free is None else f"; {size(disk.free)} are free"
    if disk.checkpoint is None or disk.best is None:
        yield f"disk: checkpoints of {count}; their size is known after the first one{free}"
    elif disk.most is None:
        yield f"disk: each ended trial keeps a checkpoint of {size(disk.best)}{free}"
    else:
        yield f"disk: checkpoints take at most {size(disk.most)} at one time ({count}){free}"
    if disk.fits is False:
        yield (
            'warning: the checkpoints do not fit on the disk: set keep = "best" or weights_only = true in '
            "[checkpoints], or set HPSEARCH_HOME to a folder on another disk"
        )


def _measured(expected: Forecast) -> Iterator[str]:
    """The results of preflight and range test, or that they will be run."""
    study = expected.study
    if expected.cost:
        yield f"measured by the preflight: {cost_text(expected.cost)}"
    elif study.preflight is not None and not expected.recorded:
        yield "before the first trial: a preflight checks whether the trainer can learn"
    if expected.lr_range:
        yield expected.lr_range
    elif study.range_test is not None and not expected.recorded:
        yield f"before the first trial: a range test finds the range of {study.range_test.parameter}"
