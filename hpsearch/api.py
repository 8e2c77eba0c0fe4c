"""hpsearch in Python and in notebooks: runs a study, and reads a recorded one, as the commands do."""

import os
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, overload

from hpsearch.core.errors import BadInput, NotFound, NoTrialSucceeded
from hpsearch.core.format import json_text, outline, score
from hpsearch.core.front import front
from hpsearch.core.metric_names import is_measured
from hpsearch.core.redact import redact
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import Cause, Params, State, Trial
from hpsearch.journal import Journal
from hpsearch.orchestrator.run import run_study
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.progress import nothing_to_train
from hpsearch.progress.in_python import running
from hpsearch.records import export, find, frames
from hpsearch.records.study_status import study_status
from hpsearch.study.definition import Study
from hpsearch.study.file.faults import did_you_mean, listed, show
from hpsearch.trainer.adapters import side_by_side
from hpsearch.workers.checkpoints import BEST, CheckpointStore

if TYPE_CHECKING:
    import pandas as pd

    from hpsearch.doctor.diagnosis import Diagnosis
    from hpsearch.doctor.study_diagnosis import StudyDiagnosis
    from hpsearch.evaluation.compare.comparison import Comparison
    from hpsearch.plots.figures import Figure

Format = Literal["csv", "json", "parquet", "optuna"]


def run(
    study: Study,
    *,
    progress: bool = True,
    fork: str | None = None,
    skip_preflight: bool = False,
    force: bool = False,
    retry_failed: bool = False,
    accept_changes: bool = False,
) -> RunResult:
    """Run a study, or resume it, as `hpsearch run` does.

    progress: show a line for each ended trial (a live view in a terminal); False: no output.
    fork: the name of a new study that learns from the recorded one.
    skip_preflight: start the search without the checks of [preflight].
    force: start even if the learning-rate range is outside the range that the range test finds.
    retry_failed: train failed trials again; without it, only those that failed before the trainer changed.
    accept_changes: if the trainer's code has changed, start the search again. The earlier trials stay recorded, but
    the search ignores them. Without it, StudyChanged is raised.

    Ctrl-C (in a notebook: interrupt the kernel) stops the run: running trials end their epoch, for at most 25 seconds,
    and the result is returned. A second Ctrl-C stops at once. The next `run` of the same study resumes it. Before the
    first trial, Ctrl-C raises Stopped. Signals are handled on the main thread only; `hpsearch stop NAME` stops a run
    on another thread. A process runs one study at a time.

    The trainer's module is imported again if it was edited after the last import, or if a module of yours that it
    imports was edited; so is every module that the study names. A trainer, sampler or pruner that is given as a Python
    object cannot be imported again. After an edit of its module BadInput is raised: call `importlib.reload`, and make a
    study with the new object.

    Raises StudyChanged, StudyBusy, TrainerError, ResourcesError, InfrastructureError: HpsearchError is the base of all.
    """
    if not isinstance(study, Study):
        kind = type(study).__name__
        raise TypeError(f"hpsearch.run takes a Study, got a {kind}; hpsearch.Study.load(PATH) reads a study file")
    asked = study.renamed(fork) if fork is not None else study
    origin = study.study.name if fork is not None else None
    with running(progress) as observer:
        result = run_study(
            asked,
            observer,
            origin=origin,
            skip_preflight=skip_preflight,
            force=force,
            retry_failed=retry_failed,
            accept_changes=accept_changes,
        )
        if result.trained_nothing:
            observer.show_line(nothing_to_train.text(result))
        return result


def load(study: str | Path | Study, *, journal: str | None = None) -> "RecordedStudy":
    """Read a recorded study. It changes nothing, and closes the journal before it returns.

    study: its name; its study file; a home (`.hpsearch`, or the folder that contains it) with one study in it; the
    study's own folder in a home; or a Study.
    journal: the URL of the journal, as for `--journal`; a password is written as ${env:NAME}. Default: the journal of
    the file or folder; for a name, the journal in $HPSEARCH_HOME, or in `.hpsearch` of the current folder.

    Raises NotFound, with similar names; InfrastructureError if the journal cannot be read.
    """
    if isinstance(study, Study):
        own = find.journal_url(None, journal) if journal else study.journal_url
        return RecordedStudy(study.study.name, own, study.home)
    named = os.fspath(study)
    url, file = find.journal_url(named, journal), find.file_of(named)
    with Journal.open(url, create=False) as opened:
        name = find.study_in(opened, named).record.name
    return RecordedStudy(name, url, file.home if file else find.folder_of(named))


