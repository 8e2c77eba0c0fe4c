"""A validated study file. StudyFileError lists every wrong value, also those that contradict other values."""

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from pydantic import InstanceOf, PlainSerializer, PrivateAttr, ValidationError, WithJsonSchema

from hpsearch.core import requirements
from hpsearch.core.format import many
from hpsearch.core.goals import Goal
from hpsearch.core.replicates import Replicates
from hpsearch.core.trial import ASK_AND_TELL, EPOCH, Objective
from hpsearch.study import auto_search
from hpsearch.study.file import (
    given_objects,
    place,
    reading,
    several_goals,
    suggestions,
)
from hpsearch.study.file.faults import Faults, meant_key, models, show, translate, unknown
from hpsearch.study.file.lines import Lines
from hpsearch.study.file.prune_sections import NeverPrune, Prune
from hpsearch.study.file.search_base import SearchSection
from hpsearch.study.file.search_sections import FixedList, ParameterSet, Search
from hpsearch.study.file.section import OtherTables, Section, kind_of_method, kinds, lists_of, readable
from hpsearch.study.file.sections import (
    Checkpoints,
    EarlyStopping,
    JournalSection,
    Limits,
    LrRange,
    MetricMeanings,
    Notify,
    Preflight,
    Resources,
    Tracking,
    searched_rate,
)
from hpsearch.study.file.space import space_section
from hpsearch.study.file.space.space_names import flat
from hpsearch.study.file.study_section import Provenance, StudySection
from hpsearch.study.file.trainer_sections import Trainer
from hpsearch.study.many_steps import with_step_defaults
from hpsearch.study.recorded_rules import with_numbers, with_recorded_key, with_recorded_space
from hpsearch.study.space import Float, Space


