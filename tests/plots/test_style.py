"""Labels, axis ranges and samples of the plots."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from hpsearch.plots.style import evenly, label, spread


@pytest.mark.parametrize(("count", "most"), [(3, 5), (5, 5), (100, 7), (0, 3)])
def test_evenly(count: int, most: int) -> None:
    chosen = evenly(range(count), most)
    assert len(chosen) == min(count, most)
    assert chosen == sorted(set(chosen))
    assert chosen[:1] == list(range(count))[:1]


def test_spread_of_one_value_is_the_browsers() -> None:
    assert spread([1.0]) is None


def test_a_label_is_shown_letter_for_letter_without_its_password() -> None:
    assert (
        label("<b>1 & 2</b> at postgresql://me:secret@host")
        == "&lt;b&gt;1 &amp; 2&lt;/b&gt; at postgresql://me:***@host"
    )


def test_a_library_that_another_thread_is_importing_is_waited_for(tmp_path: Path) -> None:
    """MLflow imports pandas on a thread of its own while a study begins, and plotly looks for it in sys.modules."""
    (tmp_path / "pandas.py").write_text("import time; time.sleep(1.0)\nclass Series: ...\nclass Index: ...\n")
    code = """
import sys, threading, time
threading.Thread(target=__import__, args=("pandas",)).start()
while "pandas" not in sys.modules:
    time.sleep(0.01)
from hpsearch.plots import style
import plotly.graph_objects as go
go.Figure(go.Scatter(x=[1, 2], y=[3, 4])).update_layout(xaxis={"domain": [0.0, 1.0]})
assert hasattr(sys.modules["pandas"], "Series")
"""
    path = os.pathsep.join([str(tmp_path), *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": path}, check=True)
