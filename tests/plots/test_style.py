"""Labels, axis ranges and samples of the plots."""

import pytest

from hpsearch.plots.style import evenly, label, spread


@pytest.mark.parametrize(("count", "most"), [(3, 5), (5, 5), (100, 7), (0, 3)])
def test_evenly(count: int, most: int) -> None:
    chosen = evenly(range(count), most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert chosen[:1] == list(range(count))[:1]


def test_one_value_has_no_range() -> None:
    assert spread([1.0]) is None


def test_a_label_is_escaped_and_redacted() -> None:
    assert (
        label("<b>1 & 2</b> at postgresql://me:secret@host")
        == "&lt;b&gt;1 &amp; 2&lt;/b&gt; at postgresql://me:***@host"
    )
