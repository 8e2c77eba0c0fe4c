"""The commands about a study file: init, check, plan."""

from argparse import Namespace
from collections.abc import Iterator
from importlib.resources import files

from hpsearch import plan as planning
from hpsearch.commands import Answer
from hpsearch.errors import BadInput, NotFound
from hpsearch.screen import columns, duration, params_line
from hpsearch.study import Study, load


EXTREME = {"minimize": "lowest", "maximize": "highest"}


def init(args: Namespace) -> Iterator[Answer]:
    """Write study.toml and trainer.py; nothing that is there is touched."""
    templates = {
        name: files("hpsearch").joinpath("templates", name).read_text() for name in ("study.toml", "trainer.py")
    }
    there = [name for name in templates if (args.folder / name).exists()]
    if there:
        raise BadInput(f"{args.folder / there[0]} is there already: choose another folder, `hpsearch init FOLDER`")
    args.folder.mkdir(parents=True, exist_ok=True)
    for name, text in templates.items():
        (args.folder / name).write_text(text, encoding="utf-8")
    study = args.folder / "study.toml"
    written = [str(args.folder / name) for name in templates]
    yield Answer({"written": written}, lambda: f"wrote {' and '.join(written)}\n\n  hpsearch run {study}")


def check(args: Namespace) -> Iterator[Answer]:
    study = load(args.file, args.overrides)
    yield Answer(
        {"study": study.study.name, "faults": []}, lambda: f"{args.file}: no faults in study {study.study.name}"
    )


def plan(args: Namespace) -> Iterator[Answer]:
    from hpsearch import wire

    study = load(args.file, args.overrides)
    first = planning.first_proposals(study, wire.sampler(study))
    seconds = _seconds_per_epoch(study)
    epochs = planning.most_epochs(study)
    workers = study.resources.workers
    data = {
        "study": study.study.name,
        "method": study.search.method,
        "rounds": [
            {"trials": one.trials, "epochs": one.epochs, "continued": one.continued} for one in planning.rounds(study)
        ],
        "trials": planning.proposals(study),
        "epochs": epochs,
        "first": [dict(proposal.params) for proposal in first],
        "seconds_per_epoch": seconds,
        "seconds": seconds and epochs * seconds / (workers or 1),
    }
    yield Answer(data, lambda: _plan_text(study, data, [params_line(proposal.params) for proposal in first]))


def _plan_text(study: Study, data: dict[str, object], first: list[str]) -> str:
    rows = [["round", "trials", "of them continued", "to epoch"]]
    for i, one in enumerate(planning.rounds(study), 1):
        rows.append([str(i), str(one.trials), f"up to {one.continued}" if one.continued else "none", str(one.epochs)])
    per_trial = study.resources.per_trial
    at_once = study.resources.workers or "as many as fit"
    cost = "nothing is recorded yet, so the time is not known"
    if isinstance(data["seconds"], float):
        cost = (
            f"about {duration(data['seconds'])}, at the {data['seconds_per_epoch']:.3g} s an epoch that were measured"
        )
    return "\n".join(
        [
            f"{study.study.name}: {study.search.method} search for the {EXTREME[study.study.goal]} {study.study.metric}",
            columns(rows),
            f"at most {data['epochs']} epochs in {data['trials']} proposals, {at_once} at once "
            f"with {per_trial.cpus:g} cpus and {per_trial.gpus:g} gpus each; {cost}",
            f"pruning: {study.prune.method}",
            "first proposals" if first else "no proposal",
            *(f"  {line}" for line in first),
        ]
    )


def _seconds_per_epoch(study: Study) -> float | None:
    """As measured by what is recorded of the study; None before its first epoch."""
    from hpsearch.journal import Journal

    try:
        with Journal.open(study.journal_url, create=False) as journal:
            record = journal.find(study.study.name)
            summary = record and journal.summary(record.id)
    except NotFound:
        return None
    return summary.busy / summary.epochs if summary and summary.epochs else None
