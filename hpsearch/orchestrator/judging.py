"""The verdict on a trial's last report, and messages about missing metrics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches

from hpsearch.core.decisions import Continue, Finish, Pause, Stop, Verdict
from hpsearch.core.format import many
from hpsearch.core.history import History
from hpsearch.core.messages import Failure, Reported
from hpsearch.core.metric_names import is_measured
from hpsearch.core.trial import Cause, Objective, Report, State, Trial
from hpsearch.pruners.base import Pruner

STUDY_METRIC = "study.metric = "


@dataclass(frozen=True)
class Judging:
    """epochs: maximum of one trial. target: the value at which the study stops, or None.

    stopping: the metric of early stopping, if it is not the study's.
    """

    epochs: int
    early_stopping: Pruner
    pruner: Pruner
    target: float | None = None
    stopping: Objective | None = None

    def verdict(self, trial: Trial, history: History) -> tuple[Verdict, str]:
        """The verdict on the trial's last report, and the reason to continue if it was compared with other trials.

        A trial whose report lacks the study's metric only stops at its last epoch. A trial without any value continues
        beyond `until`.
        """
        report, objective, epoch, comparison = trial.curve[-1], history.objective, trial.epoch, ""
        has_metric, may_stop = objective.is_in(report), (self.stopping or objective).is_in(report)
        if objective.has_diverged(report):
            reason = f"diverged: {objective.metric} is {report.metrics[objective.metric]} at {objective.unit} {epoch}"
            reason += _if_not_measured(report, objective)
            return Stop(reason, Cause.DIVERGED, {"epoch": epoch}), ""
        if self.target is not None and (reached := target_reached(self.target, objective, trial)):
            return reached, ""
        if epoch >= self.epochs:
            return Finish(f"trained {'all ' * (epoch > 1)}{many(epoch, objective.unit)}", numbers={"epoch": epoch}), ""
        if may_stop:
            early = self.early_stopping.judge(trial, history)
            if not isinstance(early, Continue):
                return early, ""
        if has_metric:
            verdict = self.pruner.judge(trial, history)
            if not isinstance(verdict, Continue):
                return verdict, ""
            comparison = verdict.reason
        if epoch >= trial.until and objective.judged(trial) is not None:
            return Pause(planned_end(trial, objective.unit), numbers={"epoch": epoch, "round": trial.round}), comparison
        return Continue(comparison), comparison

    def missing(self, trial: Trial, history: History) -> str:
        """A message if the trial has ended and no trial has reported the study's metric, or that of early stopping."""
        if trial.diverged or trial.state not in (State.COMPLETE, State.PAUSED, State.PRUNED, State.FAILED):
            return ""
        for objective, before in ((history.objective, STUDY_METRIC), (self.stopping, "early_stopping.metric = ")):
            missing = missing_metric(trial, objective, before) if objective is not None else ""
            if missing and objective is not None and not any(objective.judged(one) for one in history):
                return missing
        return self._missing_other(trial, history)

    def _missing_other(self, trial: Trial, history: History) -> str:
        """A message if the trial is COMPLETE and no trial has reported the metric of another goal or of a
        requirement."""
        objective = history.objective
        if trial.state is not State.COMPLETE or not (objective.others or objective.require):
            return ""
        wanted = [(one.metric, f"study.objectives.{place}.metric = ") for place, one in enumerate(objective.goals)]
        reported = {name for one in history for report in one.curve for name in report.metrics}
        wanted += [
            (name, f"`{one.text}` of study.require: ")
            for one in objective.require
            for name in sorted(one.names_in(reported))
        ]
        for name, before in wanted[1:]:
            other = Objective(name, "minimize")
            missing = missing_metric(trial, other, before)
            if missing and not any(other.judged(one) for one in history):
                return missing
        return ""


def _if_not_measured(report: Report, objective: Objective) -> str:
    """What to do where a NaN stands for an epoch without an evaluation: another loss of the report is finite then."""
    finite = [
        name
        for name, value in report.metrics.items()
        if "loss" in name.lower() and not is_measured(name) and math.isfinite(value)
    ]
    if not finite or not math.isnan(report.metrics[objective.metric]):
        return ""
    return (
        f" ({finite[0]} is finite: if {objective.metric} was not measured at this {objective.unit}, leave it out of "
        "the report)"
    )


def full_reason(reason: str, trial: Trial, history: History) -> str:
    """The reason for a trial's end, with the requirements of the study that the trial does not meet."""
    return "; ".join([reason, *(one.text for one in history.objective.unmet(trial))])


