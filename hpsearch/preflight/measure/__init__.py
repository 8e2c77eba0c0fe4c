"""Measures a trainer before a search begins, in the worker's process; preflight/judge/ says what the numbers mean.

The real trainer trains from its real beginning, instrumented: the losses that it calls backward on, its optimizer's
steps, the models that it names to `run.track`. Nothing is changed beside what a measurement says it changes.
"""
