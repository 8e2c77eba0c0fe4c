"""The message for a run that trained nothing, because the study had ended before."""

from hpsearch.core.format import many, score
from hpsearch.core.trial import Cause, State
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.study.definition import Study

_EXTENSIONS = {
    "trials": "raise search.trials",
    "rounds": "add a round to search.rounds",
    "budget": "raise search.budget.epochs",
    "sets": "add a set to search.sets",
}


def text(result: RunResult) -> str:
    """The state of the study, its best trial, and how to extend it."""
    if result.end.stopped:
        state = f"is stopped ({result.end.stopped})"
    else:
        state = f"has failed (all {many(len(result.history), 'trial')})" if result.end.all_failed else "is complete"
    lines = [f"{result.name} {state}: nothing was trained"]
    if (best := result.history.best()) is not None:
        later = "; it FAILED later" if best.state is State.FAILED else ""
        lines.append(f"best: trial {best.number}, {score(best, result.history.objective)}{later}")
    return "\n".join([*lines, *how_to_extend(result)])


def how_to_extend(result: RunResult) -> list[str]:
    """Empty for a study that is not complete: with another limit or a changed trainer it continues."""
    if result.end.state != "COMPLETE":
        return []
    if result.end.cause is Cause.EXHAUSTED:
        fork = "run with --fork NEW_NAME (in Python: fork=NEW_NAME)"
        return [f"to search more points, add values to [space] and {fork}"]
    if change := _extension(result.study):
        return [f"to extend it, {change} and run it again"]
    fork = "run with --fork NEW_NAME (in Python: fork=NEW_NAME) to start a new study that learns from it"
    return [f"a {result.study.search.label} search has no budget to extend; {fork}"]


def _extension(study: Study) -> str:
    """The change of the study file with which the search proposes more trials; "" for a search without a budget."""
    search = study.search
    return next((_EXTENSIONS[key] for key in _EXTENSIONS if key in search.budgets and getattr(search, key)), "")
