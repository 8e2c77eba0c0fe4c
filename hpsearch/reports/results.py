"""What came of a study: its head, what to make of it, its best trials, what was checked before."""

from collections.abc import Iterator, Mapping
from typing import Any

from hpsearch.core.format import duration, many, named, number
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import State, Trial
from hpsearch.provenance import environment
from hpsearch.reports.content import Content
from hpsearch.reports.html import NOTHING, Html, element, joined, listed, pairs, paragraph, table, verbatim
from hpsearch.reports.words import command, moment, searched

SHOWN = 10
"""Of the best trials."""


# Head ────────────────────────────────────────────────────────────────────────────────────────────


def head(content: Content) -> Html:
    lead = [_lead(content), _fresh_seeds(content)]
    return joined([element("h1", content.record.name), *lead, pairs(_facts(content)), _space(content)])


def _lead(content: Content) -> Html:
    best, objective = content.best, content.objective
    if best is None:
        return paragraph("No trial has a value yet." if content.trials else "No trial has been started yet.")
    judged, value = objective.judged(best), objective.value(best)
    assert judged is not None, "what has a value has a report"
    return element(
        "p",
        f"Best {objective.metric}: ",
        element("strong", number(value)),
        f" at epoch {judged.step} of trial {best.number}, the {_best_of(content)}.",
        class_="lead",
    )


def _fresh_seeds(content: Content) -> Html:
    """What the search found is not always what is best."""
    if not content.evaluated:
        return NOTHING
    first, count = content.evaluated.finalists[0], len(content.evaluated.finalists)
    best = f", the best of {count} finalists," if count > 1 else ""
    margin = "" if first.margin is None else f" ± {first.margin:.2g}"
    return paragraph(
        f"Trained again with fresh seeds, trial {first.trial}{best} came to {content.objective.metric} "
        f"{number(first.mean)}{margin}, the mean of {many(len(first.values), 'seed')}; how it did on the test "
        "set stands ",
        element("a", "below", href="#verdict"),
        ".",
    )


def _best_of(content: Content) -> str:
    word = "lowest" if content.objective.goal == "minimize" else "highest"
    return f"{word} of {many(len(content.ranked), 'trial')} with a value" if len(content.ranked) > 1 else "only one"


def _facts(content: Content) -> Iterator[tuple[str, object]]:
    about, best = content.record.spec, content.best
    judged = "its best epoch" if content.objective.at == "best" else "its last epoch"
    yield "state", content.state + _over(content)
    yield "searched for", f"{content.objective.goal} {content.objective.metric}; a trial is judged by {judged}"
    yield "method", _method(content)
    yield "trainer", _trainer(about["trainer"])
    yield "trials", f"{len(content.trials)}{_counts(content)}"
    yield "epochs trained", f"{content.epochs:,}, {duration(content.busy)} of training time"
    yield "wall clock", f"{duration(content.seconds)}, all runs of the study together"
    yield "when", f"{moment(content.record.created_at)} to {moment(content.last_heard)} UTC"
    if content.record.forked_from:
        yield "forked from", content.record.forked_from
    if best is not None and (where := content.last_stretch(best)) is not None:
        yield f"trial {best.number} trained on", environment.summary(where.environment.document)


def _trainer(section: Mapping[str, Any]) -> str:
    replicates = Replicates.recorded(section)
    together = f", {replicates} side by side" if len(replicates) > 1 else ""
    return f"{section['use']}, at most {many(section['epochs'], 'epoch')} a trial{together}"


def _over(content: Content) -> str:
    words = {
        "RUNNING": f": what follows is as of {moment(content.at)} UTC",
        "INTERRUPTED": ": its process is gone, and the search can be gone on with",
        "STOPPED": ": it was ended before the search was over",
    }
    return words.get(content.state, "")


def _method(content: Content) -> str:
    search, prune = content.record.spec["search"], content.record.identity["prune"].get("method", "the paired test")
    pruned = f", pruned by {prune}" if prune != "never" else ""
    return f"{search['method']}{pruned}, seed {content.record.spec['study']['seed']}"


def _counts(content: Content) -> str:
    counts = ", ".join(f"{count} {state.lower()}" for state, count in content.counts.items())
    return f": {counts}" if counts else ""


