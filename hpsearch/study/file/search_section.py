"""What all search methods have in common: the base of the classes in search_sections.py."""

import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, ClassVar, Self

from pydantic import Field
from pydantic.json_schema import SkipJsonSchema

from hpsearch.core.trial import EPOCH, key_of
from hpsearch.study.file import known_points
from hpsearch.study.file.faults import show
from hpsearch.study.file.kinds import Count, NestedValue, StudyName
from hpsearch.study.file.sections import OtherTables, Problems, Section
from hpsearch.study.schedule import Rung
from hpsearch.study.space import Space

LEARNERS = 'method = "bayesian" or "random"'


class AutoChoice(Section):
    """What `method = "auto"` has chosen, and why. prunes: whether the study file has its own [prune]."""

    search: str
    why: str
    budget: Count
    prunes: bool = False

    def __str__(self) -> str:
        return f"search chosen by auto: {self.search}, because {self.why}"


class SearchSection(Section):
    """first: parameters of the first trials; None without the key, so that the specs of earlier versions are equal."""

    method: str
    first: tuple[dict[str, NestedValue], ...] | None = Field(
        None, strict=False, min_length=1, description="parameters of the first trials: { lr = 1e-3, … } each"
    )

    learn_from: tuple[StudyName, ...] | None = Field(
        None,
        strict=False,
        min_length=1,
        max_length=20,
        description="names of recorded studies, on other data too: their best points come first, and guide a model",
    )

    auto: SkipJsonSchema[AutoChoice | None] = None
    """What `method = "auto"` has chosen. hpsearch writes it; it is no key of a study file."""

    budgets: ClassVar[tuple[str, ...]] = ()
    """Keys that may change when a study is continued."""

    one_epoch_slices: ClassVar[bool] = False
    """Whether its trials wait for the verdict on an epoch before they train the next."""

    learns: ClassVar[bool] = False
    """Whether its proposals may follow from results of earlier studies."""

    def problems(self, others: OtherTables) -> Problems:
        yield from self._problems_of_learn_from()
        if self.first is None or others.space is None or others.epochs is None:
            return
        for place, one in enumerate(self.first):
            params = known_points.completed(others.space, one)
            if any(key_of(params) == key_of(known_points.completed(others.space, two)) for two in self.first[:place]):
                yield ("search", "first", place), "has the same parameters as one before it"
            for name, problem in known_points.problems(others.space, params):
                yield ("search", "first", place, *([name] if name else [])), problem
        most = next((one.new for one in self.rungs(others.space, others.epochs, others.unit)), None)
        if most is not None and len(self.first) > most:
            yield (
                ("search", "first"),
                f"must have at most {most} points, the trials of the first round, got {len(self.first)}",
            )

    def _problems_of_learn_from(self) -> Problems:
        names = self.learn_from or ()
        if names and (why := self.cannot_learn_from):
            yield ("search", "learn_from"), f"{why}; leave it out, or write {LEARNERS}"
        for place, name in enumerate(names):
            if name in names[:place]:
                yield ("search", "learn_from", place), f"{show(name)} is there already"

    def auto_document(self) -> dict[str, Any]:
        """What `method = "auto"` has chosen, for `--json`; {} with another method."""
        return {} if self.auto is None else {"auto": self.auto.model_dump()}

    @property
    def label(self) -> str:
        """The name of the method in messages."""
        return self.method

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        """Its rounds, if no limit is reached; a search without rounds has one. epochs, unit: of
        [trainer]."""
        raise NotImplementedError

    def changes(self, recorded: Mapping[str, Any]) -> Iterator[str]:
        """A message for each change that would alter trials so far. recorded: this table as it was recorded."""
        yield from ()

    def with_recorded(self, recorded: Mapping[str, Any], before: int = 0, now: int = 0) -> Self:
        """This table with the recorded table's former budgets, so that it proposes the trials so far again. before,
        now: trainer.epochs."""
        return self

    @property
    def epoch_budget(self) -> int | None:
        """The budget in epochs of all trials together, if rounds are planned from it (`rungs` is then a forecast); None
        where `rungs` is certain."""
        return None

    @property
    def blind_proposals(self) -> float:
        """The maximum number of proposals that do not depend on results."""
        return math.inf

    @property
    def takes_several_goals(self) -> bool:
        """Whether it can search for the Pareto front of study.objectives."""
        return False

    @property
    def cannot_learn_from(self) -> str:
        """Why `learn_from` is refused; "" where it is not."""
        return ""

    @property
    def models_related(self) -> bool:
        """Whether the studies of `learn_from` guide a model; otherwise their best points are the first trials."""
        return False

    @property
    def related_first(self) -> bool:
        """Whether the points of `learn_from` come before its sampler is asked. Otherwise the sampler proposes them."""
        return False

    @property
    def related_among(self) -> int | None:
        """At most half of so many trials have points of `learn_from`; None: no limit."""
        return None

    @property
    def can_promote(self) -> bool:
        """Whether a pruner may pause its trials and continue them later: its own proposals resume none."""
        return False

    @property
    def freezes(self) -> bool:
        """Whether it pauses trials and resumes as many of them as the results suggest."""
        return False

    @property
    def wants_preflight(self) -> bool:
        """Whether the preflight runs without [preflight] in the file."""
        return False

    @property
    def follows_curves(self) -> bool:
        """Whether proposals depend on the diagnosis of curves, and so on [metrics]."""
        return False

    @property
    def wants_range_test(self) -> bool:
        """Whether the range test runs without [lr_range] in the file, if the study searches a learning rate."""
        return False
