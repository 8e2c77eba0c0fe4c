"""Optuna's side of a study: the only room that imports optuna."""
