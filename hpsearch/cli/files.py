"""The commands about a study file: init, check, plan."""

import shlex
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import asdict
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from hpsearch.cli.answer import Answer
from hpsearch.core.errors import BadInput, NotFound, StudyFileError
from hpsearch.core.format import columns, duration, params_line
from hpsearch.records.preflight_record import cost_text, folder, kept
from hpsearch.study import plan as planning
from hpsearch.study.definition import Study, load

if TYPE_CHECKING:
    from hpsearch.journal import Summary

EXTREME = {"minimize": "lowest", "maximize": "highest"}


def init(args: Namespace) -> Iterator[Answer]:
    """Write study.toml and trainer.py; nothing that is there is touched."""
    templates = {
        name: files("hpsearch.cli").joinpath("templates", name).read_text() for name in ("study.toml", "trainer.py")
    }
    there = [path for path in (args.folder, *args.folder.parents) if path.exists() and not path.is_dir()]
    there += [args.folder / name for name in templates if (args.folder / name).exists()]
    if there:
        raise BadInput(f"{there[0]} is there already: choose another folder, `hpsearch init FOLDER`")
    args.folder.mkdir(parents=True, exist_ok=True)
    for name, text in templates.items():
        (args.folder / name).write_text(text, encoding="utf-8")
    study = shlex.quote(str(args.folder / "study.toml"))
    written = [str(args.folder / name) for name in templates]
    yield Answer({"written": written}, lambda: f"wrote {' and '.join(written)}\n\n  hpsearch run {study}")


def check(args: Namespace) -> Iterator[Answer]:
    """With --json the faults are on stdout, as data."""
    try:
        study = load(args.file, args.overrides)
    except StudyFileError as problem:
        if not args.json:
            raise
        faults, text = [asdict(fault) for fault in problem.faults], str(problem)
        yield Answer({"study": None, "faults": faults}, lambda: text, problem.exit_code)
        return
    name = study.study.name
    yield Answer({"study": name, "faults": []}, lambda: f"{args.file}: no faults in study {name}")


def plan(args: Namespace) -> Iterator[Answer]:
    from hpsearch.orchestrator import build
    from hpsearch.preflight.runner import Tried

    study = load(args.file, args.overrides)
    so_far, tried = _recorded(study)
    cost = tried["preflight"]["cost"] if "preflight" in tried else None
    seconds = so_far.busy / so_far.epochs if so_far and so_far.epochs else cost and cost["seconds"]
    study = Tried(tried).searched(study)
    first = planning.first_proposals(study, build.sampler(study))
    epochs = planning.all_epochs(study)
    forecast = None if seconds is None else epochs * seconds / (study.resources.workers or 1)
    data = {
        "study": study.study.name,
        "method": study.search.method,
        "rounds": [asdict(one) for one in planning.rounds(study)],
        "trials": planning.proposals(study),
        "epochs": epochs,
        "first": [dict(proposal.params) for proposal in first],
        "seconds_per_epoch": seconds,
        "recorded": {"trials": sum(so_far.trials.values()), "epochs": so_far.epochs} if so_far else None,
        "seconds": forecast,
        "gpu_hours": None if seconds is None else epochs * seconds * study.resources.per_trial.gpus / 3600,
        "cost": cost,
        "lr_range": tried["lr_range"]["says"] if "lr_range" in tried else None,
    }
    yield Answer(data, lambda: _plan_text(study, data))


def _plan_text(study: Study, data: dict[str, Any]) -> str:
    about, resources = study.study, study.resources
    rows = [
        f"{about.name}: {study.search.method} search for the {EXTREME[about.goal]} {about.metric}",
        _rounds_text(study),
        *(
            ["a forecast: where no window moves and nothing ends early"]
            if planning.certain_proposals(study) is None
            else []
        ),
        f"{data['epochs']} epochs if nothing is pruned (prune: {_prune(study)}) or stopped early; {_cost(data)}",
        f"{resources.workers or 'as many as fit'} at once, with {resources.per_trial.cpus:g} cpus and "
        f"{resources.per_trial.gpus:g} gpus each{_copies(study)}",
    ]
    rows += _tried_text(study, data)
    if done := data["recorded"]:
        rows.append(f"of this, {done['trials']} trials and {done['epochs']} epochs are recorded already")
    rows += ["", "first proposals", *(f"  {params_line(params)}" for params in data["first"])]
    if len(data["first"]) < min(planning.MOST, data["trials"]):
        rows.append("  what follows depends on results")
    return "\n".join(rows)


def _prune(study: Study) -> str:
    asked = [study.prune.method] if study.prune is not None else []
    paired = [f"paired test over {study.replicates}"] if study.is_paired else []
    return " and ".join([*asked, *paired]) or "never"


def _copies(study: Study) -> str:
    replicates = study.replicates
    return f"; each trains {replicates} side by side, and an epoch is one of all of them" if len(replicates) > 1 else ""


def _rounds_text(study: Study) -> str:
    rows = [["round", "trials", "of them continued", "to epoch"]]
    for i, one in enumerate(planning.rounds(study), 1):
        rows.append([str(i), str(one.trials), f"up to {one.continued}" if one.continued else "none", str(one.epochs)])
    return columns(rows)


def _cost(data: dict[str, Any]) -> str:
    if data["seconds"] is None:
        return "no epoch is recorded yet, so the time is not known: `hpsearch preflight` measures it"
    hours = f" and {data['gpu_hours']:.3g} GPU hours" if data["gpu_hours"] else ""
    took = f"{data['seconds_per_epoch']:.3g} s an epoch"
    return f"about {duration(data['seconds'])}{hours}, at the {took} that were measured"


def _tried_text(study: Study, data: dict[str, Any]) -> Iterator[str]:
    """What was measured before the first trial, or will be."""
    if data["cost"]:
        yield f"a trial takes {cost_text(data['cost'])}"
    elif study.preflight is not None and not data["recorded"]:
        yield "before the first trial a preflight tries whether the trainer can learn"
    if data["lr_range"]:
        yield data["lr_range"]
    elif study.range_test is not None and not data["recorded"]:
        yield f"before the first trial a range test looks for values of {study.range_test.parameter}"


def _recorded(study: Study) -> tuple["Summary | None", dict[str, Any]]:
    """What is recorded of the study, None before its first run; and what was measured before its first trial, by that
    run or by `hpsearch preflight`."""
    from hpsearch.journal import Journal

    try:
        with Journal.open(study.journal_url, create=False) as journal:
            record = journal.find(study.study.name)
            if record is not None:
                return journal.summary(record.id), journal.documents(record.id) or kept(folder(study))
    except NotFound:
        pass
    return None, kept(folder(study))