class Study(Section):
    """The content of a study file, validated and frozen. Created by `load` or `from_dict`."""

    study: StudySection
    trainer: Trainer
    space: Annotated[InstanceOf[Space], PlainSerializer(space_section.written), WithJsonSchema({})]
    search: Search
    prune: Prune | None = None
    early_stopping: EarlyStopping | None = None
    preflight: Preflight | None = None
    lr_range: LrRange | None = None
    metrics: MetricMeanings | None = None
    resources: Resources = Resources()
    limits: Limits = Limits()
    checkpoints: Checkpoints = Checkpoints()
    journal: JournalSection = JournalSection()
    tracking: Tracking = Tracking()
    notify: Notify | None = None
    provenance: Provenance = Provenance()

    _locations: place.Locations = PrivateAttr()
    _own: Mapping[str, object] = PrivateAttr(default_factory=dict)

    def __repr__(self) -> str:
        """One line, without the number of trials if the sampler decides it."""
        about, budget, unit = self.study, self.search.epoch_budget, self.trainer.word
        rungs = self.search.rungs(self.space, self.trainer.epochs, unit) if budget is None else ()
        trials = sum(one.new for one in rungs)
        if (most_trials := self.limits.trials) is not None:
            trials = min(trials or most_trials, most_trials)
        amount = f", {many(trials, 'trial')}" if trials else f", {many(budget, unit)} in all" if budget else ""
        most = f"{many(self.trainer.epochs, unit)} per trial at most{f', {self.path}' if self.path is not None else ''}"
        return f'<Study "{about.name}": {about.goal} {about.metric}, {self.search.label} search{amount}, {most}>'

    __str__ = __repr__

    def own(self, name: str) -> object:
        """The Python object passed to `from_dict` as trainer ("trainer"), sampler ("search") or pruner ("prune").

        None if there is none: the section has `use` or `method`. The spec has only the object's name, as `use`.
        """
        return self._own.get(name)

    @property
    def objective(self) -> Objective:
        unit = self.trainer.model_dump(include={"unit"}, exclude_none=True)
        return objective_of(self.study.model_dump(exclude_none=True), unit)

    @property
    def metric_meanings(self) -> dict[str, str]:
        """[metrics]: the name of a metric by its role, such as "val_loss"."""
        return self.metrics.given if self.metrics is not None else {}

    @classmethod
    def load(
        cls, path: str | Path, overrides: Sequence[str] = (), environment: Mapping[str, str] | None = None
    ) -> "Study":
        """Read a study file. StudyFileError lists all its faults, each with its line.

        overrides: changes of single keys, such as "space.lr.low=1e-4", as after `--set`.
        environment: the variables for ${env:NAME}; default: those of this process.
        """
        path = Path(path)
        data, lines = reading.parse(path, reading.read(path))
        faults = Faults(reading.where(path), lines)
        reading.override(data, overrides, faults)
        return _study(path.parent, data, os.environ if environment is None else environment, faults, path)

    @classmethod
    def from_dict(
        cls,
        sections: Mapping[str, Any],
        *,
        trainer: Callable[..., Any] | None = None,
        folder: str | Path | None = None,
        environment: Mapping[str, str] | None = None,
        sampler: object = None,
        pruner: object = None,
    ) -> "Study":
        """A study from the sections of a study file, as a mapping. StudyFileError lists all its faults by their keys.

        sections: {"study": {"name": ...}, "trainer": {...}, "space": {...}, "search": {...}, ...}, as tomllib reads a
        file; tuples count as lists, NumPy scalars as numbers.
        trainer: a generator function or a ray.tune.Trainable, in place of ["trainer"]["use"]. Ray workers receive it
        pickled. Only a program that passes the same object can run the study again.
        folder: the base of relative paths, the folder of the trainer's module and of `.hpsearch`; default: the
        current folder.
        environment: the variables for ${env:NAME}; default: those of this process.
        sampler, pruner: your own, in place of search.use and prune.use: an object with `ask` or `judge`, a class, or
        the result of `hpsearch.samplers.from_optuna`.
        Without trainer, ["trainer"]["use"] and ["trainer"]["command"] the study is for an `hpsearch.Session`.
        """
        faults = Faults("", Lines())
        tables = reading.plain_tables(sections, faults)
        given_objects.refuse_objects(tables, faults)
        if trainer is not None:
            given_objects.name_trainer(tables, trainer, faults)
        elif isinstance(section := tables.get("trainer"), dict) and "command" not in section:
            section.setdefault("use", ASK_AND_TELL)
        own = {name: thing for name, thing in (("search", sampler), ("prune", pruner)) if thing is not None}
        for name, thing in own.items():
            given_objects.name_own(name, thing, tables, faults)
        study = _study(Path(folder or "."), tables, os.environ if environment is None else environment, faults)
        study._own = own if trainer is None else {**own, "trainer": trainer}
        return study

    @property
    def path(self) -> Path | None:
        """The study file; None for a study that was not read from a file."""
        return self._locations.path

    @property
    def folder(self) -> Path:
        """The base of relative paths."""
        return self._locations.folder

    @property
    def home(self) -> Path:
        """The folder of the embedded databases and all files: $HPSEARCH_HOME, or `.hpsearch/` beside the study file."""
        return self._locations.home

    @property
    def journal_url(self) -> str:
        """With its password, so it must not be printed; see `journal_display`."""
        return self._locations.journal_url

    @property
    def tracking_uri(self) -> str:
        """Like `journal_url`; "none" if nothing is sent to MLflow."""
        return self._locations.tracking_uri

    @property
    def webhook(self) -> str | None:
        """notify.url with its variables replaced, so it must not be printed."""
        return self._locations.webhook

    @property
    def journal_display(self) -> str:
        return self._locations.journal_display

    @property
    def tracking_display(self) -> str:
        return self._locations.tracking_display

    @property
    def replicates(self) -> Replicates:
        """The trainings of each trial: folds, repeats, or both."""
        validation = self.trainer.validation
        return Replicates(validation.folds if validation else 0, self.trainer.repeats)

    @property
    def epochs_key(self) -> str:
        """The key of the study file that limits the epochs of all trials together. method = "auto" makes limits.epochs
        from its budget."""
        auto = self.search.auto
        return "search.budget.epochs" if auto is not None and auto.budget == self.limits.epochs else "limits.epochs"

    @property
    def is_paired(self) -> bool:
        """Whether trials are also pruned by a paired test over their folds or repeats."""
        can_prune = self.study.objectives is None and not isinstance(self.prune, NeverPrune)
        return self.replicates.can_be_compared and can_prune

    @property
    def range_test(self) -> LrRange | None:
        """The settings of the range test, from [lr_range] or for a parameter with auto = true; None: no range test."""
        rate, is_auto = searched_rate(self.space)
        wanted = self.search.traits.wants_range_test and rate is not None and not self.trainer.is_program
        section = self.lr_range or (LrRange() if is_auto or wanted else None)
        return section and section.for_rate(rate, is_auto=is_auto)

    def with_space(self, space: Space) -> "Study":
        """The same study with another space, such as one with the range from a range test."""
        return self.model_copy(update={"space": space})

    def evaluation(self, name: str, seed: int, sets: Sequence[ParameterSet], seeds: int) -> "Study":
        """A study that trains these parameter sets again, each with `seeds` seeds derived from `seed`.

        The limits of single trials stay. The limits of the whole study are dropped, and nothing is pruned. All trials
        keep their best checkpoint, since ensembles use them.
        """
        limits = dict.fromkeys(("study", "gpu_hours", "trials", "epochs"))
        given = [replace(one, auto=False) for one in self.space.parameters if isinstance(one, Float)]
        changed = {
            "study": self.study.model_copy(update={"name": name, "seed": seed, "trial_seeds": "different"}),
            "trainer": self.trainer.model_copy(update={"repeats": 1}),
            "space": self.space.narrowed({one.key: one for one in given}),
            "search": FixedList(method="list", sets=tuple(sets), seeds=seeds),
            "prune": NeverPrune(method="never"),
            "preflight": None,
            "lr_range": None,
            "limits": self.limits.model_copy(update=limits),
            "checkpoints": self.checkpoints.model_copy(update={"keep": "all"}),
        }
        return self.model_copy(update=changed)

    def with_recorded_rules(self, recorded: Mapping[str, Any]) -> "Study":
        """This study, with the recorded rule for each key that its file does not have. recorded: the recorded spec."""
        about, own = self.study, recorded["study"]
        about = with_recorded_key(with_recorded_key(about, "trial_seeds", own), "numbers", own)
        space = with_recorded_space(self.space, about.numbers, recorded["space"])
        prune = with_recorded_key(self.prune, "promote", recorded.get("prune", {}))
        auto = auto_search.as_recorded(self.search, prune, self.limits, recorded["search"])
        return self.model_copy(update={"study": about, "space": space, "prune": prune, **auto})

    def with_recorded(self, recorded: Mapping[str, Any]) -> "Study":
        """This study, with the budgets and rules that its search needs from the record. recorded: the recorded spec.

        Without a section [checkpoints], the recorded rule stays; a study recorded without a rule keeps all.
        """
        search = self.search.with_recorded(recorded["search"], recorded["trainer"]["epochs"], self.trainer.epochs)
        changed: dict[str, Any] = {"search": search}
        if "checkpoints" not in self.model_fields_set:
            changed["checkpoints"] = Checkpoints.model_validate(recorded.get("checkpoints", {"keep": "all"}))
        return self.model_copy(update=changed)

    def renamed(self, name: str) -> "Study":
        """This study with another name. StudyFileError for an invalid name."""
        faults = Faults("fork", Lines())
        try:
            about = StudySection.model_validate({**self.study.model_dump(exclude_unset=True), "name": name})
        except ValidationError as problem:
            translate(problem, StudySection, (), faults)
            faults.end()
            raise
        return self.model_copy(update={"study": about})

    def spec(self) -> dict[str, Any]:
        """The content of the study file with all defaults, in plain JSON values; ${env:NAME} is not replaced."""
        return self.model_dump(mode="json", exclude_none=True)

    def identity(self) -> dict[str, Any]:
        """The keys that must not change when a study is continued: all except its name, budgets, `failed`, and where
        and how it runs."""
        spec = self.spec()
        return {
            "study": {key: value for key, value in spec["study"].items() if key not in ("name", "failed")},
            "trainer": self.trainer.identity(),
            "space": spec["space"],
            "search": {k: v for k, v in spec["search"].items() if k not in (*self.search.budgets, "auto")},
            "prune": spec.get("prune", {} if self.is_paired else {"method": "never"}),
            "early_stopping": spec.get("early_stopping", {}),
            **({"metrics": spec["metrics"]} if "metrics" in spec and self.search.traits.follows_curves else {}),
        }