def early_end(trial: Trial, epochs: int, unit: str) -> Finish:
    """epochs: maximum of one trial."""
    reason = f"its trainer ended at {unit} {trial.epoch} of {epochs}"
    return Finish(reason, numbers={"epoch": trial.epoch, "of": epochs})


def planned_end(trial: Trial, unit: str) -> str:
    """The reason to pause a trial that has trained to the epoch of its proposal. Without rounds, `round` is 1."""
    in_round = f" in round {trial.round}" if trial.round > 1 else ""
    return f"trained to {unit} {trial.epoch}, as far as planned{in_round}"


def target_reached(target: float, objective: Objective, trial: Trial) -> Finish | None:
    """The end of a trial whose value is limits.target or better; None for other trials."""
    value = objective.value(trial)
    if value is None or value * objective.sign > target * objective.sign or objective.unmet(trial):
        return None
    reason = f"limits.target = {target:g} is reached: {objective.label} {value:.6g} at {objective.unit} {trial.epoch}"
    return Finish(reason, Cause.LIMIT, {"target": target, "value": value, "epoch": trial.epoch})


def not_recorded(reports: Sequence[Report], trial: Trial) -> Sequence[Report]:
    """Without step 0 if the trial has it already: a trial that was lost before its first epoch starts again."""
    return [report for report in reports if report.step > 0 or not trial.curve]


def failure_decides(failure: Failure, trial: Trial, verdict: Verdict, epochs: int) -> bool:
    """Whether the failure ends the trial, instead of the verdict on its last report. After all epochs only Infeasible
    does, which a trainer may raise at its end."""
    return isinstance(verdict, Continue) or (failure.kind == "infeasible" and trial.epoch >= epochs)


def stops_study(failure: Failure, history: History) -> bool:
    """Whether all trials would fail in the same way: the trainer breaks its contract or reports nothing, and no trial
    has a result so far."""
    if failure.kind == "no_report":
        return not any(history.objective.judged(trial) for trial in history)
    return failure.kind == "contract" and not any(_has_result(trial, history) for trial in history)


def _has_result(trial: Trial, history: History) -> bool:
    """Whether it ended or paused with a value, and was trained with the present code."""
    is_over = trial.state in (State.COMPLETE, State.PRUNED, State.PAUSED) and not trial.superseded
    return is_over and history.objective.judged(trial) is not None


def raised_after_last_report(trial: Trial, verdict: Finish, failure: Failure, epochs: int) -> tuple[Trial, Finish]:
    """For an exception after all epochs, such as while saving a plot: the trial is COMPLETE, with the exception. Trial
    and verdict are returned unchanged if the trial ended before its last epoch."""
    if trial.epoch < epochs:
        return trial, verdict
    warning = f"{verdict.reason}; the trainer failed after its last report: {failure.summary}"
    trial = replace(trial, error=failure.traceback, exception=failure.exception or failure.summary)
    return trial, replace(verdict, reason=warning)


def hung_at_its_end(trial: Trial, unsent: Sequence[Report], epochs: int, seconds: float) -> Reported | None:
    """The event of a trial that has trained all epochs, does not end, and is killed; None for other trials. unsent: its
    reports that the worker has not sent, because the trainer runs to its end first. seconds: since its last event."""
    if not unsent or unsent[-1].step < epochs:
        return None
    failure = Failure("error", f"it did not end within {seconds:.0f} s and was killed")
    return Reported(trial.number, tuple(unsent), failure=failure)


def out_of_memory_alone(failure: Failure) -> str:
    advice = "try a smaller batch_size or model, or more resources.per_trial.memory or gpus"
    return f"out of memory even alone ({failure.summary}): {advice}"


def missing_metric(trial: Trial, objective: Objective, before: str = STUDY_METRIC) -> str:
    """A message that a trial does not report a metric, with the metrics that it reports; "" if a report has it. before:
    the key in the study file, for the message."""
    if any(map(objective.is_in, trial.curve)):
        return ""
    names = sorted({name for report in trial.curve for name in report.metrics if not is_measured(name)})
    missing = (
        f'{before}"{objective.metric}" is not reported by the trainer, which reports: {", ".join(names) or "nothing"}'
    )
    near = get_close_matches(objective.metric, names, n=1, cutoff=0.85)
    return f"{missing}; did you mean `{near[0]}`?" if near else missing
