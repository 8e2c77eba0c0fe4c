"""Figures from values: the only room that imports plotly."""
