"""[search]: one class for each search method, with the properties that other modules need.

A new method is a class here (also listed in `Search`), a sampler in `hpsearch/samplers/`, and a line in
`orchestrator/build.py` that creates the sampler.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from hpsearch.core.format import many
from hpsearch.core.related import BEST_POINTS
from hpsearch.core.trial import EPOCH, key_of
from hpsearch.study.file import known_points, rounds_of_study
from hpsearch.study.file.kinds import Count, NestedValue, Options, OwnUse, RecordableName
from hpsearch.study.file.search_base import LEARNERS, SearchSection, Traits
from hpsearch.study.file.section import Lists, OtherTables, Problems, Section
from hpsearch.study.grid_counts import grid_size
from hpsearch.study.halving_schedule import HalvingSchedule
from hpsearch.study.schedule import MIN_TRIALS, BudgetSchedule, FixedSchedule, Rung, Schedule, ceil_share, forecast
from hpsearch.study.space import Choice, Float, Space

MAX_GRID_POINTS = 100_000


class Grid(SearchSection):
    """Every point of the grid once."""

    cannot_learn_from: ClassVar = "a grid trains each of its points, whatever earlier studies found"

    method: Literal["grid"]

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        known = {key_of(known_points.completed(space, one)) for one in self.first or ()}
        in_grid = sum(key_of(point) in known for point in space.grid()) if known else 0
        yield Rung(epochs, 0, (grid_size(space) or 0) + len(known) - in_grid)

    def problems(self, others: OtherTables) -> Problems:
        found = [*self._problems_of_grid(others)]
        yield from found or super().problems(others)

    def _problems_of_grid(self, others: OtherTables) -> Problems:
        floats = [one for one in others.readable.parameters if isinstance(one, Float) and one.count is None]
        endless = [one.name for one in floats if not one.grid and one.points is None]
        for name in endless:
            yield ("space", name), "a grid needs step = …, grid = […] or points = n, or another search.method"
        points = 0 if endless or others.space is None else grid_size(others.space)
        if points is None or points > MAX_GRID_POINTS:
            count = f"{points:,} points" if points is not None else "too many to count"
            most = f"a grid must have at most {MAX_GRID_POINTS:,} points"
            yield ("search", "method"), f'{most}, got {count}; give fewer values, or use "random"'

    @property
    def traits(self) -> Traits:
        return Traits(several_goals=True, can_promote=True)


class Random(SearchSection):
    """Independent random points."""

    budgets: ClassVar = ("trials",)
    method: Literal["random"]
    trials: Count = Field(description="number of trials")

    @property
    def related_among(self) -> int | None:
        return self.trials

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        yield Rung(epochs, 0, min(self.trials, space.size() or self.trials))

    @property
    def traits(self) -> Traits:
        return Traits(several_goals=True, can_promote=True, related_first=True, uses_priors=True)


class Bayesian(SearchSection):
    """Proposes each point from all results so far."""

    budgets: ClassVar = ("trials",)
    learns: ClassVar = True

    method: Literal["bayesian"]
    trials: Count = Field(description="number of trials")
    sampler: Literal["tpe", "gp", "cmaes", "nsga2", "freeze-thaw"] = Field(
        "tpe",
        description="the sampler: TPE, a Gaussian process, CMA-ES, NSGA-II (a genetic algorithm), or freeze-thaw, "
        "which pauses trials and continues the promising ones",
    )
    startup_trials: Count = Field(
        10, description="number of random trials before the first model; for NSGA-II the population size"
    )

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        yield Rung(epochs, 0, min(self.trials, space.size() or self.trials))

    @property
    def related_among(self) -> int | None:
        return self.startup_trials

    @property
    def blind_proposals(self) -> float:
        if self.learn_from is None or self.sampler == "nsga2":
            return self.startup_trials
        return min(self.startup_trials, len(self.first or ()) + BEST_POINTS * len(self.learn_from))

    @property
    def traits(self) -> Traits:
        return Traits(
            several_goals=self.sampler in ("tpe", "gp", "nsga2"),
            can_promote=self.sampler not in ("freeze-thaw", "nsga2"),
            freezes=self.sampler == "freeze-thaw",
            models_related=self.sampler not in ("nsga2", "cmaes"),
            related_first=self.sampler == "nsga2",
            uses_priors=self.sampler != "nsga2",
        )


class Round(Section):
    trials: Count = Field(description="number of trials in this round")
    epochs: Count = Field(description="the epoch that each trial is trained to")


class CoarseToFine(SearchSection):
    """Rounds of fewer and longer trials, each in narrower search ranges."""

    budgets: ClassVar = ("rounds", "ranges")

    method: Literal["coarse-to-fine"]
    rounds: tuple[Round, ...] = Field(strict=False, min_length=1, description="{ trials = …, epochs = … } each")
    keep: float = Field(0.5, ge=0, le=1, description="fraction of the trials of a later round that are continued ones")
    top: float = Field(
        0.25, gt=0, le=1, description="fraction of best trials; the next search ranges are the box around them"
    )
    margin: float = Field(
        0.1, ge=0, description="added on both sides of that box, as a fraction of the last range's width"
    )
    ranges: Literal["slope", "box"] = Field("slope", description=rounds_of_study.RANGES)

    @property
    def traits(self) -> Traits:
        return Traits(uses_priors=True)

    def with_recorded(self, recorded: Mapping[str, Any], before: int = 0, now: int = 0) -> Self:
        return rounds_of_study.with_recorded_rules(self, recorded)

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        for one, before in zip(self.rounds, [0, *(one.trials for one in self.rounds)], strict=False):
            survivors = min(ceil_share(self.keep, one.trials), before)
            yield Rung(one.epochs, survivors, one.trials - survivors)

    def changes(self, recorded: Mapping[str, Any]) -> Iterator[str]:
        yield from rounds_of_study.changed_rounds(recorded, self.rounds)
        yield from rounds_of_study.changed_rules(recorded, self)


class ParameterSet(Section):
    params: dict[RecordableName, NestedValue] = Field(description="a value for each parameter that is searched")
    epochs: Count | None = Field(None, description="epochs of its trials; default: trainer.epochs")


class FixedList(SearchSection):
    """Given sets of parameters, each with several seeds; `hpsearch evaluate` uses it for its finalists."""

    budgets: ClassVar = ("sets", "seeds")
    cannot_learn_from: ClassVar = "a list trains its own points only"
    one_epoch_slices: ClassVar = True

    method: Literal["list"]
    sets: tuple[ParameterSet, ...] = Field(strict=False, min_length=1, description="{ params = { … } } each")
    seeds: Count = Field(1, description="number of trials of each set, each with its own seed")

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        yield Rung(max(one.epochs or epochs for one in self.sets), 0, len(self.sets) * self.seeds)

    def problems(self, others: OtherTables) -> Problems:
        if self.learn_from:
            yield ("search", "learn_from"), f"{self.cannot_learn_from}; leave it out, or write {LEARNERS}"
        if self.first is not None:
            yield ("search", "first"), 'is for other methods; method = "list" has its points in `sets`'

    @classmethod
    def problems_in_lists(cls, lists: Lists, others: OtherTables) -> Problems:
        yield from cls._problems_of_sets(lists.get("sets", ()), others)

    @property
    def traits(self) -> Traits:
        return Traits(several_goals=True)


class Budget(Section):
    """earlier: former budgets of a recorded study, from which its first rounds were planned. longest: the epochs of the
    longest round, if `hpsearch extend` has raised trainer.epochs since."""

    epochs: Count = Field(description="epochs of all trials together")
    earlier: tuple[Count, ...] = Field((), strict=False, description="written by hpsearch: the budgets before this one")
    longest: Count | None = Field(None, description="written by hpsearch: trainer.epochs before `hpsearch extend`")


class Recipe(SearchSection):
    """Preflight, learning-rate range test, then rounds that are planned from the learning curves."""

    budgets: ClassVar = ("rounds", "budget", "ranges", "shares")

    method: Literal["recipe"]
    budget: Budget | None = Field(None, description="{ epochs = … }: the rounds are planned from it")
    rounds: tuple[Round, ...] = Field((), strict=False, description="in place of a budget: { trials = …, epochs = … }")
    keep: float = Field(0.5, ge=0, le=1, description="fraction of the trials of a given round that are continued ones")
    top: float = Field(
        0.15, gt=0, le=1, description="fraction of a round's best trials; the next ranges are the box around them"
    )
    margin: float = Field(
        0.1, ge=0, description="added on both sides of that box, as a fraction of the last range's width"
    )
    ranges: Literal["slope", "box"] = Field("slope", description=rounds_of_study.RANGES)
    shares: Literal["gain", "fixed"] = Field("gain", description=rounds_of_study.SHARES)
    promote: bool | None = Field(
        None,
        description="a fixed rule in place of `shares`, with a budget. true: first looks of one epoch, then one in 3 "
        'trials of a rung continues, as in successive halving with promotion. false: as shares = "fixed"',
    )
    preflight: bool = Field(True, description="check first whether the trainer can learn")
    lr_range: bool = Field(True, description="measure first at which learning rates the loss falls")

    def schedules(self, space: Space, epochs: int, unit: str = EPOCH) -> list[Schedule]:
        """The schedules of its rounds: one for each former budget and one for the present."""
        if self.budget is None:
            return [FixedSchedule(self.rounds, self.keep, unit)]
        epochs = self.budget.longest or epochs
        return [self._schedule(one, space, epochs, unit) for one in (*self.budget.earlier, self.budget.epochs)]

    def _schedule(self, budget: int, space: Space, epochs: int, unit: str) -> BudgetSchedule | HalvingSchedule:
        """Where a range may be left, rounds have fixed shares: a first look of one epoch does not show that it must
        be."""
        may_expand = any(not isinstance(one, Choice) and one.expand for one in space.parameters)
        by_gain = self.promote is None and self.shares == "gain" and not may_expand
        if self.promote or by_gain:
            return HalvingSchedule(budget, epochs, unit, by_gain)
        return BudgetSchedule(budget, epochs, unit)

    def forecast(self, space: Space, epochs: int, unit: str = EPOCH, *, restarts: bool = False) -> Iterator[Rung]:
        """Its rounds, if the search ranges do not move. restarts: continued trials train again from epoch 1."""
        schedule = self.schedules(space, epochs, unit)[-1]
        return schedule.forecast(restarts) if isinstance(schedule, HalvingSchedule) else forecast(schedule, restarts)

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        return self.forecast(space, epochs, unit)

    def problems(self, others: OtherTables) -> Problems:
        found = [*self._problems_of_budget(others)]
        yield from found or super().problems(others)

    def _problems_of_budget(self, others: OtherTables) -> Problems:
        if self.budget is None and not self.rounds:
            yield ("search",), "needs one of budget = { epochs = … } and rounds = […]"
        if self.budget is not None and self.rounds:
            yield ("search",), "has both budget = { epochs = … } and rounds = […]: leave one out"
        if self.promote and self.rounds:
            yield ("search", "promote"), "needs budget = { epochs = … }; rounds = […] has fixed numbers of trials"
        if self.budget is not None and others.epochs is not None:
            schedule = self._schedule(self.budget.epochs, others.readable, others.epochs, others.unit)
            if self.budget.epochs < schedule.min_budget:
                each = many(schedule.first().epochs, others.unit)
                wanted = f"at least {MIN_TRIALS} trials of {each} in the first round"
                yield (
                    ("search", "budget", "epochs"),
                    f"must be >= {schedule.min_budget}, {wanted}; got {self.budget.epochs}",
                )

    def changes(self, recorded: Mapping[str, Any]) -> Iterator[str]:
        was, now = recorded["budget"]["epochs"] if "budget" in recorded else None, self.budget and self.budget.epochs
        if (was is None) != (now is None) or (was and now and now < was):
            yield f"search.budget.epochs: was {was or 'absent'}, is {now or 'absent'}"
        yield from rounds_of_study.changed_rounds(recorded, self.rounds)
        yield from rounds_of_study.changed_rules(recorded, self)

    def with_recorded(self, recorded: Mapping[str, Any], before: int = 0, now: int = 0) -> Self:
        """With the former budgets, the oldest first."""
        known = recorded.get("budget")
        self = rounds_of_study.with_recorded_rules(self, recorded)
        if self.budget is None or known is None:
            return self
        earlier = dict.fromkeys([*known.get("earlier", []), known["epochs"]])
        earlier.pop(self.budget.epochs, None)
        longest = known.get("longest") or before
        changed = {"earlier": tuple(earlier), "longest": longest if longest != now else None}
        return self.model_copy(update={"budget": self.budget.model_copy(update=changed)})

    @property
    def epoch_budget(self) -> int | None:
        return None if self.budget is None else self.budget.epochs

    @property
    def traits(self) -> Traits:
        wants = {"wants_preflight": self.preflight, "wants_range_test": self.lr_range}
        return Traits(uses_priors=True, follows_curves=True, **wants)


class Own(SearchSection):
    """The user's own sampler, named by `use`. In Python it is passed to `Study.from_dict` as an object."""

    budgets: ClassVar = ("trials",)
    learns: ClassVar = True

    method: Literal["own"] = "own"
    use: OwnUse = Field(description='"module:Class", the module beside the study file or installed')
    trials: Count | None = Field(None, description="number of trials; default: the sampler decides")
    options: Options = Field({}, description="keyword arguments of the class")

    @property
    def label(self) -> str:
        return self.use

    def rungs(self, space: Space, epochs: int, unit: str = EPOCH) -> Iterable[Rung]:
        if self.trials is not None:
            yield Rung(epochs, 0, self.trials)

    @property
    def related_among(self) -> int | None:
        return self.trials

    @property
    def blind_proposals(self) -> float:
        """1: only the first proposal has an empty history."""
        return 1

    @property
    def traits(self) -> Traits:
        return Traits(several_goals=True, related_first=True)


Search = Annotated[Grid | Random | Bayesian | CoarseToFine | Recipe | FixedList | Own, Field(discriminator="method")]
