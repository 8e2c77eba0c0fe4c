"""What a study will run, in words."""

from collections.abc import Iterator

from hpsearch.core.format import columns, duration, params_line
from hpsearch.orchestrator.forecast import MOST_SHOWN, Forecast
from hpsearch.records.preflight_record import cost_text
from hpsearch.study.definition import Study
from hpsearch.study.plan import certain_proposals

EXTREME = {"minimize": "lowest", "maximize": "highest"}


def text(expected: Forecast) -> str:
    study = expected.study
    about, resources = study.study, study.resources
    rows = [
        f"{about.name}: {study.search.label} search for the {EXTREME[about.goal]} {about.metric}",
        *_amount(expected),
        f"{resources.workers or 'as many as fit'} at once, with {resources.per_trial.cpus:g} cpus and "
        f"{resources.per_trial.gpus:g} gpus each{_replicates(study)}",
        *_measured(expected),
    ]
    if done := expected.recorded:
        count = sum(done.trials.values())
        rows.append(f"of this, {count} trials and {done.epochs} epochs are recorded already")
    rows += ["", "first proposals", *(f"  {params_line(one.params)}" for one in expected.first)]
    if len(expected.first) < min(MOST_SHOWN, expected.trials or MOST_SHOWN):
        rows.append("  what follows depends on results")
    return "\n".join(rows)


def _amount(expected: Forecast) -> Iterator[str]:
    """How many trials and epochs, and how long that takes."""
    study = expected.study
    if expected.trials is None:
        yield f"the sampler decides how many trials it proposes, each of up to {study.trainer.epochs} epochs"
        yield f"prune: {_prune(study)}"
        return
    yield _rounds(expected)
    if certain_proposals(study) is None:
        yield "a forecast: where no window moves and nothing ends early"
    yield f"{expected.epochs} epochs if nothing is pruned (prune: {_prune(study)}) or stopped early; {_time(expected)}"


def _rounds(expected: Forecast) -> str:
    rows = [["round", "trials", "of them continued", "to epoch"]]
    for i, one in enumerate(expected.rounds, 1):
        rows.append([str(i), str(one.trials), f"up to {one.survivors}" if one.survivors else "none", str(one.epochs)])
    return columns(rows)


def _prune(study: Study) -> str:
    asked = [study.prune.label] if study.prune is not None else []
    paired = [f"paired test over {study.replicates}"] if study.is_paired else []
    return " and ".join([*asked, *paired]) or "never"


def _time(expected: Forecast) -> str:
    if expected.seconds is None:
        return "no epoch is recorded yet, so the time is not known: `hpsearch preflight` measures it"
    hours = f" and {expected.gpu_hours:.3g} GPU hours" if expected.gpu_hours else ""
    took = f"{expected.seconds_per_epoch:.3g} s an epoch"
    return f"about {duration(expected.seconds)}{hours}, at the {took} that were measured"


def _replicates(study: Study) -> str:
    many = study.replicates
    return f"; each trains {many} side by side, and an epoch is one of all of them" if len(many) > 1 else ""


def _measured(expected: Forecast) -> Iterator[str]:
    """What was measured before the first trial, or will be."""
    study = expected.study
    if expected.cost:
        yield f"a trial takes {cost_text(expected.cost)}"
    elif study.preflight is not None and not expected.recorded:
        yield "before the first trial a preflight tries whether the trainer can learn"
    if expected.lr_range:
        yield expected.lr_range
    elif study.range_test is not None and not expected.recorded:
        yield f"before the first trial a range test looks for values of {study.range_test.parameter}"
