"""Measures a trainer before a search begins, in the worker's process. preflight/judge/ judges the measurements.

The user's trainer runs from its start. Instrumentation observes the losses on which it calls backward, the steps of its
optimizer, and the models that it passes to `run.track`. Each measurement documents what it changes in the training.
"""
