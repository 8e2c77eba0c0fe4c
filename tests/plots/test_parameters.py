"""The plots by parameter contain the right data."""

from typing import Any

from hpsearch.core.trial import State
from hpsearch.plots import parameters
from hpsearch.study.space import Choice, Float, Int, Space
from tests.plots.made import LOSS, trial

SPACE = Space(
    (
        Float("lr", 1e-5, 1.0, log=True),
        Int("units", 8, 64, log=True),
        Choice("kind", ("<b>", True)),
        Float("momentum", 0.0, 0.9, when={"kind": ("<b>",)}),
        Float("unused", 0.0, 1.0),
    ),
    {},
)


def drawn() -> dict[str, Any]:
    good = trial(0, 0.5, params={"lr": 0.1, "units": 16, "kind": True})
    lost = trial(1, 0.7, params={"lr": 0.01, "units": 8, "kind": "<b>", "momentum": 0.3}, state=State.PRUNED)
    return dict(parameters.figures([good, lost], LOSS, SPACE))


def test_one_for_each_parameter_that_a_trial_has() -> None:
    assert list(drawn()) == ["lr", "units", "kind", "momentum"]


def test_the_first_of_many_parameters_are_shown() -> None:
    names = [f"p{number}" for number in range(30)]
    ranked = [trial(0, 1.0, params=dict.fromkeys(names, 0.5))]
    space = Space(tuple(Float(name, 0.0, 1.0) for name in names), {})
    assert [name for name, _ in parameters.figures(ranked, LOSS, space)] == names[:24]
    assert "24 of 30" in parameters.caption(ranked, space)


def test_incomplete_trials_are_separate_and_the_best_is_on_top() -> None:
    pruned, others, best = drawn()["lr"].data
    assert (list(pruned.x), list(others.x), list(best.x)) == ([0.01], [0.1], [0.1])
    assert pruned.marker.opacity < others.marker.opacity
    assert list(drawn()["momentum"].data[2].x) == []


def test_the_best_is_never_cut_off() -> None:
    ranked = [trial(number, 0.5 + number / 1000 - (number == 0) / 2, params={"lr": 0.1}) for number in range(9)]
    ((_, figure),) = parameters.figures(ranked, LOSS, Space((Float("lr", 1e-5, 1.0),), {}))
    assert figure.layout.yaxis.range[0] < 0.0


def test_axes() -> None:
    axes = {name: figure.layout.xaxis for name, figure in drawn().items()}
    assert (axes["lr"].type, axes["units"].type, axes["momentum"].type) == ("log", "log", "linear")
    assert {10, 20, 50} <= set(axes["units"].tickvals)
    assert list(axes["kind"].categoryarray) == ["&lt;b&gt;", "True"]


def test_of_thousands_of_trials_the_best_and_a_sample_are_shown() -> None:
    ranked = [trial(number, 1.0 + number, params={"lr": 0.1}) for number in range(2_500)]
    space = Space((Float("lr", 1e-5, 1.0),), {})
    ((_, figure),) = parameters.figures(ranked, LOSS, space)
    assert len(figure.data[1].x) == parameters.MAX_TRIALS
    assert figure.data[1].text[0] == "trial 0"
    assert "1,000 of 2,500" in parameters.caption(ranked, space)


def test_all_of_them_in_one_figure() -> None:
    good = trial(0, 0.5, params={"lr": 0.1, "units": 16, "kind": True})
    lost = trial(1, 0.7, params={"lr": 0.01, "units": 8, "kind": "<b>", "momentum": 0.3}, state=State.PRUNED)
    together = parameters.figure([good, lost], LOSS, SPACE)
    axes = list(together.select_xaxes())
    assert [axis.title.text for axis in axes] == ["lr", "units", "kind", "momentum"]
    assert [axis.type for axis in axes] == ["log", "log", "category", "linear"]
    alone = [figure for _, figure in parameters.figures([good, lost], LOSS, SPACE)]
    assert [list(trace.x) for trace in together.data] == [list(trace.x) for one in alone for trace in one.data]


def test_long_names_and_values_in_one_figure_do_not_reach_into_the_next_picture() -> None:
    names = [f"the_learning_rate_of_{part}_{part}_in_the_warmup" for part in ("backbone", "neck", "head")]
    long = "random crops and horizontal flips"
    space = Space((*(Float(name, 0.0, 1.0) for name in names), Choice("policy", (long, "none"))), {})
    together = parameters.figure([trial(0, 1.0, params={**dict.fromkeys(names, 0.5), "policy": long})], LOSS, space)
    axes = list(together.select_xaxes())
    assert len({axis.title.text for axis in axes}) == 4
    assert max(len(axis.title.text) for axis in axes) <= 34
    assert list(axes[-1].tickvals) == [long, "none"]
    assert max(map(len, axes[-1].ticktext)) <= 17