@dataclass(frozen=True)
class RecordedTrial:
    """One trial of a recorded study.

    number: from 0. state, cause, reason: its state and why; cause is None until it has ended.
    params: its parameters. epoch: the epoch that the objective selects. value: the study's metric at that epoch. Both
    are None for a trial without a value. values: the metric of each goal at that epoch.
    """

    number: int
    state: State
    cause: Cause | None
    reason: str
    params: Params
    value: float | None
    epoch: int | None
    values: Mapping[str, float]
    _store: CheckpointStore | None = field(repr=False)
    _replicates: Replicates = field(repr=False)

    @property
    def checkpoint(self) -> Path | None:
        """The path of its best.pt, the state at the best epoch. None if it is not on this machine, or was removed
        according to [checkpoints] of the study; the error of `load` has the reason."""
        path = self._store and self._store.folder / BEST
        return path if path and path.exists() else None

    def load(self) -> dict[str, Any]:
        """The state of the objects given to `run.track`, at `epoch`, on the CPU: {"model": state_dict, ...}.

        With folds or repeats: one such dict for each, by its name. NotFound if there is no checkpoint: the trainer
        tracks
        nothing, [checkpoints] of the study keeps only better trials, or the study was trained on another machine.
        """
        if self.epoch is None:
            raise NotFound(f"trial {self.number} has no value, so there is no best epoch to load")
        if self._store is None:
            raise NotFound(f"the folder with the checkpoint of trial {self.number} is not on this machine")
        store = CheckpointStore(self._store.folder, self._store.owner)
        if (snapshot := store.at(self.epoch)) is None:
            raise NotFound("; ".join(store.warnings))
        each = side_by_side.parts(snapshot, self._replicates)
        if len(each) == 1:
            return dict(each[0].objects)
        return {one.name: dict(part.objects) for one, part in zip(self._replicates, each, strict=True)}