# Loading ─────────────────────────────────────────────────────────────────────────────────────────

_METHODS = {"search": auto_search.METHODS, "prune": kinds(Prune)}
_TABLES = {
    name: kind
    for name, field in Study.model_fields.items()
    for kind in models(field.annotation)
    if name not in _METHODS and issubclass(kind, Section)
}


def _study(
    folder: Path, data: dict[str, Any], environment: Mapping[str, str], faults: Faults, path: Path | None = None
) -> Study:
    data = reading.with_plain_numbers(reading.substitute(data, environment, faults))
    data = place.with_preferences(data, folder, environment, faults)
    tables = {name: table for name, table in data.items() if _is_table(name, table, faults)}
    suggested = suggestions.hint(tables.get("trainer", {}).get("use"), folder)
    for name, field in Study.model_fields.items():
        if field.is_required() and name not in data:
            hint = suggested if name == "space" else ""
            faults.add((name,), f"is missing; a study has at least [study], [trainer], [space] and [search]{hint}")
    tables |= _misspelt_tables(data, faults)
    kinds_of = {name: kind for name, table in tables.items() if (kind := _kind(name, table, faults)) is not None}
    found_sections = {name: readable(kind, tables[name], (name,), faults) for name, kind in kinds_of.items()}
    sections = {name: section for name, section in found_sections.items() if section is not None}
    read = space_section.read(tables["space"], faults, suggested) if "space" in tables else space_section.NOTHING
    others = _other_tables(tables, read, sections)
    for name, section in sections.items():
        is_part = faults.in_any(name, type(section).model_fields)
        problems = section.problems_of_part if is_part else section.problems
        for at, problem in [one for one in problems(others) if not (is_part and faults.has(one[0]))]:
            faults.add(at, problem)
    for name, table in tables.items():
        own = kinds_of.get(name)
        kind = own or (SearchSection if name == "search" else Section)
        for at, problem in kind.problems_in_lists(lists_of(name, own, table, faults), others):
            faults.add(at, problem)
    for at, problem in several_goals.problems(sections):
        faults.add(at, problem)
    found = place.find(folder, path, tables, environment, faults)
    faults.end()
    assert found is not None
    assert read.space is not None
    space = read.space
    sections = with_step_defaults(auto_search.resolved(sections, space, folder))
    space = with_numbers(space, tables["study"].get("numbers", "short"))
    study = Study.model_validate({**sections, "space": space})
    if study.preflight is None and study.search.traits.wants_preflight:
        study = study.model_copy(update={"preflight": Preflight()})
    study._locations = found
    return study


