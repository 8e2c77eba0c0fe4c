"""One thread at a time imports large libraries."""

from threading import RLock

IMPORTING = RLock()
"""Held by whatever imports MLflow, Optuna or Plotly, or may make them import more (a picture, an ask), where several
threads run: the loop, the tracker and a slow sampler.

Python lets two threads import at once and gives one of them a module that the other has not finished: where imports are
circular, or where a library looks into sys.modules, as Plotly does for pandas, which MLflow imports.
"""
