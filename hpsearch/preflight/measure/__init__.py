"""Measures a trainer before a search begins, in the worker's process; preflight/judge/ judges the measurements.

The user's trainer runs from its start, instrumented: the losses that it calls backward on, the steps of its optimizer,
the models that it passes to `run.track`. A measurement changes nothing but what its documentation names.
"""
