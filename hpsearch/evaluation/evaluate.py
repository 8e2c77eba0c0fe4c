"""Trains the best trials of a search again with fresh seeds, then opens the test set once.

The finalists are trained in a separate study, "NAME evaluation", in the same journal: after a kill it resumes, and
nothing is trained twice. Then the winner is selected on validation, and the test set is opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hpsearch.core.errors import BadInput, InfrastructureError, NoTrialSucceeded, Stopped
from hpsearch.core.format import many, number, utc_time
from hpsearch.core.seeds import fresh_seed
from hpsearch.core.stopping import RESUME, stoppable
from hpsearch.core.trial import MAX_ENSEMBLE_TRIALS, Trial
from hpsearch.evaluation.candidates import Candidates, Member
from hpsearch.evaluation.evaluation_result import Evaluation, EvaluationResult, FinalistResult
from hpsearch.evaluation.finalists import Finalist, best_distinct, length, ranked
from hpsearch.evaluation.scoring import score_on_test, score_on_validation
from hpsearch.evaluation.test_set_ledger import keep_result, last_result, ledger, open_test
from hpsearch.journal import Journal, Lease, StudyRecord
from hpsearch.orchestrator import build
from hpsearch.orchestrator.changes.code_changes import CodeChanges
from hpsearch.orchestrator.observers import Observer
from hpsearch.orchestrator.run import run_study
from hpsearch.orchestrator.search import FLUSH
from hpsearch.records.find import evaluation_name
from hpsearch.study import placeholders
from hpsearch.study.definition import Study
from hpsearch.study.file.search_sections import ParameterSet
from hpsearch.trainer.adapters import program_sources


def evaluation_on_record(journal: Journal, record: StudyRecord) -> EvaluationResult | None:
    """The recorded result; nothing is computed. None if the last opening of the test set has no recorded result."""
    known = last_result(journal, record.id)
    return None if known is None else _result(journal, record, known, on_record=True)


TO_EVALUATE = (
    "undo the change, or add --accept-changes to train the finalists and to predict with the present code: the result "
    "then belongs to this code, and the values of the search to the earlier one"
)
"""What to do if the trainer's code has changed."""


def evaluate(
    journal: Journal,
    record: StudyRecord,
    study: Study,
    observer: Observer,
    *,
    top: int,
    seeds: int,
    again: bool,
    accept_changes: bool = False,
) -> EvaluationResult:
    """top: the number of best trials that are trained again. seeds: the minimum number of fresh seeds for each,
    including seeds of an earlier evaluation. again: open the test set even if it was opened before. accept_changes:
    evaluate although the trainer's code has changed since the search.

    BadInput: a process has opened the test set and ended before it recorded a result. StudyChanged: the trainer's code
    has changed. TrainerError: the study has no trainer that can be called here. NoTrialSucceeded: no trial has a value.
    Stopped: by a signal.
    """
    _check_uses_seeds(study)
    with journal.held(record) as lease:  # so that no other process runs the search meanwhile
        if not again and (known := evaluation_on_record(journal, record)):
            return known
        if not again and (before := ledger(journal, record.id)):
            raise BadInput(
                f'the test set of study "{record.name}" was opened on {utc_time(before[-1].at)} UTC, and '
                "the process ended before it recorded a result. Test values may have been seen, so opening it again "
                "needs --again; each opening is recorded"
            )
        changes = CodeChanges.of(study, journal, record)
        if not accept_changes:
            changes.refuse(record.name, TO_EVALUATE)
        elif changes.changes:
            observer.show_line(f"note: the code of the trainer has changed since the search: {changes.changes[0]}")
        found = _Evaluating(journal, record, study, lease, observer, top, seeds, accept_changes).run()
    return _result(journal, record, found, on_record=False)


def _check_uses_seeds(study: Study) -> None:
    """BadInput for a command that does not receive a seed: all trainings of a finalist would be the same."""
    program = study.trainer.program
    if program is None:
        return
    words = [*program.words, *map(str, study.trainer.options.values())]
    is_given = any("seed" in placeholders.used(word) for word in words)
    if not is_given and not program_sources.reads(program, study.folder, "HPSEARCH_SEED"):
        raise BadInput(
            "evaluate trains finalists with fresh seeds, and the trainer's command receives none: write {seed} into "
            "trainer.command or trainer.options, or let the program read HPSEARCH_SEED"
        )


def _result(journal: Journal, record: StudyRecord, found: Evaluation, *, on_record: bool) -> EvaluationResult:
    since = sum(journal.summary(record.id).trials.values()) - found.searched
    return EvaluationResult(found, ledger(journal, record.id), on_record, since)


