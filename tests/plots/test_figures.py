"""Which plots a study has, and that they are safe in HTML."""

from hpsearch.core.trial import Objective, Report, State, Trial
from hpsearch.plots import figures
from hpsearch.study.space import Choice, Space
from tests.plots.made import LOSS, trial

NO_SPACE = Space((), {})


def test_nothing_to_show() -> None:
    assert figures.study([], [], LOSS, NO_SPACE, {}) == []
    assert figures.study([], [trial(0, state=State.FAILED)], LOSS, NO_SPACE, {}) == []


def test_only_plots_with_data() -> None:
    drawn = figures.study([trial(0, 0.5)], [], LOSS, NO_SPACE, {"preflight": {}})
    assert [one.name for one in drawn] == ["curves", "anytime"]


def test_a_figure_cannot_close_its_html_element() -> None:
    bad = "</script><script>alert(1)</script>"
    space = Space((Choice(bad, (bad, "b")),), {})
    tried = Trial(0, {bad: bad}, 0, 1, curve=(Report(1, {bad: 0.5}),))
    drawn = figures.study([tried], [], Objective(bad, "minimize"), space, {})
    assert drawn
    assert all("<" not in one.figure for one in drawn)
