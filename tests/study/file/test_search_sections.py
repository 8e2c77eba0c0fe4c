"""What [search] keeps of a recorded study."""

from typing import Any

import pytest

from hpsearch.core.errors import StudyFileError
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
