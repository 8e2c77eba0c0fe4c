"""Runs a study, new or recorded, to its end."""

from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from typing import Any

from hpsearch.core.errors import InfrastructureError, PoolError
from hpsearch.core.format import duration
from hpsearch.core.logs import buffer_library_logs, log_libraries_to
from hpsearch.orchestrator import build, trainer_check, webhook
from hpsearch.orchestrator.changes.extension import ExtendRequest
from hpsearch.orchestrator.observers import Notes, Observer
from hpsearch.orchestrator.run_result import RunResult
from hpsearch.orchestrator.search import Search
from hpsearch.orchestrator.signals import Signals
from hpsearch.preflight.runner import PreflightRecord, complete
from hpsearch.study.definition import Study
from hpsearch.study.likely_mistakes import selects_wrongly
from hpsearch.workers.pools.base import WorkerPool


def run_study(
    study: Study,
    observer: Observer,
    *,
    origin: str | None = None,
    skip_preflight: bool = False,
    force: bool = False,
    retry_failed: bool = False,
    accept_changes: bool = False,
    longer: ExtendRequest | None = None,
    wait: float | None = None,
) -> RunResult:
    """origin: the name of the study that this one is forked from. retry_failed: try failed trials again; without it,
    only those that failed before the trainer changed. accept_changes: if the trainer's code has changed, start the
    search again, and supersede the earlier trials; without it, such a study is refused. longer: train finished trials
    to study.trainer.epochs, also if that has not changed. wait: seconds to wait for room on a busy cluster; 0: none.

    Stopped: a signal ended the run before its first trial. After that, the result has the reason of the end.
    """
    buffer_library_logs()
    build.import_anew(study)
    observer.study_started(study)
    notes = Notes(observer.show_line)
    signals = Signals(notes.add)
    with signals.listening(), ExitStack() as stack:
        try:
            search = Search(
                study,
                origin,
                observer,
                notes,
                stack,
                retry_failed=retry_failed,
                accept_changes=accept_changes,
                longer=longer,
            )
            result = _searched(search, observer, notes, signals, skip_preflight, force, wait)
        except (InfrastructureError, OSError) as problem:
            log = study.home / "hpsearch.log"
            with suppress(OSError):
                log_libraries_to(log)
                if log.exists():
                    problem.add_note(f"  log  {log}")
            _notify(study, observer, partial(webhook.failure_of, study.study.name, problem))
            raise
        if not result.trained_nothing:
            _notify(study, observer, partial(webhook.end_of, result))
        observer.study_ended(result)
        return result


def _notify(study: Study, observer: Observer, message: Callable[[], Mapping[str, Any]]) -> None:
    if study.webhook is not None and (problem := webhook.post(study.webhook, message())):
        observer.show_line(f"note: {problem}")


def _searched(
    search: Search,
    observer: Observer,
    notes: Notes,
    signals: Signals,
    skip_preflight: bool,
    force: bool,
    wait: float | None,
) -> RunResult:
    def make(study: Study, uid: str) -> WorkerPool:
        found = trainer_check.check(study)
        trainer_check.raise_faults(study, found)
        search.unused = trainer_check.unused(study, found)
        for warning in (*found.warnings.values(), *found.doubts):
            notes.add(f"warning: {warning}")
        for key, mistake in selects_wrongly(study):
            notes.add(f"warning: {'.'.join(map(str, key))} {mistake}")
        if study.search.auto is not None:
            notes.add(str(study.search.auto))
        if wait and study.resources.address not in ("local", "none"):
            observer.show_line(f"waiting up to {duration(wait)} for room on the cluster at {study.resources.address}")
        pool, pool_notes = build.pool(study, uid, wait=wait)
        for note in pool_notes:
            notes.add(f"note: {note}")
        return pool

    def measured(study: Study, pool: WorkerPool, record: PreflightRecord) -> PreflightRecord:
        return complete(study, pool, record, observer.show_line, skip_preflight=skip_preflight, force=force)

    loop = search.open(make, measured)
    if loop is None:
        return search.close()
    log_libraries_to(search.study.home / "hpsearch.log")
    try:
        with signals.stopping(loop):
            loop.run()
    except BaseException as problem:
        result = search.abort(problem, signals.first)
        # PoolError: a cluster's scheduler may send the signal to all processes of the run, including those of Ray.
        if not (isinstance(problem, KeyboardInterrupt | PoolError) and signals.first):
            raise
        return result
    return search.close(signals.first)
