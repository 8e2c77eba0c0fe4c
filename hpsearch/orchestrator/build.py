"""The composition root: builds samplers, pruners, pools and trackers from a study file. One `match` per kind."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from hpsearch.core.errors import TrainerError
from hpsearch.core.folders import data_folder
from hpsearch.journal import Journal, StudyRecord
from hpsearch.orchestrator.own import own_methods
from hpsearch.orchestrator.rules import Rules
from hpsearch.provenance.module_search import module_of
from hpsearch.pruners.base import NeverPrune, Pruner, Several
from hpsearch.pruners.promotion import Promotes
from hpsearch.samplers.base import Sampler
from hpsearch.study import feasible
from hpsearch.study.definition import Study
from hpsearch.study.file import known_points, prune_sections, search_sections
from hpsearch.study.plan import promotes
from hpsearch.tracking.base import MemoryTracker, Tracker
from hpsearch.tracking.own_runs import LOGGERS, OwnLoggingStore, stores_in
from hpsearch.trainer.contract import check_is_not_ask_and_tell, sources_of_trainer
from hpsearch.trainer.fresh_imports import check_is_current, unload_changed
from hpsearch.trainer.open_trial import TrainerContext
from hpsearch.trainer.trainer_object import TrainerObject
from hpsearch.workers.pools.base import WorkerPool
from hpsearch.workers.worker import HASH_SEED, Setup, Worker

GIVEN_AS = {"trainer": "trainer", "search": "sampler", "prune": "pruner"}

MAX_FILE_NAME_BYTES = 255
"""The limit of all usual file systems."""


def sampler(study: Study) -> Sampler:
    """The sampler of [search]. If the pruner promotes, trials that it promotes are resumed before new ones start."""
    made, pruner = _with_related(study, _configured_sampler(study)), _configured_pruner(study)
    if not promotes(study) or not isinstance(pruner, Promotes):
        return made
    from hpsearch.samplers.promoting import Promoting

    return Promoting(made, pruner, study.trainer.epochs)


def _with_related(study: Study, made: Sampler) -> Sampler:
    """A sampler that does not use the studies of learn_from by itself, after their best points. Those that are recorded
    count, whether the file still has them or not."""
    search = study.search
    if not search.traits.related_first:
        return made
    from hpsearch.samplers.related_first import RelatedFirst

    known = len(search.first or ())
    return RelatedFirst(made, study.space, study.study.seed, study.trainer.epochs, known, search.related_among)


def _configured_sampler(study: Study) -> Sampler:
    space, seed, epochs = study.space, study.study.seed, study.trainer.epochs
    known = known_points.points(space, study.search.first)
    match study.search:
        case search_sections.Grid():
            from hpsearch.samplers.grid import Grid

            return Grid(space, epochs, known)
        case search_sections.Random(trials=trials):
            from hpsearch.samplers.random import Random

            return Random(space, seed, trials, epochs, known)
        case search_sections.Bayesian(trials=trials, sampler=kind, startup_trials=startup):
            if kind == "freeze-thaw":
                from hpsearch.samplers.freeze_thaw.freezing import FreezeThaw

                return FreezeThaw(space, seed, trials, epochs, startup, known, study.limits.epochs)
            if kind == "nsga2":
                from hpsearch.samplers.optuna.adapter import nsga2

                return nsga2(space, seed, epochs, trials, startup, known)
            from hpsearch.samplers.bayesian import Bayesian

            return Bayesian(space, seed, trials, epochs, kind, startup, known)
        case search_sections.CoarseToFine(rounds=rounds, keep=keep, top=top, margin=margin) as search:
            from hpsearch.samplers.coarse_to_fine import CoarseToFine

            return CoarseToFine(space, seed, rounds, keep, top, margin, known, search.ranges == "slope")
        case search_sections.Recipe(top=top, margin=margin) as search:
            from hpsearch.samplers.recipe.sampler import Recipe

            by_slope, schedules = search.ranges == "slope", search.schedules(space, epochs, study.trainer.word)
            return Recipe(space, seed, schedules, top, margin, study.metric_meanings, known, by_slope)
        case search_sections.FixedList(sets=sets, seeds=seeds):
            from hpsearch.samplers.fixed_list import FixedList, ParameterSet

            return FixedList([ParameterSet({**space.fixed, **one.params}, one.epochs or epochs) for one in sets], seeds)
        case search_sections.Own():
            return own_methods.sampler_of(study)


def pruner(study: Study) -> Pruner:
    """The pruner of [prune], combined with the paired test if the study has one."""
    if not study.is_paired:
        return _configured_pruner(study)
    from hpsearch.pruners.paired import Paired

    return Several((_configured_pruner(study), Paired(study.replicates, study.trainer.epochs)))


def _configured_pruner(study: Study) -> Pruner:
    epochs = study.trainer.epochs
    match study.prune:
        case prune_sections.NeverPrune() | None:
            return NeverPrune()
        case prune_sections.MedianPrune(startup_trials=startup, warmup_epochs=warmup, interval=interval):
            from hpsearch.pruners.median import Median

            return Median(startup, warmup, interval)
        case prune_sections.HalvingPrune(min_epochs=least, eta=eta):
            from hpsearch.pruners.halving import Halving

            return Halving(least, eta, epochs, promotes(study))
        case prune_sections.HyperbandPrune(min_epochs=least, eta=eta):
            from hpsearch.pruners.hyperband import Hyperband

            return Hyperband(least, eta, epochs, promotes(study))
        case prune_sections.PatiencePrune(patience=patience, min_delta=delta):
            from hpsearch.pruners.patience import Patience

            return Patience(patience, delta)
        case prune_sections.ThresholdPrune(lower=lower, upper=upper, warmup_epochs=warmup):
            from hpsearch.pruners.threshold import Threshold

            return Threshold(lower, upper, warmup)
        case prune_sections.OwnPrune():
            return own_methods.pruner_of(study)


def early_stopping(study: Study) -> Pruner:
    if study.early_stopping is None:
        return NeverPrune()
    from hpsearch.pruners.patience import EarlyStopping

    section = study.early_stopping
    other = section.other_metric(study.study.metric)
    return EarlyStopping(section.patience, section.min_delta, other, section.from_epoch or 1)


def rules(study: Study) -> Rules:
    limits = study.limits
    return Rules(
        seed=study.study.seed,
        epochs=study.trainer.epochs,
        trial_seeds=study.study.trial_seeds,
        replicates=study.replicates,
        retries=limits.retries,
        max_failures=limits.max_failures,
        max_failure_share=limits.max_failure_share,
        trial_seconds=limits.trial,
        stall_seconds=limits.stall,
        study_seconds=limits.study,
        study_trials=limits.trials,
        study_epochs=limits.epochs,
        epochs_key=study.epochs_key,
        study_gpu_hours=limits.gpu_hours,
        gpus=study.resources.per_trial.gpus,
        target=limits.target,
        stopping=study.early_stopping.other_metric(study.study.metric) if study.early_stopping else None,
    )


def setup(study: Study, uid: str, hash_seed: str = HASH_SEED) -> Setup:
    """The settings of the workers. All of them must be able to reach the folder `work`."""
    trainer = TrainerContext(
        use=study.trainer.use,
        folder=study.folder,
        options=study.trainer.options,
        objective=study.objective,
        data_dir=data_folder(),
        replicates=study.replicates,
        trainer_object=_trainer_object(study),
        program=study.trainer.program,
        space=study.space,
        nested=bool(study.trainer.nested) and not study.trainer.is_program,
        measure=study.trainer.measures_steps,
    )
    on_ray = study.resources.address != "none"
    return Setup(
        trainer,
        work=work_folder(study, uid),
        study_uid=uid,
        cpus=study.resources.per_trial.cpus,
        gpus=study.resources.per_trial.gpus,
        capture=on_ray,
        one_epoch_slices=study.search.one_epoch_slices,
        weights_only=study.checkpoints.weights_only,
        isolated=on_ray and study.resources.isolation == "process",
        mlflow=_own_logging_uri(study, as_written=True),
        hash_seed=hash_seed,
    )


def _trainer_object(study: Study) -> TrainerObject | None:
    """The trainer, if it is a Python object. TrainerError: only the program that recorded the study has the object."""
    if (trainer := study.own("trainer")) is not None:
        return TrainerObject.of(trainer, study.trainer.use)
    if study.trainer.from_python:
        raise TrainerError(
            f"the trainer `{study.trainer.use}` is a Python object of the program or notebook that ran the study: "
            "train there, with Study.from_dict({…}, trainer=…)"
        )
    return None


def check_has_trainer(study: Study) -> None:
    """TrainerError if only the program that ran the study can train."""
    check_is_not_ask_and_tell(study.trainer.use)
    _trainer_object(study)


def import_anew(study: Study) -> None:
    """Import those modules of the study again that were edited since this process imported them.

    BadInput: a Python object of the study is from a file that was edited since.
    """
    for table in ("trainer", "search", "prune"):
        if (given := study.own(table)) is not None:
            check_is_current(given, f"the {GIVEN_AS[table]} of the study")
    has_module = study.own("trainer") is None and not study.trainer.is_program
    trainer = [] if not has_module else [module_of(study.trainer.use, study.folder)]
    unload_changed([*trainer, *own_methods.modules(study)], study.folder)


def work_folder(study: Study, uid: str) -> Path:
    """The folder with the checkpoints and logs of the recorded study `uid`."""
    name = study.study.name.encode()[: MAX_FILE_NAME_BYTES - 9].decode(errors="ignore")
    return study.home / "studies" / f"{name}-{uid[:8]}"


def pool(
    study: Study, uid: str, hash_seed: str = HASH_SEED, *, needs_home: bool = False, wait: float | None = None
) -> tuple[WorkerPool, list[str]]:
    """The pool, whose trainer was checked, and notes for the user. Raises ResourcesError, TrainerError, PoolError.

    needs_home: see `RayActors`. wait: see `wait_for_room`.
    """
    made, example = setup(study, uid, hash_seed), feasible.centre(study.space)
    per_trial, resources = study.resources.per_trial, study.resources
    if resources.address == "none":
        from hpsearch.workers.pools.in_process import InProcess

        Worker(made).check(example)
        return InProcess(made, resources.workers or 1), []
    from hpsearch.workers.pools.ray.actors import RayActors
    from hpsearch.workers.pools.ray.cluster import Cluster

    cluster = Cluster(resources.address, resources.workers, per_trial.cpus, per_trial.gpus, per_trial.memory, wait)
    actors = RayActors(made, cluster, example, needs_home=needs_home)
    return actors, actors.notes


@contextmanager
def one_worker(study: Study, uid: str, hash_seed: str = HASH_SEED, *, needs_home: bool = False) -> Iterator[WorkerPool]:
    """A pool of one worker with the resources of one trial, closed at the end. Raises the same as `pool`."""
    resources = study.resources.model_copy(update={"workers": 1})
    made, _ = pool(study.model_copy(update={"resources": resources}), uid, hash_seed, needs_home=needs_home)
    with closing(made):
        yield made


def tracker(study: Study, record: StudyRecord, own: OwnLoggingStore) -> Tracker:
    """The tracker, with its own reader of the journal. It does nothing for tracking.mlflow = "none". own: see
    `own_logging`."""
    if study.tracking_uri == "none":
        return MemoryTracker()
    from hpsearch.tracking.mlflow_tracker import MlflowTracker

    def reader() -> Journal:
        return Journal.open(study.journal_url, create=False)

    work = work_folder(study, record.uid)
    return MlflowTracker(record, study.objective, reader, study.tracking_uri, own_logging=own, work=work)


def own_logging(study: Study, record: StudyRecord) -> OwnLoggingStore:
    """The store for runs that the trainer itself logs to MLflow. Reads the trainer's source files."""
    store = _own_logging_uri(study, as_written=True)
    sources = sources_of_trainer(study)
    others = stores_in(sources.files.values(), study.folder)
    return OwnLoggingStore(store, work_folder(study, record.uid), bool(LOGGERS & sources.packages), others)


def prepare_own_logging(study: Study, record: StudyRecord, own: OwnLoggingStore) -> str:
    """Create that store and its experiment, if the trainer uses them. Returns why that is not possible, or ""."""
    return own.prepare(_own_logging_uri(study, as_written=False), study.study.name, record.uid)


def _own_logging_uri(study: Study, as_written: bool) -> str:
    """The study's MLflow, else the default one. as_written: with ${env:NAME} in place of a secret."""
    uri, written = study.tracking_uri, study.tracking.mlflow
    if uri == "none":
        return f"sqlite:///{study.home / 'mlflow.db'}"
    return written if as_written and written and "${" in written and not uri.startswith("sqlite") else uri