def _space(content: Content) -> Html:
    """What was searched, and what the best trial has of it."""
    best = content.best
    head = ["parameter", "searched over", *([f"trial {best.number}, the best"] if best else [])]
    rows = [[one.name, searched(one), *_own(best, one.name)] for one in content.space.parameters]
    fixed = {**content.record.spec["trainer"].get("options", {}), **content.space.fixed}
    rows += [[name, "fixed", *([number(value)] if best else [])] for name, value in fixed.items()]
    return table(head, rows, "What was searched") if rows else NOTHING


def _own(best: Trial | None, name: str) -> list[str]:
    if best is None:
        return []
    return [number(best.params[name]) if name in best.params else "not active"]


# What to make of it ──────────────────────────────────────────────────────────────────────────────


def verdict(content: Content) -> Html:
    if not content.trials:
        return NOTHING
    found = [
        joined([element("strong", one.advice), f" {one.evidence[0].upper()}{one.evidence[1:]} ({named(one.trials)})."])
        for one in content.consultation.remarks
    ]
    return joined(
        [
            listed([*found, *_doubts(content)]),
            *([element("h3", "Round by round"), verbatim(content.rounds)] if content.rounds else []),
            element("h3", "The test set"),
            *_test(content),
        ]
    )


def _doubts(content: Content) -> Iterator[Html]:
    """Why the order of the trials may be another thing than their parameters."""
    if content.state in ("RUNNING", "INTERRUPTED", "STOPPED"):
        yield joined(["The search is not over, so none of this is final."])
    if failed := content.failed:
        share = f"{len(failed)} of {many(len(content.trials), 'trial')} failed"
        yield joined([f"{share} ({named([trial.number for trial in failed])}): the reasons stand below."])
    environments = {one.environment.digest for one in content.segments}
    if len(environments) > 1:
        asked = command("show", content.record.name, "TRIAL")
        yield joined([f"Trials were trained in {len(environments)} different environments; ", asked, " says where."])
    for name, digests in content.data.items():
        if len(digests) > 1:
            yield joined([f"Not all trials saw the same data: {name} had {len(digests)} different contents."])


def _test(content: Content) -> Iterator[Html]:
    if content.openings:
        yield listed(f"{moment(one.at)} UTC: {one.reason}" for one in content.openings)
        result = "No result of the last opening is on record: its process was ended before."
        yield verbatim(content.evaluation) if content.evaluation else paragraph(result)
        return
    yield paragraph("It was not opened: every number on this page comes from training and validation data.")
    if len(content.ranked) > 1:
        asked = command("evaluate", content.record.name)
        flatters = f"The best of {len(content.ranked)} values flatters, because part of it is luck. "
        yield paragraph(flatters, asked, " trains the best trials again with fresh seeds, and tells by how much.")


# The best trials ─────────────────────────────────────────────────────────────────────────────────


def best_trials(content: Content) -> Html:
    shown = content.ranked[:SHOWN]
    if not shown:
        return NOTHING
    names = [one.name for one in content.space.parameters if any(one.name in trial.params for trial in shown)]
    head = ["trial", content.objective.metric, "best epoch", "epochs trained", "state", *names, "why in this state"]
    return table(head, [_row(trial, names, content) for trial in shown])


def _row(trial: Trial, names: list[str], content: Content) -> list[object]:
    judged = content.objective.judged(trial)
    own = [number(trial.params[name]) if name in trial.params else "" for name in names]
    why = trial.reason.partition("\n")[0] or ("it is under way" if trial.state is State.RUNNING else "")
    at = judged.step if judged else ""
    return [trial.number, number(content.objective.value(trial)), at, trial.epoch, trial.state, *own, why]


# Preflight ───────────────────────────────────────────────────────────────────────────────────────


def preflight(content: Content) -> Html:
    if "preflight" not in content.measured:
        return NOTHING
    checks = content.measured["preflight"]["checks"]
    rows = [[one["name"], _came_to(one), one["says"]] for one in checks]
    details = [verbatim(one["details"]) for one in checks if one["details"]]
    cost = [paragraph(f"It cost {content.cost}.")] if content.cost else []
    return joined([table(["check", "came to", "what was seen"], rows), *details, *cost])


def _came_to(check: dict[str, str]) -> str:
    if check["outcome"] != "failed":
        return check["outcome"]
    return "failed" if check["severity"] == "error" else "warning"
