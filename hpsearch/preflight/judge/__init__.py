"""Judges the measurements of a preflight: pure functions."""
