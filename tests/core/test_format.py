"""Numbers and durations as people read them; what JSON cannot hold becomes null, and nothing else changes."""

import json
import math
from dataclasses import replace

import pytest

from hpsearch.core.format import (
    columns,
    duration,
    finite,
    json_text,
    line,
    many,
    named,
    params_line,
    score,
    size,
    trainer,
    utc_time,
)
from hpsearch.core.trial import ASK_AND_TELL, CALLER, Objective, Report, State, Trial


def test_not_a_number_and_infinities_are_null_at_any_depth() -> None:
    document = {"loss": math.nan, "curve": [{"loss": -math.inf, "step": 1}], "range": (0.5, math.inf), "name": "nan"}
    plain = {"loss": None, "curve": [{"loss": None, "step": 1}], "range": [0.5, None], "name": "nan"}
    assert finite(document) == plain
    assert json.loads(json_text(document)) == json.loads(json_text(document, indent=2)) == plain


def test_a_trainer_that_asks_for_its_trials_has_no_module() -> None:
    assert trainer(ASK_AND_TELL) == CALLER
    assert trainer("mine:train") == "mine:train"


def test_all_else_stays() -> None:
    for value in (None, True, 3, 0.5, -0.0, 1e308, "inf", [], {}):
        assert finite(value) == value
        assert type(finite(value)) is type(value)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.4, "0s"),
        (59.4, "59s"),
        (59.6, "1m00s"),
        (185, "3m05s"),
        (3599.4, "59m59s"),
        (3600, "1h00m"),
        (3725, "1h02m"),
        (90_000, "25h00m"),
    ],
)
def test_a_duration_has_its_two_largest_units(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_a_count_has_its_noun() -> None:
    assert [many(count, "trial") for count in (0, 1, 2)] == ["0 trials", "1 trial", "2 trials"]


def test_of_many_trials_the_first_are_named() -> None:
    assert named([3]) == "trial 3"
    assert named([1, 4, 5]) == "trials 1, 4, 5"
    assert named(list(range(12))) == "trials 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11"
    assert named(list(range(13))) == "trials 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, …"


def test_of_a_number_four_digits_are_read_and_of_a_choice_all() -> None:
    params = {"lr": 0.000123456, "width": 123456, "bias": True, "kind": "resnet", "momentum": 0.9}
    assert params_line(params) == "lr = 0.0001235, width = 123456, bias = True, kind = resnet, momentum = 0.9"


def test_parameters_of_narrow_ranges_have_all_their_digits():
    params = {"a": 0.9000135, "b": 123456.7, "c": 0.2278417192, "d": 1.0, "e": 1.2e-09}
    assert params_line(params) == "a = 0.9000135, b = 123456.7, c = 0.2278, d = 1, e = 1.2e-09"


def test_a_trial_in_one_line() -> None:
    objective = Objective("loss", "minimize")
    trial = Trial(7, {}, 0, 9, State.FAILED, curve=(Report(1, {"loss": 0.123456}),), reason="ValueError: no\nmore")
    assert line(trial, objective) == "trial 7   FAILED    loss 0.1235 at epoch 1  ValueError: no"
    assert score(replace(trial, curve=()), objective) == "no loss"


def test_columns_are_aligned_and_nothing_follows_the_last() -> None:
    assert columns([("a", "bbb", "c"), ("aaaa", "b", "")]) == "a     bbb  c\naaaa  b"


def test_times_are_in_utc() -> None:
    assert utc_time(1_700_000_000_999) == "2023-11-14 22:13:20"


def test_the_size_of_a_file_has_three_digits() -> None:
    assert [size(count) for count in (0, 512, 1536, 301_989_888, 6_000_000_000)] == [
        "0 bytes",
        "512 bytes",
        "1.5 KiB",
        "288 MiB",
        "5.59 GiB",
    ]
    assert [size(count) for count in (1023, 1023 * 2**10, 2**50)] == ["1023 bytes", "1023 KiB", "1024 TiB"]
