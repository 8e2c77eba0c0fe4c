"""Plots, made from values: the only package that imports plotly."""