class RecordedStudy:
    """A recorded study, read-only; `hpsearch.load` returns it.

    It is a snapshot of the journal at the time of `load`. `refresh()` reads the journal of a running study again.
    """

    def __init__(self, name: str, journal_url: str, home: Path | None):
        self._url, self._home = journal_url, home
        self._read(name)

    def refresh(self) -> "RecordedStudy":
        """Read the journal again, and return this object."""
        self._read(self.name)
        return self

    def _read(self, name: str) -> None:
        with self._opened(name) as (journal, study):
            self._state = study_status(journal, study.record).state
            self._study, self._found = study, export.export(journal, study)

    @contextmanager
    def _opened(self, name: str) -> Iterator[tuple[Journal, find.JournalStudy]]:
        with Journal.open(self._url, create=False) as journal:
            yield journal, find.study_in(journal, name)

    def __repr__(self) -> str:
        ranked, _ = self._ranked()
        best = f"trial {ranked[0].number}, {score(ranked[0], self._study.objective)}" if ranked else ""
        counted = Counter(trial.state for trial in self._found.trials)
        counts = {str(state): counted[state] for state in State}
        return f"<RecordedStudy {outline(self.name, self.state, counts, best)}>"

    @property
    def name(self) -> str:
        """The study's name."""
        return self._study.record.name

    @property
    def state(self) -> str:
        """RUNNING, COMPLETE, STOPPED, or INTERRUPTED (its process ended without recording a reason)."""
        return self._state

    @property
    def spec(self) -> Mapping[str, Any]:
        """The sections of its study file with all defaults, as `Study.from_dict` takes them."""
        return self._study.record.spec

    # Tables ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def trials(self) -> "pd.DataFrame":
        """One row per trial: number, state, cause, each parameter, value, best_epoch, epochs, round, seconds, reason,
        superseded.

        value: the study's metric at best_epoch; missing for a trial without one. epochs: trained so far.
        round: of the search, from 1. seconds: spent in the trainer. A parameter with the name of one of these columns
        is in the column `params.NAME`. Conditional parameters that are not active are missing.
        superseded: trained with an earlier version of the trainer's code, see `run`.
        """
        return frames.trials_frame(self._found.trials, self._study.objective)

    def curves(self, metric: str | None = None, *, measured: bool = False) -> "pd.DataFrame":
        """One row per reported value: trial, epoch, metric, value.

        metric: only this metric; NotFound if no trial reported it. measured: also the metrics that hpsearch measures
        of the optimizer's steps, such as `hpsearch/update_ratio`.
        """
        frame = frames.curves_frame(self._found.trials, measured or (metric is not None and is_measured(metric)))
        if metric is None:
            return frame
        known = list(frame["metric"].unique())
        if metric not in known:
            raise NotFound(f'no trial of study "{self.name}" reported `{metric}`{did_you_mean(metric, known)}')
        return frame[frame["metric"] == metric].reset_index(drop=True)

    @property
    def decisions(self) -> "pd.DataFrame":
        """One row per decision, the oldest first: at (UTC), kind, trial, epoch, reason."""
        return frames.decisions_frame(self._found.decisions)

    # Trials ─────────────────────────────────────────────────────────────────────────────────────

    @property
    def best(self) -> RecordedTrial:
        """The trial with the best value. NoTrialSucceeded while no trial has a value."""
        return self.trial(self._with_value()[0].number)

    @property
    def front(self) -> list[RecordedTrial]:
        """The Pareto front of a study with several goals, best by the first goal first; empty for one goal."""
        return [self.trial(one.trial) for one in front(self._found.trials, self._study.objective)]

    def trial(self, number: int) -> RecordedTrial:
        """One trial by its number. NotFound if the study has no trial of that number."""
        find.check_number(self.name, number, len(self._found.trials))
        trial, work = self._found.trials[number], self._work_folder()
        document = export.trial_document(trial, self._study.objective)
        return RecordedTrial(
            number=number,
            state=trial.state,
            cause=trial.cause,
            reason=trial.reason,
            params=dict(trial.params),
            value=document["value"],
            epoch=document["best_epoch"],
            values=self._study.objective.values(trial),
            _store=CheckpointStore.of(work, self._study.record.uid, number) if work else None,
            _replicates=self._study.replicates,
        )

    def _work_folder(self) -> Path | None:
        """The study's own folder: in the home it was loaded from, beside its journal, or where it was trained."""
        beside = Path(self._url.removeprefix("sqlite:///").partition("?")[0]).parent
        return find.work_folder(self._study.record, self._found.segments, self._home, beside)

    # As the commands ────────────────────────────────────────────────────────────────────────────

    @overload
    def doctor(self) -> "StudyDiagnosis": ...
    @overload
    def doctor(self, trial: int) -> "Diagnosis": ...
    def doctor(self, trial: int | None = None) -> "StudyDiagnosis | Diagnosis":
        """The findings in the loss curves, as in `hpsearch doctor`: of all trials, or of one by its number."""
        from hpsearch.doctor.diagnosis import Diagnosis
        from hpsearch.doctor.study_diagnosis import diagnose_study

        trials, objective, meanings = self._found.trials, self._study.objective, self._study.metric_meanings
        if trial is None:
            return diagnose_study(trials, objective, meanings)
        find.check_number(self.name, trial, len(trials))
        return Diagnosis.of(trials[trial], trials, objective, meanings)

    def compare(self, *others: "RecordedStudy | str | Path") -> "Comparison":
        """Compare this study with others, as `hpsearch compare` does. All are read from their journals again.

        others: loaded studies, or arguments of `load`; a name is looked up in this study's journal.
        """
        from hpsearch.evaluation.compare.compared_study import ComparedStudy
        from hpsearch.evaluation.compare.comparison import compare

        studies = [self, *(one if isinstance(one, RecordedStudy) else self._beside(os.fspath(one)) for one in others)]
        if len(studies) < 2:
            raise BadInput("compare takes one other study or more")
        read = []
        for one in studies:
            with one._opened(one.name) as (journal, study):
                read.append(ComparedStudy.read(journal, study))
        return compare(read, [redact(one._url) for one in studies])

    def _beside(self, other: str) -> "RecordedStudy":
        is_path = find.is_file(other) or find.folder_of(other) is not None
        return load(other, journal=None if is_path else self._url)

    def export(self, kind: Format, path: str | Path) -> Path:
        """Write everything that was recorded, as `hpsearch export --format` does; returns the path.

        kind: csv and parquet have a row per report, json is one document, optuna is an Optuna study in a new SQLite
        file. BadInput for another kind, or a folder that does not exist.
        """
        path = Path(path)
        if kind not in (known := get_args(Format)):
            raise BadInput(f"export writes {listed(known)}, got {show(kind)}{did_you_mean(str(kind), known)}")
        if not path.absolute().parent.is_dir():
            raise BadInput(f"export to {path}: there is no folder {path.parent}")
        write_export(self._found, kind, path)
        return path

    # Figures ────────────────────────────────────────────────────────────────────────────────────

    def plot_curves(self) -> "Figure":
        """The study's metric over epochs, the best trials in colour. NoTrialSucceeded while nothing was reported."""
        from hpsearch.plots import style, trials

        if not any(trial.curve for trial in self._found.trials):
            raise NoTrialSucceeded(f'no trial of study "{self.name}" has reported an epoch yet')
        ranked, others = self._ranked()
        figure = trials.curves(ranked, others, self._study.objective)
        title = style.title(trials.curves_caption(figure, ranked, others), 110)
        return figure.update_layout(template="plotly_white", title=title)

    def plot_parameters(self) -> "Figure":
        """The value of each trial over each parameter. NoTrialSucceeded while no trial has a value."""
        from hpsearch.plots import parameters

        return parameters.figure(self._with_value(), self._study.objective, self._study.space)

    def plot_importance(self) -> "Figure":
        """How much each parameter matters for being among the best trials, by Optuna's PED-ANOVA.

        All ended trials except FAILED ones are used. COMPLETE trials are ordered by value; then pruned and paused
        trials, by their last epoch and then by value; then diverged trials. The figure shows the number of trials that
        it is based on. NoTrialSucceeded: fewer than 10 trials, or trials that do not differ.
        """
        from hpsearch.plots import parameter_importance
        from hpsearch.samplers.optuna.importance import importance

        found = importance(self._found.trials, self._study.objective, self._study.space)
        return parameter_importance.figure(found.document())

    def plot_rounds(self) -> "Figure":
        """The trials of each round, and their search ranges. BadInput for a search without rounds."""
        from hpsearch.plots import rounds

        if "rounds" not in self._found.documents:
            method = self.spec["search"].get("use", self.spec["search"]["method"])
            raise BadInput(f'study "{self.name}" has no rounds to draw: its search method is {method}')
        return rounds.figure(self._found.documents["rounds"])

    def _with_value(self) -> list[Trial]:
        """The trials that have a value, the best first. NoTrialSucceeded if there are none."""
        ranked, _ = self._ranked()
        if not ranked:
            raise NoTrialSucceeded(f'study "{self.name}" has no trial with a value yet')
        return ranked

    def _ranked(self) -> tuple[list[Trial], list[Trial]]:
        """The trials that have a value, the best first, and the others."""
        ranked = self._study.objective.ranked(self._found.trials)
        with_value = {trial.number for trial in ranked}
        return ranked, [trial for trial in self._found.trials if trial.number not in with_value]


def write_export(found: export.StudyExport, kind: Format, path: Path) -> int:
    """Write a file, and return the number of trials in it: all, or with optuna the ended ones. BadInput: the file
    for Optuna exists already."""
    match kind:
        case "json":
            path.write_text(json_text(found.document(), indent=2) + "\n", encoding="utf-8")
        case "csv":
            path.write_text(found.csv() + "\n", encoding="utf-8")
        case "parquet":
            found.write_parquet(path)
        case "optuna":
            from hpsearch.samplers.optuna.study_file import write_study

            space = find.JournalStudy(found.record).space
            return write_study(path, found.record.name, found.objective, space, found.trials)
    return len(found.trials)
