"""Measures a trainer before a search begins, in the worker's process: what it does is judged elsewhere (recipe).

A probe trains with the real trainer, from its real beginning, and listens: to the losses that it calls backward on, to
its optimizer's steps, to the model that it has named to `run.track`. It changes nothing but what it says it changes.
"""
