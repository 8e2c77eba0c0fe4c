"""Recorded rules that stay because the study file has no key for them."""

from typing import Any

import pytest

from hpsearch.records.kept_rules import note_of
from hpsearch.study.definition import Study


def study(**about: Any) -> Study:
    return Study.from_dict(
        {
            "study": {"name": "kept", "metric": "val_loss", "goal": "minimize", **about},
            "trainer": {"use": "trainer:train", "epochs": 3},
            "space": {"x": {"low": 0.1, "high": 1.0}},
            "search": {"method": "random", "trials": 2},
        }
    )


@pytest.mark.parametrize(
    ("recorded", "now", "named"),
    [
        ({"trial_seeds": "different"}, {}, True),
        ({"trial_seeds": "same"}, {}, False),
        ({"trial_seeds": "different"}, {"trial_seeds": "different"}, False),
    ],
)
def test_a_rule_is_named_if_the_default_is_another(recorded: dict[str, Any], now: dict[str, Any], named: bool) -> None:
    in_file = study(**now)
    kept = in_file.with_recorded_rules(study(**recorded).spec())
    assert kept.study.trial_seeds == recorded["trial_seeds"]
    assert ("study.trial_seeds" in note_of(in_file, kept)) == named