def _other_tables(
    tables: Mapping[str, Any], read: space_section.ReadSpace, sections: Mapping[str, Section]
) -> OtherTables:
    trainer, about = sections.get("trainer"), sections.get("study")
    metric = about.metric if isinstance(about, StudySection) else None
    found = OtherTables(flat(tables.get("space", {})), read.readable, read.space, None, metric)
    return trainer.added_to(found) if isinstance(trainer, Trainer) else found


def _is_table(name: str, table: object, faults: Faults) -> bool:
    if name not in Study.model_fields:
        faults.add((name,), unknown((name,), table, Study.model_fields))
    elif not isinstance(table, dict):
        faults.add((name,), f"must be a table, [{name}], got {show(table)}")
    else:
        return True
    return False


def _misspelt_tables(data: Mapping[str, Any], faults: Faults) -> dict[str, Any]:
    """Tables with a name that is similar to that of a table the file does not have: their content is checked too."""
    known = Study.model_fields
    unknown_tables = {name: table for name, table in data.items() if name not in known and isinstance(table, dict)}
    found = {meant_key((name,), table, known): name for name, table in unknown_tables.items()}
    meant = {name: written for name, written in found.items() if name and name not in data}
    for name, written in meant.items():
        faults.misspelt(name, written)
    return {name: data[written] for name, written in meant.items()}


def _kind(name: str, table: Mapping[str, Any], faults: Faults) -> type[Section] | None:
    """The class of a table; for [search] and [prune] it depends on `method`."""
    return kind_of_method(name, table, _METHODS[name], faults) if name in _METHODS else _TABLES.get(name)


def objective_of(about: Mapping[str, Any], trainer: Mapping[str, Any]) -> Objective:
    """about, trainer: the recorded tables [study] and [trainer], without faults. Records of earlier versions have fewer
    keys."""
    require = tuple(map(requirements.read, about.get("require", ())))
    others = tuple(Goal(one["metric"], one["goal"]) for one in about.get("objectives", ())[1:])
    unit = trainer.get("unit", EPOCH)
    return Objective(about["metric"], about["goal"], about["at"], about.get("failed", "keep"), require, others, unit)
