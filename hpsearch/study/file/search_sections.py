"""[search]: the search methods, one class each, which has all that the rest of hpsearch needs to know of a method.

A new method is one class here (named in `Search` too), one sampler in `hpsearch/samplers/`, and one line in
`orchestrator/build.py` that makes the sampler from the class.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field

from hpsearch.study.file.kinds import Count, Options, OwnUse, PlainValue, RecordableName
from hpsearch.study.file.sections import Beside, Problems, Section
from hpsearch.study.schedule import FEWEST, BudgetSchedule, FixedSchedule, Rung, Schedule, forecast, part
from hpsearch.study.space import Float, Space

MOST_GRID_POINTS = 100_000


class SearchSection(Section):
    method: str

    budgets: ClassVar[tuple[str, ...]] = ()
    """Keys whose values may be changed when a study is continued."""

    stepwise: ClassVar[bool] = False
    """Whether its trials wait for the decision on an epoch before they train the next."""

    @property
    def label(self) -> str:
        """The name of the method in messages."""
        return self.method

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        """Its rounds, if no limit ends them; a search without rounds is one. epochs: the study's trainer.epochs."""
        raise NotImplementedError

    def changes(self, recorded: Mapping[str, Any]) -> Iterator[str]:
        """Changes that would have changed trials so far, one message each. recorded: this table as it was recorded."""
        yield from ()

    def extending(self, recorded: Mapping[str, Any]) -> Self:
        """With what it needs from the recorded table, so that it proposes the trials so far again."""
        return self

    @property
    def epoch_budget(self) -> int | None:
        """Epochs of all trials together, where rounds are planned from them as results arrive, so that `rungs` is a
        forecast; None where `rungs` is certain."""
        return None

    @property
    def blind_proposals(self) -> float:
        """How many proposals at most do not depend on results."""
        return math.inf

    @property
    def wants_preflight(self) -> bool:
        """Whether a preflight is run where the file has no [preflight]."""
        return False

    @property
    def wants_range_test(self) -> bool:
        """Whether a range test is run where the file has no [lr_range] and searches `lr`."""
        return False


class Grid(SearchSection):
    """Every point of the grid once."""

    method: Literal["grid"]

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        yield Rung(epochs, 0, space.grid_size() or 0)

    def problems(self, beside: Beside) -> Problems:
        if beside.space is None:
            return
        floats = [one for one in beside.space.parameters if isinstance(one, Float) and one.count is None]
        endless = [one.name for one in floats if not one.grid and one.points is None]
        for name in endless:
            yield ("space", name), "a grid needs step = …, grid = […] or points = n, or another search.method"
        points = 0 if endless else beside.space.grid_size()
        if points is None or points > MOST_GRID_POINTS:
            count = f"{points:,} points" if points is not None else "points beyond counting"
            most = f"a grid must have at most {MOST_GRID_POINTS:,} points"
            yield ("search", "method"), f'{most}, got {count}; give fewer values, or use "random"'


class Random(SearchSection):
    """Independent random points."""

    budgets: ClassVar = ("trials",)

    method: Literal["random"]
    trials: Count = Field(description="number of trials")

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        yield Rung(epochs, 0, self.trials)


class Bayesian(SearchSection):
    """Each point proposed from all results so far."""

    budgets: ClassVar = ("trials",)

    method: Literal["bayesian"]
    trials: Count = Field(description="number of trials")
    sampler: Literal["tpe", "gp", "cmaes"] = Field("tpe", description="the sampler: TPE, a Gaussian process or CMA-ES")
    startup_trials: Count = Field(10, description="number of random trials before the first model")

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        yield Rung(epochs, 0, self.trials)

    @property
    def blind_proposals(self) -> float:
        return self.startup_trials


class Round(Section):
    trials: Count = Field(description="number of trials in this round")
    epochs: Count = Field(description="the epoch that each trial is trained to")