@dataclass(frozen=True)
class _Evaluating:
    journal: Journal
    record: StudyRecord
    study: Study
    lease: Lease
    observer: Observer
    top: int
    seeds: int
    accept_changes: bool

    def run(self) -> Evaluation:
        build.check_has_trainer(self.study)
        objective, trials = self.study.objective, self.journal.trials(self.record.id)
        chosen = best_distinct(trials, objective, self.top)
        if not chosen:
            raise NoTrialSucceeded(f'study "{self.record.name}" has no trial with a value yet, so there is no finalist')
        study = self._study_of(chosen)
        self.observer.show_line(
            f'training {many(len(chosen), "finalist")} with fresh seeds, as study "{study.study.name}"'
        )
        finalists = ranked(chosen, self._trained(study), objective)
        self._note_more_seeds(finalists)
        if not finalists:
            raise NoTrialSucceeded(f'no finalist has a value: see `hpsearch status "{study.study.name}"`')
        candidates = self._candidates(study, finalists, best_distinct(trials, objective, MAX_ENSEMBLE_TRIALS))
        found = Evaluation(
            study=self.record.name,
            evaluation=study.study.name,
            metric=objective.metric,
            goal=objective.goal,
            searched=len(trials),
            not_over=sum(trial.state.is_active for trial in trials),
            winner=finalists[0].trial.number,
            finalists=[FinalistResult.of(one, objective) for one in finalists],
            test=None,
            left_out=[],
            why="",
        )
        with stoppable(RESUME), build.one_worker(self.study, self.record.uid, needs_home=True) as worker:
            validation = score_on_validation(worker, candidates)
            found = replace(found, left_out=validation.left_out, why=validation.why)
            if validation.why:
                return found
            opening = open_test(self.journal, self.lease, objective, _purpose(finalists))
            self.observer.show_line(opening.reason)
            with stoppable("the test set was opened and no result is recorded; --again opens it once more"):
                test, failed = score_on_test(worker, validation, opening, objective)
        found = replace(found, test=test, left_out=[*validation.left_out, *failed])
        keep_result(self.journal, self.lease, opening.number, found)
        self._bring_to_mlflow()
        return found

    def _bring_to_mlflow(self) -> None:
        """Send the opening and the result as artifacts of the study's run. If MLflow is unreachable, `hpsearch sync`
        sends them later."""
        tracker = build.tracker(self.study, self.record, build.own_logging(self.study, self.record))
        tracker.start()
        if (sync := tracker.close(FLUSH)).pending:
            self.observer.show_line(f"note: {sync.problem}; `hpsearch sync` sends the result later")

    def _note_more_seeds(self, finalists: Sequence[Finalist]) -> None:
        most = max((len(one.spread.values) + one.spread.lost for one in finalists), default=0)
        if most > self.seeds:
            self.observer.show_line(
                f"note: {many(most, 'seed')} of one finalist are recorded already, and all of them count"
            )

    # Fresh seeds ────────────────────────────────────────────────────────────────────────────────

    def _study_of(self, chosen: Sequence[Trial]) -> Study:
        """The study that trains the finalists."""
        epochs = self.study.trainer.epochs
        sets = [ParameterSet(params=dict(one.params), epochs=length(one, epochs)) for one in chosen]
        return self.study.evaluation(evaluation_name(self.record), fresh_seed(self.study.study.seed), sets, self.seeds)

    def _trained(self, study: Study) -> list[Trial]:
        result = run_study(study, self.observer, accept_changes=self.accept_changes)
        if result.signal is not None:
            raise Stopped(result.signal, f"stopped by {result.signal.name}: {RESUME}")
        if result.end.stopped:
            raise InfrastructureError(
                f"the evaluation has stopped: {result.end.stopped}. Its trainings are kept (`hpsearch status "
                f'"{study.study.name}"`): {RESUME}'
            )
        return list(result.history)

    def _candidates(self, study: Study, ranked: Sequence[Finalist], searched: Sequence[Trial]) -> Candidates:
        evaluation = self.journal.find(study.study.name)
        assert evaluation is not None, "its trials have just been trained"
        winner, *losers = ([_member("seed", study, evaluation, one) for one in own.trainings] for own in ranked)
        _check_checkpoints([*winner, *(one for own in losers for one in own)])
        before = [_member("trial", self.study, self.record, trial) for trial in searched]
        return Candidates.of(winner, [one for own in losers for one in own], before, self.top)


def _member(word: str, study: Study, record: StudyRecord, trial: Trial) -> Member:
    """The model at the epoch by which the trial is judged."""
    judged = study.objective.judged(trial)
    assert judged is not None, "what is chosen has a value"
    return Member(
        name=f"{word} {trial.number}",
        params=trial.params,
        seed=trial.seed,
        epochs=study.trainer.epochs,
        work=build.work_folder(study, record.uid),
        study_uid=record.uid,
        number=trial.number,
        step=judged.step,
        replicates=study.replicates,
    )


def _check_checkpoints(members: Sequence[Member]) -> None:
    """InfrastructureError if some of the models that have just been trained are missing on this machine. If all are
    missing, the trainer has no checkpoints, and nothing can be predicted."""
    missing = [one for one in members if not one.has_checkpoint]
    if 0 < len(missing) < len(members):
        raise InfrastructureError(
            f"{len(missing)} of {many(len(members), 'model')} of the finalists are not in {members[0].work} "
            f"({', '.join(one.name for one in missing)}): the nodes that trained them do not share this folder. The "
            "test set was not opened. Set HPSEARCH_HOME to a folder that all nodes share"
        )


def _purpose(finalists: Sequence[Finalist]) -> str:
    best = finalists[0]
    among = f"the best of {len(finalists)} finalists" if len(finalists) > 1 else "the only finalist"
    seeds = many(len(best.spread.values), "seed")
    return f"trial {best.trial.number}, {among}, {number(best.spread.mean)} on validation over {seeds}"
