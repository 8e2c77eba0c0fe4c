"""The base of the classes in search_sections.py: keys and properties of all search methods."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from hpsearch.core.trial import EPOCH, key_of
from hpsearch.study.file import known_points, rounds_of_study
from hpsearch.study.file.faults import show
from hpsearch.study.file.kinds import Count, NestedValue, StudyName
from hpsearch.study.file.section import Lists, OtherTables, Problems, Section
from hpsearch.study.schedule import Rung
from hpsearch.study.space import Space

LEARNERS = 'method = "bayesian" or "random"'


class AutoChoice(Section):
    """The search chosen by `method = "auto"`, and why. prunes: whether the study file has its own [prune]."""

    search: str
    why: str
    budget: Count
    prunes: bool = False

    def __str__(self) -> str:
        return f"search chosen by auto: {self.search}, because {self.why}"


@dataclass(frozen=True)
class Traits:
    """What a search can do, and what it needs.

    several_goals: it can search for the Pareto front of study.objectives.
    can_promote: a pruner may pause its trials and resume them later, because the search itself resumes none.
    freezes: it pauses trials and resumes the promising ones.
    models_related: the studies of `learn_from` guide a model; otherwise their best points are the first trials.
    related_first: the points of `learn_from` come before its sampler is asked; otherwise the sampler proposes them.
    uses_priors: random draws and the model use the priors of [space].
    follows_curves: proposals depend on the diagnosis of curves, and therefore on [metrics].
    wants_preflight: the preflight runs without [preflight] in the file.
    wants_range_test: the range test runs without [lr_range] in the file, if the study searches a learning rate.
    """

    several_goals: bool = False
    can_promote: bool = False
    freezes: bool = False
    models_related: bool = False
    related_first: bool = False
    uses_priors: bool = False
    follows_curves: bool = False
    wants_preflight: bool = False
    wants_range_test: bool = False


class SearchSection(Section):
    """first: parameters of the first trials; None without the key, as in specs of earlier versions."""

    method: str
    first: tuple[dict[str, NestedValue], ...] | None = Field(
        None, strict=False, min_length=1, description="parameters of the first trials: { lr = 1e-3, … } each"
    )

    learn_from: tuple[StudyName, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        max_length=20,
        description="names of recorded studies, also on other data: their best points come first, and guide a model",
    )

    auto: SkipJsonSchema[AutoChoice | None] = None
    """The choice of `method = "auto"`. It is written by hpsearch, and is not a key of a study file."""

    budgets: ClassVar[tuple[str, ...]] = ()
    """Keys that may change when a study is continued."""

    one_epoch_slices: ClassVar[bool] = False
    """Whether a trial waits for the verdict on each epoch before it trains the next one."""

    learns: ClassVar[bool] = False
    """Whether its proposals may follow from results of earlier studies."""

    cannot_learn_from: ClassVar[str] = ""
    """Why `learn_from` is refused, or ""."""

    @property
    def traits(self) -> Traits:
        return Traits()

    def problems(self, others: OtherTables) -> Problems:
        if self.learn_from and (why := self.cannot_learn_from):
            yield ("search", "learn_from"), f"{why}; leave it out, or write {LEARNERS}"
        if self.first is None or others.space is None or others.epochs is None:
            return
        most = next((one.new for one in self.rungs(others.space, others.epochs, others.unit)), None)
        if most is not None and len(self.first) > most:
            yield (
                ("search", "first"),
                f"must have at most {most} points, the trials of the first round, got {len(self.first)}",
            )

    @classmethod
    def problems_in_lists(cls, lists: Lists, others: OtherTables) -> Problems:
        names = lists.get("learn_from", ())
        for place, name in enumerate(names):
            if name is not None and name in names[:place]:
                yield ("search", "learn_from", place), f"{show(name)} is there already"
        yield from cls._problems_of_first(lists.get("first", ()), others)
        yield from cls._problems_of_sets(lists.get("sets", ()), others)
        yield from rounds_of_study.problems(lists.get("rounds", ()), others)

    @classmethod
    def _problems_of_first(cls, points: Sequence[Any], others: OtherTables) -> Problems:
        earlier = set[str]()
        for place, one in enumerate(points):
            if one is None:
                continue
            if others.space is None:
                for name, problem in known_points.single_problems(others.readable, one, others.names):
                    yield ("search", "first", place, name), problem
                continue
            params = known_points.completed(others.space, one)
            if (own := key_of(params)) in earlier:
                yield ("search", "first", place), "has the same parameters as an earlier point"
            earlier.add(own)
            for name, problem in known_points.problems(others.space, params):
                yield ("search", "first", place, *([name] if name else [])), problem

    @classmethod
    def _problems_of_sets(cls, sets: Sequence[Any], others: OtherTables) -> Problems:
        space, epochs = others.space, others.epochs
        for place, one in enumerate(sets):
            if one is None:
                continue
            path, own = ("search", "sets", place), one.get("epochs")
            if epochs is not None and own is not None and own > epochs:
                yield (*path, "epochs"), f"must be <= {epochs}, {others.epochs_key}, got {own}"
            if space is None:
                for name, problem in known_points.single_problems(others.readable, one["params"], others.names):
                    yield (*path, "params", name), problem
            elif not space.contains({**space.fixed, **one["params"]}):
                names = ", ".join(parameter.name for parameter in space.parameters)
                yield (*path, "params"), f"must be in [space], with a value for each active parameter of {names}"

    def auto_document(self) -> dict[str, Any]:
        """What `method = "auto"` has chosen, for `--json`; {} with another method."""
        return {} if self.auto is None else {"auto": self.auto.model_dump()}

    @property
    def label(self) -> str:
        """The name of the method in messages."""
        return self.method

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        """Its rounds, if no limit is reached; a search without rounds has one rung. epochs, unit: of [trainer]."""
        raise NotImplementedError

    def changes(self, recorded: Mapping[str, Any]) -> Iterator[str]:
        """A message for each change that would alter the trials so far. recorded: the recorded table."""
        yield from ()

    def with_recorded(self, recorded: Mapping[str, Any], before: int = 0, now: int = 0) -> Self:
        """This table with the former budgets of the recorded table, so that it proposes the same trials so far.
        before, now: the recorded and the present trainer.epochs."""
        return self

    @property
    def epoch_budget(self) -> int | None:
        """The budget in epochs of all trials together, if rounds are planned from it and `rungs` is a forecast. None if
        `rungs` is certain."""
        return None

    @property
    def blind_proposals(self) -> float:
        """The maximum number of proposals that do not depend on results."""
        return math.inf

    @property
    def related_among(self) -> int | None:
        """At most half of this number of trials have points of `learn_from`; None: no limit."""
        return None