class CoarseToFine(SearchSection):
    """Rounds of fewer and longer trials, each in narrower search ranges."""

    budgets: ClassVar = ("rounds",)

    method: Literal["coarse-to-fine"]
    rounds: tuple[Round, ...] = Field(strict=False, min_length=1, description="{ trials = …, epochs = … } each")
    keep: float = Field(0.5, ge=0, le=1, description="fraction of a later round that is continued trials")
    top: float = Field(
        0.25, gt=0, le=1, description="fraction of best trials; the next search ranges are the box around them"
    )
    margin: float = Field(
        0.1, ge=0, description="added on both sides of that box, as a fraction of the last range's width"
    )

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        for one, before in zip(self.rounds, [0, *(one.trials for one in self.rounds)], strict=False):
            survivors = min(part(self.keep, one.trials), before)
            yield Rung(one.epochs, survivors, one.trials - survivors)

    def problems(self, beside: Beside) -> Problems:
        return _problems_of_rounds(self.rounds, beside.epochs)

    def changes(self, recorded: Mapping[str, Any]) -> Iterator[str]:
        return _changed_rounds(recorded, self.rounds)


class ParameterSet(Section):
    params: dict[RecordableName, PlainValue] = Field(description="a value for each parameter that is searched")
    epochs: Count | None = Field(None, description="epochs of its trials; default: trainer.epochs")


class FixedList(SearchSection):
    """Given sets of parameters, each with several seeds; `hpsearch evaluate` uses it for its finalists."""

    budgets: ClassVar = ("sets", "seeds")
    stepwise: ClassVar = True

    method: Literal["list"]
    sets: tuple[ParameterSet, ...] = Field(strict=False, min_length=1, description="{ params = { … } } each")
    seeds: Count = Field(1, description="number of trials of each set, each with another seed")

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        yield Rung(max(one.epochs or epochs for one in self.sets), 0, len(self.sets) * self.seeds)

    def problems(self, beside: Beside) -> Problems:
        space, epochs = beside.space, beside.epochs
        for i, one in enumerate(self.sets):
            path = ("search", "sets", i)
            if epochs is not None and one.epochs is not None and one.epochs > epochs:
                yield (*path, "epochs"), f"must be <= {epochs}, trainer.epochs, got {one.epochs}"
            if space is not None and not space.contains({**space.fixed, **one.params}):
                names = ", ".join(parameter.name for parameter in space.parameters)
                yield (*path, "params"), f"must lie in [space], with a value for each of {names} that is active there"


class Budget(Section):
    """earlier: former budgets of a recorded study, so that its rounds stay the same."""

    epochs: Count = Field(description="epochs of all trials together")
    earlier: tuple[Count, ...] = Field((), strict=False, description="written by hpsearch: the budgets before this one")


