"""Sampling and export with Optuna: the only package that imports optuna."""
