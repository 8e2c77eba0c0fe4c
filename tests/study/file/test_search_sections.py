"""What [search] keeps of a recorded study."""

from dataclasses import replace
from typing import Any, ClassVar

import pytest

from hpsearch.core.errors import StudyFileError
from hpsearch.samplers.recipe.search_ranges import numbers
from hpsearch.study.definition import Study

SEARCHES: list[dict[str, Any]] = [
    {"method": "coarse-to-fine", "rounds": [{"trials": 4, "epochs": 1}]},
    {"method": "recipe", "budget": {"epochs": 90}},
]


def study(search: dict[str, Any]) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "recorded", "metric": "val_loss", "goal": "minimize"},
            "trainer": {"use": "trainer:train", "epochs": 9},
            "space": {"lr": {"low": 0.1, "high": 1.0}},
            "search": search,
        }
    )


@pytest.mark.parametrize("search", SEARCHES, ids=lambda one: str(one["method"]))
class TestRanges:
    def rule(self, search: dict[str, Any], recorded: dict[str, Any], **own: str) -> tuple[str, list[str]]:
        """After it was recorded with this table; and what the file may not change."""
        section = study({**search, **own}).search
        kept = section.with_recorded(recorded, 9, 9)
        return kept.model_dump()["ranges"], list(section.changes(recorded))

    def test_a_study_of_an_earlier_version_keeps_its_rule(self, search: dict[str, Any]) -> None:
        recorded = study(search).spec()["search"]
        assert recorded.pop("ranges") == "slope"
        assert self.rule(search, recorded) == ("box", [])
        assert self.rule(search, {**recorded, "ranges": "box"}) == ("box", [])

    def test_a_new_study_keeps_its_own(self, search: dict[str, Any]) -> None:
        recorded = study(search).spec()["search"]
        assert self.rule(search, recorded) == ("slope", [])

    def test_the_rule_of_a_recorded_study_cannot_change(self, search: dict[str, Any]) -> None:
        recorded = study(search).spec()["search"]
        _, refused = self.rule(search, recorded, ranges="box")
        assert len(refused) == 1

    def test_an_identity_has_no_rule(self, search: dict[str, Any]) -> None:
        assert "ranges" not in study(search).identity()["search"]


class TestShares:
    RECIPE: ClassVar[dict[str, Any]] = {"method": "recipe", "budget": {"epochs": 90}}

    def first(self, search: dict[str, Any], *, expand: bool = False, recorded: dict[str, Any] | None = None) -> int:
        """Epochs of a trial in the first round."""
        own = study(search)
        section = own.search if recorded is None else own.search.with_recorded(recorded, 9, 9)
        space = own.space.narrowed({one.key: replace(one, expand=expand) for one in numbers(own.space)})
        return next(one.epochs for one in section.rungs(space, 9))

    def test_first_looks_are_short_where_the_budget_is_divided_by_gains(self) -> None:
        assert self.first(self.RECIPE) == 1
        assert self.first({**self.RECIPE, "shares": "fixed"}) == 2
        assert self.first({**self.RECIPE, "promote": False}) == 2

    def test_ranges_that_may_be_left_have_fixed_shares(self) -> None:
        assert self.first(self.RECIPE, expand=True) == 2

    def test_a_study_of_an_earlier_version_keeps_its_rounds(self) -> None:
        recorded = study(self.RECIPE).spec()["search"]
        assert self.first(self.RECIPE, recorded=recorded) == 1
        del recorded["shares"]
        assert self.first(self.RECIPE, recorded=recorded) == 2
        changed = study({**self.RECIPE, "shares": "gain"}).search.changes(recorded)
        assert len(list(changed)) == 1


class TestPromoteOfTheRecipe:
    def test_its_rounds_are_those_of_successive_halving(self) -> None:
        promoting = study({"method": "recipe", "budget": {"epochs": 90}, "promote": True})
        assert {one.epochs for one in promoting.search.rungs(promoting.space, 9)} == {1, 3, 9}
        assert "promote" not in study({"method": "recipe", "budget": {"epochs": 90}}).spec()["search"]

    def test_given_rounds_cannot_promote(self) -> None:
        rounds = [{"trials": 4, "epochs": 2}]
        with pytest.raises(StudyFileError) as refused:
            study({"method": "recipe", "rounds": rounds, "promote": True})
        assert [fault.key for fault in refused.value.faults] == ["search.promote"]