class Recipe(SearchSection):
    """Preflight, learning-rate range test, then rounds that follow from the learning curves."""

    budgets: ClassVar = ("rounds", "budget")

    method: Literal["recipe"]
    budget: Budget | None = Field(None, description="{ epochs = … }: the rounds follow from it")
    rounds: tuple[Round, ...] = Field((), strict=False, description="in place of a budget: { trials = …, epochs = … }")
    keep: float = Field(0.5, ge=0, le=1, description="fraction of a given round that is continued trials")
    top: float = Field(
        0.15, gt=0, le=1, description="fraction of a round's best trials; the next ranges are the box around them"
    )
    margin: float = Field(
        0.1, ge=0, description="added on both sides of that box, as a fraction of the last range's width"
    )
    preflight: bool = Field(True, description="check first whether the trainer can learn")
    lr_range: bool = Field(True, description="measure first at which learning rates the loss falls")

    def schedules(self, epochs: int) -> list[Schedule]:
        """The schedules of its rounds: one for each budget that it has had."""
        if self.budget is None:
            return [FixedSchedule(self.rounds, self.keep)]
        return [BudgetSchedule(budget, epochs) for budget in (*self.budget.earlier, self.budget.epochs)]

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        return forecast(self.schedules(epochs)[-1])

    def problems(self, beside: Beside) -> Problems:
        if self.budget is None and not self.rounds:
            yield ("search",), "needs one of budget = { epochs = … } and rounds = […]"
        if self.budget is not None and self.rounds:
            yield ("search",), "has both budget = { epochs = … } and rounds = […]: leave one out"
        yield from _problems_of_rounds(self.rounds, beside.epochs)
        if self.budget is not None and beside.epochs is not None:
            schedule = BudgetSchedule(self.budget.epochs, beside.epochs)
            if self.budget.epochs < schedule.least:
                wanted = f"{FEWEST} trials of {schedule.first().epochs} epochs, which the first round takes at least"
                yield ("search", "budget", "epochs"), f"must be >= {schedule.least}, {wanted}; got {self.budget.epochs}"

    def changes(self, recorded: Mapping[str, Any]) -> Iterator[str]:
        was, now = recorded["budget"]["epochs"] if "budget" in recorded else None, self.budget and self.budget.epochs
        if (was is None) != (now is None) or (was and now and now < was):
            yield f"search.budget.epochs: was {was or 'absent'}, is {now or 'absent'}"
        yield from _changed_rounds(recorded, self.rounds)

    def extending(self, recorded: Mapping[str, Any]) -> Self:
        """With the budgets that it had before, in their order."""
        before = recorded.get("budget")
        if self.budget is None or before is None:
            return self
        earlier = dict.fromkeys([*before.get("earlier", []), before["epochs"]])
        earlier.pop(self.budget.epochs, None)
        return self.model_copy(update={"budget": self.budget.model_copy(update={"earlier": tuple(earlier)})})

    @property
    def epoch_budget(self) -> int | None:
        return None if self.budget is None else self.budget.epochs

    @property
    def wants_preflight(self) -> bool:
        return self.preflight

    @property
    def wants_range_test(self) -> bool:
        return self.lr_range


class Own(SearchSection):
    """A sampler from outside hpsearch, named by `use`. `Study.from_dict` may be given the object itself."""

    budgets: ClassVar = ("trials",)

    method: Literal["own"] = "own"
    use: OwnUse = Field(description='"module:Class", the module beside the study file or installed')
    trials: Count | None = Field(None, description="number of trials; default: until the sampler proposes no more")
    options: Options = Field({}, description="keyword arguments of the class")

    @property
    def label(self) -> str:
        return self.use

    def rungs(self, space: Space, epochs: int) -> Iterable[Rung]:
        if self.trials is not None:
            yield Rung(epochs, 0, self.trials)

    @property
    def blind_proposals(self) -> float:
        """The first proposal is asked for with an empty history, whatever the sampler looks at later."""
        return 1


Search = Annotated[Grid | Random | Bayesian | CoarseToFine | Recipe | FixedList | Own, Field(discriminator="method")]


def _problems_of_rounds(rounds: Sequence[Round], epochs: int | None) -> Problems:
    before = 0
    for i, one in enumerate(rounds):
        path = ("search", "rounds", i, "epochs")
        if one.epochs <= before:
            yield path, f"must be > {before}, the epochs of the round before, got {one.epochs}"
        if epochs is not None and one.epochs > epochs:
            yield path, f"must be <= {epochs}, trainer.epochs, got {one.epochs}"
        before = one.epochs


def _changed_rounds(recorded: Mapping[str, Any], rounds: Sequence[Round]) -> Iterator[str]:
    """Additional rounds, and more trials in the last one, extend a study. Other rounds cannot change: later ones depend
    on their results."""
    before, after = recorded.get("rounds", []), [one.model_dump(mode="json") for one in rounds]
    for i, was in enumerate(before):
        now = after[i] if i < len(after) else {}
        is_larger = i == len(before) - 1 and now.get("epochs") == was["epochs"] and now["trials"] > was["trials"]
        if now != was and not is_larger:
            yield f"search.rounds.{i}: was {was}, is {now or 'absent'}"
