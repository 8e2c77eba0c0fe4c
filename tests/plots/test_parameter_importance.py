"""The picture of importance says what it rests on."""

from typing import Any

from hpsearch.plots.parameter_importance import figure

FOUND: dict[str, Any] = {
    "shares": {"lr": 0.75, "<b>": 0.25},
    "trials": 20,
    "complete": 8,
    "among_the_best": 5,
    "having": {"lr": 20, "<b>": 7},
    "constant": ("batch_size",),
}


def test_a_bar_for_each_parameter_the_longest_on_top() -> None:
    drawn = figure(FOUND)
    (bar,) = drawn.data
    assert (list(bar.y), list(bar.x)) == (["lr", "&lt;b&gt;"], [0.75, 0.25])
    assert drawn.layout.yaxis.autorange == "reversed"


def test_the_title_has_the_number_of_trials() -> None:
    said = figure(FOUND).layout.title.text.replace("<br>", " ")
    assert "From 20 trials (8 complete, 12 pruned or paused)" in said
    assert "&lt;b&gt; in 7 of 20 trials" in said
    assert "batch_size" in said


def test_the_title_without_conditional_parameters() -> None:
    plain = {**FOUND, "complete": 20, "having": {"lr": 20}, "constant": ()}
    said = figure(plain).layout.title.text.replace("<br>", " ")
    assert said == "From 20 trials (20 complete): how far the best 5 differ from all (PED-ANOVA)."
