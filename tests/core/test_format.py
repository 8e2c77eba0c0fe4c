"""What JSON cannot hold becomes null, and nothing else changes."""

import json
import math

from hpsearch.core.format import finite, json_text


def test_not_a_number_and_infinities_are_null_at_any_depth() -> None:
    document = {"loss": math.nan, "curve": [{"loss": -math.inf, "step": 1}], "range": (0.5, math.inf), "name": "nan"}
    plain = {"loss": None, "curve": [{"loss": None, "step": 1}], "range": [0.5, None], "name": "nan"}
    assert finite(document) == plain
    assert json.loads(json_text(document)) == json.loads(json_text(document, indent=2)) == plain


def test_all_else_stays() -> None:
    for value in (None, True, 3, 0.5, -0.0, 1e308, "inf", [], {}):
        assert finite(value) == value
        assert type(finite(value)) is type(value)
