"""Plots. Only this package imports plotly."""
