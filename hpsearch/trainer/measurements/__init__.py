"""Measures a trial's own training: the steps of its optimizers, the layers of its models, its losses."""
