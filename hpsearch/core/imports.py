"""A lock, so that only one thread at a time imports large libraries."""

from threading import RLock

IMPORT_LOCK = RLock()
"""Hold it while importing MLflow, Optuna or Plotly, or calling code in which they import more (drawing a figure,
`ask`), in code that runs beside other threads: the loop, the tracker and a slow sampler.

If two threads import at once, one of them can get a partially initialized module. This happens if imports are circular,
or if a library reads sys.modules: Plotly looks there for pandas, which MLflow imports.
"""
