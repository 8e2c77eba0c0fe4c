"""A lock, so that only one thread at a time imports large libraries."""

from threading import RLock

IMPORT_LOCK = RLock()
"""Hold it to import MLflow, Optuna or Plotly, or to call what makes them import more (drawing a figure, `ask`), where
several threads run: the loop, the tracker and a slow sampler.

If two threads import at once, one of them can get a partially initialized module: where imports are circular, or where
a library reads sys.modules, as Plotly does for pandas, which MLflow imports.
"""
