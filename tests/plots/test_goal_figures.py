"""Plots of a study with several goals."""

from hpsearch.core.goals import Goal
from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.plots import figures
from hpsearch.plots.goal_figures import front_figure, hypervolumes
from hpsearch.study.space import Float, Space

TWO = Objective("loss", "minimize", others=(Goal("speed", "maximize"),))


def trial(number: int, loss: float, speed: float) -> Trial:
    curve = (Report(1, {"loss": loss, "speed": speed}),)
    return Trial(number, {"x": 0.5}, 0, 1, State.COMPLETE, curve=curve, ended=number + 1)


TRIALS = [trial(0, 0.9, 1.0), trial(1, 0.5, 3.0), trial(2, 0.7, 2.0), trial(3, 0.1, 2.0), trial(4, 0.95, 5.0)]


def test_the_hypervolume_never_falls() -> None:
    found = hypervolumes(TRIALS, TRIALS, TWO)
    assert [epochs for epochs, _, _ in found] == [1, 2, 3, 4, 5]
    volumes = [volume for _, volume, _ in found]
    assert volumes == sorted(volumes)
    assert volumes[1] == volumes[2] < volumes[3] < 1
    assert hypervolumes(TRIALS, [], TWO) == []


def test_the_front_is_a_trace_of_its_own() -> None:
    dominated, front = front_figure(TRIALS, TWO).data
    assert set(map(int, front.text)) == {1, 3, 4}
    assert set(map(int, dominated.text)) == {0, 2}


def test_a_report_has_both() -> None:
    space = Space((Float("x", 0.0, 1.0),))
    names = [plot.name for plot in figures.study(TWO.ranked(TRIALS), (), TWO, space, {})]
    assert {"hypervolume", "front"} <= set(names)
    one = Objective("loss", "minimize")
    assert "hypervolume" not in [plot.name for plot in figures.study(one.ranked(TRIALS), (), one, space, {})]
