"""The plot of rounds contains the right data; its look is not tested."""

from typing import Any

import pytest

from hpsearch.plots import rounds as of_rounds
from hpsearch.plots.figures import pages


def trial(number: int, lr: float, value: float | None, continued: bool = False) -> dict[str, Any]:
    return {"trial": number, "continued": continued, "value": value, "params": {"lr": lr, "momentum": None}}


def story(*rounds: list[dict[str, Any]]) -> dict[str, Any]:
    windows = [{"name": "lr", "low": 1e-4, "high": 1.0}, {"name": "momentum", "low": 0.0, "high": 0.9}]
    entries = [
        {
            "number": n,
            "epochs": 3 * n,
            "windows": windows,
            "trials": trials,
            "best": {"trial": trials[0]["trial"], "value": trials[0]["value"]},
        }
        for n, trials in enumerate(rounds, 1)
    ]
    return {
        "metric": "val_loss",
        "log": {"lr": True, "momentum": False},
        "rounds": entries,
        "over": "the budget is spent",
    }


@pytest.mark.parametrize("count", [1, 2, 7])
def test_a_row_for_every_round(count: int) -> None:
    content = story(*[[trial(0, 0.1, 0.5), trial(1, 0.2, 0.7)]] * count)
    html = pages({"rounds": content}, whole=False)["rounds.html"]
    assert all(f"round {number}" in html for number in range(1, count + 1))
    assert content["over"] in html
    assert "val_loss" in html


def test_trials_without_a_value_or_the_parameter_are_left_out() -> None:
    figure = of_rounds.figure(story([trial(0, 0.1, 0.5), trial(1, 0.2, None), trial(2, 0.3, 0.9, continued=True)]))
    drawn = {trace.name: list(trace.x) for trace in figure.data if trace.xaxis == "x"}
    assert drawn == {"earlier rounds": [None], "new": [0.1], "continued": [0.3], "best of the round": [0.1]}
    assert all(list(trace.x) == [None] for trace in figure.data if trace.xaxis == "x2")


def test_one_bad_trial_does_not_flatten_the_others() -> None:
    trials = [trial(number, 0.1, 0.5 + number / 100) for number in range(20)]
    figure = of_rounds.figure(story([*trials, trial(20, 0.1, 1e9)]))
    low, high = figure.layout.yaxis.range
    assert low < 0.5
    assert 0.7 < high < 2


def test_a_round_without_a_result() -> None:
    nothing = story([trial(0, 0.1, None)])
    nothing["rounds"][0]["best"] = None
    assert "round 1" in pages({"rounds": nothing}, whole=False)["rounds.html"]


def test_the_best_is_never_cut_off() -> None:
    trials = [trial(0, 0.1, 0.1), *(trial(number, 0.1, 0.5 + number / 1000) for number in range(1, 9))]
    low, _ = of_rounds.figure(story(trials)).layout.yaxis.range
    assert low < 0.1


def test_an_axis_of_less_than_three_decades_has_more_than_one_tick() -> None:
    content = story([trial(0, 20.0, 0.5), trial(1, 90.0, 0.7)])
    content["rounds"][0]["windows"][0] |= {"low": 16, "high": 256}
    assert {20, 50, 100, 200} <= set(of_rounds.figure(content).layout.xaxis.tickvals)
